"""A blob on its way to the disk, hashed as it comes. Unaware of where it will be kept."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from typing import Final, Protocol

from cache_server.keys import BlobKey
from cache_server.storage.packs import VECTOR, write_all
from cache_server.storage.protocol import Mismatch, NoRoom

TOGETHER: Final = 256 * 1024  # bytes written by one call
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Keeper(Protocol):
    """Where uploads end up, and whose room they take."""

    def reserve(self, size: int) -> None:
        """Set bytes aside."""
        ...

    def release(self, size: int) -> None:
        """Give them back."""
        ...

    def keep(self, name: str, scratch: str, reserved: int) -> None:
        """Take over the whole file `scratch` and the bytes set aside for it."""
        ...

    def keep_small(self, name: str, content: bytes) -> None:
        """Take over checked content and the bytes set aside for it."""
        ...


class DiskUpload:
    """Writes to the file `scratch`, which is made with the first bytes that go there."""

    def __init__(self, keeper: Keeper, blob: BlobKey, scratch: str) -> None:
        self.offset = 0
        self._keeper = keeper
        self._blob = blob
        self._scratch = scratch
        self._sha256 = hashlib.sha256()
        self._waiting: list[bytes | memoryview] = []
        self._waiting_bytes = 0
        self._written = 0
        self._descriptor = -1
        self._open = True

    def append(self, piece: bytes | memoryview) -> None:
        """As `Upload` promises."""
        if self.offset + len(piece) > self._blob.size:
            raise Mismatch(f"more than the {self._blob.size} bytes of the digest")
        self._keeper.reserve(len(piece))
        self.offset += len(piece)
        self._sha256.update(piece)
        self._waiting.append(piece)
        self._waiting_bytes += len(piece)
        if self._waiting_bytes >= TOGETHER or len(self._waiting) >= VECTOR:
            self._write()

    def commit(self) -> None:
        """As `Upload` promises."""
        try:
            self._check()
            self._write()
            os.close(self._descriptor)
            self._descriptor = -1
        except BaseException:
            self.discard()
            raise
        self._open = False
        self._keeper.keep(self._blob.hash, self._scratch, self.offset)

    def discard(self) -> None:
        """As `Upload` promises."""
        if not self._open:
            return
        self._open = False
        self._waiting = []
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with contextlib.suppress(OSError):
            os.unlink(self._scratch)  # noqa: PTH108  (hot)
        self._keeper.release(self.offset)

    def _check(self) -> None:
        if self.offset != self._blob.size:
            raise Mismatch(f"{self.offset} bytes, not the {self._blob.size} of the digest")
        if self._sha256.hexdigest() != self._blob.hash:
            raise Mismatch("the bytes have another SHA-256 than the digest")

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        start, self._written = self._written, self.offset
        self._waiting_bytes = 0
        with full_disk_is_no_room():
            if self._descriptor < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._descriptor = os.open(self._scratch, flags, 0o644)
            write_all(self._descriptor, waiting, start)


class SmallUpload:
    """Takes a small blob in memory; it is written as a whole."""

    def __init__(self, keeper: Keeper, blob: BlobKey) -> None:
        self.offset = 0
        self._keeper = keeper
        self._blob = blob
        self._pieces: list[bytes | memoryview] = []
        self._open = True

    def append(self, piece: bytes | memoryview) -> None:
        """As `Upload` promises."""
        if self.offset + len(piece) > self._blob.size:
            raise Mismatch(f"more than the {self._blob.size} bytes of the digest")
        self._keeper.reserve(len(piece))
        self.offset += len(piece)
        self._pieces.append(piece)

    def commit(self) -> None:
        """As `Upload` promises."""
        content = b"".join(self._pieces)
        try:
            check(self._blob, content)
        except Mismatch:
            self.discard()
            raise
        self._open = False
        self._keeper.keep_small(self._blob.hash, content)

    def discard(self) -> None:
        """As `Upload` promises."""
        if self._open:
            self._open = False
            self._pieces = []
            self._keeper.release(self.offset)


def check(blob: BlobKey, content: bytes) -> None:
    """Mismatch unless the content is the blob's."""
    if len(content) != blob.size:
        raise Mismatch(f"{len(content)} bytes, not the {blob.size} of the digest")
    if hashlib.sha256(content).hexdigest() != blob.hash:
        raise Mismatch("the bytes have another SHA-256 than the digest")


@contextlib.contextmanager
def full_disk_is_no_room() -> Iterator[None]:
    """A full disk is met like a full storage."""
    try:
        yield
    except OSError as trouble:
        if trouble.errno in FULL:
            raise NoRoom(f"the disk is full: {trouble.strerror}") from trouble
        raise
