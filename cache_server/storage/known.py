"""What is known of a far storage without asking it. Unaware of which storage that is.

That a blob is there is believed for a while, that it is not for seconds: another server may put it
there at any time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

MOST: Final = 2_000_000  # entries, some 250 bytes each
PRESENT_SECONDS: Final = 3600.0
ABSENT_SECONDS: Final = 3.0


class Known:
    """Blobs' sizes by hash, each until its time is over; `now` gives seconds on any clock."""

    def __init__(self, now: Callable[[], float], most: int = MOST) -> None:
        self._now = now
        self._most = most
        self._lock = threading.Lock()
        self._until: OrderedDict[str, tuple[int, float]] = OrderedDict()  # size < 0: absent

    def __len__(self) -> int:
        return len(self._until)

    def find(self, blobs: Sequence[tuple[str, int]]) -> list[bool | None]:
        """For each (hash, size): is it there? None when that is not known (any more)."""
        now = self._now()
        entries = self._until
        answers: list[bool | None] = []
        with self._lock:
            for name, size in blobs:
                entry = entries.get(name)
                answers.append(None if entry is None or entry[1] < now else entry[0] == size)
        return answers

    def note(self, name: str, size: int | None, seconds: float = PRESENT_SECONDS) -> None:
        """A blob of `size` is there, for `seconds` at least; None: no blob is there."""
        until = self._now() + (ABSENT_SECONDS if size is None else seconds)
        with self._lock:
            self._until.pop(name, None)
            self._until[name] = (-1 if size is None else size, until)
            if len(self._until) > self._most:
                self._until.popitem(last=False)

    def forget(self, name: str) -> None:
        """Nothing is known of it."""
        with self._lock:
            self._until.pop(name, None)
