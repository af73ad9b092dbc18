"""affected.v1: action results looked up and updated by the thousand. Unaware of what is in one.

The entries are those of the ActionCache and the ContentAddressableStorage, under the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import grpc

from affected.reapi.affected_v1_pb2 import (
    Answer,
    Blob,
    LookUpRequest,
    Record,
    UpdateRequest,
    UpdateResponse,
)
from affected.reapi.remote_execution_pb2 import ActionResult, Digest
from cache_server import validate
from cache_server.auth import Scope
from cache_server.keys import EMPTY, BlobKey, action_name, checked_instance
from cache_server.metrics import Metrics
from cache_server.services import encoding, references, results
from cache_server.services.calls import Caller, Desk, Refusals, status_number
from cache_server.storage.protocol import Storage
from cache_server.validate import Refusal

TOGETHER: Final = 500  # keys that are asked of the storage at once
MESSAGE: Final = validate.MIB  # a response is sent when it has reached that
LARGEST: Final = 3 * validate.MIB  # of one inlined payload or blob: clients take 4 MiB a message
# Fields of a LookUpResponse, and of a Record or Blob in it.
FOUND, MISSING, BLOB = 1, 2, 3
KEY, RESULT, DATA = 1, 2, 2
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
                actions = [references.key_of(key) for key in request.keys[start : start + TOGETHER]]
                found = results.look_up(self._storage, instance, actions)
                hits = 0
                for action, (payload, result) in zip(actions, found, strict=True):
                    if result is None:
                        yield from reply.missing(action)
                        continue
                    hits += 1
                    for blob, content in self._blobs(request.blob_bytes, result, sent):
                        yield from reply.blob(blob, content)
                    if self._inline(request.payload_bytes, result):
                        payload = result.SerializeToString()  # noqa: PLW2901  (the same)
                    yield from reply.found(action, payload)
                self._metrics.lookups(instance, caller.tool, hits, len(actions) - hits)
            yield from reply.rest()

    def update(self, requests: Iterator[UpdateRequest], _: Caller) -> Iterator[bytes]:
        """Keep blobs, then records; what became of each."""
        for request in requests:
            instance = checked_instance(request.instance_name)
            reply = UpdateResponse()
            refusals = self._keep_blobs(request.blobs)
            reply.blobs.extend(
                answer(request.blobs[place].digest, refusals[place]) for place in refusals
            )
            refusals = self._keep_records(instance, request.records)
            reply.records.extend(
                answer(record.key, refusals.get(place))
                for place, record in enumerate(request.records)
            )
            yield reply.SerializeToString()

    def _blobs(
        self, most: int, result: ActionResult, sent: set[BlobKey]
    ) -> Iterator[tuple[BlobKey, bytes]]:
        """The blobs that go with the result and did not go before; `sent` grows by them."""
        for file in result.output_files:
            blob = references.key_of(file.digest)
            if blob.size > min(most, LARGEST) or blob in sent or blob == EMPTY:
                continue
            content = self._storage.fetch(blob)
            if content is not None:
                sent.add(blob)
                self._metrics.sent(len(content))
                yield blob, content

    def _inline(self, most: int, result: ActionResult) -> bool:
        """Whether the result was changed: what is kept as a blob is in it now."""
        size = result.stdout_digest.size_bytes
        if not size or result.stdout_raw or size > min(most, LARGEST) - result.ByteSize():
            return False
        content = self._storage.fetch(references.key_of(result.stdout_digest))
        if content is None:
            return False
        self._metrics.sent(size)
        result.stdout_raw = content
        return True

    def _keep_blobs(self, blobs: Sequence[Blob]) -> dict[int, Refusal]:
        """By place in the request, those that could not be kept."""
        refusals = Refusals()
        contents: dict[int, tuple[BlobKey, bytes]] = {}
        for place, blob in enumerate(blobs):
            with refusals.of(place):
                contents[place] = references.key_of(blob.digest), blob.data
        errors = results.store_all(self._storage, list(contents.values()))
        for place, error in zip(contents, errors, strict=True):
            refusals.note(place, error)
            if error is None:
                self._metrics.received(contents[place][0].size)
        return refusals.found

    def _keep_records(self, instance: str, records: Sequence[Record]) -> dict[int, Refusal]:
        """By place in the request, those that could not be kept."""
        refusals = Refusals()
        ready: dict[int, tuple[str, bytes]] = {}
        contents: list[tuple[BlobKey, bytes]] = []
        owners: list[int] = []
        for place, record in enumerate(records):
            result = record.result
            with refusals.of(place):
                action = references.key_of(record.key)
                if len(result.stdout_raw) > INLINE and not result.stdout_digest.hash:
                    result.stdout_digest.CopyFrom(results.digest_of(result.stdout_raw))
                parts = results.inlined(result)
                ready[place] = action_name(instance, action), results.payload_of(result)
                contents += parts
                owners += [place] * len(parts)
        for place, error in zip(owners, results.store_all(self._storage, contents), strict=True):
            refusals.note(place, error)
        whole = references.whole(self._storage, [records[place].result for place in ready])
        for place, found in zip(ready, whole, strict=True):
            if not found:
                sentence = "a blob that the record names is not here"
                refusals.note(place, Refusal("FAILED_PRECONDITION", sentence))
        sound = [place for place in ready if place not in refusals.found]
        errors = self._storage.save_all([ready[place] for place in sound])
        for place, error in zip(sound, errors, strict=True):
            refusals.note(place, error)
        return refusals.found


class _Reply:
    """One response that is being filled; each step gives what is full and must go first.

    It is put together from fields as they are kept: results are not taken apart for it.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def missing(self, key: BlobKey) -> Iterator[bytes]:
        """No result of `key`."""
        yield from self._add(encoding.digests(MISSING, [key]))

    def found(self, key: BlobKey, result: bytes) -> Iterator[bytes]:
        """A result."""
        record = encoding.digests(KEY, [key]) + encoding.part(RESULT, result)
        yield from self._add(encoding.part(FOUND, record))

    def blob(self, blob: BlobKey, content: bytes) -> Iterator[bytes]:
        """A blob that the next result names."""
        named = encoding.digests(KEY, [blob]) + encoding.part(DATA, content)
        yield from self._add(encoding.part(BLOB, named))

    def rest(self) -> Iterator[bytes]:
        """What is left."""
        if self._size:
            yield b"".join(self._parts)

    def _add(self, field: bytes) -> Iterator[bytes]:
        if self._size and self._size + len(field) > MESSAGE:
            yield b"".join(self._parts)
            self._parts = []
            self._size = 0
        self._parts.append(field)
        self._size += len(field)


def answer(digest: Digest, refusal: Refusal | None) -> Answer:
    """How one part went; None is well."""
    made = Answer(digest=digest)
    made.status.code = 0 if refusal is None else status_number(refusal)
    if refusal is not None:
        made.status.message = refusal.message
    return made
