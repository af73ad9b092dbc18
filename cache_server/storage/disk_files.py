"""A folder's lock, and blobs' own files in it. Unaware of what is kept and of packs."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cache_server.keys import HASH
from cache_server.storage.ledger import Stamp

HASH_PIECE: Final = 1024 * 1024


class FolderInUse(Exception):
    """Another server serves the folder."""


class DiskSource:
    """A blob's open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, size: int, before: bytes = b"") -> bytes:
        """As `Source` promises; read to where it is wanted, since a copy costs as much again."""
        if not before:
            return os.pread(self._descriptor, size, offset)
        start = len(before)
        room = io.BytesIO()
        room.seek(start + size - 1)
        room.write(b"\0")
        with room.getbuffer() as whole, whole[start:] as behind:
            whole[:start] = before
            length = os.preadv(self._descriptor, [behind], offset)
        if length < size:
            room.truncate(start + length)
        return room.getvalue()

    def close(self) -> None:
        """As `Source` promises."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class FolderLock:
    """Says that the folder is served; FolderInUse when another server says so."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as trouble:
            os.close(self._descriptor)
            raise FolderInUse(f"another server serves {folder}") from trouble

    def close(self) -> None:
        """Serve it no more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def files_of(folder: str) -> Iterator[tuple[int, str, int]]:
    """(modification time, name, size) of each kept file of a folder."""
    with os.scandir(folder) as listing:
        for file in listing:
            if HASH.fullmatch(file.name) is not None:
                stat = file.stat(follow_symlinks=False)
                yield stat.st_mtime_ns, file.name, stat.st_size


def place(scratch: str, path: str) -> None:
    """Rename, making the shard's folder when it is the first file there."""
    try:
        os.replace(scratch, path)  # noqa: PTH105  (hot)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        os.replace(scratch, path)  # noqa: PTH105


def stamp_of(descriptor: int) -> Stamp:
    """Inode, size, modification and change time of an open file."""
    stat = os.fstat(descriptor)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def stamp_at(path: str) -> Stamp:
    """As `stamp_of`, of a file by its path."""
    stat = os.stat(path)  # noqa: PTH116  (hot)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def hash_of(descriptor: int) -> str:
    """SHA-256 in hex of all that an open file holds."""
    sha256 = hashlib.sha256()
    offset = 0
    while piece := os.pread(descriptor, HASH_PIECE, offset):
        sha256.update(piece)
        offset += len(piece)
    return sha256.hexdigest()
