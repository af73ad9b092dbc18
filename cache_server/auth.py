"""Who may read and who may write. Unaware of gRPC, of services and of instances.

A token list has one `TOKEN SCOPE [NAME]` a line (in the environment, entries may be separated by
commas too), SCOPE is `read` or `read-write`, NAME is what logs call its bearer; empty lines and
those that start with `#` say nothing. Tokens are kept as their SHA-256 only, and never logged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cache_server.settings import SettingsError

SHORTEST: Final = 16  # characters of a token


class Scope(Enum):
    """What a caller may do."""

    READ = "read"
    READ_WRITE = "read-write"


@dataclass(frozen=True, slots=True)
class Grant:
    """A caller as far as it is known: what logs call it, and what it may do."""

    name: str
    scope: Scope


class Access:
    """Decides by the `authorization` header; `anonymous` is what callers without one may do."""

    def __init__(self, tokens: Mapping[str, Grant], anonymous: Scope | None) -> None:
        self._tokens = {hashlib.sha256(key.encode()).digest(): tokens[key] for key in tokens}
        self._anonymous = None if anonymous is None else Grant("anonymous", anonymous)

    def grant(self, header: str | None) -> Grant | None:
        """What `Bearer TOKEN` may do; None for an unknown one, or for none where one is needed."""
        if header is None or not self._tokens:
            return self._anonymous
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer":
            return None
        return self._tokens.get(hashlib.sha256(token.strip().encode()).digest())


def parse_tokens(text: str) -> dict[str, Grant]:
    """A token list → grants; SettingsError names the line, never the token."""
    tokens: dict[str, Grant] = {}
    for number, line in enumerate(re.split(r"[\n,]", text), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        scopes = {scope.value: scope for scope in Scope}
        if len(words) not in {2, 3} or words[1] not in scopes:
            raise SettingsError(f"token entry {number}: write TOKEN read|read-write [NAME]")
        if len(words[0]) < SHORTEST:
            raise SettingsError(f"token entry {number}: at least {SHORTEST} characters are needed")
        if words[0] in tokens:
            raise SettingsError(f"token entry {number}: this token was given before")
        name = words[2] if len(words) > 2 else f"token-{number}"  # noqa: PLR2004
        tokens[words[0]] = Grant(name, scopes[words[1]])
    return tokens


def anonymous_scope(
    asked: str | None, *, tokens: bool, loopback: bool, client_authority: bool
) -> Scope | None:
    """What callers without a token may do, when nothing (`asked` None) or something is asked.

    With tokens: nothing. Without: everything where the operating system or mutual TLS says who
    can connect; elsewhere a SettingsError, since anyone could write what others will run.
    """
    if asked is not None:
        return None if asked == "none" else Scope(asked)
    if tokens:
        return None
    if loopback or client_authority:
        return Scope.READ_WRITE
    raise SettingsError(
        "anyone who reaches this address could write to the cache: give tokens (--tokens FILE or "
        "AFFECTED_CACHE_TOKENS), or --client-ca, or say --anonymous read|read-write"
    )
