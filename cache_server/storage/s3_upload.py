"""A blob on its way into S3. Unaware of why it comes.

Small ones are sent when they are whole; larger ones in parts while they come, ended only when size
and hash are right and aborted otherwise, so that nothing wrong is ever seen.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Iterator
from typing import Final, Protocol

from cache_server.keys import BlobKey
from cache_server.storage.protocol import Mismatch, Unavailable

AT_ONCE: Final = 8 * 1024 * 1024  # bytes; larger blobs go in parts of that size
PIECES: Final = 8  # waiting for a part, at most


class Sink(Protocol):
    """What an upload asks of its storage."""

    def put(self, blob: BlobKey, content: bytes) -> None:
        """Keep content that was checked; Unavailable when that failed."""
        ...

    def put_parts(self, blob: BlobKey, pieces: Iterator[bytes]) -> None:
        """Keep what the pieces are together, unless the iterator raises."""
        ...


class Dropped(Exception):
    """The upload is given up; S3 must forget its parts."""


class S3Upload:
    """Takes pieces; `commit` returns when S3 has the whole blob."""

    def __init__(self, sink: Sink, blob: BlobKey) -> None:
        self.offset = 0
        self._sink = sink
        self._blob = blob
        self._sha256 = hashlib.sha256()
        self._pieces: list[bytes | memoryview] = []
        self._sender = Sender(sink, blob) if blob.size > AT_ONCE else None

    def append(self, piece: bytes | memoryview) -> None:
        """As `Upload` promises."""
        if self.offset + len(piece) > self._blob.size:
            raise Mismatch(f"more than the {self._blob.size} bytes of the digest")
        self.offset += len(piece)
        self._sha256.update(piece)
        if self._sender is None:
            self._pieces.append(piece)
        elif piece:
            self._sender.take(bytes(piece))

    def commit(self) -> None:
        """As `Upload` promises."""
        try:
            if self.offset != self._blob.size:
                raise Mismatch(f"{self.offset} bytes, not the {self._blob.size} of the digest")
            if self._sha256.hexdigest() != self._blob.hash:
                raise Mismatch("the bytes have another SHA-256 than the digest")
            if self._sender is not None:
                self._sender.end()
            else:
                self._sink.put(self._blob, b"".join(self._pieces))
        finally:
            self.discard()

    def discard(self) -> None:
        """As `Upload` promises."""
        self._pieces = []
        if self._sender is not None:
            self._sender.drop()


class Sender:
    """Sends in a thread of its own what it is given; made and used by one thread."""

    def __init__(self, sink: Sink, blob: BlobKey) -> None:
        self._queue: queue.Queue[bytes | None] = queue.Queue(PIECES)
        self._dropped = False
        self._failure: Exception | None = None
        self._sink = sink
        self._blob = blob
        self._thread: threading.Thread | None = None

    def take(self, piece: bytes) -> None:
        """The next bytes; waits while too many wait already; what went wrong so far is raised."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._send, name="s3-upload", daemon=True)
            self._thread.start()
        self._put(piece)

    def end(self) -> None:
        """All was given and is right: returns when S3 has it."""
        self._put(None)
        if self._thread is not None:
            self._thread.join()
        self._thread = None
        if self._failure is not None:
            raise self._failure

    def drop(self) -> None:
        """Give up what was not ended."""
        if self._thread is None:
            return
        self._dropped = True
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=0.05)
            except queue.Full:
                continue
            self._thread.join()
        self._thread = None

    def _put(self, piece: bytes | None) -> None:
        while self._thread is not None:
            if self._failure is not None:
                raise self._failure
            if not self._thread.is_alive():
                raise Unavailable("the upload to S3 ended early")
            try:
                self._queue.put(piece, timeout=0.2)
            except queue.Full:
                continue
            return

    def _send(self) -> None:
        try:
            self._sink.put_parts(self._blob, self._given())
        except Exception as trouble:  # noqa: BLE001  (raised again in the caller's thread)
            self._failure = trouble

    def _given(self) -> Iterator[bytes]:
        while (piece := self._queue.get()) is not None:
            yield piece
        if self._dropped:
            raise Dropped
