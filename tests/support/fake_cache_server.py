"""A shared cache in a process of its own, strict with its callers and as bad as it is told to be.

    python -m support.fake_cache_server

Unaware of the client under test. It prints its port; then each line of its standard input, a JSON
object, says how to be from now on and is answered by one that says what happened so far; it ends
with its input. (By pipes: a test process without gRPC of its own can fork.) The server keeps
everything in memory, checks what comes in harder than real servers do (`violations`), counts calls,
and misbehaves in one of the WAYS of `fake_cache`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from affected.reapi import affected_v1_pb2 as ours
from affected.reapi import byte_stream_pb2 as streams
from affected.reapi import remote_execution_pb2 as api

V2 = "build.bazel.remote.execution.v2."
BATCH = 1 << 20
_WRITES = ("UpdateActionResult", "Update", "BatchUpdateBlobs", "Write")
_REFUSALS = {
    "full": (grpc.StatusCode.RESOURCE_EXHAUSTED, _WRITES),
    "read-only": (grpc.StatusCode.PERMISSION_DENIED, _WRITES),
    "no-token": (grpc.StatusCode.UNAUTHENTICATED, None),
    "broken": (grpc.StatusCode.INTERNAL, None),
    "no-capabilities": (grpc.StatusCode.UNIMPLEMENTED, ("GetCapabilities",)),
}


class Cache:
    """What is kept, and how it behaves."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset({})

    def reset(self, told: dict[str, Any]) -> None:
        """Empty; `told`: way, batched, zstd."""
        self.way: str = told.get("way", "good")
        self.batched: bool = told.get("batched", True)
        self.zstd: bool = told.get("zstd", False)
        self.instance: str = told.get("instance", "")
        self.results: dict[str, api.ActionResult] = {}
        self.blobs: dict[str, bytes] = {hashlib.sha256(b"").hexdigest(): b""}
        self.calls: Counter[str] = Counter()
        self.tokens: set[str] = set()
        self.violations: list[str] = []
        self.cut = False

    def keep(self, digest: api.Digest, content: bytes) -> int:
        """A blob; the status code."""
        if (hashlib.sha256(content).hexdigest(), len(content)) != (digest.hash, digest.size_bytes):
            self.violations.append(f"a blob that is not {digest.hash}/{digest.size_bytes}")
            return 3
        self.blobs[digest.hash] = content
        return 0

    def update(self, key: api.Digest, result: api.ActionResult) -> None:
        """A result; every blob that it names must be here, and it must not be empty."""
        named = [file.digest for file in result.output_files]
        named += [result.stdout_digest] if result.stdout_digest.hash else []
        for digest in named:
            if len(self.blobs.get(digest.hash, b"-")) != digest.size_bytes:
                self.violations.append(f"a result names a blob that is not here: {digest.hash}")
        if not result.stdout_raw and not result.stdout_digest.hash:
            self.violations.append("a result without a payload")
        if len(result.stdout_raw) > 65_536:
            self.violations.append("a payload too large for a result")
        self.results[key.hash] = result

    def blob(self, hash_: str) -> bytes | None:
        """What it says that the blob is."""
        content = self.blobs.get(hash_)
        if content:
            if self.way == "wrong-bytes":
                return bytes([content[0] ^ 1]) + content[1:]
            if self.way == "wrong-size":
                return content + b"more"
        return content

    def result(self, hash_: str) -> api.ActionResult | None:
        """What it says that the result is."""
        found = self.results.get(hash_)
        if found is None:
            return None
        said = api.ActionResult()
        said.CopyFrom(found)
        if self.way == "wrong-record":
            others = [r for k, r in sorted(self.results.items()) if k != hash_]
            return others[0] if others else said
        if self.way == "empty-result":
            return api.ActionResult(exit_code=1)
        if self.way == "absurd-digest":
            said.output_files.add(path="tables/x", digest=api.Digest(hash="..", size_bytes=1 << 60))
        return said


class Calls:
    """The methods, over a `Cache`."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache

    def get_capabilities(self, _: api.GetCapabilitiesRequest) -> api.ServerCapabilities:
        said = api.CacheCapabilities(
            digest_functions=[api.DigestFunction.SHA256], max_batch_total_size_bytes=BATCH
        )
        said.action_cache_update_capabilities.update_enabled = True
        if self.cache.zstd:
            said.supported_compressors.append(api.Compressor.ZSTD)
            said.supported_batch_update_compressors.append(api.Compressor.ZSTD)
        return api.ServerCapabilities(cache_capabilities=said)

    def get_result(self, request: api.GetActionResultRequest) -> api.ActionResult | None:
        return self.cache.result(request.action_digest.hash)

    def update_result(self, request: api.UpdateActionResultRequest) -> api.ActionResult:
        self.cache.update(request.action_digest, request.action_result)
        return request.action_result

    def find_missing(self, request: api.FindMissingBlobsRequest) -> api.FindMissingBlobsResponse:
        missing = [d for d in request.blob_digests if d.hash not in self.cache.blobs]
        return api.FindMissingBlobsResponse(missing_blob_digests=missing)

    def read_batch(self, request: api.BatchReadBlobsRequest) -> api.BatchReadBlobsResponse:
        if sum(digest.size_bytes for digest in request.digests) > BATCH:
            self.cache.violations.append("a batch over the limit is read")
        answer = api.BatchReadBlobsResponse()
        for digest in request.digests:
            content = self.cache.blob(digest.hash)
            one = answer.responses.add(digest=digest)
            if content is None:
                one.status.code = 5
            elif api.Compressor.ZSTD in request.acceptable_compressors:
                import zstandard  # noqa: PLC0415

                one.data = zstandard.compress(content)
                one.compressor = api.Compressor.ZSTD
            else:
                one.data = content
        if self.cache.way == "unasked":
            for number in range(5):
                content = b"unasked %d" % number
                answer.responses.add(
                    digest=api.Digest(
                        hash=hashlib.sha256(content).hexdigest(), size_bytes=len(content)
                    ),
                    data=content,
                )
        return answer

    def update_batch(self, request: api.BatchUpdateBlobsRequest) -> api.BatchUpdateBlobsResponse:
        if sum(len(part.data) for part in request.requests) > BATCH:
            self.cache.violations.append("a batch over the limit is written")
        answer = api.BatchUpdateBlobsResponse()
        for part in request.requests:
            content = part.data
            if part.compressor == api.Compressor.ZSTD:
                import zstandard  # noqa: PLC0415

                content = zstandard.decompress(content)
                self.cache.calls["compressed"] += 1
            one = answer.responses.add(digest=part.digest)
            one.status.code = self.cache.keep(part.digest, content)
        return answer

    def read(self, requests: Iterator[streams.ReadRequest]) -> Iterator[streams.ReadResponse]:
        name = next(requests).resource_name.split("/")
        content = self.cache.blob(name[-2])
        if content is None:
            return
        if "compressed-blobs" in name:
            import zstandard  # noqa: PLC0415

            content = zstandard.compress(content)
        for start in range(0, len(content), 1 << 18):
            yield streams.ReadResponse(data=content[start : start + (1 << 18)])

    def write(self, requests: Iterator[streams.WriteRequest]) -> Iterator[streams.WriteResponse]:
        parts = list(requests)
        name = parts[0].resource_name.split("/")
        content = b"".join(part.data for part in parts)
        if "compressed-blobs" in name:
            import zstandard  # noqa: PLC0415

            content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
        digest = api.Digest(hash=name[-2], size_bytes=int(name[-1]))
        self.cache.keep(digest, content)
        if not parts[-1].finish_write:
            self.cache.violations.append("a write without an end")
        yield streams.WriteResponse(committed_size=digest.size_bytes)

    def look_up(self, requests: Iterator[ours.LookUpRequest]) -> Iterator[ours.LookUpResponse]:
        sent: set[str] = set()
        for request in requests:
            answer = ours.LookUpResponse()
            for key in request.keys:
                result = self.cache.result(key.hash)
                if result is None:
                    answer.missing.append(key)
                    continue
                answer.found.add(key=key, result=result)
                for file in result.output_files:
                    content = self.cache.blob(file.digest.hash)
                    if content is None or file.digest.hash in sent:
                        continue
                    if len(content) <= request.blob_bytes:
                        sent.add(file.digest.hash)
                        answer.blobs.add(digest=file.digest, data=content)
                if self.cache.way == "drip":
                    time.sleep(0.3)
                if self.cache.way == "drip" or answer.ByteSize() > BATCH:
                    yield answer
                    answer = ours.LookUpResponse()
            yield answer

    def update(self, requests: Iterator[ours.UpdateRequest]) -> Iterator[ours.UpdateResponse]:
        for request in requests:
            answer = ours.UpdateResponse()
            for blob in request.blobs:
                self.cache.keep(blob.digest, blob.data)
            for record in request.records:
                self.cache.update(record.key, record.result)
                answer.records.add(digest=record.key)
            yield answer


class Desk(grpc.GenericRpcHandler):
    """Finds the method and lets the chosen way spoil it."""

    def __init__(self, cache: Cache) -> None:
        calls = Calls(cache)
        self.cache = cache
        self.room = threading.Semaphore(6)
        cas = f"/{V2}ContentAddressableStorage/"
        self.unary: dict[str, tuple[Callable[[Any], Any], Any]] = {
            f"/{V2}Capabilities/GetCapabilities": (
                calls.get_capabilities, api.GetCapabilitiesRequest,
            ),
            f"/{V2}ActionCache/GetActionResult": (calls.get_result, api.GetActionResultRequest),
            f"/{V2}ActionCache/UpdateActionResult": (
                calls.update_result, api.UpdateActionResultRequest,
            ),
            f"{cas}FindMissingBlobs": (calls.find_missing, api.FindMissingBlobsRequest),
            f"{cas}BatchReadBlobs": (calls.read_batch, api.BatchReadBlobsRequest),
            f"{cas}BatchUpdateBlobs": (calls.update_batch, api.BatchUpdateBlobsRequest),
        }  # fmt: skip
        self.streams: dict[str, tuple[Callable[[Any], Iterator[Any]], Any]] = {
            "/google.bytestream.ByteStream/Read": (calls.read, streams.ReadRequest),
            "/google.bytestream.ByteStream/Write": (calls.write, streams.WriteRequest),
        }
        self.batched: dict[str, tuple[Callable[[Any], Iterator[Any]], Any]] = {
            "/affected.v1.Records/LookUp": (calls.look_up, ours.LookUpRequest),
            "/affected.v1.Records/Update": (calls.update, ours.UpdateRequest),
        }

    def service(self, details: Any) -> Any:
        self.cache.calls[details.method.rpartition("/")[2]] += 1
        self.cache.tokens |= {v for k, v in details.invocation_metadata if k == "authorization"}
        known = {**self.unary, **self.streams, **(self.batched if self.cache.batched else {})}
        if details.method not in known:
            return None
        function, kind = known[details.method]
        if details.method in self.unary:
            return grpc.unary_unary_rpc_method_handler(
                lambda request, rpc: self.one(details.method, function, kind, request, rpc)
            )
        return grpc.stream_stream_rpc_method_handler(
            lambda requests, rpc: self.many(details.method, function, kind, requests, rpc)
        )

    def reset(self, told: dict[str, Any]) -> None:
        """Be so from now on."""
        with self.cache.lock:
            if told.pop("empty", True):
                self.cache.reset(told)
            else:
                self.cache.calls.clear()
                for name, value in told.items():
                    setattr(self.cache, name, value)

    def tell(self) -> dict[str, Any]:
        """What happened so far."""
        return {
            "calls": dict(self.cache.calls),
            "violations": self.cache.violations,
            "records": len(self.cache.results),
            "blobs": len(self.cache.blobs) - 1,
            "tokens": sorted(self.cache.tokens),
        }

    def one(self, method: str, function: Any, kind: Any, request: bytes, rpc: Any) -> bytes:
        self.spoil(method, rpc)
        if self.cache.way == "crowded":
            self.crowd(rpc)
        parsed = kind.FromString(request)
        if parsed.instance_name != self.cache.instance:
            self.cache.violations.append(f"another instance: {parsed.instance_name}")
        with self.cache.lock:
            answer = function(parsed)
        if answer is None:
            rpc.abort(grpc.StatusCode.NOT_FOUND, "no such result")
        return self.spoiled(answer.SerializeToString())

    def many(
        self, method: str, function: Any, kind: Any, requests: Any, rpc: Any
    ) -> Iterator[bytes]:
        self.spoil(method, rpc)
        for answer in function(kind.FromString(request) for request in requests):
            yield self.spoiled(answer.SerializeToString())

    def crowd(self, rpc: Any) -> None:
        """A few calls at once are answered, slowly; the others are refused."""
        if not self.room.acquire(blocking=False):
            rpc.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many at once")
        time.sleep(0.002)
        self.room.release()

    def spoiled(self, answer: bytes) -> bytes:
        if self.cache.way == "malformed":
            return b"\xff\xff\xff\xff no message"
        return answer + b"\0" * (20 << 20) if self.cache.way == "huge" else answer

    def spoil(self, method: str, rpc: Any) -> None:
        name, way = method.rpartition("/")[2], self.cache.way
        if way in _REFUSALS:
            code, methods = _REFUSALS[way]
            if methods is None or name in methods:
                rpc.abort(code, f"so it is, {dict(rpc.invocation_metadata()).get('authorization')}")
        if way == "slow":
            time.sleep(5)
        if way == "cut-once" and not self.cache.cut and name != "GetCapabilities":
            self.cache.cut = True
            rpc.abort(grpc.StatusCode.UNAVAILABLE, "the connection was lost")
        while rpc.is_active() and (
            self.cache.way == "hang" or (self.cache.way == "hang-writes" and name in _WRITES)
        ):
            time.sleep(0.02)


def main() -> None:
    """Serves until standard input ends."""
    server = grpc.server(
        ThreadPoolExecutor(300),
        options=[("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)],
    )
    desk = Desk(Cache())
    server.add_generic_rpc_handlers((desk,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        told = json.loads(line)
        if told:
            desk.reset(told)
        sys.stdout.write(json.dumps(desk.tell()) + "\n")
        sys.stdout.flush()
    server.stop(0)


if __name__ == "__main__":
    main()
