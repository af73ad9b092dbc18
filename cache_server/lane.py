"""A quicker way through gRPC: calls served by one thread on gRPC's own core. Unaware of services.

gRPC's server for Python hands each call over between threads some four times; measured on calls
that do nothing, that takes three times the CPU of all the rest. Here one thread takes calls from
the core, answers quick ones at once and gives longer ones to a pool, where a blob is sent or
received while its thread does the disk's part. HTTP/2, TLS and flow control are the core's, and
handlers are those of gRPC's public server, which keeps serving every other method.

The core's binding (`grpc._cython.cygrpc`) is not public: where it is not as expected here, there is
no lane, and the public server serves everything.
"""

from __future__ import annotations

import importlib
import itertools
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NoReturn

import grpc

try:
    cygrpc: Any = importlib.import_module("grpc._cython.cygrpc")
except ImportError:
    cygrpc = None

ASKED: Final = 32  # calls of each method that the core may hand over at once
LARGE: Final = 256 * 1024  # bytes of a first message, after which more are expected
UNDECIDED_SECONDS: Final = 0.003  # until a client that has sent one message is taken for slow
NOTHING: Final = 0  # flags of an operation
Handler = Any  # a grpc.RpcMethodHandler, of any kind
Handlers = Mapping[str, Handler]
Call = Any  # cygrpc's call, event and server have no types
Event = Any
Core = Any


class Aborted(Exception):
    """A handler refused the call: with a gRPC code and a sentence."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class Gone(grpc.RpcError):
    """The client went away in the middle of its messages."""


class Lane:
    """Serves `handlers` by full method name; those in `quick` in its own thread."""

    def __init__(
        self,
        core: Core,
        handlers: Handlers,
        quick: frozenset[str],
        pool: ThreadPoolExecutor,
        tell: Callable[[str], object],
    ) -> None:
        """`core` is not started yet; `tell` is given the traceback of a fault."""
        self.pool = pool
        # Those whose first message came, and nothing after it yet; until when that is waited for.
        self.undecided: dict[Served, float] = {}
        self._core = core
        self._tell = tell
        self._handlers = handlers
        self._quick = quick
        self._queue = cygrpc.CompletionQueue()
        self._thread = threading.Thread(target=self._serve, name="lane", daemon=True)
        core.register_completion_queue(self._queue)
        for name in handlers:
            core.register_method(name)

    def start(self) -> None:
        """Take calls; the core has been started."""
        for name in self._handlers:
            for _ in range(ASKED):
                self._ask(name)
        self._thread.start()

    def close(self) -> None:
        """Take no more; the core has been shut down, or was never started."""
        self._queue.shutdown()
        if self._thread.ident is not None:
            self._thread.join()

    def _ask(self, name: str) -> None:
        def take(event: Event) -> None:
            if event.success:
                self._ask(name)
                Served(self, self._handlers[name], event, quick=name in self._quick)

        self._core.request_registered_call(self._queue, self._queue, name, take)

    def _serve(self) -> None:
        ended = cygrpc.CompletionType.queue_shutdown
        late = cygrpc.CompletionType.queue_timeout
        poll, undecided = self._queue.poll, self.undecided
        while True:
            until = next(iter(undecided.values())) if undecided else None
            event = poll(until)
            if event.completion_type == ended:
                return
            if event.completion_type != late:
                try:
                    event.tag(event)
                except Exception:  # noqa: BLE001  (one call is lost, and the others are not)
                    self._tell(traceback.format_exc())
            event = None  # it holds its call
            if until is not None and until < time.time():
                self._decide()

    def _decide(self) -> None:
        """Those that were waited for long enough go to the pool, whatever they send."""
        now = time.time()
        for served in [served for served, until in self.undecided.items() if until <= now]:
            del self.undecided[served]
            served.hand_over()


class Served:
    """One call; what handlers know as their context."""

    __slots__ = (
        "_call", "_came", "_free", "_gone", "_handler", "_lane", "_metadata", "_quick", "_request",
        "_started", "_watched",
    )  # fmt: skip

    def __init__(self, lane: Lane, handler: Handler, event: Event, *, quick: bool) -> None:
        self._lane = lane
        self._handler = handler
        self._metadata = event.invocation_metadata
        self._call: Call = event.call
        self._quick = quick
        self._request = b""
        self._came: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()  # of a stream
        self._free = threading.Lock()  # held while a reply is on its way out
        self._gone = False  # the client
        self._started = False  # our answer
        self._watched = False  # whether the client stays
        self._receive(self._take_first)

    # ---- what handlers ask of their context ----------------------------------------------------

    def invocation_metadata(self) -> Any:  # noqa: ANN401  (gRPC's tuples)
        """As gRPC's own."""
        return self._metadata

    def is_active(self) -> bool:
        """As gRPC's own."""
        return not self._gone

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """As gRPC's own."""
        raise Aborted(code, details)

    # ---- in the lane's thread ------------------------------------------------------------------

    def hand_over(self) -> None:
        """To a thread of the pool; more may be coming."""
        self._in_pool(self._stream if self._handler.response_streaming else self._reply)

    def _take_first(self, event: Event) -> None:
        message = event.batch_operations[0].message()
        if self._handler.request_streaming:
            self._came.put(message)
            if message is None:
                self._begin()
            else:
                self._lane.undecided[self] = time.time() + UNDECIDED_SECONDS
                self._receive(self._take_next)
        elif message is None:
            self._finish(grpc.StatusCode.UNIMPLEMENTED, "a request message is needed")
        else:
            self._request = message
            self._begin()

    def _take_next(self, event: Event) -> None:
        message = event.batch_operations[0].message()
        self._came.put(message)
        if self in self._lane.undecided:
            del self._lane.undecided[self]
            if message is None:
                self._begin()
            else:
                self.hand_over()

    def _begin(self) -> None:
        """All that the client sends is here."""
        if not self._quick:
            self.hand_over()
        elif self._handler.response_streaming:
            self._try(self._stream_little)
        else:
            self._try(self._reply)

    def _stream_little(self) -> None:
        """Answer at once if that is one reply, and small."""
        replies = self._replies()
        known: list[bytes] = []
        for reply in replies:
            known.append(reply)
            if len(known) > 1 or len(reply) >= LARGE:
                self._in_pool(lambda: self._stream(itertools.chain(known, replies)))
                return
        self._finish(grpc.StatusCode.OK, "", *known)

    def _in_pool(self, step: Callable[[], None]) -> None:
        self._watched = True
        close = cygrpc.ReceiveCloseOnServerOperation(NOTHING)
        self._call.start_server_batch((close,), self._note_end)
        self._lane.pool.submit(self._try, step)

    def _note_end(self, event: Event) -> None:
        if event.batch_operations[0].cancelled():
            self._gone = True

    def _note_sent(self, event: Event) -> None:
        if not event.success:
            self._gone = True
        self._free.release()

    # ---- in either ---------------------------------------------------------------------------

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Aborted as refusal:
            self._finish(refusal.code, refusal.details)
        except Exception:  # noqa: BLE001  (told to the client; methods log their own faults)
            self._finish(grpc.StatusCode.INTERNAL, "the request could not be served")

    def _reply(self) -> None:
        if self._handler.request_streaming:
            reply = self._handler.stream_unary(self._requests(), self)
        else:
            request = self._handler.request_deserializer(self._request)
            reply = self._handler.unary_unary(request, self)
        self._finish(grpc.StatusCode.OK, "", reply)

    def _replies(self) -> Iterator[bytes]:
        request = self._handler.request_deserializer(self._request)
        replies: Iterator[bytes] = self._handler.unary_stream(request, self)
        return replies

    def _stream(self, replies: Iterator[bytes] | None = None) -> None:
        """Send replies, each made while the one before it is on its way."""
        try:
            for reply in self._replies() if replies is None else replies:
                self._free.acquire()  # released when it has gone out
                if self._gone:
                    self._free.release()
                    break
                self._call.start_server_batch(
                    (*self._head(), cygrpc.SendMessageOperation(reply, NOTHING)), self._note_sent
                )
        finally:
            self._free.acquire()
        self._finish(grpc.StatusCode.OK, "")

    def _requests(self) -> Iterator[Any]:
        """The client's messages, each received while the one before it is dealt with."""
        first = True
        while (message := self._came.get()) is not None:
            if not first:
                self._receive(self._take_next)
            first = False
            yield self._handler.request_deserializer(message)
        if self._gone:
            raise Gone

    def _receive(self, take: Callable[[Event], None]) -> None:
        self._call.start_server_batch((cygrpc.ReceiveMessageOperation(NOTHING),), take)

    def _head(self) -> tuple[Any, ...]:
        if self._started:
            return ()
        self._started = True
        return (cygrpc.SendInitialMetadataOperation(None, NOTHING),)

    def _finish(self, code: grpc.StatusCode, details: str, *replies: bytes) -> None:
        operations = [
            *self._head(),
            *(cygrpc.SendMessageOperation(reply, NOTHING) for reply in replies),
            cygrpc.SendStatusFromServerOperation(None, code.value[0], details.encode(), NOTHING),
        ]
        if not self._watched:
            operations.append(cygrpc.ReceiveCloseOnServerOperation(NOTHING))
        self._call.start_server_batch(operations, forget)


def forget(_: Event) -> None:
    """The call is over."""


def lane_beside(
    server: grpc.Server,
    handlers: Handlers,
    quick: frozenset[str],
    pool: ThreadPoolExecutor,
    tell: Callable[[str], object],
) -> Lane | None:
    """A lane on the public server's port; None where gRPC's insides are not as expected.

    The server must not be started yet, and serves the same methods if there is no lane.
    """
    try:
        core = server._state.server  # type: ignore[attr-defined]  # noqa: SLF001
        if not (grpc.__version__.startswith("1.") and callable(core.request_registered_call)):
            return None
        return Lane(core, handlers, quick, pool, tell)
    except (AttributeError, TypeError):
        return None
