"""Contexts: which tests share what was seen. Unaware of what is seen.

A context holds one test, or neighbours in one file where to tell them apart would cost too much: a
new context costs a fraction of a millisecond, so it is begun when the open one has lasted many
times that, or while all of them together stay a small share of the time the process has run.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

LONG = 0.010  # seconds after which a new context is cheap
COST = 0.0004  # seconds that one costs
SHARE = 0.03  # of the process's time that contexts may cost


class Contexts:
    """The context that is open, and when the next one begins."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self._file = ""
        self._began = self._opened = perf_counter()
        self._scope = ""
        self.number = -1

    def test_begins(self, path: str) -> None:
        """The next test, of the file `path`, counts for the open context or for a new one."""
        now = perf_counter()
        if path == self._file and not self._is_cheap(now):
            self._ledger.scope = self._scope
            return
        self._file = path
        self._opened = now
        self.number += 1
        self._scope = "tests:%d" % self.number
        self._ledger.enter(self._scope)

    def _is_cheap(self, now: float) -> bool:
        return now - self._opened >= LONG or self.number * COST < SHARE * (now - self._began)
