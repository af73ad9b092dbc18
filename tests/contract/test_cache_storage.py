"""What every storage of the cache server must do, whatever it is made of.

A new storage joins by one line in STORAGES: a function from an empty folder, a limit in bytes and
a listener to a storage that starts empty; `s3` and `tiered` want an empty bucket besides. Those
with a limit of their own are in BOUNDED.
"""

import hashlib
import threading

import pytest

from cache_server.keys import BlobKey
from cache_server.storage.disk import DiskStorage
from cache_server.storage.memory import MemoryStorage
from cache_server.storage.protocol import Mismatch, NoRoom
from cache_server.storage.s3 import S3Storage
from cache_server.storage.s3_line import Line
from cache_server.storage.tiered import TieredStorage

LIMIT = 64 * 4096
BOUNDED = {
    "memory": lambda _, limit, tell: MemoryStorage(limit, tell),
    "disk": lambda folder, limit, tell: DiskStorage(folder / "store", limit, tell),
}


class Quiet:
    """Nobody listens to how S3 does."""

    def call(self, *_):
        pass

    def trouble(self, *_):
        pass


def in_bucket(bucket, tell):
    return S3Storage(bucket.store(20.0), Line("S3", Quiet()), tell)


def tiered(folder, limit, tell, bucket):
    return TieredStorage(BOUNDED["disk"](folder, limit, tell), in_bucket(bucket, tell))


STORAGES = BOUNDED | {"s3": lambda _, __, tell, bucket: in_bucket(bucket, tell), "tiered": tiered}


def key_of(content):
    return BlobKey(hashlib.sha256(content).hexdigest(), len(content))


def put(storage, content, piece=1 << 20):
    upload = storage.create(key_of(content))
    for start in range(0, len(content), piece):
        upload.append(content[start : start + piece])
    upload.commit()
    return key_of(content)


def action(name):
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture
def told():
    """What the storage did unasked: (event, name)."""
    return []


@pytest.fixture(
    params=[
        *BOUNDED,
        *(
            pytest.param(name, marks=pytest.mark.xdist_group("seaweed"))
            for name in STORAGES
            if name not in BOUNDED
        ),
    ]
)
def storage(request, tmp_path, told):
    more = () if request.param in BOUNDED else (request.getfixturevalue("seaweed").corner(),)
    storage = STORAGES[request.param](
        tmp_path, LIMIT, lambda event, name, _: told.append((event, name)), *more
    )
    yield storage
    storage.close()


@pytest.fixture(params=sorted(BOUNDED))
def bounded(request, tmp_path, told):
    storage = BOUNDED[request.param](
        tmp_path, LIMIT, lambda event, name, _: told.append((event, name))
    )
    yield storage
    storage.close()


def test_an_empty_storage_has_nothing(storage):
    """Asking is no error."""
    blob = key_of(b"x")
    assert storage.present([blob, ("0" * 64, 3)]) == [False, False]
    assert storage.present([]) == []
    assert storage.fetch(blob) is None
    assert storage.open(blob) is None
    assert storage.load(action("a")) is None
    assert storage.usage().entries == 0


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("content", [b"x", b"\0" * 100, bytes(range(256)) * 3])
def test_a_blob_comes_back_as_it_was_put(storage, content, piece):
    """However it was cut on its way in; whole and in pieces."""
    blob = put(storage, content, piece)
    assert storage.present([blob]) == [True]
    assert storage.fetch(blob) == content
    source = storage.open(blob)
    assert source.read(0, 1 << 20) == content
    assert source.read(len(content) - 1, 5) == content[-1:]
    assert source.read(len(content), 5) == b""
    source.close()
    source.close()


def test_a_large_blob_comes_back_piece_by_piece(storage):
    """More than is written to a disk at once."""
    content = bytes(200) * 1000
    blob = put(storage, content, 9_999)
    assert storage.fetch(blob) == content


def test_the_size_is_part_of_the_identity(storage):
    """The right hash with another size is another blob, which is not here."""
    blob = put(storage, b"abc")
    other = BlobKey(blob.hash, 4)
    assert storage.present([other, blob]) == [False, True]
    assert storage.fetch(other) is None
    assert storage.open(other) is None


@pytest.mark.parametrize("sent", [b"abd", b"ab", b""])
def test_bytes_that_are_not_the_digests_are_not_kept(storage, sent):
    """Another content, or one that is too short."""
    upload = storage.create(key_of(b"abc"))
    upload.append(sent)
    with pytest.raises(Mismatch):
        upload.commit()
    assert storage.present([key_of(b"abc")]) == [False]
    assert storage.usage().used == 0


def test_too_many_bytes_are_noticed_at_once(storage):
    """Before they are taken."""
    upload = storage.create(key_of(b"abc"))
    with pytest.raises(Mismatch):
        upload.append(b"abcd")
    upload.discard()
    upload.discard()
    assert storage.usage().used == 0


def test_a_discarded_upload_leaves_nothing(bounded):
    """No bytes, no room taken, and the blob may be sent again."""
    upload = bounded.create(key_of(b"abc"))
    upload.append(b"ab")
    assert upload.offset == 2
    assert bounded.usage().used == 2
    upload.discard()
    assert bounded.usage().used == 0
    assert bounded.fetch(put(bounded, b"abc")) == b"abc"


def test_two_uploads_of_one_blob_both_succeed(storage):
    """Neither sees the other."""
    first, second = storage.create(key_of(b"abc")), storage.create(key_of(b"abc"))
    for upload in (first, second):
        upload.append(b"abc")
    first.commit()
    second.commit()
    assert storage.fetch(key_of(b"abc")) == b"abc"


def test_the_last_action_result_saved_counts(storage):
    """Empty ones are results too."""
    for payload in (b"", b"first", b"2"):
        storage.save(action("a"), payload)
        assert storage.load(action("a")) == payload
    assert storage.load(action("b")) is None


def test_an_action_result_and_a_blob_of_one_name_do_not_meet(storage):
    """They are kept apart."""
    blob = put(storage, b"abc")
    assert storage.load(blob.hash) is None
    storage.save(blob.hash, b"result")
    assert storage.fetch(blob) == b"abc"
    for size in range(-1, 100):
        asked = [(f"a{blob.hash}", size), (f"action {blob.hash}", size)]
        assert storage.present(asked) == [False, False]


def test_the_least_recently_used_goes_first(bounded, told):
    """Asking whether a blob is here counts as use."""
    blobs = [put(bounded, bytes([number]) * 4096 * 16) for number in range(4)]
    assert bounded.present(blobs[:1]) == [True]
    late = put(bounded, b"9" * 4096 * 16)
    assert bounded.present([*blobs, late]) == [True, False, True, True, True]
    assert told == [("evicted", blobs[1].hash)]


def test_the_limit_is_never_passed(bounded):
    """Not even by what is on its way."""
    for number in range(40):
        put(bounded, number.to_bytes(2, "big") * 4096 * (number % 7 + 1))
        bounded.save(action(str(number)), b"r" * number)
        assert bounded.usage().used <= LIMIT
    uploads = [bounded.create(key_of(bytes([number]) * LIMIT)) for number in range(2)]
    uploads[0].append(bytes(LIMIT // 2))
    uploads[1].append(b"\1" * (LIMIT // 2))
    assert bounded.usage().used <= LIMIT
    with pytest.raises(NoRoom):
        uploads[1].append(b"\1")
    for upload in uploads:
        upload.discard()
    assert bounded.usage().used == 0


def test_what_can_never_fit_is_refused_at_once(bounded):
    """And nothing is evicted for it."""
    blob = put(bounded, b"abc")
    with pytest.raises(NoRoom):
        bounded.create(BlobKey("0" * 64, LIMIT + 1))
    with pytest.raises(NoRoom):
        bounded.save(action("a"), bytes(LIMIT + 1))
    assert bounded.present([blob]) == [True]


def test_an_evicted_blob_that_is_being_read_is_read_to_its_end(bounded):
    """Eviction does not cut a stream off."""
    content = b"old" * 10_000
    source = bounded.open(put(bounded, content))
    put(bounded, b"n" * (LIMIT - 4096))
    assert bounded.present([key_of(content)]) == [False]
    assert source.read(0, 1 << 20) == content
    source.close()


def test_many_threads_at_once_agree(storage):
    """Each finds what it put, or that it was evicted; never something else."""
    wrong = []

    def work(seed):
        for number in range(30):
            content = f"{seed} {number % 11} ".encode() * 1000
            blob = put(storage, content, 3_000)
            found = storage.fetch(blob)
            if found not in {content, None}:
                wrong.append(blob)
            storage.save(action(str(number)), content[:9])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    usage = storage.usage()
    assert usage.used <= LIMIT


def test_batches_say_of_each_part_how_it_went(storage):
    """The sound ones are kept, in any company."""
    contents = [bytes([number]) * (number * 50 + 1) for number in range(40)]
    parts = [(key_of(content), content) for content in contents]
    parts[3] = (parts[3][0], b"other bytes")
    parts[7] = (BlobKey(parts[7][0].hash, 5), contents[7])
    errors = storage.keep_all(parts)
    assert [place for place, error in enumerate(errors) if error is not None] == [3, 7]
    assert all(isinstance(error, Mismatch) for error in (errors[3], errors[7]))
    found = storage.fetch_all([key_of(content) for content in contents])
    assert found == [None if n in {3, 7} else content for n, content in enumerate(contents)]
    assert storage.fetch_all([]) == storage.keep_all([]) == []


def test_results_are_saved_and_loaded_many_at_once(storage):
    """In the order asked for; names that were never saved among them."""
    many = [(action(str(number)), b"payload %d" % number) for number in range(30)]
    assert storage.save_all(many) == [None] * 30
    names = [action("never"), *(name for name, _ in reversed(many))]
    assert storage.load_all(names) == [None, *(payload for _, payload in reversed(many))]
