"""Samples are drawn by seed; bounds are the exact ones."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affected.selection.sampling import draw, draw_within, upper_bound

LABELS = [f"t{n}.py" for n in range(100)]


def test_a_sample_is_a_share_at_least_one_and_the_same_for_the_same_seed():
    """Whatever the order of the labels."""
    assert draw(LABELS, 0.1, 7) == draw(LABELS[::-1], 0.1, 7)
    assert len(draw(LABELS, 0.1, 7)) == 10
    assert len(draw(LABELS, 0.0001, 7)) == 1
    assert draw(LABELS, 1.0, 7) == sorted(LABELS)
    assert draw(LABELS, 0.1, 8) != draw(LABELS, 0.1, 7)


def test_every_label_is_drawn_as_often_as_any_other():
    """Over many seeds."""
    counts = dict.fromkeys(LABELS, 0)
    for seed in range(600):
        for label in draw(LABELS, 0.1, seed):
            counts[label] += 1
    assert 30 < min(counts.values()) <= max(counts.values()) < 100


def test_a_budget_is_filled_in_a_random_order():
    """At least one label, even a slow one."""
    expected = dict.fromkeys(LABELS, 2.0)
    assert len(draw_within(expected, 11.0, 3)) == 5
    assert len(draw_within(expected, 0.1, 3)) == 1
    assert draw_within(expected, 11.0, 3) == draw_within(expected, 11.0, 3)


@pytest.mark.parametrize(
    ("misses", "looked_at", "bound"),
    # Clopper and Pearson's one-sided 95 % bounds: quantiles of the beta distribution, as scipy gives them
    [(0, 10, 0.25887), (1, 10, 0.39416), (2, 100, 0.06162), (5, 1000, 0.010484), (0, 1, 0.95)],
)
def test_the_bound_is_the_exact_one(misses, looked_at, bound):
    """To four digits of a table."""
    assert upper_bound(misses, looked_at) == pytest.approx(bound, rel=2e-4)


@given(st.integers(1, 100_000))
def test_without_misses_it_is_near_the_rule_of_three(looked_at):
    """1 - 0.05^(1/n), at most 3/n."""
    found = upper_bound(0, looked_at)
    assert found == pytest.approx(1 - 0.05 ** (1 / looked_at), rel=1e-6)
    assert found <= -math.log(0.05) / looked_at


@given(st.integers(0, 30), st.integers(1, 500))
def test_more_misses_or_fewer_looks_never_lower_the_bound(misses, looked_at):
    """It lies above the rate itself, and is 1 when everything was missed."""
    found = upper_bound(misses, looked_at)
    assert misses / looked_at <= found <= 1 or misses > looked_at
    assert upper_bound(misses + 1, looked_at) >= found
    assert upper_bound(misses, looked_at + 1) <= found
