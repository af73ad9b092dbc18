"""One connection to a shared cache; the only home of grpc. Unaware of what its messages say.

Answers are collected by gRPC's own threads and by one thread a stream; whoever asked waits as long
as it likes and no longer.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import grpc

from affected import __version__
from affected.cache.patience import Reply
from affected.config.remote import RemoteAddress
from affected.errors import CallFailed

LARGEST_MESSAGE: Final = 16 << 20  # bytes of one answer
WIDEST: Final = 128  # calls of a pipeline under way at once
NARROWEST: Final = 4
REFUSALS: Final = 8  # of one call, until it has failed
CROWDED: Final = "RESOURCE_EXHAUSTED"
AHEAD: Final = 16  # messages of a stream that wait for us
_PAUSE: Final = 0.01  # seconds before a server that refused all is asked again
_POLL: Final = 0.1  # seconds until a thread looks whether anybody still waits
_VERBOSITY: Final = "GRPC_VERBOSITY"
_SHOWN: Final = 160  # characters of a server's words


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM: the authority to trust (None: the system's), our own certificate with its key."""

    authority: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None


class Connection:
    """Calls by method name; requests and answers are bytes."""

    def __init__(
        self,
        address: RemoteAddress,
        *,
        token: str = "",
        certificates: Certificates | None = None,
        said: Iterable[tuple[str, bytes]] = (),
    ) -> None:
        """`said` goes with every call; nothing is sent before the first one."""
        self.width = WIDEST
        self._token = token
        self._metadata: list[tuple[str, str | bytes]] = [*said]
        if token:
            self._metadata.append(("authorization", f"Bearer {token}"))
        with _silent():
            self._channel = _channel(address, certificates)

    def ask(self, method: str, requests: Iterable[bytes], seconds: float) -> _Pipeline:
        """One call a request, many of them under way at once, each at most `seconds` long."""
        call: Any = self._channel.unary_unary(method)
        return _Pipeline(self, lambda request: self._start(call, request, seconds), requests)

    def talk(self, method: str, requests: Iterable[bytes], seconds: float) -> _Stream:
        """One call; each message of the answer is a reply with number 0."""
        call: Any = self._channel.stream_stream(method)
        return _Stream(self, self._start(call, iter(requests), seconds))

    def close(self) -> None:
        """Ends every call that is under way."""
        self._channel.close()

    def failure(self, error: grpc.RpcError) -> CallFailed:
        """What went wrong, without the token, whoever repeats it."""
        if not isinstance(error, grpc.Call):
            return CallFailed("CANCELLED")
        words = error.details() or ""
        if self._token:
            words = words.replace(self._token, "[token]")
        shown = " ".join("".join(c if c.isprintable() else " " for c in words).split())
        return CallFailed(error.code().name, shown[:_SHOWN])

    def _start(self, call: Any, request: object, seconds: float) -> Any:  # noqa: ANN401
        try:
            if isinstance(request, bytes):
                return call.future(request, timeout=seconds, metadata=self._metadata)
            return call(request, timeout=seconds, metadata=self._metadata)
        except ValueError as closed:  # "Cannot invoke RPC on closed channel!"
            raise CallFailed("CANCELLED") from closed


@dataclass(slots=True)
class _Flight:
    """A call under way: its request, how often it was refused, and since which width."""

    number: int
    request: bytes
    refusals: int
    width: int
    future: Any


class _Pipeline:
    """Unary calls; implements `Replies`.

    A server that cannot take so many at once refuses some (RESOURCE_EXHAUSTED): those are sent
    again, and fewer are sent at once from then on.
    """

    def __init__(
        self, connection: Connection, start: Callable[[bytes], Any], requests: Iterable[bytes]
    ) -> None:
        self._connection = connection
        self._start = start
        self._requests = enumerate(requests)
        self._done: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._flying: dict[int, _Flight] = {}
        self._again: list[_Flight] = []
        self._fill()

    def next(self, seconds: float) -> Reply | None:
        end = time.monotonic() + max(seconds, 0.001)
        while self._flying:
            try:
                number = self._done.get(timeout=max(end - time.monotonic(), 0.001))
            except queue.Empty:
                raise TimeoutError from None
            flight = self._flying.pop(number)
            reply = self._reply(flight)
            if reply.failed is not None and reply.failed.code == CROWDED and self._put_off(flight):
                self._fill()
                continue
            self._fill()
            return reply
        return None

    def cancel(self) -> None:
        for flight in self._flying.values():
            flight.future.cancel()
        self._flying.clear()

    def _reply(self, flight: _Flight) -> Reply:
        try:
            return Reply(flight.number, flight.future.result())
        except grpc.FutureCancelledError:
            return Reply(flight.number, failed=CallFailed("CANCELLED"))
        except grpc.RpcError as error:
            return Reply(flight.number, failed=self._connection.failure(error))

    def _put_off(self, flight: _Flight) -> bool:
        """True when a refused call is to be made once more."""
        flight.refusals += 1
        if flight.refusals > REFUSALS:
            return False
        if flight.width == self._connection.width:
            self._connection.width = max(flight.width // 2, NARROWEST)
        if not self._flying:
            time.sleep(_PAUSE * flight.refusals)
        self._again.append(flight)
        return True

    def _fill(self) -> None:
        while len(self._flying) < self._connection.width:
            if self._again:
                flight = self._again.pop()
            else:
                number, request = next(self._requests, (0, None))
                if request is None:
                    return
                flight = _Flight(number, request, 0, 0, None)
            flight.width = self._connection.width
            flight.future = self._start(flight.request)
            self._flying[flight.number] = flight
            flight.future.add_done_callback(lambda _, number=flight.number: self._done.put(number))


class _Stream:
    """One streaming call, read ahead by a thread; implements `Replies`."""

    def __init__(self, connection: Connection, call: Any) -> None:  # noqa: ANN401
        self._connection = connection
        self._call = call
        self._arrived: queue.Queue[Reply | None] = queue.Queue(AHEAD)
        self._wanted = True
        self._ended = False
        threading.Thread(target=self._pump, name="affected-stream", daemon=True).start()

    def next(self, seconds: float) -> Reply | None:
        if self._ended:
            return None
        try:
            reply = self._arrived.get(timeout=max(seconds, 0.001))
        except queue.Empty:
            raise TimeoutError from None
        self._ended = reply is None or reply.failed is not None
        return reply

    def cancel(self) -> None:
        self._wanted = False
        self._call.cancel()

    def _pump(self) -> None:
        try:
            for content in self._call:
                self._hand_over(Reply(0, content))
            self._hand_over(None)
        except grpc.RpcError as error:
            self._hand_over(Reply(0, failed=self._connection.failure(error)))

    def _hand_over(self, reply: Reply | None) -> None:
        while self._wanted:
            with contextlib.suppress(queue.Full):
                self._arrived.put(reply, timeout=_POLL)
                return


def _channel(address: RemoteAddress, certificates: Certificates | None) -> grpc.Channel:
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
        ("grpc.max_send_message_length", -1),
        ("grpc.primary_user_agent", f"affected/{__version__}"),
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 1000),
    ]
    if address.loopback:
        options.append(("grpc.enable_http_proxy", 0))
    if not address.tls:
        return grpc.insecure_channel(address.target, options)
    pem = certificates or Certificates()
    trust = grpc.ssl_channel_credentials(pem.authority, pem.key, pem.certificate)
    return grpc.secure_channel(address.target, trust, options)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """GRPC logs nothing of its own: what goes wrong is told by us, once."""
    before = os.environ.get(_VERBOSITY)
    os.environ[_VERBOSITY] = before or "NONE"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VERBOSITY]
