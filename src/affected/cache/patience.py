"""How long a run waits for a shared cache, all its waiting taken together. Unaware of the wire.

A run has two seconds to lose. Waiting uses them up; what arrives and is of use gives some back, as
much as a cache that is worth its wait would take: 2 ms a record, 1 s a megabyte. So a good cache
may take the time it needs, and a dead, hanging, slow or lying one takes two seconds at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from affected.errors import CallFailed

SECONDS: Final = 2.0
A_RECORD: Final = 0.002  # seconds given back for each
A_BYTE: Final = 1e-6
LATE: Final = "DEADLINE_EXCEEDED"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: to which request (of a pipeline), and its bytes; or why there is none."""

    number: int
    content: bytes = b""
    failed: CallFailed | None = None


class Replies(Protocol):
    """Answers under way."""

    def next(self, seconds: float) -> Reply | None:
        """The next to arrive; None after the last. Raises TimeoutError."""

    def cancel(self) -> None:
        """Nobody waits any more; more than once is harmless."""


class Patience:
    """What is left of the time to lose. Each thread has its own."""

    def __init__(
        self, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = seconds
        self._left = seconds
        self._clock = clock

    @property
    def left(self) -> float:
        """Seconds."""
        return self._left

    def earn(self, *, records: int = 0, size: int = 0) -> None:
        """So much arrived and was of use."""
        self.gain(records * A_RECORD + size * A_BYTE)

    def gain(self, seconds: float) -> None:
        """So much is given back; never more is left than at the start."""
        self._left = min(self._most, self._left + seconds)

    def spend(self, seconds: float) -> None:
        """So long was waited."""
        self._left = max(0.0, self._left - seconds)

    def follow(self, replies: Replies) -> Iterator[Reply]:
        """Each reply as it comes; CallFailed when patience ends first."""
        try:
            while True:
                began = self._clock()
                try:
                    reply = replies.next(self._left)
                except TimeoutError:
                    raise CallFailed(LATE, "it did not answer in time") from None
                finally:
                    self.spend(self._clock() - began)
                if reply is None:
                    return
                yield reply
        finally:
            replies.cancel()


class Leisure(Patience):
    """The patience of the background, which keeps nobody: any silence up to a bound.

    `gained` sums up what it was given back, for whoever waits for the background.
    """

    gained = 0.0

    def gain(self, seconds: float) -> None:
        """As above."""
        self.gained += seconds

    def follow(self, replies: Replies) -> Iterator[Reply]:
        """As above, with the whole time for each reply."""
        for reply in super().follow(replies):
            self._left = self._most
            yield reply
