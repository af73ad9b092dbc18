"""Blobs over the wire: which are missing, batches, damage, trees, and the codes of errors."""

import hashlib
import os
import uuid

import pytest
import zstandard
from support.stored import damage

from affected.reapi.remote_execution_pb2 import Digest, Directory
from cache_server import validate

ABSENT = Digest(hash="3" * 64, size_bytes=3)


def fresh(size=40):
    """Content that no other test has, incompressible."""
    return os.urandom(size)


def packed(content):
    return zstandard.ZstdCompressor().compress(content)


def unpacked(content):
    return zstandard.ZstdDecompressor().decompressobj().decompress(content)


# ---- which are missing -----------------------------------------------------------------------


def test_missing_blobs_are_told_in_the_order_asked_for(client):
    """Present ones and the empty one are left out; a wrong size is another blob."""
    (here,) = client.put(fresh())
    wrong = Digest(hash=here.hash, size_bytes=here.size_bytes + 1)
    other = Digest(hash="4" * 64, size_bytes=1)
    asked = [other, here, ABSENT, client.digest_of(b""), wrong, other]
    assert client.missing(asked) == [other, ABSENT, wrong, other]
    assert client.missing([]) == []


@pytest.mark.parametrize("fields", [{"instance_name": "a/b"}, {"instance_name": ""}])
def test_blobs_are_shared_by_all_instances(client, fields):
    """Content is its own name."""
    (here,) = client.put(fresh())
    assert client.missing([here], **fields) == []


@pytest.mark.parametrize(
    "digest",
    [
        Digest(hash="3" * 63, size_bytes=3),
        Digest(hash="A" * 64, size_bytes=3),
        Digest(hash="", size_bytes=0),
        Digest(hash="3" * 64, size_bytes=-1),
        Digest(hash="../../../../etc/passwd", size_bytes=3),
    ],
)
def test_a_digest_that_is_none_is_refused_everywhere(client, refused, digest):
    """Upper case, too short, empty, a path, a negative size."""
    for call in (client.missing, client.batch_read):
        if call is client.missing:
            with refused("INVALID_ARGUMENT"):
                call([digest])
    assert client.batch_read([digest])[0].status.code == 3
    assert client.batch_update([(digest, b"abc", 0)])[0].status.code == 3
    with refused("INVALID_ARGUMENT"):
        client.tree(digest)
    with refused("INVALID_ARGUMENT"):
        client.read(f"blobs/{digest.hash}/{digest.size_bytes}")


@pytest.mark.parametrize("function", [2, 9, 77])
def test_other_digest_functions_are_refused(client, refused, function):
    """Only SHA-256 is advertised."""
    for call in (client.missing, client.batch_read):
        with refused("INVALID_ARGUMENT"):
            call([ABSENT], digest_function=function)


@pytest.mark.parametrize("instance", ["blobs", "a/uploads", "actions/b"])
def test_an_instance_name_cannot_hold_a_reserved_word(client, refused, instance):
    """Resource names would be read in two ways."""
    with refused("INVALID_ARGUMENT"):
        client.missing([ABSENT], instance_name=instance)


# ---- batches ---------------------------------------------------------------------------------


def test_each_blob_of_a_batch_has_its_own_status(client, served):
    """Good ones are kept, those that are not their digest's are not."""
    good, bad = fresh(), fresh()
    answers = client.batch_update(
        [
            (client.digest_of(good), good, 0),
            (client.digest_of(bad), good, 0),
            (client.digest_of(bad), bad + b"x", 0),
            (client.digest_of(bad), b"", 0),
            (client.digest_of(bad), bad, 2),
        ]
    )
    assert [answer.status.code for answer in answers] == [0, 3, 3, 3, 3]
    assert client.missing([client.digest_of(good), client.digest_of(bad)]) == [
        client.digest_of(bad)
    ]
    found = client.batch_read([client.digest_of(bad), client.digest_of(good)])
    assert [(answer.status.code, answer.data) for answer in found] == [(5, b""), (0, good)]
    assert served.storage.usage().used == served.storage.usage().entries * 4096


def test_batches_go_compressed_in_both_directions(client):
    """Out only where that was acceptable and makes it smaller."""
    content, small = uuid.uuid4().bytes * 1000, fresh()
    noise = fresh(5000)
    answers = client.batch_update(
        [(client.digest_of(part), packed(part), 1) for part in (content, small, noise)]
    )
    assert [answer.status.code for answer in answers] == [0, 0, 0]
    digests = [client.digest_of(part) for part in (content, small, noise)]
    plain = client.batch_read(digests)
    assert [(a.compressor, a.data) for a in plain] == [(0, content), (0, small), (0, noise)]
    thin = client.batch_read(digests, acceptable_compressors=[0, 1])
    assert [answer.compressor for answer in thin] == [1, 0, 0]
    assert unpacked(thin[0].data) == content


@pytest.mark.parametrize("damage", ["garbage", "cut", "other", "bomb"])
def test_compressed_bytes_that_are_wrong_are_not_kept(client, damage, served):
    """Not zstd, cut off, another blob's, or far more than the digest says."""
    content = fresh(3000)
    sent = {
        "garbage": b"no zstd at all",
        "cut": packed(content)[:-10],
        "other": packed(fresh(3000)),
        "bomb": packed(bytes(100_000_000)),
    }[damage]
    before = served.storage.usage()
    answer = client.batch_update([(client.digest_of(content), sent, 1)])[0]
    assert answer.status.code == 3
    assert served.storage.usage() == before


def test_what_does_not_fit_is_told_by_its_status(serve):
    """RESOURCE_EXHAUSTED for that blob alone."""
    client = serve(limit=1 << 20).client()
    large, small = bytes(1 << 21), fresh()
    answers = client.batch_update([(client.digest_of(x), x, 0) for x in (large, small)])
    assert [answer.status.code for answer in answers] == [8, 0]


# ---- damage ----------------------------------------------------------------------------------


def test_a_damaged_blob_is_never_served(client, served, refused):
    """It is missing, its file is put away, metrics count it, and it may be sent again."""
    content = fresh()
    (digest,) = client.put(content)
    damage(served.folder, content, fresh())
    assert client.batch_read([digest])[0].status.code == 5
    with refused("NOT_FOUND"):
        client.read(client.name_of(content))
    assert client.missing([digest]) == [digest]
    assert (served.folder / "quarantine" / digest.hash).exists()
    labels = {"event": "quarantined"}
    counted = served.metrics.registry.get_sample_value(
        "affected_cache_storage_events_total", labels
    )
    assert counted >= 1
    client.put(content)
    assert client.read(client.name_of(content)) == content


# ---- trees -----------------------------------------------------------------------------------


def folder(files=(), below=()):
    made = Directory()
    for name, digest in files:
        made.files.add(name=name, digest=digest)
    for name, inside in below:
        content = inside.SerializeToString()
        digest = Digest(hash=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
        made.directories.add(name=name, digest=digest)
    return made


@pytest.fixture
def tree():
    """Five folders: a root, two below, one below both, one that is never uploaded."""
    mark = uuid.uuid4().hex
    deep = folder([(f"deep-{mark}", ABSENT)])
    gone = folder([(f"gone-{mark}", ABSENT)])
    left = folder([(f"left-{mark}", ABSENT)], [("deep", deep)])
    right = folder([(f"right-{mark}", ABSENT)], [("deep", deep), ("gone", gone)])
    root = folder([(f"root-{mark}", ABSENT)], [("left", left), ("right", right)])
    return root, left, right, deep


def test_a_tree_gives_each_folder_once_and_what_is_here(client, tree):
    """What is absent is left out."""
    root = client.put(*(part.SerializeToString() for part in tree))[0]
    (page,) = client.tree(root)
    assert list(page.directories) == list(tree)
    assert page.next_page_token == ""


def test_a_tree_comes_in_pages_that_can_be_gone_on_from(client, tree, refused):
    """Each page names the next."""
    root = client.put(*(part.SerializeToString() for part in tree))[0]
    pages = client.tree(root, page_size=3)
    assert [len(page.directories) for page in pages] == [3, 1]
    rest = client.tree(root, page_token=pages[0].next_page_token)
    assert [list(page.directories) for page in rest] == [[tree[3]]]
    with refused("INVALID_ARGUMENT"):
        client.tree(root, page_token="mine")  # noqa: S106
    with refused("INVALID_ARGUMENT"):
        client.tree(root, page_size=-1)


def test_a_tree_without_its_root_is_not_found(client, refused):
    """Also when the root's blob is no folder."""
    with refused("NOT_FOUND"):
        client.tree(ABSENT)
    (noise,) = client.put(b"\xff" * 20)
    with refused("NOT_FOUND"):
        client.tree(noise)


def test_limits_leave_room_for_messages():
    """Of what clients take by default."""
    assert validate.BATCH_LIMIT + 32 * 1024 < 4 * validate.MIB < validate.RECEIVE_LIMIT
