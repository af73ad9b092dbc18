"""What settings say of caches: the shared one's address, and who may read and write which.

Unaware of the network.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from affected.errors import UserError

VARIABLE: Final = "AFFECTED_REMOTE"
TOKEN_VARIABLE: Final = "AFFECTED_TOKEN"  # noqa: S105  (its name, not its value)
FORM: Final = "grpc://HOST:PORT[/INSTANCE], or grpcs:// for TLS"
# No part of an instance's name may be a word that the interface's resource names use. Also in the
# published schema, so only what Python and editors read alike.
_PORT: Final = (
    "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
_RESERVED: Final = (
    "(?:blobs|uploads|actions|actionResults|operations|capabilities|compressed-blobs)(?:/|$)"
)
ADDRESS_PATTERN: Final = (
    r"^grpcs?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):"
    rf"{_PORT}(?:/(?!{_RESERVED})[A-Za-z0-9._-]+)*/?(?![\s\S])"
)
_LOOPBACK: Final = r"127(\.[0-9]{1,3}){3}|localhost|\[::1\]"


@dataclass(frozen=True, slots=True)
class RemoteAddress:
    """Where a shared cache is. `host` keeps the brackets of an IPv6 address."""

    host: str
    port: int
    instance: str = ""
    tls: bool = False

    @property
    def target(self) -> str:
        """HOST:PORT."""
        return f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """True when nothing sent there leaves this machine."""
        return re.fullmatch(_LOOPBACK, self.host) is not None

    def __str__(self) -> str:
        scheme = "grpcs" if self.tls else "grpc"
        return f"{scheme}://{self.target}" + (f"/{self.instance}" if self.instance else "")


def parse_address(text: str) -> RemoteAddress | None:
    """The address; None when it is none."""
    if re.search(ADDRESS_PATTERN, text) is None:
        return None
    scheme, _, rest = text.partition("://")
    target, _, instance = rest.partition("/")
    host, _, port = target.rpartition(":")
    return RemoteAddress(host, int(port), instance.rstrip("/"), tls=scheme == "grpcs")


def chosen_address(
    configured: RemoteAddress | None, environ: Mapping[str, str]
) -> RemoteAddress | None:
    """AFFECTED_REMOTE, else the configured one; "off" there means none.

    Raises UserError for anything else in the variable, without repeating it: it may hold a secret.
    """
    named = environ.get(VARIABLE, "")
    if not named:
        return configured
    if named == Mode.OFF:
        return None
    found = parse_address(named)
    if found is None:
        raise UserError(f"{VARIABLE} is not an address", way_to_write(named))
    return found


def way_to_write(text: str) -> str:
    """How an address that is none should have been written."""
    if "@" in text:
        return f"write {FORM}; a token goes into {TOKEN_VARIABLE}, never into an address"
    if "://" not in text and parse_address(f"grpc://{text}"):
        return f"did you mean `grpc://{text}`?"
    if text.startswith(("http://", "https://")):
        return f"it is spoken to by gRPC: write {FORM}"
    return f"write {FORM}"


class Mode(enum.StrEnum):
    """What a run may do with a cache."""

    READ = "r"
    WRITE = "w"
    BOTH = "rw"
    OFF = "off"

    @property
    def reads(self) -> bool:
        """True when it is looked into."""
        return self in {Mode.READ, Mode.BOTH}

    @property
    def writes(self) -> bool:
        """True when it is added to."""
        return self in {Mode.WRITE, Mode.BOTH}


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """What a run may do with the local cache, and with the shared one."""

    local: Mode = Mode.BOTH
    remote: Mode = Mode.BOTH


USUAL: Final = "local:rw,remote:rw"


def parse_policy(text: str) -> CachePolicy:
    """`local:rw,remote:r`; what is not named stays as usual.

    Raises UserError naming the part that is wrong and the nearest right one.
    """
    chosen: dict[str, Mode] = {}
    for part in text.split(","):
        place, colon, mode = part.strip().partition(":")
        if place not in {"local", "remote"} or not colon:
            hint = _nearest(place, ("local", "remote"))
            raise UserError(f"--cache {text}: `{part.strip()}` names no cache", hint)
        if mode not in {known.value for known in Mode}:
            modes = ", ".join(known.value for known in Mode)
            raise UserError(f"--cache {text}: `{mode}` is no mode", f"modes are {modes}")
        if place in chosen:
            raise UserError(f"--cache {text}: `{place}` is named twice", "name each once")
        chosen[place] = Mode(mode)
    return CachePolicy(**chosen)


def _nearest(word: str, known: tuple[str, ...]) -> str:
    import difflib  # noqa: PLC0415  (only on the way to an error)

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}:`?" if close else "write for example local:rw,remote:r"
