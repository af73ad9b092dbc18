"""ActionCache: results by action digest, served only when whole. Unaware of how they are kept.

The digest is only a name: no blob is asked for under it, since clients may make it of anything.
"""

from __future__ import annotations

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
from cache_server.keys import checked_instance
from cache_server.metrics import Metrics
from cache_server.services import references, results
from cache_server.services.calls import Caller, Desk
from cache_server.storage.protocol import Storage
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
                "GetActionResult",
                Scope.READ,
                GetActionResultRequest.FromString,
                self.result,
                short=True,
            ),
            "UpdateActionResult": desk.unary(
                "UpdateActionResult",
                Scope.READ_WRITE,
                UpdateActionResultRequest.FromString,
                self.update,
            ),
        }

    def result(self, request: GetActionResultRequest, caller: Caller) -> ActionResult | bytes:
        """The result; NOT_FOUND when there is none or a blob that it names is gone."""
        validate.digest_function(request.digest_function)
        instance = checked_instance(request.instance_name)
        action = references.key_of(request.action_digest)
        payload, result = results.look_up(self._storage, instance, [action])[0]
        hits = int(result is not None)
        self._metrics.lookups(instance, caller.tool, hits, 1 - hits)
        if result is None:
            raise Refusal("NOT_FOUND", f"no result of {action.hash}/{action.size}")
        if not (request.inline_stdout or request.inline_stderr or request.inline_output_files):
            return payload
        self._inline(request, result)
        return result

    def update(self, request: UpdateActionResultRequest, _: Caller) -> ActionResult:
        """Keep the result. Content that came inlined with a digest is kept as a blob."""
        validate.digest_function(request.digest_function)
        instance = checked_instance(request.instance_name)
        action = references.key_of(request.action_digest)
        result = request.action_result
        results.keep(self._storage, instance, action, result)
        return result

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
