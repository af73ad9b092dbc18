"""What fits into a time budget, the most likely to fail first."""

from __future__ import annotations

from dataclasses import replace

from affected.app.budget import within
from affected.model.path import RepoPath
from affected.model.selection import Cause, CauseKind
from affected.state.rows import TargetRow

ROW = TargetRow("", "test", RepoPath(""), RepoPath(""), RepoPath(""), "", False, "", 1, 10.0, "", 0)


def chosen(causes, seconds, **rows):
    found = {label: replace(ROW, label=label, **rows.get(label, {})) for label in causes}
    return within({label: (cause,) for label, cause in causes.items()}, found, seconds)


NEAR = Cause(CauseKind.CHANGED, "a.py", ("near", "a.py"))
FAR = Cause(CauseKind.CHANGED, "a.py", ("far", "b.py", "c.py", "a.py"))
NEW, PLATFORM = Cause(CauseKind.NEW), Cause(CauseKind.PLATFORM)


def test_what_failed_last_then_what_the_change_is_near_to_comes_first():
    """New tests after those that a change reaches, another platform last."""
    causes = {"platform": PLATFORM, "new": NEW, "far": FAR, "near": NEAR, "red": PLATFORM}
    for count, expected in enumerate(["red", "near", "far", "new", "platform"], 1):
        fits, left = chosen(causes, count * 10.0, red={"outcome": "failed"})
        assert expected in fits
        assert len(fits) == count
        assert set(left) == causes.keys() - fits


def test_a_quick_test_takes_the_room_that_a_slow_one_leaves():
    """Each is counted with its recorded time."""
    fits, left = chosen(
        {"slow": NEAR, "quick": FAR}, 5.0, slow={"seconds": 60}, quick={"seconds": 2}
    )
    assert (fits, left) == ({"quick"}, {"slow": 60})


def test_when_nothing_fits_the_most_urgent_is_tried():
    """A budget never makes a run look like one with nothing to do."""
    assert chosen({"a": FAR, "b": NEAR}, 1.0)[0] == {"b"}


def test_a_test_never_timed_counts_as_the_median():
    """A second where nothing was."""
    rows = {"a": {"seconds": 4.0}, "b": {"seconds": 6.0}, "new": {"seconds": 0.0}}
    assert chosen({"a": NEAR, "b": FAR, "new": NEW}, 10.0, **rows)[1] == {"new": 5.0}
