"""Outcomes of tests. Unaware of pytest."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Outcome(enum.StrEnum):
    """How a test ended. XFAILED is an expected failure; both it and SKIPPED count as a pass."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"

    @property
    def good(self) -> bool:
        """True when the outcome may be reused."""
        return self not in (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test's outcome. `id` is pytest's node id seen from the workspace root."""

    id: str
    outcome: Outcome
    seconds: float  # set-up, call and tear-down
    message: str = ""  # the reason of a skip, or the last line of a failure
    details: str = ""  # a failure's long text, as pytest renders it
    rerun: bool = False  # the outcome was reached by retrying
