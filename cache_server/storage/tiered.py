"""A near storage before a far one that many servers share. Unaware of what either is made of.

Whatever is kept is in the far one before the caller is told so; the near one holds copies, each
checked against its digest on its way in. When the far one fails, what is near is served on.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, Protocol

from cache_server.keys import BlobKey
from cache_server.storage.protocol import (
    Mismatch,
    NoRoom,
    Source,
    Storage,
    Unavailable,
    Upload,
    Usage,
)

FRESH_SECONDS: Final = 10.0  # a result may be kept again through another server
MOST_FRESH: Final = 500_000  # names of which that is remembered
SMALL: Final = 1024 * 1024  # bytes; larger blobs go to the near storage piece by piece


class FarStorage(Storage, Protocol):
    """A storage that can give a blob piece by piece on its way to another."""

    def copy_to(self, blob: BlobKey, take: Callable[[bytes], None]) -> bool:
        """Give all bytes to `take`; False when they are not the blob's, or there is none."""
        ...


class TieredUpload:
    """Takes pieces for both; one that the near storage has no room for goes to the far one only."""

    def __init__(self, near: Upload | None, far: Upload) -> None:
        self.offset = 0
        self._near = near
        self._far = far

    def append(self, piece: bytes | memoryview) -> None:
        """As `Upload` promises."""
        self._far.append(piece)
        self.offset = self._far.offset
        if self._near is not None:
            try:
                self._near.append(piece)
            except (NoRoom, OSError):
                self._near.discard()
                self._near = None

    def commit(self) -> None:
        """As `Upload` promises."""
        try:
            self._far.commit()
            if self._near is not None:
                with suppress(NoRoom, OSError):
                    self._near.commit()
        finally:
            self.discard()

    def discard(self) -> None:
        """As `Upload` promises."""
        self._far.discard()
        if self._near is not None:
            self._near.discard()


class TieredStorage:
    """`Storage` of both, as large as the far one."""

    def __init__(
        self, near: Storage, far: FarStorage, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._near = near
        self._far = far
        self._now = now
        self._fresh: OrderedDict[str, float] = OrderedDict()
        self._mutex = threading.Lock()
        self._coming: dict[str, _Coming] = {}

    # ---- blobs -----------------------------------------------------------------------------

    def present(self, blobs: Sequence[tuple[str, int]]) -> list[bool]:
        """As `BlobStorage` promises."""
        here = self._near.present(blobs)
        away = [place for place, found in enumerate(here) if not found]
        if away:
            found = self._far.present([blobs[place] for place in away])
            for place, answer in zip(away, found, strict=True):
                here[place] = answer
        return here

    def fetch(self, blob: BlobKey) -> bytes | None:
        """As `BlobStorage` promises."""
        content = self._near.fetch(blob)
        if content is not None:
            return content
        with self._one_at_a_time(blob.hash) as waited:
            if waited and (content := self._near.fetch(blob)) is not None:
                return content
            content = self._far.fetch(blob)
            if content is not None:
                self._copy([(blob, content)])
        return content

    def fetch_all(self, blobs: Sequence[BlobKey]) -> list[bytes | None]:
        """As `BlobStorage` promises."""
        contents = self._near.fetch_all(blobs)
        away = [place for place, content in enumerate(contents) if content is None]
        if away:
            found = self._far.fetch_all([blobs[place] for place in away])
            came: list[tuple[BlobKey, bytes]] = []
            for place, content in zip(away, found, strict=True):
                contents[place] = content
                if content is not None:
                    came.append((blobs[place], content))
            self._copy(came)
        return contents

    def open(self, blob: BlobKey) -> Source | None:
        """As `BlobStorage` promises."""
        source = self._near.open(blob)
        if source is not None:
            return source
        with self._one_at_a_time(blob.hash) as waited:
            if waited and (source := self._near.open(blob)) is not None:
                return source
            if blob.size > SMALL and self._bring(blob):
                source = self._near.open(blob)
                if source is not None:
                    return source
            source = self._far.open(blob)
            if source is not None and blob.size <= SMALL:
                self._copy([(blob, source.read(0, blob.size))])
        return source

    def create(self, blob: BlobKey) -> Upload:
        """As `BlobStorage` promises."""
        near: Upload | None = None
        with suppress(NoRoom, OSError):
            near = self._near.create(blob)
        return TieredUpload(near, self._far.create(blob))

    def keep_all(self, contents: Sequence[tuple[BlobKey, bytes]]) -> list[Exception | None]:
        """As `BlobStorage` promises."""
        answers = self._far.keep_all(contents)
        self._copy([part for part, error in zip(contents, answers, strict=True) if error is None])
        return answers

    # ---- action results --------------------------------------------------------------------

    def load(self, name: str) -> bytes | None:
        """As `ActionStorage` promises."""
        return self.load_all([name])[0]

    def load_all(self, names: Sequence[str]) -> list[bytes | None]:
        """As `ActionStorage` promises; what another server keeps is seen within FRESH_SECONDS."""
        payloads = self._near.load_all(names)
        stale = [
            place for place, payload in enumerate(payloads)
            if payload is None or not self._is_fresh(names[place])
        ]  # fmt: skip
        if not stale:
            return payloads
        try:
            found = self._far.load_all([names[place] for place in stale])
        except Unavailable:
            if any(payloads[place] is None for place in stale):
                raise
            return payloads
        for place, payload in zip(stale, found, strict=True):
            if payload is not None and payload != payloads[place]:
                with suppress(NoRoom, OSError):
                    self._near.save(names[place], payload)
            if payload is not None:
                self._note(names[place])
            payloads[place] = payload
        return payloads

    def save(self, name: str, payload: bytes) -> None:
        """As `ActionStorage` promises."""
        self._far.save(name, payload)
        with suppress(NoRoom, OSError):
            self._near.save(name, payload)
            self._note(name)

    def save_all(self, results: Sequence[tuple[str, bytes]]) -> list[Exception | None]:
        """As `ActionStorage` promises."""
        answers = self._far.save_all(results)
        kept = [part for part, error in zip(results, answers, strict=True) if error is None]
        near = self._near.save_all(kept)
        for (name, _), error in zip(kept, near, strict=True):
            if error is None:
                self._note(name)
        return answers

    # ---- both ------------------------------------------------------------------------------

    def usage(self) -> Usage:
        """As `Storage` promises, of the near storage."""
        return self._near.usage()

    def close(self) -> None:
        """As `Storage` promises."""
        self._far.close()
        self._near.close()

    # ---- inside ----------------------------------------------------------------------------

    def _copy(self, contents: Sequence[tuple[BlobKey, bytes]]) -> None:
        """Keep near what came from far; it may also not fit."""
        if contents:
            with suppress(OSError):
                self._near.keep_all(contents)

    def _bring(self, blob: BlobKey) -> bool:
        """Copy a large blob to the near storage; False when that cannot be or it is not there."""
        try:
            upload = self._near.create(blob)
        except (NoRoom, OSError):
            return False
        try:
            if not self._far.copy_to(blob, upload.append):
                return False
            upload.commit()
        except (NoRoom, Mismatch, OSError):
            return False
        finally:
            upload.discard()
        return True

    def _is_fresh(self, name: str) -> bool:
        with self._mutex:
            return self._fresh.get(name, -FRESH_SECONDS) > self._now() - FRESH_SECONDS

    def _note(self, name: str) -> None:
        with self._mutex:
            self._fresh.pop(name, None)
            self._fresh[name] = self._now()
            if len(self._fresh) > MOST_FRESH:
                self._fresh.popitem(last=False)

    @contextmanager
    def _one_at_a_time(self, name: str) -> Iterator[bool]:
        """Lets one thread at a time bring a blob near; True for those that waited for another."""
        with self._mutex:
            coming = self._coming.get(name)
            waits = coming is not None
            if coming is None:
                coming = self._coming[name] = _Coming()
            coming.threads += 1
        try:
            with coming.lock:
                yield waits
        finally:
            with self._mutex:
                coming.threads -= 1
                if not coming.threads:
                    self._coming.pop(name, None)


class _Coming:
    """A blob on its way from far to near, and how many threads want it."""

    __slots__ = ("lock", "threads")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.threads = 0
