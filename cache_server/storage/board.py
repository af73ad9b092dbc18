"""A small file that the processes of one server share. Unaware of blobs.

The first 24 bytes: where the index ends, which one it is, how long it was when it was made. Then 16
bytes for each process: the bytes that it has set aside for uploads, and the pack it appends to. A
process writes its own part only, and the first part only while it holds the lock.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import Struct
from typing import Final

HEAD: Final = Struct("<QQQ")
PART: Final = Struct("<QQ")
MOST: Final = 255  # processes


class Board:
    """The part of process `number`, from 0, of `processes`; alone when there is one."""

    def __init__(self, folder: Path, number: int, processes: int) -> None:
        self.alone = processes == 1
        self._others = [HEAD.size + PART.size * n for n in range(processes) if n != number]
        self._mine = HEAD.size + PART.size * number
        self._descriptor = os.open(folder / "board", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        size = HEAD.size + PART.size * (MOST + 1)
        if os.fstat(self._descriptor).st_size < size:
            os.ftruncate(self._descriptor, size)
        self._memory = mmap.mmap(self._descriptor, size)
        PART.pack_into(self._memory, self._mine, 0, 0)

    def head(self) -> tuple[int, int, int]:
        """Where the index ends, which one it is, how long it was when it was made."""
        end, generation, start = HEAD.unpack_from(self._memory, 0)
        return end, generation, start

    def set_head(self, end: int, generation: int, start: int) -> None:
        """Only under the lock."""
        HEAD.pack_into(self._memory, 0, end, generation, start)

    def reset(self) -> None:
        """Nobody else is there any more."""
        for place in range(HEAD.size, len(self._memory), PART.size):
            PART.pack_into(self._memory, place, 0, 0)

    def post(self, reserved: int, pack: int) -> None:
        """What this process has set aside, and its pack."""
        PART.pack_into(self._memory, self._mine, max(reserved, 0), pack)

    def others(self) -> tuple[int, set[int]]:
        """The bytes that the others have set aside, and their packs."""
        reserved = 0
        packs: set[int] = set()
        for place in self._others:
            bytes_aside, pack = PART.unpack_from(self._memory, place)
            reserved += bytes_aside
            packs.add(pack)
        return reserved, packs

    @contextmanager
    def locked(self) -> Iterator[None]:
        """No other process changes anything meanwhile; the threads of one must take turns."""
        if self.alone:
            yield
            return
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Set nothing aside, hold nothing."""
        self.post(0, 0)
        self._memory.close()
        os.close(self._descriptor)
