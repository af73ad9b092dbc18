"""Records and blobs as messages of the Remote Execution API, and back, every byte checked.

Unaware of connections. proto/README.md says how a record is written as an action result; its
payload is what `framed` makes: a mark, the SHA-256 over key and record, the record.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from google.protobuf.message import DecodeError

from affected.errors import Falsehood
from affected.reapi.remote_execution_pb2 import (
    ActionResult,
    CacheCapabilities,
    Compressor,
    Digest,
    DigestFunction,
    RequestMetadata,
    ToolDetails,
)

PURPOSE: Final = "affected.v1/record/"  # in front of a key, so that no other tool's key is ours
FRAME: Final = b"afw1"  # 1: the first one; bump when a payload changes
HEAD: Final = len(FRAME) + hashlib.sha256().digest_size
INLINE: Final = 65_536  # bytes of a payload that an action result itself holds
TABLES: Final = "tables/"
BATCH: Final = 2 << 20  # bytes of blobs asked for or sent in one call: some progress each second
LARGEST: Final = 1 << 28  # bytes of a blob that we take
_HASH: Final = re.compile("[0-9a-f]{64}")
PACKING: Final = 1 << 16  # bytes that compression may add to a blob
_ENVELOPE: Final = 120  # bytes that a digest and its status take beside a blob
_WORTH: Final = 0.9  # compressed to more than this part, a blob goes as it is
_SMALL: Final = 512  # bytes that are not worth compressing

M_co = TypeVar("M_co", covariant=True)
T = TypeVar("T")


class MessageType(Protocol[M_co]):
    """The class of a protobuf message."""

    def FromString(self, s: bytes, /) -> M_co:  # noqa: N802  (protobuf's name)
        """The message in `s`."""


@dataclass(frozen=True, slots=True, order=True)
class BlobName:
    """A blob: SHA-256 in hex, and bytes."""

    hash: str
    size: int

    def digest(self) -> Digest:
        """As a message."""
        return Digest(hash=self.hash, size_bytes=self.size)


@dataclass(frozen=True, slots=True)
class Written:
    """A record as it stands in a shared cache: `payload` None when it is the blob `kept_as`."""

    payload: bytes | None
    kept_as: BlobName | None
    blobs: tuple[BlobName, ...]


@dataclass(frozen=True, slots=True)
class Offers:
    """What a server says it can do."""

    batch: int = BATCH  # bytes of one call
    zstd: bool = False  # of streams
    batch_zstd: bool = False
    updates: bool = True  # it lets this caller write


def parsed(kind: MessageType[M_co], content: bytes) -> M_co:
    """The message in `content`; Falsehood when there is none."""
    try:
        return kind.FromString(content)
    except DecodeError as error:
        raise Falsehood("an answer is no message of the interface") from error


def offers(said: CacheCapabilities) -> Offers:
    """What the capabilities come to for us; Falsehood without SHA-256."""
    if said.digest_functions and DigestFunction.SHA256 not in said.digest_functions:
        raise Falsehood("it has no SHA-256")
    limit = said.max_batch_total_size_bytes
    return Offers(
        batch=min(limit, BATCH) if limit > 0 else BATCH,
        zstd=Compressor.ZSTD in said.supported_compressors,
        batch_zstd=Compressor.ZSTD in said.supported_batch_update_compressors,
        updates=said.action_cache_update_capabilities.update_enabled,
    )


def key_digest(key: str) -> Digest:
    """The action digest of a record's key."""
    material = f"{PURPOSE}{key}".encode("ascii")
    return Digest(hash=hashlib.sha256(material).hexdigest(), size_bytes=len(material))


def name_of(content: bytes) -> BlobName:
    """The name that a blob has."""
    return BlobName(hashlib.sha256(content).hexdigest(), len(content))


def named(digest: Digest) -> BlobName:
    """The blob that a digest names; Falsehood when it can be none."""
    if not _HASH.fullmatch(digest.hash) or not 0 <= digest.size_bytes <= LARGEST:
        raise Falsehood("a digest names no blob that could be")
    return BlobName(digest.hash, digest.size_bytes)


def framed(key: str, record: bytes) -> bytes:
    """The payload of a record."""
    return FRAME + _seal(key, record) + record


def unframed(key: str, payload: bytes) -> bytes | None:
    """The record in a payload; None for a later version's; Falsehood for any other bytes."""
    if len(payload) >= HEAD and payload[:3] == FRAME[:3] and payload[:4] != FRAME:
        return None
    record = payload[HEAD:]
    if payload[:HEAD] != FRAME + _seal(key, record):
        raise Falsehood("a record is not the one that was written under its key")
    return record


def written(result: ActionResult) -> Written:
    """What an action result holds as a record; Falsehood when it cannot be one."""
    blobs = tuple(
        named(file.digest) for file in result.output_files if file.path.startswith(TABLES)
    )
    kept = named(result.stdout_digest) if result.stdout_digest.hash else None
    payload = result.stdout_raw or None
    if payload is None and kept is None:
        raise Falsehood("a result has no payload")
    return Written(payload, kept, blobs)


def result_of(payload: bytes, blobs: Iterable[BlobName]) -> ActionResult:
    """The action result of a record whose large payload is, or will be, kept as a blob."""
    result = ActionResult()
    if len(payload) <= INLINE:
        result.stdout_raw = payload
    else:
        result.stdout_digest.CopyFrom(name_of(payload).digest())
    for blob in dict.fromkeys(blobs):
        result.output_files.add(path=TABLES + blob.hash, digest=blob.digest())
    return result


def checked(blob: BlobName, content: bytes) -> bytes:
    """`content` if it is the blob; Falsehood else."""
    if len(content) != blob.size:
        raise Falsehood("a blob has another size than its digest says")
    if hashlib.sha256(content).hexdigest() != blob.hash:
        raise Falsehood("a blob has other bytes than its digest says")
    return content


def batches(blobs: Sequence[BlobName], limit: int) -> Iterator[list[BlobName]]:
    """Those that fit into a call of `limit` bytes, call by call; larger ones are left out."""
    batch: list[BlobName] = []
    room = limit
    for blob in blobs:
        need = blob.size + _ENVELOPE
        if need > limit:
            continue
        if need > room:
            yield batch
            batch, room = [], limit
        batch.append(blob)
        room -= need
    if batch:
        yield batch


def parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """At most so many at a time."""
    for start in range(0, len(items), most):
        yield items[start : start + most]


def alone(blobs: Iterable[BlobName], limit: int) -> list[BlobName]:
    """Those that `batches` leaves out."""
    return [blob for blob in blobs if blob.size + _ENVELOPE > limit]


def compressed(content: bytes) -> bytes | None:
    """As zstd; None when that is not worth it, or not possible here."""
    if len(content) < _SMALL:
        return None
    try:
        import zstandard  # noqa: PLC0415  (only where something is sent)
    except ImportError:
        return None
    small = zstandard.ZstdCompressor(level=3).compress(content)
    return small if len(small) < len(content) * _WORTH else None


def can_decompress() -> bool:
    """True where zstd can be read."""
    try:
        import zstandard  # noqa: PLC0415, F401
    except ImportError:
        return False
    return True


def decompressed(content: bytes, size: int) -> bytes:
    """The plain bytes, at most one more than `size`; Falsehood when it is no zstd."""
    import zstandard  # noqa: PLC0415

    try:
        reader = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
        return reader.read(size + 1)
    except zstandard.ZstdError as error:
        raise Falsehood("a compressed blob cannot be decompressed") from error


def announcement(version: str, run: str) -> tuple[str, bytes]:
    """What goes with every call: who asks, by the interface's request metadata."""
    said = RequestMetadata(
        tool_details=ToolDetails(tool_name="affected", tool_version=version), tool_invocation_id=run
    )
    return "build.bazel.remote.execution.v2.requestmetadata-bin", said.SerializeToString()


def _seal(key: str, record: bytes) -> bytes:
    seal = hashlib.sha256(key.encode("ascii") + b"\0")
    seal.update(record)
    return seal.digest()
