"""Contexts: which tests share what was seen. Unaware of what is seen.

A context holds one test, or neighbours in one file where to tell them apart would cost too much.
What contexts cost in all, by an estimate from what was seen in them, stays a small share of the
time that the process has run; a suite of very short tests may spend more: it would tell nothing
apart else.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, Callable

BASE = 0.00015  # seconds that a context costs
EACH = 0.000004  # seconds that each block costs that is seen in it
SHARE = 0.025  # of the process's time that contexts may cost
SHARE_OF_SHORT = 0.05  # the same while tests take milliseconds
SHORT = 0.005  # seconds of a test, on average


class Contexts:
    """The context that is open, and when the next one begins."""

    def __init__(self, ledger: Any, seen: Callable[[], int]) -> None:
        self._ledger = ledger
        self._seen = seen  # how many blocks were seen since the context began
        self._file = ""
        self._began = perf_counter()
        self._first_test = 0.0
        self._tests = 0
        self._spent = 0.0
        self._scope = ""
        self.number = -1

    def test_begins(self, path: str) -> None:
        """The next test, of the file `path`, counts for the open context or for a new one."""
        now = perf_counter()
        if not self._tests:
            self._first_test = now
        self._tests += 1
        cost = BASE + EACH * self._seen()
        if path == self._file and not self._is_cheap(now, cost):
            self._ledger.scope = self._scope
            return
        self._file = path
        self._spent += cost
        self.number += 1
        self._scope = "tests:%d" % self.number
        self._ledger.enter(self._scope)

    def _is_cheap(self, now: float, cost: float) -> bool:
        short = now - self._first_test < SHORT * self._tests
        share = SHARE_OF_SHORT if short else SHARE
        return self._spent + cost < share * (now - self._began)
