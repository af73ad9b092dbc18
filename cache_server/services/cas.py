"""ContentAddressableStorage: which blobs are here, small ones in batches, folders as trees.

Unaware of how blobs are kept, and of streams.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import grpc

from affected.reapi.remote_execution_pb2 import (
    BatchReadBlobsRequest,
    BatchReadBlobsResponse,
    BatchUpdateBlobsRequest,
    BatchUpdateBlobsResponse,
    Compressor,
    Digest,
    FindMissingBlobsRequest,
    GetTreeRequest,
    GetTreeResponse,
)
from cache_server import validate
from cache_server.auth import Scope
from cache_server.keys import EMPTY, BlobKey, blob_key, checked_instance
from cache_server.metrics import Metrics
from cache_server.services import encoding, references, zstd
from cache_server.services.calls import Caller, Desk, Refusals, status_number
from cache_server.storage.protocol import BlobStorage
from cache_server.validate import Refusal

WELL: Final = b"\x1a\x00"  # status, field 3, code 0
WELL_PACKED: Final = WELL + b"\x20\x01"  # and compressor, field 4, zstd
MISSING: Final = 2  # the field of a FindMissingBlobsResponse
PAGE: Final = 1000  # folders in one message of a tree, when the client does not say
PAGE_BYTES: Final = validate.MIB


class CasService:
    """`build.bazel.remote.execution.v2.ContentAddressableStorage`."""

    NAME = "build.bazel.remote.execution.v2.ContentAddressableStorage"

    def __init__(self, storage: BlobStorage, metrics: Metrics) -> None:
        self._storage = storage
        self._metrics = metrics

    def handlers(self, desk: Desk) -> dict[str, grpc.RpcMethodHandler[Any, bytes]]:
        """Its methods, for gRPC."""
        return {
            "FindMissingBlobs": desk.unary(
                "FindMissingBlobs",
                Scope.READ,
                FindMissingBlobsRequest.FromString,
                self.missing,
                short=True,
            ),
            "BatchUpdateBlobs": desk.unary(
                "BatchUpdateBlobs",
                Scope.READ_WRITE,
                BatchUpdateBlobsRequest.FromString,
                self.batch_update,
            ),
            "BatchReadBlobs": desk.unary(
                "BatchReadBlobs", Scope.READ, BatchReadBlobsRequest.FromString, self.batch_read
            ),
            "GetTree": desk.answers("GetTree", Scope.READ, GetTreeRequest.FromString, self.tree),
        }

    def missing(self, request: FindMissingBlobsRequest, _: Caller) -> bytes:
        """Those that are not here, in the order asked for; the others count as used now."""
        validate.digest_function(request.digest_function)
        checked_instance(request.instance_name)
        asked = [(digest.hash, digest.size_bytes) for digest in request.blob_digests]
        here = self._storage.present(asked)
        if all(here):
            return b""
        absent = [
            blob for blob, found in zip(asked, here, strict=True) if not found and blob != EMPTY
        ]
        check_all(absent)
        return encoding.digests(MISSING, absent)

    def batch_update(self, request: BatchUpdateBlobsRequest, _: Caller) -> BatchUpdateBlobsResponse:
        """Keep each blob whose bytes are its digest's; each has its own status."""
        validate.digest_function(request.digest_function)
        checked_instance(request.instance_name)
        validate.batch(len(part.data) for part in request.requests)
        refusals = Refusals()
        contents: dict[int, tuple[BlobKey, bytes]] = {}
        for number, part in enumerate(request.requests):
            with refusals.of(number):
                contents[number] = content_of(part)
        here = self._storage.present([blob for blob, _ in contents.values()])
        new = {
            number: part
            for (number, part), found in zip(contents.items(), here, strict=True)
            if not found and part[0] != EMPTY
        }
        answers = self._storage.keep_all(list(new.values())) if new else []
        for (number, (blob, _content)), error in zip(new.items(), answers, strict=True):
            refusals.note(number, error)
            if error is None:
                self._metrics.received(blob.size)
        reply = BatchUpdateBlobsResponse()
        for number, part in enumerate(request.requests):
            answer = reply.responses.add(digest=part.digest)
            refusal = refusals.found.get(number)
            answer.status.code = 0 if refusal is None else status_number(refusal)
            if refusal is not None:
                answer.status.message = refusal.message
        return reply

    def batch_read(self, request: BatchReadBlobsRequest, _: Caller) -> bytes:
        """Each blob or why not; compressed where that is acceptable and worth it."""
        validate.digest_function(request.digest_function)
        checked_instance(request.instance_name)
        validate.batch(digest.size_bytes for digest in request.digests)
        packs = validate.compressors(request.acceptable_compressors)
        refusals = Refusals()
        blobs: dict[int, BlobKey] = {}
        for number, digest in enumerate(request.digests):
            with refusals.of(number):
                blobs[number] = references.key_of(digest)
        asked = [blob for blob in blobs.values() if blob != EMPTY]
        found = dict(zip(asked, self._storage.fetch_all(asked), strict=True))
        found[EMPTY] = b""
        reply: list[bytes] = []
        sent = 0
        for number, digest in enumerate(request.digests):
            content = found[blobs[number]] if number in blobs else None
            if content is not None:
                sent += len(content)
                reply += read_part(digest, content, packs=packs)
                continue
            refusal = refusals.found.get(number) or Refusal(
                "NOT_FOUND", f"no blob {digest.hash}/{digest.size_bytes}"
            )
            answer = BatchReadBlobsResponse.Response(digest=digest)
            answer.status.code = status_number(refusal)
            answer.status.message = refusal.message
            reply.append(encoding.part(1, answer.SerializeToString()))
        self._metrics.sent(sent)
        return b"".join(reply)

    def tree(self, request: GetTreeRequest, _: Caller) -> Iterator[bytes]:
        """The folders below the root, page by page; what is not here is left out."""
        validate.digest_function(request.digest_function)
        checked_instance(request.instance_name)
        references.key_of(request.root_digest)
        skip = page_start(request.page_token)
        if request.page_size < 0:
            raise Refusal("INVALID_ARGUMENT", f"the page size {request.page_size} is negative")
        most = min(request.page_size or PAGE, PAGE)
        page = GetTreeResponse()
        size = 0
        folders = references.directories(self._storage, request.root_digest, whole=False)
        try:
            for number, folder in enumerate(folders):
                if number < skip:
                    continue
                length = folder.ByteSize()
                if page.directories and (
                    len(page.directories) == most or size + length > PAGE_BYTES
                ):
                    page.next_page_token = str(number)
                    yield page.SerializeToString()
                    page, size = GetTreeResponse(), 0
                page.directories.append(folder)
                size += length
        except references.Incomplete:
            raise Refusal("NOT_FOUND", "the root folder is not here") from None
        yield page.SerializeToString()


def read_part(digest: Digest, content: bytes, *, packs: bool) -> tuple[bytes, ...]:
    """One blob's part of a BatchReadBlobsResponse, in pieces."""
    packed = zstd.deflate(content) if packs else None
    end = WELL if packed is None else WELL_PACKED
    named = encoding.part(1, digest.SerializeToString())
    content = content if packed is None else packed
    before = encoding.head(2, len(content)) if content else b""
    length = len(named) + len(before) + len(content) + len(end)
    return encoding.head(1, length), named, before, content, end


def check_all(blobs: Sequence[tuple[str, int]]) -> None:
    """Malformed unless each is a digest; quick when all are."""
    hashes = "".join([name for name, _ in blobs])
    sizes = [size for _, size in blobs]
    if (
        len(hashes) != 64 * len(blobs)
        or hashes.encode().translate(None, b"0123456789abcdef")
        or (sizes and min(sizes) < 0)
        or set(map(len, [name for name, _ in blobs])) != {64}
    ):
        for blob in blobs:
            blob_key(*blob)


def content_of(part: BatchUpdateBlobsRequest.Request) -> tuple[BlobKey, bytes]:
    """The blob and its plain bytes, as the client says."""
    blob = references.key_of(part.digest)
    if part.compressor == Compressor.IDENTITY:
        return blob, part.data
    if part.compressor != Compressor.ZSTD:
        raise Refusal("INVALID_ARGUMENT", "the only compressor here is zstd")
    if blob.size > validate.RECEIVE_LIMIT:
        raise Refusal("INVALID_ARGUMENT", "a blob of that size must come as a stream")
    return blob, zstd.inflated(part.data, blob.size)


def page_start(token: str) -> int:
    """How many folders earlier pages gave."""
    if not token:
        return 0
    if not token.isdecimal() or len(token) > 12:  # noqa: PLR2004  (more than any tree has)
        raise Refusal("INVALID_ARGUMENT", "this page token is none of ours")
    return int(token)
