"""One server as one process, or as several on one port. Unaware of calls and of storages.

gRPC in Python uses one core a process. The processes are started afresh (not forked: gRPC has
threads), listen on the same port (the kernel spreads connections) and share the folder. The one
that started them serves nothing: it starts a process again that died, and adds up their metrics.
"""

from __future__ import annotations

import http.server
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from cache_server.allocator import keep_freed_memory
from cache_server.auth import Access
from cache_server.journal import Journal
from cache_server.metrics import Exporter, Metrics, merged
from cache_server.server import CacheServer
from cache_server.settings import Address, Settings, SettingsError
from cache_server.storage.disk import DiskStorage
from cache_server.storage.disk_files import FolderLock
from cache_server.stores import open_storage, opened_bucket

METRICS: Final = "metrics"
STOP: Final = "stop"
ANSWER_SECONDS: Final = 5.0  # for metrics of one process
START_SECONDS: Final = 120.0  # to read a large index
AGAIN_SECONDS: Final = 1.0  # between two starts of a process that dies at once


class Solo:
    """The server in this process."""

    def __init__(
        self, settings: Settings, access: Access, journal: Journal, environ: Mapping[str, str]
    ) -> None:
        keep_freed_memory()
        self._settings = settings
        self._metrics = Metrics()
        self._exporter: Exporter | None = None
        self._storage = open_storage(settings, self._metrics, journal, environ)
        self._server = CacheServer(settings, access, self._storage, self._metrics, journal)

    def start(self) -> dict[str, object]:
        """Serve; what the log should say. SettingsError when an address cannot be used."""
        port = self._server.start()
        address = self._settings.metrics
        if address is not None:
            with usable(address):
                self._exporter = self._metrics.serve(address.host, address.port)
        usage = self._storage.usage()
        return said(self._settings, port, self._exporter) | {
            "entries": usage.entries, "bytes": usage.used, "limit": usage.limit,
        }  # fmt: skip

    def serve(self, over: threading.Event) -> None:
        """Until it is over."""
        over.wait()

    def drain(self) -> None:
        """Let running calls end."""
        self._server.drain()

    def close(self) -> None:
        """Hold nothing; any number of times."""
        if self._exporter is not None:
            self._exporter.close()
            self._exporter = None
        self._server.close()


class Member:
    """One process of a crew, as the one that started it sees it."""

    def __init__(self, settings: Settings, access: Access, number: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._line, theirs = spawn.Pipe()
        self._lock = threading.Lock()
        self.process: BaseProcess = spawn.Process(
            target=work, args=(settings, access, number, theirs), name=f"cache-{number}"
        )
        self.process.start()
        theirs.close()

    def ready(self) -> None:
        """Returns when it serves; SettingsError when it cannot."""
        if not self._line.poll(START_SECONDS):
            raise SettingsError("a process of the server did not start in time")
        try:
            trouble = self._line.recv()
        except EOFError:
            trouble = "a process of the server ended at its start"
        if trouble:
            raise SettingsError(trouble)

    def metrics(self) -> str:
        """What it counted; "" when it does not answer."""
        with self._lock, suppress(OSError, EOFError):
            self._line.send(METRICS)
            if self._line.poll(ANSWER_SECONDS):
                answer: str = self._line.recv()
                return answer
        return ""

    def stop(self) -> None:
        """Ask it to drain."""
        with self._lock, suppress(OSError):
            self._line.send(STOP)

    def close(self, seconds: float) -> None:
        """It is gone after that."""
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self._line.close()
        self.process.close()


class Crew:
    """The server as `settings.processes` processes."""

    def __init__(
        self, settings: Settings, access: Access, journal: Journal, environ: Mapping[str, str]
    ) -> None:
        if settings.s3 is not None:  # before anything is made or started
            opened_bucket(settings, lambda *_: None, environ)
        self._settings = settings
        self._access = access
        self._journal = journal
        self._members: list[Member] = []
        self._exporter: Exporter | None = None
        self._port: socket.socket | None = None
        storage = DiskStorage(settings.folder, settings.max_bytes, self._tell)
        self._usage = storage.usage()
        self._lock: FolderLock | None = storage.hand_over()

    def start(self) -> dict[str, object]:
        """Serve; what the log should say. SettingsError when an address cannot be used."""
        listen = self._settings.listen
        with usable(listen):
            self._port = taken(listen)
        port = self._port.getsockname()[1]
        self._settings = replace(self._settings, listen=Address(listen.host, port))
        count = self._settings.processes
        self._members = [Member(self._settings, self._access, number) for number in range(count)]
        for member in self._members:
            member.ready()
        address = self._settings.metrics
        if address is not None:
            with usable(address):
                self._exporter = serve_text(address, self.metrics)
        usage = self._usage
        return said(self._settings, port, self._exporter) | {
            "processes": count,
            "entries": usage.entries, "bytes": usage.used, "limit": usage.limit,
        }  # fmt: skip

    def serve(self, over: threading.Event) -> None:
        """Until it is over; a process that died is started again."""
        while not over.is_set():
            wait([member.process.sentinel for member in self._members], timeout=0.5)
            for number, member in enumerate(self._members):
                if not member.process.is_alive() and not over.is_set():
                    self._replace(number, member)

    def metrics(self) -> str:
        """What all of them counted."""
        return merged([member.metrics() for member in self._members])

    def drain(self) -> None:
        """Let running calls end."""
        for member in self._members:
            member.stop()
        self._close_members(self._settings.drain_seconds + 10)

    def close(self) -> None:
        """Hold nothing; any number of times."""
        if self._exporter is not None:
            self._exporter.close()
            self._exporter = None
        self._close_members(0)
        if self._port is not None:
            self._port.close()
        if self._lock is not None:
            self._lock.close()

    def _close_members(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for member in self._members:
            member.close(max(end - time.monotonic(), 0.1))
        self._members = []

    def _replace(self, number: int, member: Member) -> None:
        process = member.process
        self._journal.write("process ended", number=number, code=process.exitcode)
        for left in Path(self._settings.folder, "tmp").glob(f"{process.pid}-*"):
            left.unlink(missing_ok=True)
        member.close(0)
        time.sleep(AGAIN_SECONDS)
        self._members[number] = again = Member(self._settings, self._access, number)
        try:
            again.ready()
        except SettingsError as trouble:
            self._journal.write("process failed", number=number, message=str(trouble))
        else:
            self._journal.write("process started", number=number)

    def _tell(self, event: str, name: str, size: int) -> None:
        if event != "evicted":
            self._journal.write(event, name=name, bytes=size)


def work(settings: Settings, access: Access, number: int, line: Connection) -> None:
    """One process of a crew: serves until it is told to stop, or nobody is there to tell it."""
    for ignored in (signal.SIGTERM, signal.SIGINT):  # the one that started us says when
        signal.signal(ignored, signal.SIG_IGN)
    keep_freed_memory()
    journal = Journal(sys.stderr, time.time)
    metrics = Metrics()
    try:
        seat = number, settings.processes
        storage = open_storage(settings, metrics, journal, os.environ, seat)
        server = CacheServer(settings, access, storage, metrics, journal)
        server.start()
    except (SettingsError, OSError) as trouble:
        line.send(str(trouble))
        return
    line.send("")
    with suppress(EOFError, OSError):
        while line.recv() == METRICS:
            line.send(metrics.text())
    server.drain()


def said(settings: Settings, port: int, exporter: Exporter | None) -> dict[str, object]:
    """What the log says of a server that was started."""
    return {
        "listen": f"{settings.listen.host}:{port}",
        "port": port,
        "metrics_port": exporter.port if exporter else None,
        "tls": settings.tls is not None,
        "folder": str(settings.folder),
        "s3": settings.s3,
    }


class usable:  # noqa: N801  (used like a function)
    """What goes wrong with an address is a SettingsError."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, OSError):
            raise SettingsError(
                f"cannot listen on {self._address}: is the port taken? ({error})"
            ) from error


def taken(listen: Address) -> socket.socket:
    """The port, held for processes that will share it; OSError when somebody else has it."""
    kind = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.socket(kind) as trial:  # without sharing: so that a port in use is an error
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind((listen.host, listen.port))
        port = trial.getsockname()[1]
        trial.listen(1)
    held = socket.socket(kind)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((listen.host, port))
    except BaseException:
        held.close()
        raise
    return held


def serve_text(address: Address, text: Callable[[], str]) -> Exporter:
    """Answer `GET /metrics` there; OSError when the port is taken."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the log is for calls."""

    server = http.server.ThreadingHTTPServer((address.host, address.port), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return Exporter(server.server_port, close)
