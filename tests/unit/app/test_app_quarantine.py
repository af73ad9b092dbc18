"""Which failures a quarantine excuses, and for how long."""

from __future__ import annotations

import datetime as dt

import pytest

from affected.app.quarantine import excused, ward_of
from affected.config.schema import Quarantined
from affected.model.result import Outcome
from affected.model.result import TestResult as Result

DAY = dt.date(2026, 5, 1)


def entry(test):
    return Quarantined(test, "team", DAY)


@pytest.mark.parametrize(
    ("test", "speaks"),
    [
        ("a/t.py::C::t[1-x]", True),
        ("a/t.py::C::t", True),  # every parameter
        ("a/t.py::C", True),
        ("a/t.py", True),
        ("a/", True),
        ("a/t.py::C::t[*]", True),
        ("*::t*", True),
        ("a/t.py::C::t[2]", False),
        ("a/t.p", False),
        ("a/t.py::C::u", False),
    ],
)
def test_an_entry_speaks_of_what_it_names_and_of_all_below(test, speaks):
    """An id, a class, a file, a folder, a pattern; brackets are brackets."""
    assert (ward_of("a/t.py::C::t[1-x]", [entry(test)]) is not None) is speaks


def test_the_last_day_still_counts():
    """The day after, the failure fails the run, and the owner is named once."""
    failures = [Result(f"t.py::t[{n}]", Outcome.FAILED, 0.0) for n in range(2)]
    wards = [entry("t.py::t")]
    assert excused(failures, wards, DAY) == (tuple(failures), ())
    held, expired = excused(failures, wards, DAY + dt.timedelta(1))
    assert (held, len(expired)) == ((), 1)
