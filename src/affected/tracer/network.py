"""Hears sockets and tells what this process talks to beyond itself. Unaware of pytest."""

from __future__ import annotations

import socket
import weakref
from typing import Any, Dict, List, Optional, Set, Tuple

from . import paths

_LOCAL = frozenset(
    ("", "localhost", "0.0.0.0", "::", "::1", "localhost.localdomain", "ip6-localhost")  # noqa: S104
)


class Network:
    """Remembers what this process bound; anything else it connects to is a blind spot."""

    def __init__(self, workspace: Any, frames: Any, ledger: Any) -> None:
        self._workspace = workspace
        self._frames = frames
        self._ledger = ledger
        self._bound: List[Any] = []
        self._names: Set[str] = set()

    def handlers(self) -> Dict[str, Any]:
        """Event name → handler, as the auditor wants them."""
        return {
            "socket.bind": self._bind,
            "socket.connect": self._connect,
            "socket.sendto": self._connect,
            "socket.sendmsg": self._connect,
            "socket.getaddrinfo": self._resolve,
            "socket.gethostbyname": self._resolve,
            "socket.gethostbyaddr": self._resolve,
        }

    def _bind(self, args: Tuple[Any, ...], _frame: Any) -> None:
        self._bound = [kept for kept in self._bound if kept() is not None]
        self._bound.append(weakref.ref(args[0]))
        if isinstance(args[1], (str, bytes)):
            self._names.add(_name(args[1]))

    def _connect(self, args: Tuple[Any, ...], frame: Any) -> None:
        address = args[1] if len(args) > 1 else None
        if address is None or self._is_own(address):
            return
        scope = self._frames.scope(frame)
        if scope is not None and not self._frames.is_plugins_own(scope, frame):
            self._ledger.blind(scope, "network", self._shown(address))

    def _is_own(self, address: Any) -> bool:
        if isinstance(address, (str, bytes)):
            return _name(address) in self._names
        if not isinstance(address, tuple) or not isinstance(address[0], str):
            return True  # netlink and its like stay on the machine
        host, port = address[0], address[1]
        if not _is_local(host):
            return False
        return any(self._port(kept()) == port for kept in self._bound)

    @staticmethod
    def _port(bound: Any) -> Optional[int]:
        try:
            name = bound.getsockname()
        except (OSError, AttributeError):
            return None
        return name[1] if isinstance(name, tuple) and len(name) > 1 else None

    def _resolve(self, args: Tuple[Any, ...], frame: Any) -> None:
        host = paths.as_text(args[0]) if args[0] is not None else ""
        if not host or _is_local(host) or _is_number(host) or host == socket.gethostname():
            return
        scope = self._frames.scope(frame)
        if scope is not None and not self._frames.is_plugins_own(scope, frame):
            self._ledger.blind(scope, "network", host)

    def _shown(self, address: Any) -> str:
        if isinstance(address, (str, bytes)):
            shown = _name(address)
            located = self._workspace.locate(shown)
            return shown if located is None else located
        return "%s:%s" % (address[0], address[1])


def _name(address: Any) -> str:
    return address if isinstance(address, str) else address.decode("utf-8", "backslashreplace")


def _is_local(host: str) -> bool:
    host = host.lower()
    return host in _LOCAL or host.startswith("127.") or host.endswith(".localhost")


def _is_number(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return True
    return False
