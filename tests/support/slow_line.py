"""A line to a server on loopback that can be made slow or cut. Unaware of what goes over it."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time


class SlowLine:
    """Forwards connections to `port`; what the client sends waits `delay` seconds first.

    With `cut` set, connections are refused and the open ones end.
    """

    def __init__(self, port: int) -> None:
        self.delay = 0.0
        self.cut = False
        self._target = port
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Forward nothing more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends the wait for a connection
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """End the open connections."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.cut:
                client.close()
            else:
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            self._open.add(client)
            other = {client: server, server: client}
            with contextlib.suppress(OSError):
                while True:
                    for source in select.select(list(other), [], [])[0]:
                        piece = source.recv(65536)
                        if not piece:
                            return
                        if source is client:
                            self._wait()
                        other[source].sendall(piece)
            self._open.discard(client)

    def _wait(self) -> None:
        end = time.monotonic() + self.delay
        while time.monotonic() < end and self.delay:
            time.sleep(0.02)
