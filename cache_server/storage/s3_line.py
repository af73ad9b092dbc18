"""The line to S3: each call is timed and counted, and its failure told in words.

Unaware of what is asked for. When S3 fails again and again the line is cut for a while: calls then
fail at once instead of holding a thread each until their time is up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from cache_server.storage.protocol import Unavailable

Answer = TypeVar("Answer")
IN_A_ROW: Final = 4  # failures before the line is cut
CUT_SECONDS: Final = 5.0
QUIET_SECONDS: Final = 10.0  # between two lines about the same trouble
SLOW_SECONDS: Final = 1.0


class Watch(Protocol):
    """Who is told how S3 does."""

    def call(self, operation: str, outcome: str, seconds: float) -> None:
        """A call ended: `outcome` is ok, absent, exists, refused or failed."""
        ...

    def trouble(self, kind: str, sentence: str) -> None:
        """Something that whoever runs the server should know."""
        ...


class Line:
    """Calls S3; `place` is for sentences."""

    def __init__(
        self, place: str, watch: Watch, *, slow: float = SLOW_SECONDS, cut: float = CUT_SECONDS
    ) -> None:
        self._place = place
        self._watch = watch
        self._slow = slow
        self._cut = cut
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0
        self._last = ""
        self._told: dict[str, float] = {}

    def call(self, operation: str, ask: Callable[[], Answer]) -> Answer | None:
        """What `ask` gives; None when there is no such object. Unavailable when S3 fails.

        An object that exists already where it should be created raises AlreadyExistsError.
        """
        started = time.monotonic()
        if started < self._closed_until:
            raise Unavailable(f"{self._last} (not asked again for a few seconds)")
        outcome = "failed"
        try:
            answer = ask()
            outcome = "ok"
        except (NotFoundError, FileNotFoundError) as absent:  # the library gives either
            if "NoSuchBucket" in str(absent) or operation in {"put", "save"}:
                raise self._broken("bucket", f"the bucket of {self._place} is gone") from absent
            outcome = "absent"
            self._failures = 0
            return None
        except AlreadyExistsError:
            outcome = "exists"
            self._failures = 0
            raise
        except (PermissionDeniedError, UnauthenticatedError) as refusal:
            outcome = "refused"
            sentence = f"S3 refuses the credentials for {self._place}"
            raise self._broken("credentials", sentence) from refusal
        except (BaseError, OSError) as trouble:
            reason = reason_of(trouble)
            sentence = f"S3 failed for {self._place}: {reason}"
            raise self._broken("failed", sentence) from trouble
        finally:
            seconds = time.monotonic() - started
            self._watch.call(operation, outcome, seconds)
            if seconds > self._slow:
                self._tell("slow", f"S3 is slow: {operation} took {seconds:.1f} s ({self._place})")
        self._failures = 0
        return answer

    def tell(self, kind: str, sentence: str) -> None:
        """A sentence for the log, unless it was said a moment ago."""
        self._tell(kind, sentence)

    def _broken(self, kind: str, sentence: str) -> Unavailable:
        with self._lock:
            self._failures += 1
            self._last = sentence
            if self._failures >= IN_A_ROW:
                self._closed_until = time.monotonic() + self._cut
        self._tell(kind, sentence)
        return Unavailable(sentence)

    def _tell(self, kind: str, sentence: str) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._told.get(kind, -QUIET_SECONDS) < QUIET_SECONDS:
                return
            self._told[kind] = now
        self._watch.trouble(kind, sentence)


def reason_of(trouble: Exception) -> str:
    """The first line of an error of the library, short, without its debugging text."""
    text = str(trouble).split("Debug source:")[0]
    for mark in ("operation timed out", "Connection refused", "connection closed"):
        if mark.lower() in text.lower():
            return mark.lower()
    return " ".join(text.split())[:200]
