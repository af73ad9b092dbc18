"""What a place that keeps blobs and action results must do. Unaware of any such place.

Four promises: nothing is kept whose bytes are not those of its digest; nothing is given that is
not, byte for byte, what was kept; the limit is never passed, the least recently used goes first;
a process that is killed loses at most what it had not yet said to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cache_server.keys import BlobKey

# Told of what nobody asked for: ("evicted" | "quarantined" | "failed", name, bytes).
Tell = Callable[[str, str, int], None]


class NoRoom(Exception):
    """It does not fit: over the limit even when all that may go has gone, or the disk is full."""


class Mismatch(Exception):
    """The bytes are not those of the digest; nothing of them was kept."""


class Unavailable(Exception):
    """What the storage is made of fails or does not answer; the message says so in a sentence."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How full a storage is: `entries` of both kinds, bytes kept or set aside, the limit."""

    entries: int
    used: int
    limit: int


class Source(Protocol):
    """A blob being read; it stays readable even when it is evicted meanwhile."""

    def read(self, offset: int, size: int, before: bytes = b"") -> bytes:
        """At most `size` bytes from `offset`, none at the end; behind the bytes of `before`."""
        ...

    def close(self) -> None:
        """Read no more; any number of times."""
        ...


class Upload(Protocol):
    """A blob on its way in; `offset` counts the bytes taken so far."""

    offset: int

    def append(self, piece: bytes | memoryview) -> None:
        """Take the next bytes; Mismatch when they are too many, NoRoom when they do not fit."""
        ...

    def commit(self) -> None:
        """Keep it; Mismatch when size or hash differ. Whatever happens the upload is over."""
        ...

    def discard(self) -> None:
        """Forget it; any number of times, also after `commit`."""
        ...


class BlobStorage(Protocol):
    """Keeps blobs under their digests. It never sees the empty blob: that one always exists."""

    def present(self, blobs: Sequence[tuple[str, int]]) -> list[bool]:
        """Which of the (hash, size) pairs are here; those count as used now."""
        ...

    def fetch(self, blob: BlobKey) -> bytes | None:
        """The whole blob; None when it is not here."""
        ...

    def fetch_all(self, blobs: Sequence[BlobKey]) -> list[bytes | None]:
        """`fetch` of each; for small ones."""
        ...

    def open(self, blob: BlobKey) -> Source | None:
        """The blob for reading piece by piece; None when it is not here."""
        ...

    def create(self, blob: BlobKey) -> Upload:
        """A way in for the blob; NoRoom when it can never fit."""
        ...

    def keep_all(self, contents: Sequence[tuple[BlobKey, bytes]]) -> list[Exception | None]:
        """Keep small whole blobs; for each None, or the Mismatch, NoRoom, … why it is not kept."""
        ...


class ActionStorage(Protocol):
    """Keeps action results under names of 64 hex digits; the last one saved counts."""

    def load(self, name: str) -> bytes | None:
        """What was saved under `name`; None when nothing was."""
        ...

    def load_all(self, names: Sequence[str]) -> list[bytes | None]:
        """`load` of each."""
        ...

    def save(self, name: str, payload: bytes) -> None:
        """Keep `payload`; NoRoom when it does not fit."""
        ...

    def save_all(self, results: Sequence[tuple[str, bytes]]) -> list[Exception | None]:
        """`save` of each (name, payload); for each None, or why it is not kept."""
        ...


class Storage(BlobStorage, ActionStorage, Protocol):
    """Both, under one limit."""

    def usage(self) -> Usage:
        """How full it is now."""
        ...

    def close(self) -> None:
        """Give back what is held; uploads that are not committed are lost."""
        ...
