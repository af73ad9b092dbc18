"""The quarantine: failures that do not fail a run, each with an owner, until a date.

Unaware of how tests ran. A quarantined test still runs each time, and no failure is ever reused.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Sequence

from affected.config.schema import Quarantined
from affected.model.result import TestResult


def ward_of(test: str, quarantine: Sequence[Quarantined]) -> Quarantined | None:
    """The entry that speaks of the test: its id, a file, class or folder above it, a pattern."""
    for entry in quarantine:
        whole = entry.test.rstrip("/")
        below = test.startswith((whole + "::", whole + "[", whole + "/"))
        if below or test == whole or fnmatch.fnmatchcase(test, whole.replace("[", "[[]")):
            return entry
    return None


def excused(
    failures: Sequence[TestResult], quarantine: Sequence[Quarantined], today: dt.date
) -> tuple[tuple[TestResult, ...], tuple[str, ...]]:
    """The failures that do not fail the run; and a word on each entry that is past its date."""
    held: list[TestResult] = []
    expired: list[str] = []
    for failure in failures:
        entry = ward_of(failure.id, quarantine)
        if entry is not None and today <= entry.until:
            held.append(failure)
        elif entry is not None:
            told = f"the quarantine of {entry.test} ended {entry.until}: ask {entry.owner}"
            expired += [told] if told not in expired else []
    return tuple(held), tuple(expired)
