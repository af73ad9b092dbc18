"""Small things side by side in large files. Unaware of what they are and of who may go.

    FOLDER/packs/0000002a   things one after another, each from a whole block on

A thing that goes gives its blocks back by a hole in the file, where the file system can do that
(Linux: ext4, xfs, btrfs, tmpfs and others); elsewhere a pack goes as a whole. A file each costs
some ten times the CPU on writing and three times on reading.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

BLOCK: Final = 4096  # what a file system gives out at least
PACK_BYTES: Final = 256 * 1024 * 1024
UNPUNCHED_BYTES: Final = 4 * 1024 * 1024  # of a pack that must go as a whole
PUNCH_HOLE: Final = 0x03  # FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE (linux/falloc.h)
VECTOR: Final = 500  # things in one system call, with the gaps after them
GAP: Final = bytes(BLOCK)


def blocks_of(size: int) -> int:
    """How many blocks `size` bytes take."""
    return max(-(-size // BLOCK), 1)


class Pack:
    """One open pack; closed when nobody uses it any more."""

    __slots__ = ("descriptor", "number")

    def __init__(self, number: int, descriptor: int) -> None:
        self.number = number
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


class Packs:
    """The packs below `folder`; this process appends to one of them, which it made itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._open: dict[int, Pack] = {}
        self._lock = threading.Lock()
        self._active: Pack | None = None
        self._end = 0
        self._fallocate = hole_maker()
        self.punches = self._fallocate is not None and self._can_punch()
        self._most = PACK_BYTES if self.punches else UNPUNCHED_BYTES

    @property
    def active(self) -> int:
        """The number of the pack that is appended to; 0 for none."""
        return self._active.number if self._active else 0

    def read(self, number: int, block: int, size: int) -> bytes:
        """The bytes from a block on; FileNotFoundError when there is no such pack."""
        pack = self._open.get(number) or self._opened(number)
        return os.pread(pack.descriptor, size, block * BLOCK)

    def append(self, contents: Sequence[bytes]) -> list[tuple[int, int]]:
        """Write them; where each one is, as pack and block. OSError when they cannot be."""
        sizes = [blocks_of(len(content)) for content in contents]
        pack, block = self._room(sum(sizes))
        places: list[tuple[int, int]] = []
        first = block
        for start in range(0, len(contents), VECTOR):
            vector: list[bytes | memoryview] = []
            at = block
            for content, blocks in zip(
                contents[start : start + VECTOR], sizes[start : start + VECTOR], strict=True
            ):
                places.append((pack.number, block))
                vector.append(content)
                if gap := blocks * BLOCK - len(content):
                    vector.append(memoryview(GAP)[:gap])
                block += blocks
            try:
                write_all(pack.descriptor, vector, at * BLOCK)
            except OSError:
                self.punch(pack.number, first, sum(sizes))
                raise
        return places

    def punch(self, number: int, block: int, blocks: int) -> None:
        """Give blocks back to the file system, where it takes them."""
        if self._fallocate is None or not self.punches:
            return
        with contextlib.suppress(OSError):
            pack = self._open.get(number) or self._opened(number)
            self._fallocate(
                pack.descriptor, PUNCH_HOLE, ctypes.c_int64(block * BLOCK),
                ctypes.c_int64(blocks * BLOCK),
            )  # fmt: skip

    def remove(self, number: int) -> None:
        """Remove a whole pack."""
        with self._lock:
            self._open.pop(number, None)
            with contextlib.suppress(OSError):
                self._path(number).unlink()

    def forget(self, number: int) -> None:
        """Hold a pack open no more, unless it is appended to: another process removed it."""
        with self._lock:
            if number != self.active:
                self._open.pop(number, None)

    def listed(self) -> dict[int, int]:
        """Number → blocks of each pack there is."""
        found: dict[int, int] = {}
        for path in self._folder.iterdir():
            with contextlib.suppress(ValueError, OSError):
                found[int(path.name, 16)] = -(-path.stat().st_size // BLOCK)
        return found

    def close(self) -> None:
        """Hold nothing open."""
        with self._lock:
            self._open.clear()
            self._active = None

    def _room(self, blocks: int) -> tuple[Pack, int]:
        """A pack and the block in it from which on `blocks` are ours alone."""
        with self._lock:
            if self._active is None or self._end + blocks > self._most // BLOCK:
                self._active = self._made()
                self._end = 0
            block = self._end
            self._end += blocks
            return self._active, block

    def _made(self) -> Pack:
        number = max(self.listed(), default=0)
        while True:
            number += 1
            with contextlib.suppress(FileExistsError):
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                pack = Pack(number, os.open(self._path(number), flags, 0o644))
                self._open[number] = pack
                return pack

    def _opened(self, number: int) -> Pack:
        with self._lock:
            pack = self._open.get(number)
            if pack is None:
                descriptor = os.open(self._path(number), os.O_RDWR | os.O_CLOEXEC)
                pack = self._open[number] = Pack(number, descriptor)
            return pack

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08x}"

    def _can_punch(self) -> bool:
        trial = self._folder / f"trial-{os.getpid()}"
        descriptor = os.open(trial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, bytes(BLOCK))
            make = self._fallocate
            length = ctypes.c_int64(BLOCK)
            return make is not None and not make(descriptor, PUNCH_HOLE, ctypes.c_int64(0), length)
        finally:
            os.close(descriptor)
            trial.unlink()


def hole_maker() -> ctypes._NamedFuncPointer | None:
    """The C library's fallocate; None where there is none."""
    try:
        return ctypes.CDLL(None).fallocate
    except (OSError, AttributeError, TypeError):
        return None


def write_all(descriptor: int, vector: Iterable[bytes | memoryview], offset: int) -> None:
    """Write all of it at `offset`."""
    left = list(vector)
    while left:
        written = os.pwritev(descriptor, left, offset)
        offset += written
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left and written:
            left[0] = memoryview(left[0])[written:]
