"""What real clients were seen to do, and how they must fare: Bazel, moon, Pants and others."""

import uuid

import pytest
import zstandard

from affected.reapi.byte_stream_pb2 import WriteRequest
from affected.reapi.remote_execution_pb2 import ActionResult, Digest
from cache_server.auth import Scope

OLD_METADATA = "google.devtools.remoteexecution.v1test.requestmetadata-bin"
EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def fresh(size=40):
    """Content that no other test has."""
    return uuid.uuid4().bytes * (size // 16 + 1)


def test_an_action_digest_may_point_at_anything_or_nothing(client):
    """Moon's names a manifest of its own that is no Action; it need not be there at all."""
    manifest = b'{"hash": "not a protobuf message", "id": "' + fresh() + b'"}'
    client.put(manifest)
    for action in (client.digest_of(manifest), client.digest_of(fresh())):
        client.update(action, ActionResult(stdout_raw=b"out", exit_code=0))
        assert client.get(action).stdout_raw == b"out"


def test_a_batch_limit_is_advertised_that_no_client_exceeds_unwarned(client):
    """0 would mean none, and clients then send more than gRPC lets in."""
    limit = client.capabilities().cache_capabilities.max_batch_total_size_bytes
    assert 0 < limit <= 4 * 1024 * 1024 - 1024


def test_a_batch_over_the_limit_is_answered_and_not_cut_off(client, refused):
    """INVALID_ARGUMENT by the server, not RESOURCE_EXHAUSTED by gRPC."""
    content = bytes(5 * 1024 * 1024)
    with refused("INVALID_ARGUMENT"):
        client.batch_update([(client.digest_of(content), content, 0)])
    with refused("INVALID_ARGUMENT"):
        client.batch_read([Digest(hash="1" * 64, size_bytes=5 * 1024 * 1024)])


def test_the_empty_blob_is_always_there_and_never_stored(client, served):
    """Every client asks for it; moon and Pants send it too."""
    empty = client.digest_of(b"")
    assert empty.hash == EMPTY_HASH
    entries = served.storage.usage().entries
    assert client.missing([empty]) == []
    assert [a.status.code for a in client.batch_update([(empty, b"", 0)])] == [0]
    answer = client.batch_read([empty])[0]
    assert (answer.status.code, answer.data) == (0, b"")
    assert client.read(client.name_of(b"")) == b""
    packed = client.read(client.name_of(b"", "compressed-blobs/zstd"))
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == b""
    assert (
        client.write([WriteRequest(resource_name=client.upload_name(b""), finish_write=True)]) == 0
    )
    action = client.digest_of(fresh())
    client.update(action, ActionResult(stderr_digest=empty))
    assert client.get(action).stderr_digest == empty
    assert served.storage.usage().entries == entries + 1


@pytest.mark.parametrize("before", ["", "/", "main/", "/main/", "team/a/"])
def test_resource_names_may_start_with_a_slash(client, write_messages, before):
    """Moon sends one when the instance name is empty."""
    content = fresh(3000)
    name = client.upload_name(content, before=before)
    assert client.write(write_messages(name, content)) == len(content)
    assert client.read(before + client.name_of(content)) == content


@pytest.mark.parametrize("repeat", [True, False])
def test_later_messages_may_repeat_the_name_or_leave_it_out(client, write_messages, repeat):
    """Pants and casd repeat it, Bazel and moon do not."""
    content = fresh(5000)
    name = client.upload_name(content)
    assert client.write(write_messages(name, content, repeat=repeat)) == len(content)
    assert client.read(client.name_of(content)) == content


def test_names_may_go_on_after_the_size(client, write_messages):
    """The interface lets clients add what they like to the name of an upload."""
    content = fresh()
    name = client.upload_name(content) + "/some/file.o"
    assert client.write(write_messages(name, content)) == len(content)


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({"tool": ("pants", "2.17"), "key": OLD_METADATA}, "pants"),
        ({"tool": ("bazel", "")}, "bazel"),
        ({}, ""),
    ],
)
def test_the_tool_is_known_by_either_header_or_not_at_all(served, refused, options, seen):
    """Pants uses the header's old name, moon sends none."""
    instance = f"tools-{seen or 'none'}"
    with refused("NOT_FOUND"):
        served.client(**options).get(Digest(hash="2" * 64, size_bytes=1), instance_name=instance)
    labels = {"instance": instance, "client": seen, "outcome": "miss"}
    registry = served.metrics.registry
    assert registry.get_sample_value("affected_cache_lookups_total", labels) == 1


def test_metadata_that_is_no_message_does_no_harm(served):
    """It is only for logs."""
    client = served.client()
    client.metadata = [("build.bazel.remote.execution.v2.requestmetadata-bin", b"\xff\xff\xff")]
    assert client.capabilities().high_api_version.major == 2


def test_a_client_that_sends_no_header_on_some_calls_is_told_plainly(
    serve, refused, tokens, writer
):
    """Bazel 2.1 leaves it out on GetCapabilities and Write; anonymous reading lets it read."""
    content = fresh()
    strict = serve(tokens=tokens, anonymous=None)
    with refused("UNAUTHENTICATED") as failed:
        strict.client().capabilities()
    assert "bearer token is needed" in failed.value.details()
    open_to_readers = serve(tokens=tokens, anonymous=Scope.READ)
    open_to_readers.client(token=writer).put(content)
    client = open_to_readers.client()
    assert (
        not client.capabilities().cache_capabilities.action_cache_update_capabilities.update_enabled
    )
    assert client.read(client.name_of(content)) == content
    with refused("PERMISSION_DENIED"):
        client.batch_update([(client.digest_of(b"x"), b"x", 0)])


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        (None, False),
        (("moon", "2.5"), False),
        (("bazel", "7.1.0"), False),
        (("bazel", "6.0.0"), False),
        (("bazel", "4.2.3"), True),
        (("bazel", ""), True),
    ],
)
def test_a_reader_is_told_so_unless_it_would_stop_there(serve, refused, tokens, reader, tool, told):
    """Bazel before 6 fails at update_enabled = false, but only warns when a write is refused."""
    client = serve(tokens=tokens, anonymous=None).client(token=reader, tool=tool)
    cache = client.capabilities().cache_capabilities
    assert cache.action_cache_update_capabilities.update_enabled is told
    with refused("PERMISSION_DENIED"):
        client.update(client.digest_of(b"a"), ActionResult(exit_code=0))


def test_symlinks_that_lead_nowhere_are_kept(client):
    """Moon fails on them at its own end; they are outputs like others."""
    action = client.digest_of(fresh())
    result = ActionResult()
    result.output_symlinks.add(path="out/link", target="nowhere/at/all")
    result.output_file_symlinks.add(path="out/old", target="../up")
    client.update(action, result)
    assert client.get(action) == result


def test_a_result_may_come_before_its_blobs_and_is_served_when_they_are_there(client, refused):
    """Uploads of several actions overlap."""
    action, content = client.digest_of(fresh()), fresh()
    result = ActionResult()
    result.output_files.add(path="out", digest=client.digest_of(content))
    client.update(action, result)
    with refused("NOT_FOUND"):
        client.get(action)
    client.put(content)
    assert client.get(action) == result


@pytest.mark.parametrize(("place", "answer"), [("blobs", 4000), ("compressed-blobs/zstd", -1)])
def test_a_blob_that_exists_is_answered_before_it_is_sent(client, place, answer):
    """With its whole size, or -1 for a compressed stream; the rest is not waited for."""
    content = uuid.uuid4().bytes * 250
    client.put(content)

    def endless():
        yield WriteRequest(resource_name=client.upload_name(content, place), data=b"")
        for offset in range(10_000_000):
            yield WriteRequest(write_offset=offset, data=b"x")

    assert client.write(endless()) == answer


def test_one_write_for_six_bytes_and_one_of_many_small_messages(client, write_messages):
    """Bazel streams even the smallest blob; moon sends compressed streams in tiny pieces."""
    small = fresh()[:6]
    assert client.write(write_messages(client.upload_name(small), small)) == 6
    content = fresh(20_000)
    packed = zstandard.ZstdCompressor().compress(content)
    name = client.upload_name(content, "compressed-blobs/zstd")
    assert client.write(write_messages(name, packed, piece=7)) == len(content)
    assert client.read(client.name_of(content)) == content


@pytest.mark.parametrize("function", [0, 1])
def test_the_digest_function_may_be_named_or_not(client, function):
    """Moon says SHA256, all others say nothing."""
    (digest,) = client.put(fresh())
    assert client.missing([digest], digest_function=function) == []
    assert client.batch_read([digest], digest_function=function)[0].status.code == 0
