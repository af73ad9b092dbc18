"""What the server is told at its start. Unaware of the command line and of what serves.

Sizes are bytes, written as in `50G` (units of 1024); addresses are `HOST:PORT`, `[::1]:PORT` for
IPv6, port 0 for any free one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
UNITS: Final = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
SMALLEST: Final = 1024**2
LOOPBACK: Final = ("localhost", "::1")
PORTS: Final = range(65536)


class SettingsError(ValueError):
    """A setting cannot be used; the message names it and what would do."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def is_loopback(self) -> bool:
        """True when only this machine can connect."""
        return self.host in LOOPBACK or self.host.startswith("127.")


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: the server's certificate and key, the authority of clients (None: any)."""

    certificate: Path
    key: Path
    client_authority: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """A server's whole configuration."""

    listen: Address
    folder: Path
    max_bytes: int
    metrics: Address | None = None
    tls: Tls | None = None
    s3: str | None = None  # as on the command line
    s3_endpoint: str | None = None
    s3_seconds: float = 20.0
    processes: int = 1
    log_calls: bool = False
    drain_seconds: float = 30.0


def parse_size(text: str) -> int:
    """`50G` → bytes; SettingsError for what is no size or under 1M."""
    found = SIZE.fullmatch(text.strip())
    if found is None:
        raise SettingsError(f"{text!r} is not a size; write one like 50G or 800M")
    size = int(float(found[1]) * UNITS[found[2].upper()])
    if size < SMALLEST:
        raise SettingsError(f"{text!r} is too small; at least 1M is needed")
    return size


def parse_address(text: str) -> Address:
    """`HOST:PORT` → address; SettingsError for anything else."""
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not host or not port.isdecimal() or int(port) not in PORTS:
        raise SettingsError(f"{text!r} is not an address; write one like 127.0.0.1:8980")
    return Address(host, int(port))


def default_folder(environ: Mapping[str, str]) -> Path:
    """Where blobs are kept when nothing is said: below XDG_CACHE_HOME, else below ~/.cache."""
    home = environ.get("XDG_CACHE_HOME", "")
    return Path(home or Path.home() / ".cache") / "affected" / "server"
