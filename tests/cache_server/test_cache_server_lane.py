"""The quick way through gRPC: all kinds of calls, at once, cut off, slow, broken; and without it."""

import os
import threading
import time
import uuid

import pytest

from affected.reapi.byte_stream_pb2 import WriteRequest, WriteResponse
from affected.reapi.remote_execution_pb2 import ActionResult
from cache_server import lane
from cache_server.services import encoding

STREAM = "/google.bytestream.ByteStream/"
CAS = "/build.bazel.remote.execution.v2.ContentAddressableStorage/"
LARGE = 3 << 20


def fresh(size):
    return os.urandom(size)


def all_kinds(client, write_messages):
    """One call of each kind, small and large."""
    small, large = fresh(100), fresh(LARGE)
    client.put(small)
    assert client.write(write_messages(client.upload_name(large), large, 1 << 18)) == LARGE
    action = client.digest_of(fresh(8))
    client.update(action, ActionResult(stdout_raw=small))
    assert client.get(action).stdout_raw == small
    assert client.capabilities().high_api_version.major == 2
    assert client.missing([client.digest_of(small), action]) == [action]
    assert client.batch_read([client.digest_of(small)])[0].data == small
    assert client.read(client.name_of(small)) == small
    assert client.read(client.name_of(large)) == large
    assert client.read(client.name_of(large), LARGE - 5, 3) == large[-5:-2]
    assert client.status(client.upload_name(large)).complete
    assert [len(tree.directories) for tree in client.tree(client.digest_of(b""))] == [1]
    assert client.look_up() == []


def test_the_installed_grpc_has_what_the_lane_needs(served, client, write_messages):
    """So that an upgrade that changes its insides is noticed here, not by a slow server."""
    assert served.server._lane is not None
    all_kinds(client, write_messages)


def test_without_the_lane_everything_is_served_all_the_same(serve, monkeypatch, write_messages):
    """Where gRPC's insides are other ones."""
    monkeypatch.setattr(lane, "cygrpc", None)
    served = serve()
    assert served.server._lane is None
    all_kinds(served.client(), write_messages)


def test_calls_of_all_kinds_at_once_get_their_own_answers(served, write_messages):
    """Several connections, many threads."""
    failures = []

    def work():
        client = served.client()
        try:
            for _ in range(3):
                all_kinds(client, write_messages)
        except Exception as trouble:  # noqa: BLE001  (told below)
            failures.append(trouble)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_client_that_pauses_between_messages_holds_up_nobody(client, write_messages):
    """Others are served meanwhile, and it is when it goes on."""
    content = fresh(5000)
    goes_on = threading.Event()

    def messages():
        for number, message in enumerate(
            write_messages(client.upload_name(content), content, 2500)
        ):
            if number:
                goes_on.wait(10)
            yield message

    waiting = client.start_write(messages())
    client.put(fresh(10))
    time.sleep(5 * lane.UNDECIDED_SECONDS)  # the pause itself: the lane must have given up waiting
    client.put(fresh(10))
    goes_on.set()
    assert waiting.result().committed_size == 5000


def test_a_client_that_waits_for_the_answer_before_it_ends_its_stream_gets_one(client):
    """A blob that is here is answered after the first message, though none follows."""
    content = fresh(3000)
    client.put(content)
    answered = threading.Event()

    def messages():
        yield WriteRequest(resource_name=client.upload_name(content), data=content[:10])
        answered.wait(10)

    waiting = client.start_write(messages())
    assert waiting.result().committed_size == 3000
    answered.set()


def ended(served):
    """Reads that are over, however they ended."""
    name = "affected_cache_call_seconds_count"
    labels = [{"method": "Read", "code": code} for code in ("OK", "CANCELLED")]
    return sum(served.metrics.registry.get_sample_value(name, one) or 0 for one in labels)


def test_a_read_that_nobody_takes_any_more_ends(served, client, write_messages, eventually):
    """Cancelled, or out of time with the client's window full; its file is closed."""
    content = fresh(8 << 20)
    client.write(write_messages(client.upload_name(content), content, 1 << 20))
    request = b"\n" + bytes([len(client.name_of(content))]) + client.name_of(content).encode()
    call = client.channel.unary_stream(STREAM + "Read", bytes, bytes)
    before = ended(served)
    open_files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  (names alone)
    cancelled = call(request)
    next(cancelled)
    cancelled.cancel()
    late = call(request, timeout=0.2)
    next(late)
    eventually(lambda: ended(served) == before + 2)
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= open_files)  # noqa: PTH208
    assert client.read(client.name_of(content)) == content


@pytest.mark.parametrize("method", [CAS + "FindMissingBlobs", STREAM + "Read", STREAM + "Write"])
def test_bytes_that_are_no_message_are_refused_and_nothing_else_suffers(client, refused, method):
    """The connection lives on."""
    garbage = b"\xff\xff\xff\xff"
    with refused("INTERNAL"):
        if method.endswith("Write"):
            client.channel.stream_unary(method, bytes, bytes)(iter([garbage]), timeout=10)
        elif method.endswith("Read"):
            list(client.channel.unary_stream(method, bytes, bytes)(garbage, timeout=10))
        else:
            client.channel.unary_unary(method, bytes, bytes)(garbage, timeout=10)
    client.put(fresh(10))


def test_a_stream_without_a_message_is_refused(client, refused):
    """It names nothing."""
    with refused("INVALID_ARGUMENT"):
        client.write([])


@pytest.mark.parametrize("size", [0, 10, 70_000, 200_000])
@pytest.mark.parametrize("finish", [True, False])
def test_a_write_request_is_read_as_protobuf_reads_it(size, finish):
    """Fields in any order or twice, unknown ones, numbers of any size, names of any letters."""
    message = WriteRequest(
        resource_name="uploads/ä/x", write_offset=3 << 40, finish_write=finish, data=bytes(size)
    )
    one, other = message.SerializeToString(), WriteRequest(write_offset=1).SerializeToString()
    unknown = WriteResponse(committed_size=7).SerializeToString() + b"\x2a\x01x"
    negative = WriteRequest(write_offset=-1).SerializeToString()
    for content in (one, one + other, other + one, one + unknown, negative, one[:-1] or b"", b""):
        try:
            expected = WriteRequest.FromString(content)
        except Exception as trouble:  # noqa: BLE001  (protobuf's own)
            with pytest.raises(type(trouble)):
                encoding.write_request(content)
            continue
        read = encoding.write_request(content)
        for name in ("resource_name", "write_offset", "finish_write", "data"):
            assert getattr(read, name) == getattr(expected, name)


def test_digests_are_written_as_protobuf_writes_them(client):
    """Sizes from nothing to many digits."""
    blobs = [
        (client.digest_of(uuid.uuid4().bytes).hash, size) for size in (0, 1, 127, 128, 1 << 40)
    ]
    from affected.reapi.remote_execution_pb2 import (  # noqa: PLC0415
        Digest,
        FindMissingBlobsResponse,
    )

    message = FindMissingBlobsResponse(
        missing_blob_digests=[Digest(hash=name, size_bytes=size) for name, size in blobs]
    )
    assert encoding.digests(2, blobs) == message.SerializeToString()
