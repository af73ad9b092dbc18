"""Log lines, one JSON object each. Unaware of what the events mean."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TextIO


class Journal:
    """Writes `{"time": …, "event": …, …}` lines to `stream`; `now` gives seconds since 1970."""

    def __init__(self, stream: TextIO, now: Callable[[], float]) -> None:
        self._stream = stream
        self._now = now
        self._lock = threading.Lock()

    def write(self, event: str, **fields: object) -> None:
        """One line; a stream that is gone is no reason to stop serving."""
        line = json.dumps({"time": round(self._now(), 3), "event": event, **fields}, default=str)
        try:
            with self._lock:
                self._stream.write(line + "\n")
                self._stream.flush()
        except (OSError, ValueError):
            return
