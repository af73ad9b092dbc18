"""Streams on their way in, and those that were cut off. Unaware of calls and resource names.

A cut-off upload waits for its client under its name; the oldest of too many is dropped, and so is
one that nobody asked for in a while.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cache_server.services import zstd
from cache_server.storage.protocol import Upload
from cache_server.validate import Refusal

MOST_WAITING: Final = 256
PATIENCE_SECONDS: Final = 600.0


class Transfer:
    """One run of messages into `upload`.

    The first message's offset counts plain bytes; each later one is the first plus the bytes sent
    since, compressed ones when the stream is compressed.
    """

    def __init__(self, upload: Upload, *, compressed: bool) -> None:
        self.upload = upload
        self._next = upload.offset
        self._inflater = zstd.Inflater(upload.append) if compressed else None

    def accept(self, offset: int, piece: bytes | memoryview) -> None:
        """The next message's bytes; Refusal when it is not the next."""
        if offset != self._next:
            raise Refusal("INVALID_ARGUMENT", f"the offset is {offset}, not {self._next}")
        self._next += len(piece)
        if self._inflater is not None:
            self._inflater.feed(piece)
        elif piece:
            self.upload.append(piece)


class Waiting:
    """Uploads that were cut off, by name; `now` gives seconds of a clock that only goes on."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._uploads: OrderedDict[str, tuple[float, Upload]] = OrderedDict()

    def offset(self, name: str) -> int | None:
        """How many plain bytes of it are here; None when there is no such upload."""
        with self._lock:
            self._expire()
            found = self._uploads.get(name)
            return None if found is None else found[1].offset

    def take(self, name: str) -> Upload | None:
        """The upload, which then waits no more."""
        with self._lock:
            self._expire()
            found = self._uploads.pop(name, None)
            return None if found is None else found[1]

    def park(self, name: str, upload: Upload) -> None:
        """Let it wait; of two under one name the longer one."""
        with self._lock:
            other = self._uploads.pop(name, None)
            if other is not None and other[1].offset > upload.offset:
                upload, other = other[1], (0.0, upload)
            if other is not None:
                other[1].discard()
            self._uploads[name] = (self._now(), upload)
            self._expire()

    def close(self) -> None:
        """Drop all."""
        with self._lock:
            while self._uploads:
                self._uploads.popitem()[1][1].discard()

    def _expire(self) -> None:
        late = self._now() - PATIENCE_SECONDS
        while self._uploads:
            since, upload = next(iter(self._uploads.values()))
            if since >= late and len(self._uploads) <= MOST_WAITING:
                return
            self._uploads.popitem(last=False)
            upload.discard()
