"""What changed while tests ran."""

from __future__ import annotations

from affected.run.guard import changed_since


def test_paths_whose_stamp_differs_are_told():
    """Gone and new ones too."""
    before = {"same": 1, "other": 2, "gone": 3, "new": None}
    now = {"same": 1, "other": 9, "new": 4}
    assert changed_since(before, now.get) == {"other", "gone", "new"}
