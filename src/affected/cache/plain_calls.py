"""Records and blobs by the plain Remote Execution API: what any server of it understands.

Unaware of gRPC, of threads and of what a record says. Everything that comes in is checked; what is
false is left out and counted, and soon too much.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from affected.cache import wire
from affected.cache.patience import Patience, Replies
from affected.cache.wire import BlobName, Offers, Written
from affected.errors import CallFailed, Falsehood
from affected.reapi import byte_stream_pb2 as streams
from affected.reapi import remote_execution_pb2 as api

ACTIONS: Final = "/build.bazel.remote.execution.v2.ActionCache/"
BLOBS: Final = "/build.bazel.remote.execution.v2.ContentAddressableStorage/"
CAPABILITIES: Final = "/build.bazel.remote.execution.v2.Capabilities/GetCapabilities"
STREAM: Final = "/google.bytestream.ByteStream/"
TOO_MANY: Final = 3  # falsehoods in one run: whoever tells them is not asked again
LONGEST: Final = 60.0  # seconds of one call, whatever patience says
ASKED: Final = 10_000  # digests of one FindMissingBlobs
PIECE: Final = 1 << 20  # bytes of one message of a stream
_OK: Final = 0
_NOT_FOUND: Final = 5
_NAMES: Final = {7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED", 16: "UNAUTHENTICATED"}


class Line(Protocol):
    """A connection: see `remote.Connection`."""

    def ask(self, method: str, requests: Iterable[bytes], seconds: float) -> Replies:
        """One call a request."""

    def talk(self, method: str, requests: Iterable[bytes], seconds: float) -> Replies:
        """One call for all."""

    def close(self) -> None:
        """Ends every call."""


@dataclass(slots=True)
class Haul:
    """What came of looking things up, filled while they come."""

    records: dict[str, bytes] = field(default_factory=dict)  # by key
    names: dict[str, BlobName] = field(default_factory=dict)  # of every blob some record names
    named: dict[str, tuple[BlobName, ...]] = field(default_factory=dict)  # by key
    blobs: dict[str, bytes] = field(default_factory=dict)  # by hash
    falsehoods: int = 0

    @contextlib.contextmanager
    def doubting(self) -> Iterator[None]:
        """What turns out false in here is left out, a few times."""
        try:
            yield
        except Falsehood:
            self.falsehoods += 1
            if self.falsehoods >= TOO_MANY:
                raise


@dataclass(frozen=True, slots=True)
class Entry:
    """A record to be written, and those of its blobs that are at hand, by hash."""

    key: str
    record: bytes
    blobs: tuple[BlobName, ...]
    contents: Mapping[str, bytes]


class PlainCalls:
    """One call a record, many at once; blobs in batches, large ones as streams."""

    batched = False  # a call for each record

    def __init__(self, line: Line, instance: str, offers: Offers | None = None) -> None:
        self._line = line
        self._instance = instance
        self._offers = offers

    def plain(self) -> PlainCalls:
        """The same without what only our own server understands."""
        return PlainCalls(self._line, self._instance, self._offers)

    def offers(self, patience: Patience) -> Offers:
        """What the server says that it can do; asked for when first needed."""
        if self._offers is None:
            self._offers = self.introduce(patience)
        return self._offers

    def introduce(self, patience: Patience) -> Offers:
        """Asks what the server can do; one that does not know the question can the least."""
        request = api.GetCapabilitiesRequest(instance_name=self._instance)
        try:
            content = self._one(CAPABILITIES, request.SerializeToString(), patience)
        except CallFailed as failure:
            if failure.code != "UNIMPLEMENTED":
                raise
            return Offers()
        said = wire.parsed(api.ServerCapabilities, content)
        return wire.offers(said.cache_capabilities)

    def look_up(self, keys: Sequence[str], haul: Haul, patience: Patience, *, blobs: bool) -> None:
        """Records into `haul`; `blobs`: those that they name may come along (here they do not).

        Raises CallFailed, and Falsehood when there were too many; what came before stays.
        """
        del blobs
        requests = (
            api.GetActionResultRequest(
                instance_name=self._instance, action_digest=wire.key_digest(key), inline_stdout=True
            ).SerializeToString()
            for key in keys
        )
        large: dict[str, BlobName] = {}
        replies = self._line.ask(f"{ACTIONS}GetActionResult", requests, LONGEST)
        for reply in patience.follow(replies):
            if reply.failed is not None:
                if reply.failed.code == "NOT_FOUND":
                    continue
                raise reply.failed
            with haul.doubting():
                result = wire.parsed(api.ActionResult, reply.content)
                self._take(keys[reply.number], wire.written(result), haul, large, patience)
        self._take_large(large, haul, patience)

    def fetch(self, blobs: Iterable[BlobName], haul: Haul, patience: Patience) -> None:
        """Blobs into `haul`; raises as `look_up`."""
        wanted, offers = set(blobs), self.offers(patience)
        batches = wire.batches(sorted(wanted), offers.batch)
        asked = (self._asking(batch, offers) for batch in batches)
        for content in self._in_turn(f"{BLOBS}BatchReadBlobs", asked, patience):
            with haul.doubting():
                for answer in wire.parsed(api.BatchReadBlobsResponse, content).responses:
                    with haul.doubting():
                        self._take_blob(answer, wanted, haul, patience)
        for blob in wire.alone(wanted, offers.batch):
            with haul.doubting():
                content = self._read(blob, offers, patience)
                haul.blobs[blob.hash] = wire.checked(blob, content)
                patience.earn(size=blob.size)

    def send(self, entries: Sequence[Entry], patience: Patience) -> None:
        """Writes blobs, then records. Raises CallFailed for the first that was refused."""
        self.send_blobs(entries, patience)
        requests = (self._update(entry).SerializeToString() for entry in entries)
        replies = self._line.ask(f"{ACTIONS}UpdateActionResult", requests, LONGEST)
        for reply in patience.follow(replies):
            if reply.failed is not None and reply.failed.code != "FAILED_PRECONDITION":
                raise reply.failed
            patience.earn(records=1)

    def send_blobs(self, entries: Sequence[Entry], patience: Patience) -> None:
        """Those blobs of the entries, large payloads too, that the server lacks."""
        contents = {hash_: blob for entry in entries for hash_, blob in entry.contents.items()}
        for entry in entries:
            payload = wire.framed(entry.key, entry.record)
            if len(payload) > wire.INLINE:
                contents[wire.name_of(payload).hash] = payload
        names = [BlobName(hash_, len(content)) for hash_, content in contents.items()]
        missing, offers = self._missing(names, patience), self.offers(patience)
        batches = wire.batches(missing, offers.batch)
        requests = (self._batch(batch, contents, offers) for batch in batches)
        for content in self._in_turn(f"{BLOBS}BatchUpdateBlobs", requests, patience):
            for answer in wire.parsed(api.BatchUpdateBlobsResponse, content).responses:
                accept(answer.status.code)
                patience.earn(size=max(0, answer.digest.size_bytes))
        for blob in wire.alone(missing, offers.batch):
            self._write(blob, contents[blob.hash], offers, patience)
            patience.earn(size=blob.size)

    # -- taking ----------------------------------------------------------------------------

    def _take(
        self,
        key: str,
        found: Written,
        haul: Haul,
        large: dict[str, BlobName],
        patience: Patience,
    ) -> None:
        haul.named[key] = found.blobs
        haul.names.update((blob.hash, blob) for blob in found.blobs)
        if found.payload is not None:
            if found.kept_as is not None:
                wire.checked(found.kept_as, found.payload)
            self._keep(key, found.payload, haul, patience)
        elif found.kept_as is not None:
            large[key] = found.kept_as

    def _keep(self, key: str, payload: bytes, haul: Haul, patience: Patience) -> None:
        record = wire.unframed(key, payload)
        if record is not None:
            haul.records[key] = record
            patience.earn(records=1, size=len(payload))

    def _take_large(self, large: Mapping[str, BlobName], haul: Haul, patience: Patience) -> None:
        """Payloads that are kept as blobs."""
        if not large:
            return
        found = Haul(falsehoods=haul.falsehoods)
        try:
            self.fetch(large.values(), found, patience)
        finally:
            haul.falsehoods = found.falsehoods
        for key, blob in large.items():
            if blob.hash in found.blobs:
                with haul.doubting():
                    self._keep(key, found.blobs[blob.hash], haul, patience)

    def _take_blob(
        self,
        answer: api.BatchReadBlobsResponse.Response,
        wanted: Collection[BlobName],
        haul: Haul,
        patience: Patience,
    ) -> None:
        if answer.status.code == _NOT_FOUND:
            return
        accept(answer.status.code)
        blob = wire.named(answer.digest)
        if blob not in wanted:
            raise Falsehood("a blob came that nobody asked for")
        content = answer.data
        if answer.compressor == api.Compressor.ZSTD:
            content = wire.decompressed(content, blob.size)
        haul.blobs[blob.hash] = wire.checked(blob, content)
        patience.earn(size=blob.size)

    def _asking(self, batch: Sequence[BlobName], offers: Offers) -> bytes:
        packed = offers.batch_zstd and wire.can_decompress()
        return api.BatchReadBlobsRequest(
            instance_name=self._instance,
            digests=[blob.digest() for blob in batch],
            acceptable_compressors=[api.Compressor.ZSTD] if packed else [],
        ).SerializeToString()

    def _read(self, blob: BlobName, offers: Offers, patience: Patience) -> bytes:
        packed = offers.zstd and wire.can_decompress()
        kind = "compressed-blobs/zstd" if packed else "blobs"
        name = f"{self._prefix()}{kind}/{blob.hash}/{blob.size}"
        request = streams.ReadRequest(resource_name=name).SerializeToString()
        pieces: list[bytes] = []
        size = 0
        for reply in patience.follow(self._line.talk(f"{STREAM}Read", [request], LONGEST)):
            if reply.failed is not None:
                raise reply.failed
            piece = wire.parsed(streams.ReadResponse, reply.content).data
            size += len(piece)
            if size > blob.size + wire.PACKING:
                raise Falsehood("a blob has another size than its digest says")
            pieces.append(piece)
            patience.earn(size=len(piece))
        content = b"".join(pieces)
        return wire.decompressed(content, blob.size) if packed else content

    # -- sending ---------------------------------------------------------------------------

    def _missing(self, blobs: Sequence[BlobName], patience: Patience) -> list[BlobName]:
        known = {blob.hash: blob for blob in blobs}
        requests = (
            api.FindMissingBlobsRequest(
                instance_name=self._instance, blob_digests=[blob.digest() for blob in part]
            ).SerializeToString()
            for part in wire.parts(blobs, ASKED)
        )
        missing: list[BlobName] = []
        for content in self._in_turn(f"{BLOBS}FindMissingBlobs", requests, patience):
            answer = wire.parsed(api.FindMissingBlobsResponse, content)
            missing += (known[d.hash] for d in answer.missing_blob_digests if d.hash in known)
        return missing

    def _batch(
        self, batch: Sequence[BlobName], contents: Mapping[str, bytes], offers: Offers
    ) -> bytes:
        request = api.BatchUpdateBlobsRequest(instance_name=self._instance)
        for blob in batch:
            content = contents[blob.hash]
            small = wire.compressed(content) if offers.batch_zstd else None
            request.requests.add(
                digest=blob.digest(),
                data=content if small is None else small,
                compressor=api.Compressor.IDENTITY if small is None else api.Compressor.ZSTD,
            )
        return request.SerializeToString()

    def _write(self, blob: BlobName, content: bytes, offers: Offers, patience: Patience) -> None:
        small = wire.compressed(content) if offers.zstd else None
        kind = "blobs" if small is None else "compressed-blobs/zstd"
        name = f"{self._prefix()}uploads/{uuid.uuid4()}/{kind}/{blob.hash}/{blob.size}"
        body = content if small is None else small

        def pieces() -> Iterator[bytes]:
            for start in range(0, len(body), PIECE):
                yield streams.WriteRequest(
                    resource_name="" if start else name,
                    write_offset=start,
                    finish_write=start + PIECE >= len(body),
                    data=body[start : start + PIECE],
                ).SerializeToString()

        for reply in patience.follow(self._line.talk(f"{STREAM}Write", pieces(), LONGEST)):
            if reply.failed is not None:
                raise reply.failed
            if wire.parsed(streams.WriteResponse, reply.content).committed_size not in {
                *(-1, blob.size, len(body)),
            }:
                raise Falsehood("a blob was not kept whole")

    def _update(self, entry: Entry) -> api.UpdateActionResultRequest:
        return api.UpdateActionResultRequest(
            instance_name=self._instance,
            action_digest=wire.key_digest(entry.key),
            action_result=wire.result_of(wire.framed(entry.key, entry.record), entry.blobs),
        )

    # -- calling ---------------------------------------------------------------------------

    def _prefix(self) -> str:
        return f"{self._instance}/" if self._instance else ""

    def _one(self, method: str, request: bytes, patience: Patience) -> bytes:
        return next(self._in_turn(method, [request], patience))

    def _in_turn(
        self, method: str, requests: Iterable[bytes], patience: Patience
    ) -> Iterator[bytes]:
        """The answers as they come; CallFailed for the first that is none."""
        for reply in patience.follow(self._line.ask(method, requests, LONGEST)):
            if reply.failed is not None:
                raise reply.failed
            yield reply.content


def accept(code: int) -> None:
    """Raises CallFailed when an answer within an answer says that something was not done."""
    if code != _OK:
        raise CallFailed(_NAMES.get(code, f"code {code}"))
