"""Capabilities: what this server can do. Unaware of what it keeps."""

from __future__ import annotations

import re
from typing import Final

import grpc

from affected.reapi.remote_execution_pb2 import (
    CacheCapabilities,
    Compressor,
    DigestFunction,
    GetCapabilitiesRequest,
    ServerCapabilities,
    SymlinkAbsolutePathStrategy,
)
from affected.reapi.semver_pb2 import SemVer
from cache_server import validate
from cache_server.auth import Scope
from cache_server.keys import checked_instance
from cache_server.services.calls import Caller, Desk

HONEST_SINCE: Final = 6  # the first Bazel that only warns when it may not update


class CapabilitiesService:
    """`build.bazel.remote.execution.v2.Capabilities`."""

    NAME = "build.bazel.remote.execution.v2.Capabilities"

    def handlers(
        self, desk: Desk
    ) -> dict[str, grpc.RpcMethodHandler[GetCapabilitiesRequest, bytes]]:
        """Its methods, for gRPC."""
        decode = GetCapabilitiesRequest.FromString
        return {
            "GetCapabilities": desk.unary(
                "GetCapabilities", Scope.READ, decode, self.capabilities, short=True
            )
        }

    def capabilities(self, request: GetCapabilitiesRequest, caller: Caller) -> ServerCapabilities:
        """The same for every instance; whether updates are allowed depends on the caller."""
        checked_instance(request.instance_name)
        cache = CacheCapabilities(
            digest_functions=[DigestFunction.SHA256],
            max_batch_total_size_bytes=validate.BATCH_LIMIT,
            symlink_absolute_path_strategy=SymlinkAbsolutePathStrategy.ALLOWED,
            supported_compressors=[Compressor.ZSTD],
            supported_batch_update_compressors=[Compressor.ZSTD],
        )
        cache.action_cache_update_capabilities.update_enabled = told_it_may_update(caller)
        return ServerCapabilities(
            cache_capabilities=cache,
            deprecated_api_version=SemVer(major=2),
            low_api_version=SemVer(major=2),
            high_api_version=SemVer(major=2, minor=3),
        )


def told_it_may_update(caller: Caller) -> bool:
    """The truth, except to a Bazel that would stop at it instead of warning.

    Those versions upload after all, and take the refusal of each upload as a warning.
    """
    if caller.grant.scope is Scope.READ_WRITE:
        return True
    if caller.tool != "bazel":
        return False
    major = re.match(r"[0-9]+", caller.version)
    return major is None or int(major[0]) < HONEST_SINCE
