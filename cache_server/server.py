"""The running server: services on a port, health, reflection, metrics. Unaware of argv and env.

gRPC's synchronous server is used: on small calls it costs less than the asynchronous one, and
disk reads want threads anyway.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from affected.reapi import (
    affected_v1_pb2,
    byte_stream_pb2,
    remote_execution_pb2,
    semver_pb2,
    status_pb2,
)
from cache_server import validate
from cache_server.auth import Access
from cache_server.journal import Journal
from cache_server.lane import lane_beside
from cache_server.metrics import Metrics
from cache_server.services.action_cache import ActionCacheService
from cache_server.services.byte_stream import ByteStreamService
from cache_server.services.calls import Desk
from cache_server.services.capabilities import CapabilitiesService
from cache_server.services.cas import CasService
from cache_server.services.records import RecordsService
from cache_server.services.uploads import Waiting
from cache_server.settings import Settings, SettingsError, Tls
from cache_server.storage.protocol import Storage

THREADS: Final = 128  # streams that are served at once; more wait for their turn
SHORT_THREADS: Final = 8  # for short calls, where nothing far is waited for
CAPABILITIES: Final = "/build.bazel.remote.execution.v2.Capabilities/GetCapabilities"
# Methods that read and write little, where nothing far is waited for.
QUICK: Final = frozenset(
    {
        CAPABILITIES,
        "/build.bazel.remote.execution.v2.ActionCache/GetActionResult",
        "/build.bazel.remote.execution.v2.ActionCache/UpdateActionResult",
        "/build.bazel.remote.execution.v2.ContentAddressableStorage/FindMissingBlobs",
        "/google.bytestream.ByteStream/Read",
        "/google.bytestream.ByteStream/Write",
        "/google.bytestream.ByteStream/QueryWriteStatus",
    }
)
OPTIONS: Final = (
    ("grpc.max_receive_message_length", validate.RECEIVE_LIMIT),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 60_000),  # a client that vanished gives its threads back
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


class CacheServer:
    """Serves `storage`, which it closes at the end."""

    def __init__(
        self,
        settings: Settings,
        access: Access,
        storage: Storage,
        metrics: Metrics,
        journal: Journal,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._metrics = metrics
        self._waiting = Waiting()
        self._health = health.HealthServicer()
        pool = ThreadPoolExecutor(THREADS, "call")
        self._grpc = grpc.server(
            pool,
            options=(*OPTIONS, ("grpc.so_reuseport", int(settings.processes > 1))),
        )
        few = ThreadPoolExecutor(SHORT_THREADS, "short") if settings.s3 is None else None
        desk = Desk(access, metrics, journal, log_calls=settings.log_calls, few=few)
        handlers = self._register(desk)
        quick = QUICK if settings.s3 is None else QUICK & {CAPABILITIES}
        self._lane = lane_beside(
            self._grpc, handlers, quick, pool, lambda bug: journal.write("fault", traceback=bug)
        )
        self._watch()

    def start(self) -> int:
        """Listen; the port. SettingsError when the address or a file of TLS cannot be used."""
        listen = self._settings.listen
        try:
            if self._settings.tls is None:
                port = self._grpc.add_insecure_port(str(listen))
            else:
                port = self._grpc.add_secure_port(str(listen), credentials(self._settings.tls))
        except RuntimeError as trouble:
            raise SettingsError(f"cannot listen on {listen}: is the port taken?") from trouble
        if not port:
            raise SettingsError(f"cannot listen on {listen}: is the port taken?")
        self._grpc.start()
        if self._lane is not None:
            self._lane.start()
        self._health.set("", health_pb2.HealthCheckResponse.SERVING)
        return port

    def drain(self) -> None:
        """Take no new call, let those that run end in the time that is set, then close all."""
        self._health.enter_graceful_shutdown()
        self._grpc.stop(self._settings.drain_seconds).wait()
        self.close()

    def close(self) -> None:
        """Close what is held; also after a start that failed."""
        if self._lane is not None:
            self._lane.close()
            self._lane = None
        self._waiting.close()
        self._storage.close()

    def _register(self, desk: Desk) -> dict[str, grpc.RpcMethodHandler[Any, bytes]]:
        """Register all methods; those that a lane can serve too, by full name."""
        services: tuple[tuple[str, dict[str, grpc.RpcMethodHandler[Any, bytes]]], ...] = (
            (CapabilitiesService.NAME, CapabilitiesService().handlers(desk)),
            (
                ActionCacheService.NAME,
                ActionCacheService(self._storage, self._metrics).handlers(desk),
            ),
            (RecordsService.NAME, RecordsService(self._storage, self._metrics).handlers(desk)),
            (CasService.NAME, CasService(self._storage, self._metrics).handlers(desk)),
            (
                ByteStreamService.NAME,
                ByteStreamService(self._storage, self._metrics, self._waiting).handlers(desk),
            ),
        )
        self._grpc.add_generic_rpc_handlers(
            tuple(grpc.method_handlers_generic_handler(name, made) for name, made in services)
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        names = [name for name, _ in services]
        names += [health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, self._grpc, pool=described())
        return {
            f"/{name}/{method}": handler
            for name, made in services
            for method, handler in made.items()
            if not (handler.request_streaming and handler.response_streaming)
        }

    def _watch(self) -> None:
        usage = self._storage.usage
        watch = self._metrics.watch
        watch("entries", "Blobs and action results kept.", lambda: usage().entries)
        watch("used_bytes", "Bytes kept or set aside.", lambda: usage().used)
        watch("limit_bytes", "The limit of those.", lambda: usage().limit)


def credentials(tls: Tls) -> grpc.ServerCredentials:
    """TLS as set; with an authority of clients, clients without its certificate are refused."""
    try:
        pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
        authority = tls.client_authority.read_bytes() if tls.client_authority else None
    except OSError as trouble:
        raise SettingsError(f"cannot read {trouble.filename}: {trouble.strerror}") from trouble
    return grpc.ssl_server_credentials(
        [pair], root_certificates=authority, require_client_auth=authority is not None
    )


def described() -> DescriptorPool:
    """What reflection tells: our messages, and those of health and reflection itself."""
    pool = DescriptorPool()
    known: set[str] = set()

    def add(file: Any) -> None:  # noqa: ANN401  (a FileDescriptor of either kind)
        if file.name not in known:
            known.add(file.name)
            for need in file.dependencies:
                add(need)
            pool.AddSerializedFile(file.serialized_pb)

    for module in (
        affected_v1_pb2, byte_stream_pb2, remote_execution_pb2, semver_pb2, status_pb2,
        health_pb2, reflection_pb2,
    ):  # fmt: skip
        add(module.DESCRIPTOR)
    return pool
