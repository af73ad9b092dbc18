"""Blobs and action results in this process's memory. Unaware of disks; for tests and trials."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

from cache_server.keys import BlobKey
from cache_server.storage import one_by_one
from cache_server.storage.ledger import Gone, Ledger
from cache_server.storage.protocol import Mismatch, NoRoom, Tell, Upload, Usage

ACTION = "action "


class MemorySource:
    """A blob in memory, being read."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, offset: int, size: int, before: bytes = b"") -> bytes:
        """As `Source` promises."""
        if not offset and size >= len(self._content):
            return before + self._content
        return before + self._content[offset : offset + size]

    def close(self) -> None:
        """Nothing is held."""


class MemoryUpload:
    """A blob on its way into memory."""

    def __init__(self, storage: MemoryStorage, blob: BlobKey) -> None:
        self.offset = 0
        self._storage = storage
        self._blob = blob
        self._pieces: list[bytes | memoryview] = []

    def append(self, piece: bytes | memoryview) -> None:
        """As `Upload` promises."""
        if self.offset + len(piece) > self._blob.size:
            raise Mismatch(f"more than the {self._blob.size} bytes of the digest")
        self._storage.reserve(len(piece))
        self._pieces.append(piece)
        self.offset += len(piece)

    def commit(self) -> None:
        """As `Upload` promises."""
        content = b"".join(self._pieces)
        self.discard()
        if len(content) != self._blob.size:
            raise Mismatch(f"{len(content)} bytes, not the {self._blob.size} of the digest")
        if hashlib.sha256(content).hexdigest() != self._blob.hash:
            raise Mismatch("the bytes have another SHA-256 than the digest")
        self._storage.keep(self._blob.hash, content)

    def discard(self) -> None:
        """As `Upload` promises."""
        self._storage.release(sum(map(len, self._pieces)))
        self._pieces = []


class MemoryStorage:
    """`Storage` in a dictionary of at most `max_bytes`."""

    def __init__(self, max_bytes: int, tell: Tell) -> None:
        self._lock = threading.Lock()
        self._ledger = Ledger(max_bytes)
        self._contents: dict[str, bytes] = {}
        self._tell = tell

    def present(self, blobs: Sequence[tuple[str, int]]) -> list[bool]:
        """As `BlobStorage` promises."""
        with self._lock:
            return self._ledger.present(blobs)

    def fetch(self, blob: BlobKey) -> bytes | None:
        """As `BlobStorage` promises."""
        with self._lock:
            entry = self._ledger.find(blob.hash)
            return None if entry is None or entry.size != blob.size else self._contents[blob.hash]

    def open(self, blob: BlobKey) -> MemorySource | None:
        """As `BlobStorage` promises."""
        content = self.fetch(blob)
        return None if content is None else MemorySource(content)

    def create(self, blob: BlobKey) -> Upload:
        """As `BlobStorage` promises."""
        if not self._ledger.fits(blob.size):
            raise NoRoom(f"{blob.size} bytes are over the limit of {self._ledger.limit}")
        return MemoryUpload(self, blob)

    def fetch_all(self, blobs: Sequence[BlobKey]) -> list[bytes | None]:
        """As `BlobStorage` promises."""
        return [self.fetch(blob) for blob in blobs]

    def keep_all(self, contents: Sequence[tuple[BlobKey, bytes]]) -> list[Exception | None]:
        """As `BlobStorage` promises."""
        return one_by_one.keep_all(self, contents)

    def load(self, name: str) -> bytes | None:
        """As `ActionStorage` promises."""
        with self._lock:
            return (
                None if self._ledger.find(ACTION + name) is None else self._contents[ACTION + name]
            )

    def load_all(self, names: Sequence[str]) -> list[bytes | None]:
        """As `ActionStorage` promises."""
        return [self.load(name) for name in names]

    def save(self, name: str, payload: bytes) -> None:
        """As `ActionStorage` promises."""
        self.keep(ACTION + name, payload)

    def save_all(self, results: Sequence[tuple[str, bytes]]) -> list[Exception | None]:
        """As `ActionStorage` promises."""
        return one_by_one.save_all(self, results)

    def usage(self) -> Usage:
        """As `Storage` promises."""
        with self._lock:
            ledger = self._ledger
            return Usage(len(ledger), ledger.kept + ledger.reserved, ledger.limit)

    def close(self) -> None:
        """As `Storage` promises."""
        self._contents.clear()

    def reserve(self, size: int) -> None:
        """Set bytes aside for an upload."""
        with self._lock:
            self._drop(self._ledger.reserve(size))

    def release(self, size: int) -> None:
        """Give back bytes of an upload."""
        with self._lock:
            self._ledger.release(size)

    def keep(self, name: str, content: bytes) -> None:
        """Keep whole content that was checked."""
        with self._lock:
            gone = self._ledger.admit(name, len(content), blob=not name.startswith(ACTION))
            self._contents[name] = content
            self._drop(gone)

    def _drop(self, gone: Gone) -> None:
        for name, _ in gone:
            self._tell("evicted", name, len(self._contents.pop(name)))
