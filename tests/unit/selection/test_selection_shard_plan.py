"""Planning shards: as few as the time allows, new tests judged by their neighbours."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affected.model.shard import ShardPlan
from affected.selection.shard import expected_seconds, part_of, plan_in_time, plan_shards

times = st.dictionaries(st.text("ab/", min_size=1, max_size=4), st.floats(0.01, 50), max_size=30)


def test_nothing_to_run_needs_no_machine():
    """Neither one that has nothing to do, nor all of them."""
    assert plan_in_time({}, 300, 256) == ShardPlan((), ())


def test_a_new_test_is_expected_to_take_its_projects_median():
    """Else everyone's median; a second where nothing was ever timed."""
    seconds = {"a/1": 1.0, "a/2": 3.0, "a/3": 20.0, "b/1": 100.0}
    projects = {"a/1": "a", "a/2": "a", "a/3": "a", "a/new": "a", "b/1": "b", "c/new": "c"}
    found = expected_seconds(["a/new", "b/1", "c/new"], seconds, projects)
    assert found == {"a/new": 3.0, "b/1": 100.0, "c/new": 11.5}
    assert expected_seconds(["x"], {}, {}) == {"x": 1.0}


@given(times, st.floats(0.5, 100))
def test_as_few_machines_as_keep_each_within_the_target(expected, target):
    """One machine fewer would be too slow, by this way of spreading; a long test is the bound."""
    plan = plan_in_time(expected, target, 256)
    assert sorted(label for part in plan.parts for label in part) == sorted(expected)
    if expected:
        bound = max(target, *expected.values())
        assert plan.count == len(expected) or max(plan.seconds) <= bound * 1.0001
        fewer = plan_shards(expected, plan.count - 1) if plan.count > 1 else None
        assert fewer is None or max(fewer.seconds) > bound * 0.9999


def test_there_are_never_more_machines_than_allowed_or_than_tests():
    """The target is missed then."""
    assert plan_in_time({f"t{n}": 10.0 for n in range(40)}, 10, 8).count == 8
    assert plan_in_time({"a": 50.0, "b": 50.0}, 1, 256).count == 2


@pytest.mark.parametrize("seed", range(3))
def test_eight_machines_are_within_a_tenth_of_each_other(seed):
    """The longest against the mean, on times like those of real suites."""
    chance = random.Random(seed)
    expected = {f"t{n}": chance.lognormvariate(0, 1) for n in range(200)}
    assert plan_shards(expected, 8).imbalance <= 1.10


def test_a_label_that_no_plan_knows_has_one_part_by_its_name():
    """The same for every machine, spread over all of them."""
    parts = [part_of(f"tests/test_{n}.py", 4) for n in range(400)]
    assert {parts.count(part) > 60 for part in range(4)} == {True}
    assert part_of("tests/test_1.py", 4) == part_of("tests/test_1.py", 4)
