"""Bisecting over suspects finds the first that fails, in few steps."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from affected.app.bisect import first_failing


@given(st.integers(1, 40), st.data())
def test_the_first_failing_commit_is_found_in_a_logarithm_of_steps(count, data):
    """From the guilty one on, all fail."""
    guilty = data.draw(st.integers(0, count - 1))
    asked = []

    def passes(commit):
        asked.append(commit)
        return int(commit) < guilty

    assert first_failing([str(n) for n in range(count)], passes) == str(guilty)
    assert len(asked) <= 1 + math.ceil(math.log2(count)) if count > 1 else len(asked) == 1


def test_without_a_failure_at_the_last_there_is_no_guilty_one():
    """Nor without commits."""
    assert first_failing(["a", "b"], lambda commit: True) == ""  # noqa: ARG005
    assert first_failing([], lambda commit: False) == ""  # noqa: ARG005
