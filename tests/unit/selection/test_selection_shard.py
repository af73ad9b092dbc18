"""Shards: every selected target in one part, parts of like duration, the same on every machine."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affected.selection.shard import split

quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
names = st.text("abc/", min_size=1, max_size=4)
times = st.floats(0, 1000, allow_nan=False)
workloads = st.dictionaries(names, st.none() | times, max_size=40)


def parts_of(workload, count):
    """The split of labels, of which those with None have no recorded time."""
    seconds = {label: time for label, time in workload.items() if time is not None}
    return split(list(workload), seconds, count)


def test_nothing_gives_empty_parts():
    """A machine may have nothing to do; it is told so, it does not get everything."""
    assert split([], {}, 3) == [[], [], []]


def test_more_machines_than_targets_leave_some_without_work():
    """Each target is run once, whatever the number of machines."""
    assert split(["a", "b"], {"a": 1.0, "b": 2.0}, 4) == [["b"], ["a"], [], []]


def test_the_longest_goes_first_to_the_least_loaded():
    """The classic example: 7 + 3 | 5 + 4 + 1."""
    seconds = {"a": 7.0, "b": 5.0, "c": 4.0, "d": 3.0, "e": 1.0}
    assert split(list(seconds), seconds, 2) == [["a", "d"], ["b", "c", "e"]]


def test_a_target_never_timed_counts_as_the_median():
    """Neither nothing nor the longest of all."""
    seconds = {"a": 1.0, "b": 2.0, "c": 30.0}
    assert split(["a", "b", "c", "new"], seconds, 2) == [["c"], ["b", "new", "a"]]


@pytest.mark.parametrize("seconds", [{}, {f"t{n}": 0.0 for n in range(8)}])
def test_targets_without_any_known_duration_are_spread_by_number(seconds):
    """Nothing timed, or all timed at zero: parts of like size."""
    parts = split([f"t{n}" for n in range(8)], seconds, 4)
    assert [len(part) for part in parts] == [2, 2, 2, 2]


@quick
@given(workloads, st.integers(1, 8))
def test_every_target_is_in_exactly_one_part(workload, count):
    """All machines together run everything, once."""
    parts = parts_of(workload, count)
    assert len(parts) == count
    assert sorted(label for part in parts for label in part) == sorted(workload)


@quick
@given(workloads, st.integers(1, 8), st.randoms())
def test_the_parts_do_not_depend_on_the_order_in_which_targets_are_found(workload, count, chance):
    """Machines that list files differently agree on who runs what."""
    shuffled = list(workload.items())
    chance.shuffle(shuffled)
    assert parts_of(dict(shuffled), count) == parts_of(workload, count)


@quick
@given(st.dictionaries(names, times, min_size=1, max_size=40), st.integers(1, 8))
def test_no_part_is_longer_than_the_mean_and_the_longest_target(seconds, count):
    """The bound of list scheduling (Graham 1966): mean + (1 - 1/count) longest."""
    loads = [sum(seconds[label] for label in part) for part in split(list(seconds), seconds, count)]
    mean, longest = sum(loads) / count, max(seconds.values())
    assert max(loads) <= mean + (1 - 1 / count) * longest + 1e-6


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [2, 8, 32])
def test_a_suite_like_real_ones_is_spread_within_a_tenth(seed, count):
    """Test files with recorded times, few slow and many quick: at most 1.10 of the mean.

    A test file that alone takes longer than the mean is the bound then: it is not taken apart.
    """
    chance = random.Random(seed)
    seconds = {f"t{n}.py": chance.lognormvariate(0, 1) for n in range(count * 20)}
    loads = [sum(seconds[label] for label in part) for part in split(list(seconds), seconds, count)]
    assert max(loads) <= 1.10 * max(sum(loads) / count, *seconds.values())
