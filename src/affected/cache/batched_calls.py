"""Records by the thousand in one call, where the server is ours (`affected.v1`).

Unaware of gRPC. The entries are those of the plain interface; proto/README.md tells how.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from affected.cache import wire
from affected.cache.patience import Patience
from affected.cache.plain_calls import LONGEST, Entry, Haul, PlainCalls, accept
from affected.cache.wire import BlobName
from affected.errors import Falsehood
from affected.reapi import affected_v1_pb2 as ours

RECORDS: Final = "/affected.v1.Records/"
KEYS: Final = 20_000  # of one message: 1.5 MB
ALONG: Final = 3 << 20  # bytes of a payload or blob that may come along
_WITHOUT: Final = 9  # FAILED_PRECONDITION: a blob of the record is gone


class BatchedCalls(PlainCalls):
    """One call for all records; blobs come along where that is wanted."""

    batched = True

    def look_up(self, keys: Sequence[str], haul: Haul, patience: Patience, *, blobs: bool) -> None:
        """As the plain calls do it; CallFailed with UNIMPLEMENTED when the server is not ours."""
        digests = {(digest := wire.key_digest(key)).hash: (key, digest) for key in keys}
        requests = (
            ours.LookUpRequest(
                instance_name=self._instance,
                keys=[digest for _, digest in part],
                payload_bytes=ALONG,
                blob_bytes=ALONG if blobs else 0,
            ).SerializeToString()
            for part in wire.parts(list(digests.values()), KEYS)
        )
        large: dict[str, BlobName] = {}
        replies = self._line.talk(f"{RECORDS}LookUp", requests, LONGEST)
        for reply in patience.follow(replies):
            if reply.failed is not None:
                raise reply.failed
            with haul.doubting():
                answer = wire.parsed(ours.LookUpResponse, reply.content)
                for found in answer.found:
                    with haul.doubting():
                        if found.key.hash not in digests:
                            raise Falsehood("a record came that nobody asked for")
                        key, _ = digests[found.key.hash]
                        self._take(key, wire.written(found.result), haul, large, patience)
                for blob in answer.blobs:
                    with haul.doubting():
                        name = wire.named(blob.digest)
                        haul.blobs[name.hash] = wire.checked(name, blob.data)
                        patience.earn(size=name.size)
        self._take_large(large, haul, patience)

    def send(self, entries: Sequence[Entry], patience: Patience) -> None:
        """As the plain calls do it."""
        self.send_blobs(entries, patience)
        replies = self._line.talk(f"{RECORDS}Update", self._updates(entries), LONGEST)
        for reply in patience.follow(replies):
            if reply.failed is not None:
                raise reply.failed
            answer = wire.parsed(ours.UpdateResponse, reply.content)
            for one in (*answer.blobs, *answer.records):
                if one.status.code != _WITHOUT:
                    accept(one.status.code)
                patience.earn(records=1)

    def _updates(self, entries: Sequence[Entry]) -> Iterator[bytes]:
        request = ours.UpdateRequest(instance_name=self._instance)
        size = 0
        for entry in entries:
            payload = wire.framed(entry.key, entry.record)
            request.records.add(
                key=wire.key_digest(entry.key), result=wire.result_of(payload, entry.blobs)
            )
            size += min(len(payload), wire.INLINE) + 128 * (1 + len(entry.blobs))
            if size > wire.BATCH:
                yield request.SerializeToString()
                request = ours.UpdateRequest(instance_name=self._instance)
                size = 0
        if request.records:
            yield request.SerializeToString()
