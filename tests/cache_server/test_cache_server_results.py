"""Action results: served when whole, inlined when asked, kept apart by instance."""

import os

import pytest
from support.stored import damage

from affected.reapi.remote_execution_pb2 import ActionResult, Digest, Directory, Tree
from cache_server import validate

ABSENT = Digest(hash="5" * 64, size_bytes=3)


@pytest.fixture
def action(client):
    return client.digest_of(os.urandom(20))


def test_a_result_that_was_never_kept_is_not_found(client, refused, action):
    """Nor is one of another size or instance."""
    with refused("NOT_FOUND"):
        client.get(action)
    client.update(action, ActionResult(exit_code=1), instance_name="one")
    assert client.get(action, instance_name="one").exit_code == 1
    assert client.get(action, instance_name="/one/").exit_code == 1
    for digest, instance in [
        (action, "two"),
        (action, ""),
        (Digest(hash=action.hash, size_bytes=action.size_bytes + 1), "one"),
    ]:
        with refused("NOT_FOUND"):
            client.get(digest, instance_name=instance)


def test_the_last_result_counts_and_an_empty_one_is_one(client, action):
    """A pass without outputs serialises to nothing."""
    client.update(action, ActionResult(exit_code=3))
    client.update(action, ActionResult())
    assert client.get(action) == ActionResult()


def with_file(digest):
    result = ActionResult()
    result.output_files.add(path="out", digest=digest)
    return result


def with_tree(client, tree):
    result = ActionResult()
    result.output_directories.add(path="out", tree_digest=client.digest_of(tree))
    return result


@pytest.mark.parametrize(
    "result",
    [
        with_file(ABSENT),
        ActionResult(stdout_digest=ABSENT),
        ActionResult(stderr_digest=ABSENT),
    ],
)
def test_a_result_is_not_served_while_a_blob_that_it_names_is_absent(
    client, refused, action, result
):
    """Output files, standard output and error."""
    client.update(action, result)
    with refused("NOT_FOUND"):
        client.get(action)


def test_a_result_is_not_served_when_its_blob_was_lost_later(client, served, refused, action):
    """And is again when the blob came back."""
    content = os.urandom(30)
    (digest,) = client.put(content)
    client.update(action, with_file(digest))
    assert client.get(action) == with_file(digest)
    damage(served.folder, content, b"?" * 30)
    assert client.batch_read([digest])[0].status.code == 5
    with refused("NOT_FOUND"):
        client.get(action)
    client.put(content)
    assert client.get(action) == with_file(digest)


def test_trees_count_with_all_that_they_name(client, refused, action):
    """The Tree itself, files of its root, files of its children."""
    first, second = os.urandom(30), os.urandom(30)
    tree = Tree()
    tree.root.files.add(name="a", digest=client.digest_of(first))
    tree.children.add().files.add(name="b", digest=client.digest_of(second))
    content = tree.SerializeToString()
    result = with_tree(client, content)
    client.update(action, result)
    for missing in (content, first, second):
        with refused("NOT_FOUND"):
            client.get(action)
        client.put(missing)
    assert client.get(action) == result


def test_a_tree_that_is_none_makes_the_result_not_found(client, refused, action):
    """Its files cannot be known."""
    noise = b"\xff" + os.urandom(20)
    client.put(noise)
    client.update(action, with_tree(client, noise))
    with refused("NOT_FOUND"):
        client.get(action)


def test_root_directories_count_with_all_that_is_below_them(client, refused, action):
    """The other way to name a folder: Directory blobs that name each other."""
    file = os.urandom(30)
    below = Directory()
    below.files.add(name="f", digest=client.digest_of(file))
    root = Directory()
    root.directories.add(name="below", digest=client.digest_of(below.SerializeToString()))
    result = ActionResult()
    result.output_directories.add(
        path="out", root_directory_digest=client.digest_of(root.SerializeToString())
    )
    client.update(action, result)
    for missing in (root.SerializeToString(), below.SerializeToString(), file):
        with refused("NOT_FOUND"):
            client.get(action)
        client.put(missing)
    assert client.get(action) == result


def test_what_is_asked_for_is_inlined(client, action):
    """Standard output and error, and output files by path; nothing else."""
    out, err, first, second = (os.urandom(30) for _ in range(4))
    digests = client.put(out, err, first, second)
    result = ActionResult(stdout_digest=digests[0], stderr_digest=digests[1])
    result.output_files.add(path="first", digest=digests[2])
    result.output_files.add(path="second", digest=digests[3])
    client.update(action, result)
    assert client.get(action) == result
    found = client.get(
        action, inline_stdout=True, inline_stderr=True, inline_output_files=["second", "none"]
    )
    assert (found.stdout_raw, found.stderr_raw) == (out, err)
    assert [file.contents for file in found.output_files] == [b"", second]


def test_what_is_too_large_is_not_inlined(client, action):
    """The reply must stay a message that any client takes."""
    digests = client.put(bytes(validate.INLINE_LIMIT + 1), os.urandom(30))
    client.update(action, ActionResult(stdout_digest=digests[0], stderr_digest=digests[1]))
    found = client.get(action, inline_stdout=True, inline_stderr=True)
    assert len(found.stdout_raw) == 0
    assert len(found.stderr_raw) == 30


def test_content_that_comes_inlined_with_its_digest_becomes_a_blob(client, action):
    """So one call brings a small result, and any client can fetch the blobs."""
    content, out = os.urandom(30), os.urandom(30)
    result = ActionResult(stdout_raw=out, stdout_digest=client.digest_of(out))
    result.output_files.add(path="out", digest=client.digest_of(content), contents=content)
    client.update(action, result)
    assert client.missing([client.digest_of(content), client.digest_of(out)]) == []
    found = client.get(action)
    assert (found.stdout_raw, found.output_files[0].contents) == (b"", b"")
    found = client.get(action, inline_stdout=True, inline_output_files=["out"])
    assert (found.stdout_raw, found.output_files[0].contents) == (out, content)


def test_raw_output_without_a_digest_stays_in_the_result(client, action):
    """It is part of it."""
    client.update(action, ActionResult(stdout_raw=b"all well"))
    assert client.get(action).stdout_raw == b"all well"


@pytest.mark.parametrize("there", [True, False])
def test_inlined_content_of_another_digest_is_refused(client, refused, action, there):
    """Whether the blob is here or not."""
    content = os.urandom(30)
    if there:
        client.put(content)
    result = ActionResult(stdout_raw=b"x" * 30, stdout_digest=client.digest_of(content))
    with refused("INVALID_ARGUMENT"):
        client.update(action, result)


@pytest.mark.parametrize(
    "result",
    [
        with_file(Digest(hash="short", size_bytes=1)),
        with_file(Digest()),
        ActionResult(stdout_digest=Digest(hash="6" * 64, size_bytes=-1)),
        ActionResult(stdout_raw=bytes(validate.BATCH_LIMIT)),
    ],
)
def test_results_that_are_wrong_are_refused(client, refused, action, result):
    """Digests that are none, and results too large to be sent back."""
    with refused("INVALID_ARGUMENT"):
        client.update(action, result)


def test_action_digests_that_are_wrong_are_refused(client, refused):
    """By both methods."""
    for digest in (Digest(), Digest(hash="x" * 64, size_bytes=1)):
        with refused("INVALID_ARGUMENT"):
            client.get(digest)
        with refused("INVALID_ARGUMENT"):
            client.update(digest, ActionResult(exit_code=1))
    with refused("INVALID_ARGUMENT"):
        client.get(ABSENT, digest_function=9)


def test_a_result_that_is_asked_for_keeps_its_blobs_in_use(serve, refused):
    """The least recently used go first, and asking for a result is a use of what it names."""
    client = serve(limit=1 << 20).client()
    kept, other = (client.put(os.urandom(200_000))[0] for _ in range(2))
    action = client.digest_of(b"action")
    client.update(action, with_file(kept))
    for _ in range(6):
        assert client.get(action) == with_file(kept)
        client.put(os.urandom(200_000))
    assert client.missing([kept, other]) == [other]
