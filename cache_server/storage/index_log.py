"""The index of a folder as a log: what came, what was used, what went. Unaware of the bytes kept.

Format 1: 16 bytes MAGIC, then records of 72 bytes, little-endian:
  kind u8 · 3 bytes 0 · pack u32 · key 32 bytes · size u64 · block u32 · second u32 · sum u64 ·
  check u64 (XXH3-64 of the 64 bytes before it)
A record that is not whole ends the log: what comes after it was never said to be kept. Several
processes may append, one at a time; each reads what the others wrote since it last looked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

from xxhash import xxh3_64_intdigest

MAGIC: Final = b"affected-index-1"  # version 1
RECORD: Final = Struct("<B3xI32sQIIQ")
CHECK: Final = Struct("<Q")
LENGTH: Final = RECORD.size + CHECK.size
PIECE: Final = LENGTH * 20_000


class Kind(IntEnum):
    """What a record tells."""

    BLOB = 1  # is in a pack
    FILE = 2  # a blob is in a file of its own
    RESULT = 3  # an action result is in a pack
    BLOB_GONE = 4
    RESULT_GONE = 5
    BLOB_USED = 6
    RESULT_USED = 7


class Change(NamedTuple):
    """One record: `key` is a blob's or a result's name, `second` since 1970 when it was written.

    `pack` and `block` say where its bytes are, `sum` is their XXH3-64; 0 where that says nothing.
    """

    kind: int
    key: bytes
    size: int = 0
    pack: int = 0
    block: int = 0
    sum: int = 0
    second: int = 0


def encoded(change: Change) -> bytes:
    """The record."""
    kind, key, size, pack, block, checksum, second = change
    body = RECORD.pack(kind, pack, key, size, block, second, checksum)
    return body + CHECK.pack(xxh3_64_intdigest(body))


class IndexLog:
    """The log file of a folder, open; `seen` is the byte up to which it was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = 0
        self._descriptor = -1
        self.reopen()

    def reopen(self) -> None:
        """Begin with the file that has the name now."""
        self.close()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o644)
        self.seen = 0

    def close(self) -> None:
        """Read and write no more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def begin(self) -> bool:
        """Make sure of the first bytes; False when something else was there, which is gone."""
        found = os.pread(self._descriptor, len(MAGIC), 0)
        if found != MAGIC:
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, MAGIC)
        self.seen = len(MAGIC)
        return found in {MAGIC, b""}

    def news(self) -> Iterable[Change]:
        """The records after `seen`, which moves on; ends at one that is not whole."""
        while piece := os.pread(self._descriptor, PIECE, self.seen):
            whole = len(piece) - len(piece) % LENGTH
            for start in range(0, whole, LENGTH):
                body = piece[start : start + RECORD.size]
                (check,) = CHECK.unpack_from(piece, start + RECORD.size)
                if xxh3_64_intdigest(body) != check:
                    return
                kind, pack, key, size, block, second, checksum = RECORD.unpack(body)
                self.seen += LENGTH
                yield Change(kind, key, size, pack, block, checksum, second)
            if not whole:
                return

    def cut(self, end: int) -> bool:
        """Take away what stands after byte `end`: records that a killed process did not announce.

        False when another file has the name now.
        """
        stat = os.fstat(self._descriptor)
        if stat.st_size > end:
            os.ftruncate(self._descriptor, end)
        return stat.st_nlink > 0

    def append(self, changes: Iterable[Change]) -> None:
        """Write records after `seen`, which moves on; all of them, or OSError and none."""
        content = b"".join(map(encoded, changes))
        written = 0
        try:
            while written < len(content):
                written += os.write(self._descriptor, content[written:])
        except OSError:
            os.ftruncate(self._descriptor, self.seen)
            raise
        self.seen += len(content)

    def rewrite(self, changes: Iterable[Change]) -> None:
        """Put a log of just these records in the place of this one."""
        scratch = self.path.with_suffix(".new")
        with scratch.open("wb") as file:
            file.write(MAGIC)
            for change in changes:
                file.write(encoded(change))
        scratch.replace(self.path)
        self.reopen()
        self.seen = self.path.stat().st_size
