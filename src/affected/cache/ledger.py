"""The ledger of a disk store: bytes in use, the time of the last use, the generation.

Unaware of what is stored. One small file, changed under an exclusive lock, shared by every process
that uses the store. Times of use only ever grow, whatever the clock does: each is the clock's or
one nanosecond after the last, whichever is later.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import xxhash

# magic, generation, bytes in use, last use in ns since the epoch; then XXH3-64 of these.
# Bump the magic whenever this changes. 1: first layout.
_LAYOUT = struct.Struct("<4s8sQQ")
_MAGIC = b"afl1"
_SIZE = _LAYOUT.size + 8


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger says."""

    generation: bytes  # 8 bytes, other ones after every eviction
    used: int  # bytes, never less than there are
    last: int  # ns since the epoch

    def at(self, now: int) -> Account:
        """One use later."""
        return replace(self, last=max(now, self.last + 1))


class Ledger:
    """The file, and the lock on it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def peek(self) -> Account | None:
        """What the ledger says, without the lock; None when it says nothing sound."""
        try:
            return _decoded(self._path.read_bytes())
        except OSError:
            return None

    @contextlib.contextmanager
    def locked(self, wait_seconds: float) -> Iterator[int]:
        """The open file, ours alone for a while; TimeoutError or another OSError without it."""
        deadline = time.monotonic() + wait_seconds
        while True:
            with self._opened() as file:
                _lock(file, deadline)
                if os.fstat(file).st_nlink:  # else it was removed while we waited
                    yield file
                    return

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            file = os.open(self._path, flags, 0o666)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, flags, 0o666)
        try:
            yield file
        finally:
            os.close(file)


def read_account(file: int) -> Account | None:
    """What the open ledger says; None when it says nothing sound."""
    return _decoded(os.pread(file, _SIZE + 1, 0))


def write_account(file: int, account: Account) -> None:
    """Make the open ledger say `account`."""
    head = _LAYOUT.pack(_MAGIC, account.generation, account.used, account.last)
    os.pwrite(file, head + xxhash.xxh3_64_digest(head), 0)


def new_generation() -> bytes:
    """Eight bytes that were never there before."""
    return os.urandom(8)


def _decoded(raw: bytes) -> Account | None:
    head = raw[: _LAYOUT.size]
    if len(raw) != _SIZE or raw[_LAYOUT.size :] != xxhash.xxh3_64_digest(head):
        return None
    magic, generation, used, last = _LAYOUT.unpack(head)
    return Account(generation, used, last) if magic == _MAGIC else None


def _lock(file: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(None, "another process holds its lock") from None
            time.sleep(0.002)
        else:
            return
