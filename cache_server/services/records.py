"""affected.v1: action results looked up and updated by the thousand. Unaware of what is in one.

The entries are those of the ActionCache and the ContentAddressableStorage, under the same names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import grpc

from affected.reapi.affected_v1_pb2 import (
    Answer,
    Blob,
    LookUpRequest,
    LookUpResponse,
    Record,
    UpdateRequest,
    UpdateResponse,
)
from affected.reapi.remote_execution_pb2 import ActionResult, Digest
from cache_server import validate
from cache_server.auth import Scope
from cache_server.keys import EMPTY, BlobKey, checked_instance
from cache_server.metrics import Metrics
from cache_server.services import references, results
from cache_server.services.calls import Caller, Desk, refusal_of, status_number
from cache_server.storage.protocol import Storage
from cache_server.validate import Refusal

TOGETHER: Final = 500  # keys that are asked of the storage at once
MESSAGE: Final = validate.MIB  # a response is sent when it has reached that
LARGEST: Final = 3 * validate.MIB  # of one inlined payload or blob: clients take 4 MiB a message
INLINE: Final = 64 * 1024  # a larger payload is kept as a blob


class RecordsService:
    """`affected.v1.Records`."""

    NAME = "affected.v1.Records"

    def __init__(self, storage: Storage, metrics: Metrics) -> None:
        self._storage = storage
        self._metrics = metrics

    def handlers(self, desk: Desk) -> dict[str, grpc.RpcMethodHandler[Any, bytes]]:
        """Its methods, for gRPC."""
        return {
            "LookUp": desk.exchange("LookUp", Scope.READ, LookUpRequest.FromString, self.look_up),
            "Update": desk.exchange(
                "Update", Scope.READ_WRITE, UpdateRequest.FromString, self.update
            ),
        }

    def look_up(self, requests: Iterator[LookUpRequest], caller: Caller) -> Iterator[bytes]:
        """Each key's result or that there is none, in messages of about 1 MiB."""
        sent: set[BlobKey] = set()
        for request in requests:
            instance = checked_instance(request.instance_name)
            reply = _Reply()
            for start in range(0, len(request.keys), TOGETHER):
                keys = request.keys[start : start + TOGETHER]
                actions = [references.key_of(key) for key in keys]
                found = results.look_up(self._storage, instance, actions)
                hits = 0
                for key, result in zip(keys, found, strict=True):
                    if result is None:
                        yield from reply.missing(key)
                        continue
                    hits += 1
                    for blob in self._blobs(request.blob_bytes, result, sent):
                        yield from reply.blob(blob)
                    self._inline(request.payload_bytes, result)
                    yield from reply.found(Record(key=key, result=result))
                self._metrics.lookups(instance, caller.tool, hits, len(keys) - hits)
            yield from reply.rest()

    def update(self, requests: Iterator[UpdateRequest], _: Caller) -> Iterator[bytes]:
        """Keep blobs, then records; what became of each."""
        for request in requests:
            instance = checked_instance(request.instance_name)
            reply = UpdateResponse()
            for blob in request.blobs:
                refusal = self._refusal_of_blob(blob)
                if refusal is not None:
                    reply.blobs.append(answer(blob.digest, refusal))
            for record in request.records:
                reply.records.append(answer(record.key, self._refusal_of_record(instance, record)))
            yield reply.SerializeToString()

    def _blobs(self, most: int, result: ActionResult, sent: set[BlobKey]) -> Iterator[Blob]:
        """The blobs that go with the result and did not go before; `sent` grows by them."""
        for file in result.output_files:
            blob = references.key_of(file.digest)
            if blob.size > min(most, LARGEST) or blob in sent or blob == EMPTY:
                continue
            content = self._storage.fetch(blob)
            if content is not None:
                sent.add(blob)
                self._metrics.sent(len(content))
                yield Blob(digest=file.digest, data=content)

    def _inline(self, most: int, result: ActionResult) -> None:
        size = result.stdout_digest.size_bytes
        if 0 < size <= min(most, LARGEST) - result.ByteSize() and not result.stdout_raw:
            content = self._storage.fetch(references.key_of(result.stdout_digest))
            if content is not None:
                self._metrics.sent(size)
                result.stdout_raw = content

    def _refusal_of_blob(self, blob: Blob) -> Refusal | None:
        try:
            results.store(self._storage, references.key_of(blob.digest), blob.data)
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            return refusal
        self._metrics.received(len(blob.data))
        return None

    def _refusal_of_record(self, instance: str, record: Record) -> Refusal | None:
        result = record.result
        try:
            if len(result.stdout_raw) > INLINE and not result.stdout_digest.hash:
                result.stdout_digest.CopyFrom(results.digest_of(result.stdout_raw))
            action = references.key_of(record.key)
            results.keep(self._storage, instance, action, result, whole=True)
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            return refusal
        return None


class _Reply:
    """One response that is being filled; each step gives what is full and must go first."""

    def __init__(self) -> None:
        self._message = LookUpResponse()
        self._size = 0

    def missing(self, key: Digest) -> Iterator[bytes]:
        """No result of `key`."""
        yield from self._room(key.ByteSize())
        self._message.missing.append(key)

    def found(self, record: Record) -> Iterator[bytes]:
        """A result."""
        yield from self._room(record.ByteSize())
        self._message.found.append(record)

    def blob(self, blob: Blob) -> Iterator[bytes]:
        """A blob that the next result names."""
        yield from self._room(blob.ByteSize())
        self._message.blobs.append(blob)

    def rest(self) -> Iterator[bytes]:
        """What is left."""
        if self._size:
            yield from self._room(MESSAGE)

    def _room(self, size: int) -> Iterator[bytes]:
        if self._size and self._size + size > MESSAGE:
            yield self._message.SerializeToString()
            self._message = LookUpResponse()
            self._size = 0
        self._size += size + 6  # the field's own tag and length


def answer(digest: Digest, refusal: Refusal | None) -> Answer:
    """How one part went; None is well."""
    made = Answer(digest=digest)
    made.status.code = 0 if refusal is None else status_number(refusal)
    if refusal is not None:
        made.status.message = refusal.message
    return made
