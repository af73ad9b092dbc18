"""ActionCache: results by action digest, served only when whole. Unaware of how they are kept.

The digest is only a name: no blob is asked for under it, since clients may make it of anything.
"""

from __future__ import annotations

import hashlib
from typing import Any

import grpc

from affected.reapi.remote_execution_pb2 import (
    ActionResult,
    Digest,
    GetActionResultRequest,
    UpdateActionResultRequest,
)
from cache_server import validate
from cache_server.auth import Scope
from cache_server.keys import EMPTY, BlobKey, action_name, checked_instance
from cache_server.metrics import Metrics
from cache_server.services import references
from cache_server.services.calls import Caller, Desk
from cache_server.storage.protocol import Mismatch, Storage
from cache_server.validate import Refusal


class ActionCacheService:
    """`build.bazel.remote.execution.v2.ActionCache`."""

    NAME = "build.bazel.remote.execution.v2.ActionCache"

    def __init__(self, storage: Storage, metrics: Metrics) -> None:
        self._storage = storage
        self._metrics = metrics

    def handlers(self, desk: Desk) -> dict[str, grpc.RpcMethodHandler[Any, bytes]]:
        """Its methods, for gRPC."""
        return {
            "GetActionResult": desk.unary(
                "GetActionResult", Scope.READ, GetActionResultRequest.FromString, self.result
            ),
            "UpdateActionResult": desk.unary(
                "UpdateActionResult",
                Scope.READ_WRITE,
                UpdateActionResultRequest.FromString,
                self.update,
            ),
        }

    def result(self, request: GetActionResultRequest, caller: Caller) -> ActionResult:
        """The result; NOT_FOUND when there is none or a blob that it names is gone."""
        validate.digest_function(request.digest_function)
        instance = checked_instance(request.instance_name)
        action = references.key_of(request.action_digest)
        payload = self._storage.load(action_name(instance, action))
        result = None
        if payload is not None:
            result = ActionResult.FromString(payload)
            try:
                references.require(self._storage, result)
            except references.Incomplete:
                result = None
        self._metrics.lookup(instance, caller.tool, hit=result is not None)
        if result is None:
            raise Refusal("NOT_FOUND", f"no result of {action.hash}/{action.size}")
        self._inline(request, result)
        return result

    def update(self, request: UpdateActionResultRequest, _: Caller) -> ActionResult:
        """Keep the result. Content that came inlined with a digest is kept as a blob."""
        validate.digest_function(request.digest_function)
        instance = checked_instance(request.instance_name)
        action = references.key_of(request.action_digest)
        result = request.action_result
        for digest in references.direct(result):
            references.key_of(digest)
        for file in result.output_files:
            if file.contents:
                self._store(file.digest, file.contents)
                file.ClearField("contents")
        if result.stdout_raw and result.stdout_digest.hash:
            self._store(result.stdout_digest, result.stdout_raw)
            result.ClearField("stdout_raw")
        if result.stderr_raw and result.stderr_digest.hash:
            self._store(result.stderr_digest, result.stderr_raw)
            result.ClearField("stderr_raw")
        payload = result.SerializeToString()
        if len(payload) > validate.BATCH_LIMIT:
            raise Refusal(
                "INVALID_ARGUMENT",
                f"a result of {len(payload)} bytes is over the limit of {validate.BATCH_LIMIT}",
            )
        self._storage.save(action_name(instance, action), payload)
        return result

    def _store(self, digest: Digest, content: bytes) -> None:
        blob = references.key_of(digest)
        if blob == EMPTY or self._storage.present([blob])[0]:
            if BlobKey(hashlib.sha256(content).hexdigest(), len(content)) != blob:
                raise Mismatch("inlined content is not that of its digest")
            return
        upload = self._storage.create(blob)
        try:
            upload.append(content)
            upload.commit()
        finally:
            upload.discard()

    def _inline(self, request: GetActionResultRequest, result: ActionResult) -> None:
        """Put into the result what was asked for, while it stays small."""
        room = validate.INLINE_LIMIT - len(result.stdout_raw) - len(result.stderr_raw)

        def content(digest: Digest) -> bytes:
            nonlocal room
            if not 0 < digest.size_bytes <= room:
                return b""
            found = self._storage.fetch(references.key_of(digest)) or b""
            room -= len(found)
            return found

        if request.inline_stdout and not result.stdout_raw:
            result.stdout_raw = content(result.stdout_digest)
        if request.inline_stderr and not result.stderr_raw:
            result.stderr_raw = content(result.stderr_digest)
        if request.inline_output_files:
            wanted = set(request.inline_output_files)
            for file in result.output_files:
                if file.path in wanted:
                    file.contents = content(file.digest)
