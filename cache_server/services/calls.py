"""What all calls have in common: who calls, refusals, times, log lines. Unaware of any service.

Handlers are made by hand instead of from generated gRPC stubs: a method takes a request and a
`Caller`, gives a reply, and raises what `refusal_of` knows.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol, Self, TypeVar

import grpc

from affected.reapi.remote_execution_pb2 import RequestMetadata
from cache_server.auth import Access, Grant, Scope
from cache_server.journal import Journal
from cache_server.keys import Malformed
from cache_server.metrics import Metrics
from cache_server.storage.protocol import Mismatch, NoRoom, Unavailable
from cache_server.validate import Refusal

TOOL_KEYS: Final = frozenset(
    {
        "build.bazel.remote.execution.v2.requestmetadata-bin",
        "google.devtools.remoteexecution.v1test.requestmetadata-bin",  # Pants 2.17 and older
    }
)


class Message(Protocol):
    """A protobuf message, as far as it is needed here."""

    def SerializeToString(self) -> bytes:  # noqa: N802
        """Its bytes."""
        ...


Request = TypeVar("Request")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: what it may do, the tool's name and version ("" when it does not say)."""

    grant: Grant
    tool: str = ""
    version: str = ""


def refusal_of(error: Exception) -> Refusal | None:
    """What a client is told of an error; None for one that is a bug."""
    match error:
        case Refusal():
            return error
        case Malformed() | Mismatch():
            return Refusal("INVALID_ARGUMENT", str(error))
        case NoRoom():
            return Refusal("RESOURCE_EXHAUSTED", str(error))
        case Unavailable():
            return Refusal("UNAVAILABLE", str(error))
        case OSError():
            return Refusal("UNAVAILABLE", f"the storage failed: {error.strerror or 'I/O error'}")
    return None


def status_number(refusal: Refusal) -> int:
    """GRPC's number of the refusal's code."""
    number: int = grpc.StatusCode[refusal.code].value[0]
    return number


class Refusals:
    """What became of the parts of a batch, by number, as far as they were refused."""

    def __init__(self) -> None:
        self.found: dict[int, Refusal] = {}

    def note(self, number: int, error: Exception | None) -> None:
        """Part `number` went wrong, if there is an error; one that is a bug is raised."""
        if error is not None:
            refusal = refusal_of(error)
            if refusal is None:
                raise error
            self.found.setdefault(number, refusal)

    @contextmanager
    def of(self, number: int) -> Iterator[None]:
        """What goes wrong inside is noted, and the other parts go on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  (a bug is raised again)
            self.note(number, error)


class Desk:
    """Makes gRPC handlers of methods; `log_calls` writes a line for each call, not only failed.

    Short calls run in the threads of `few`, if there are such: the fewer threads there are, the
    less they cost each other.
    """

    def __init__(
        self,
        access: Access,
        metrics: Metrics,
        journal: Journal,
        *,
        log_calls: bool,
        few: ThreadPoolExecutor | None = None,
    ) -> None:
        self._access = access
        self._metrics = metrics
        self._journal = journal
        self._log_calls = log_calls
        self._few = few

    def unary(
        self,
        method: str,
        scope: Scope,
        decode: Callable[[bytes], Request],
        call: Callable[[Request, Caller], Message | bytes],
        *,
        short: bool = False,
    ) -> grpc.RpcMethodHandler[Request, bytes]:
        """One request, one reply; a `short` call reads little and waits for nothing far."""

        def behave(request: Request, rpc: grpc.ServicerContext) -> bytes:
            with _Turn(self, method, scope, rpc) as turn:
                reply = call(request, turn.caller())
                return reply if isinstance(reply, bytes) else reply.SerializeToString()

        if short and self._few is not None:
            behave.experimental_thread_pool = self._few  # type: ignore[attr-defined]
        return grpc.unary_unary_rpc_method_handler(behave, decode, bytes)

    def answers(
        self,
        method: str,
        scope: Scope,
        decode: Callable[[bytes], Request],
        call: Callable[[Request, Caller], Iterable[bytes]],
    ) -> grpc.RpcMethodHandler[Request, bytes]:
        """One request, a stream of serialised replies."""

        def behave(request: Request, rpc: grpc.ServicerContext) -> Iterator[bytes]:
            with _Turn(self, method, scope, rpc) as turn:
                yield from call(request, turn.caller())

        return grpc.unary_stream_rpc_method_handler(behave, decode, bytes)

    def requests(
        self,
        method: str,
        scope: Scope,
        decode: Callable[[bytes], Request],
        call: Callable[[Iterator[Request], Caller], Message],
    ) -> grpc.RpcMethodHandler[Request, bytes]:
        """A stream of requests, one reply."""

        def behave(requests: Iterator[Request], rpc: grpc.ServicerContext) -> bytes:
            with _Turn(self, method, scope, rpc) as turn:
                return call(requests, turn.caller()).SerializeToString()

        return grpc.stream_unary_rpc_method_handler(behave, decode, bytes)

    def exchange(
        self,
        method: str,
        scope: Scope,
        decode: Callable[[bytes], Request],
        call: Callable[[Iterator[Request], Caller], Iterable[bytes]],
    ) -> grpc.RpcMethodHandler[Request, bytes]:
        """A stream of requests, a stream of serialised replies."""

        def behave(requests: Iterator[Request], rpc: grpc.ServicerContext) -> Iterator[bytes]:
            with _Turn(self, method, scope, rpc) as turn:
                yield from call(requests, turn.caller())

        return grpc.stream_stream_rpc_method_handler(behave, decode, bytes)

    def caller(self, rpc: grpc.ServicerContext) -> Caller:
        """Who calls; Refusal when nothing is granted to it."""
        header: str | None = None
        tool = version = ""
        for key, value in rpc.invocation_metadata():
            if key == "authorization":
                header = value if isinstance(value, str) else value.decode("utf-8", "replace")
            elif key in TOOL_KEYS and isinstance(value, bytes):
                tool, version = tool_of(value)
        grant = self._access.grant(header)
        if grant is None:
            known = "is not known" if header else "is needed"
            raise Refusal("UNAUTHENTICATED", f"a bearer token {known}")
        return Caller(grant, tool, version)

    def over(self, turn: _Turn, code: str, message: str, bug: str = "") -> None:
        """Count and, if there is something to say, log a call."""
        seconds = time.perf_counter() - turn.started
        self._metrics.call(turn.method, code, seconds)
        ordinary = code in {"OK", "NOT_FOUND", "CANCELLED"}
        if self._log_calls or not ordinary:
            who = turn.known.grant.name if turn.known else ""
            said: dict[str, object] = {
                "method": turn.method, "code": code, "caller": who, "ms": round(seconds * 1e3, 2),
            }  # fmt: skip
            if turn.known and turn.known.tool:
                said["tool"] = turn.known.tool
            if message:
                said["message"] = message
            if bug:
                said["traceback"] = bug
            self._journal.write("call", **said)


class _Turn:
    """One call from its start to its end; turns errors into the interface's codes."""

    __slots__ = ("_desk", "_rpc", "_scope", "known", "method", "started")

    def __init__(self, desk: Desk, method: str, scope: Scope, rpc: grpc.ServicerContext) -> None:
        self.method = method
        self.started = time.perf_counter()
        self.known: Caller | None = None
        self._desk = desk
        self._scope = scope
        self._rpc = rpc

    def caller(self) -> Caller:
        """Who calls; Refusal when it may not."""
        caller = self.known = self._desk.caller(self._rpc)
        if self._scope is Scope.READ_WRITE and caller.grant.scope is not Scope.READ_WRITE:
            raise Refusal("PERMISSION_DENIED", "this caller may only read")
        return caller

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self._desk.over(self, "OK", "")
            return
        if isinstance(error, GeneratorExit) or not self._rpc.is_active():
            self._desk.over(self, "CANCELLED", "")
            return
        if not isinstance(error, Exception):
            return
        refusal = refusal_of(error)
        if refusal is None:
            bug = "".join(traceback.format_exception(error))
            self._desk.over(self, "INTERNAL", str(error), bug)
            self._rpc.abort(grpc.StatusCode.INTERNAL, "a fault of the server; its log says more")
        else:
            self._desk.over(self, refusal.code, refusal.message)
            self._rpc.abort(grpc.StatusCode[refusal.code], refusal.message)


def tool_of(metadata: bytes) -> tuple[str, str]:
    """The tool's name and version; empty when the bytes are no metadata."""
    try:
        details = RequestMetadata.FromString(metadata).tool_details
    except Exception:  # noqa: BLE001  (whatever protobuf raises: it is only said for the log)
        return "", ""
    return details.tool_name[:64], details.tool_version[:64]
