"""Blobs as streams: any part of them, plain or zstd, uploads that were cut off and go on."""

import os
import threading

import grpc
import pytest
import zstandard

from affected.reapi.byte_stream_pb2 import WriteRequest
from affected.reapi.remote_execution_pb2 import Digest
from cache_server.services.uploads import MOST_WAITING, PATIENCE_SECONDS, Waiting
from cache_server.storage.memory import MemoryStorage

ZSTD = "compressed-blobs/zstd"
ABSENT = Digest(hash="3" * 64, size_bytes=3)


def fresh(size=40):
    """Content that no other test has, incompressible."""
    return os.urandom(size)


def packed(content):
    return zstandard.ZstdCompressor().compress(content)


def unpacked(content):
    return zstandard.ZstdDecompressor().decompressobj().decompress(content)


# ---- reading streams -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(client, write_messages):
    """A blob of more than two messages."""
    content = fresh(1000) * 2500
    assert client.write(write_messages(client.upload_name(content), content, 1 << 20)) == 2_500_000
    return content


@pytest.mark.parametrize(
    ("offset", "limit"), [(0, 0), (1, 0), (0, 1), (999_999, 1_500_000), (2_500_000, 0), (5, 10**9)]
)
def test_any_part_of_a_blob_can_be_read(client, large, offset, limit):
    """From an offset, up to a limit, to the end; nothing at the end."""
    expected = large[offset : offset + limit] if limit else large[offset:]
    assert client.read(client.name_of(large), offset, limit) == expected


@pytest.mark.parametrize("offset", [0, 1, 2_000_000, 2_500_000])
def test_compressed_reads_start_at_a_plain_offset(client, large, offset):
    """The stream is one zstd frame of the rest."""
    assert unpacked(client.read(client.name_of(large, ZSTD), offset)) == large[offset:]


@pytest.mark.parametrize(
    ("place", "offset", "limit", "code"),
    [
        ("blobs", -1, 0, "OUT_OF_RANGE"),
        ("blobs", 2_500_001, 0, "OUT_OF_RANGE"),
        ("blobs", 0, -1, "INVALID_ARGUMENT"),
        (ZSTD, 0, 1, "INVALID_ARGUMENT"),
        ("compressed-blobs/brotli", 0, 0, "INVALID_ARGUMENT"),
        ("blobs/blake3", 0, 0, "INVALID_ARGUMENT"),
    ],
)
def test_reads_that_are_wrong_are_refused(client, refused, large, place, offset, limit, code):
    """Each with the interface's code."""
    with refused(code):
        client.read(client.name_of(large, place), offset, limit)


@pytest.mark.parametrize("name", ["", "/", "blobs", "blobs/x/y", "x/blobs/", "uploads/1/blobs"])
def test_names_that_name_nothing_are_refused(client, refused, name):
    """For reading, writing and asking."""
    for call in (client.read, client.status):
        with refused("INVALID_ARGUMENT"):
            call(name)
    with refused("INVALID_ARGUMENT"):
        client.write([WriteRequest(resource_name=name, finish_write=True)])


@pytest.mark.parametrize("place", ["blobs", ZSTD])
def test_reading_what_is_not_here_is_not_found(client, refused, place):
    """Also when the hash is known with another size."""
    with refused("NOT_FOUND"):
        client.read(f"{place}/{ABSENT.hash}/3")


# ---- writing streams -------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["blobs", ZSTD])
def test_a_stream_whose_bytes_are_another_blobs_is_refused(client, refused, write_messages, place):
    """Wrong content, too short, too long."""
    content = fresh(3000)
    for sent in (fresh(3000), content[:-1], content + b"x"):
        name = client.upload_name(content, place)
        with refused("INVALID_ARGUMENT"):
            client.write(write_messages(name, packed(sent) if place == ZSTD else sent))
        with refused("NOT_FOUND"):
            client.status(name)
    assert client.missing([client.digest_of(content)]) == [client.digest_of(content)]


def test_a_compressed_stream_that_is_no_zstd_or_a_bomb_is_refused(client, refused, write_messages):
    """Nothing of it is kept, and no more than the digest's size is ever unpacked."""
    content = fresh(3000)
    for sent in (content, packed(bytes(200_000_000))):
        with refused("INVALID_ARGUMENT"):
            client.write(write_messages(client.upload_name(content, ZSTD), sent))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda _, part: [WriteRequest(write_offset=0, data=part)],
        lambda *_: [],
        lambda name, part: [WriteRequest(resource_name=name, write_offset=5, data=part)],
        lambda name, part: [
            WriteRequest(resource_name=name, data=part[:5]),
            WriteRequest(write_offset=4, data=part[5:], finish_write=True),
        ],
        lambda name, part: [
            WriteRequest(resource_name=name, data=part[:5]),
            WriteRequest(resource_name=name + "x", write_offset=5, data=part[5:]),
        ],
        lambda name, part: [
            WriteRequest(resource_name=name, data=part, finish_write=True),
            WriteRequest(write_offset=len(part), data=b"x"),
        ],
    ],
)
def test_streams_that_break_the_rules_are_refused(client, refused, wrong):
    """No name, no message, a gap, an overlap, another name, bytes after the end."""
    content = fresh()
    with refused("INVALID_ARGUMENT"):
        client.write(wrong(client.upload_name(content), content))


@pytest.mark.parametrize("place", ["blobs", ZSTD])
def test_an_upload_that_was_left_goes_on_where_it_was(client, write_messages, refused, place):
    """The server says how much it has; the client sends the rest, as a new zstd stream."""
    content = fresh(10_000)
    name = client.upload_name(content, place)
    send = packed if place == ZSTD else bytes
    with refused("NOT_FOUND"):
        client.status(name)
    first = client.write(write_messages(name, send(content[:6000]), finish=False))
    status = client.status(name)
    assert status.committed_size == first == 6000
    assert not status.complete
    with refused("INVALID_ARGUMENT"):
        client.write(write_messages(name, send(content[7000:]), start=7000))
    assert client.status(name).committed_size == 6000
    assert client.write(write_messages(name, send(content[6000:]), start=6000)) == 10_000
    status = client.status(name)
    assert (status.committed_size, status.complete) == (10_000, True)
    assert client.read(client.name_of(content)) == content


def test_an_upload_may_start_over(client, write_messages):
    """What was sent before is forgotten."""
    content = fresh(5000)
    name = client.upload_name(content)
    client.write(write_messages(name, b"x" * 3000, finish=False))
    assert client.write(write_messages(name, content)) == 5000
    assert client.read(client.name_of(content)) == content


def test_an_upload_whose_client_went_away_waits(client, served, eventually):
    """A cancelled call leaves what had come."""
    content = fresh(5000)
    name = client.upload_name(content)
    over = threading.Event()

    def slow():
        yield WriteRequest(resource_name=name, data=content[:3000])
        over.wait(10)

    before = served.storage.usage().used
    call = client.start_write(slow())
    eventually(lambda: served.storage.usage().used == before + 3000)
    call.cancel()
    over.set()

    def waits():
        try:
            return client.status(name).committed_size == 3000
        except grpc.RpcError:
            return False

    eventually(waits)
    last = WriteRequest(
        resource_name=name, write_offset=3000, data=content[3000:], finish_write=True
    )
    assert client.write([last]) == 5000


def test_waiting_uploads_are_few_and_do_not_wait_for_ever(key_of):
    """The oldest goes when there are too many, all go when nobody came."""
    clock = [0.0]
    storage = MemoryStorage(1 << 20, lambda *_: None)
    waiting = Waiting(lambda: clock[0])
    for number in range(MOST_WAITING + 1):
        upload = storage.create(key_of(b"abc"))
        upload.append(b"ab")
        waiting.park(f"upload {number}", upload)
    assert waiting.offset("upload 0") is None
    assert waiting.offset("upload 1") == 2
    longer, shorter = storage.create(key_of(b"abc")), storage.create(key_of(b"abc"))
    longer.append(b"abc")
    shorter.append(b"a")
    waiting.park("upload 1", longer)
    waiting.park("upload 1", shorter)
    assert waiting.offset("upload 1") == 3
    clock[0] = PATIENCE_SECONDS + 1
    assert waiting.take("upload 1") is None
    assert storage.usage().used == 0
