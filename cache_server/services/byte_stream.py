"""ByteStream: blobs of any size as streams, plain or zstd. Unaware of how they are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc

from affected.reapi.byte_stream_pb2 import (
    QueryWriteStatusRequest,
    QueryWriteStatusResponse,
    ReadRequest,
    WriteRequest,
    WriteResponse,
)
from cache_server import validate
from cache_server.auth import Scope
from cache_server.keys import EMPTY, Resource, read_resource, write_resource
from cache_server.metrics import Metrics
from cache_server.services import encoding, zstd
from cache_server.services.calls import Caller, Desk
from cache_server.services.uploads import Transfer, Waiting
from cache_server.storage.memory import MemorySource
from cache_server.storage.protocol import BlobStorage, Source
from cache_server.validate import Refusal

Message = WriteRequest | encoding.Write


class CutOff(Refusal):
    """The client went away in the middle of a stream; nobody is told."""


class ByteStreamService:
    """`google.bytestream.ByteStream`."""

    NAME = "google.bytestream.ByteStream"

    def __init__(self, storage: BlobStorage, metrics: Metrics, waiting: Waiting) -> None:
        self._storage = storage
        self._metrics = metrics
        self._waiting = waiting

    def handlers(self, desk: Desk) -> dict[str, grpc.RpcMethodHandler[Any, bytes]]:
        """Its methods, for gRPC."""
        return {
            "Read": desk.answers("Read", Scope.READ, ReadRequest.FromString, self.read),
            "Write": desk.requests("Write", Scope.READ_WRITE, encoding.write_request, self.write),
            "QueryWriteStatus": desk.unary(
                "QueryWriteStatus", Scope.READ, QueryWriteStatusRequest.FromString, self.status
            ),
        }

    def read(self, request: ReadRequest, _: Caller) -> Iterator[bytes]:
        """The blob from an offset on; NOT_FOUND when it is not here."""
        wanted = read_resource(request.resource_name)
        start, end = validate.span(
            wanted.blob.size, request.read_offset, request.read_limit, compressed=wanted.compressed
        )
        if wanted.blob == EMPTY:
            source: Source = MemorySource(b"")
        else:
            found = self._storage.open(wanted.blob)
            if found is None:
                raise Refusal("NOT_FOUND", f"no blob {wanted.blob.hash}/{wanted.blob.size}")
            source = found
        self._metrics.sent(end - start)
        if wanted.compressed:
            yield from map(framed, zstd.deflated(pieces_of(source, start, end)))
        else:
            yield from pieces_of(source, start, end, framing)

    def write(self, requests: Iterator[Message], _: Caller) -> WriteResponse:
        """Keep the blob. One that is here already is answered at once."""
        first = next(requests, None)
        if first is None or not first.resource_name:
            raise Refusal("INVALID_ARGUMENT", "the first message names no resource")
        name = first.resource_name
        wanted = write_resource(name)
        if wanted.blob == EMPTY or self._storage.present([wanted.blob])[0]:
            return WriteResponse(committed_size=-1 if wanted.compressed else wanted.blob.size)
        if is_whole(first, wanted):
            self._keep(first, requests, wanted)
            return WriteResponse(committed_size=wanted.blob.size)
        transfer = self._begin(name, wanted, first.write_offset)
        committed = parked = False
        try:
            committed = receive(transfer, first, requests, name)
            if committed:
                self._metrics.received(wanted.blob.size)
            parked = not committed
        except CutOff:
            parked = True
            raise
        finally:
            if parked:
                self._waiting.park(name, transfer.upload)
            elif not committed:
                transfer.upload.discard()
        return WriteResponse(committed_size=transfer.upload.offset)

    def _keep(self, first: Message, requests: Iterator[Message], wanted: Resource) -> None:
        """A blob that came in one message."""
        waiting = self._waiting.take(first.resource_name)
        if waiting is not None:
            waiting.discard()
        if following(requests) is not None:
            raise Refusal("INVALID_ARGUMENT", "a message came after the last one")
        (error,) = self._storage.keep_all([(wanted.blob, bytes(first.data))])
        if error is not None:
            raise error
        self._metrics.received(wanted.blob.size)

    def status(self, request: QueryWriteStatusRequest, _: Caller) -> QueryWriteStatusResponse:
        """How much of an upload is here; NOT_FOUND when nothing is known of it."""
        wanted = write_resource(request.resource_name)
        if wanted.blob == EMPTY or self._storage.present([wanted.blob])[0]:
            return QueryWriteStatusResponse(committed_size=wanted.blob.size, complete=True)
        offset = self._waiting.offset(request.resource_name)
        if offset is None:
            raise Refusal("NOT_FOUND", "no such upload")
        return QueryWriteStatusResponse(committed_size=offset)

    def _begin(self, name: str, wanted: Resource, offset: int) -> Transfer:
        """A new upload, or the one that waits, when the client goes on where that ended."""
        upload = self._waiting.take(name)
        if upload is not None and offset != upload.offset:
            if offset:
                known = upload.offset
                self._waiting.park(name, upload)
                raise Refusal("INVALID_ARGUMENT", f"the offset is {offset}, not {known}")
            upload.discard()
            upload = None
        if upload is None:
            upload = self._storage.create(wanted.blob)
        return Transfer(upload, compressed=wanted.compressed)


def receive(transfer: Transfer, first: Message, requests: Iterator[Message], name: str) -> bool:
    """Take the messages; True when the blob is whole and kept, False when more is to come.

    Refusal or Mismatch for what is wrong, CutOff when the client went away.
    """
    message: Message | None = first
    while message is not None:
        if message.resource_name not in {"", name}:
            raise Refusal("INVALID_ARGUMENT", "the resource name changed in the stream")
        transfer.accept(message.write_offset, message.data)
        if message.finish_write:
            transfer.upload.commit()
            if following(requests) is not None:
                raise Refusal("INVALID_ARGUMENT", "a message came after the last one")
            return True
        message = following(requests)
    return False


def is_whole(first: Message, wanted: Resource) -> bool:
    """Whether the message is all of a blob, plain and small."""
    size = wanted.blob.size
    return (
        bool(first.finish_write)
        and not (wanted.compressed or first.write_offset)
        and len(first.data) == size <= validate.PIECE
    )


def following(requests: Iterator[Message]) -> Message | None:
    """The next message; None at the end; CutOff when gRPC says that the client went away."""
    try:
        return next(requests, None)
    except grpc.RpcError as trouble:
        raise CutOff("CANCELLED", "the client went away") from trouble


def pieces_of(
    source: Source, start: int, end: int, before: Callable[[int], bytes] = lambda _: b""
) -> Iterator[bytes]:
    """The bytes of a blob in pieces, each behind what `before` says for its length; closes it."""
    try:
        while start < end:
            size = min(validate.PIECE, end - start)
            head = before(size)
            piece = source.read(start, size, head)
            if len(piece) != len(head) + size:
                raise OSError(0, "a blob ended early")
            start += size
            yield piece
    finally:
        source.close()


def framing(size: int) -> bytes:
    """What makes so many bytes behind it a ReadResponse: the head of field 10."""
    return encoding.head(10, size)


def framed(piece: bytes) -> bytes:
    """A ReadResponse as bytes."""
    return b"".join((framing(len(piece)), piece))
