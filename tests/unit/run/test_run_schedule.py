"""The order of commands: after what they need, within the places, stopping when one fails."""

from __future__ import annotations

import random

import pytest

from affected.run.schedule import Schedule, Task


def drain(schedule, fail=(), rng=None):
    """Run everything; the labels in the order of their starts, and the most that ran at once."""
    started, running, most = [], [], 0
    while not schedule.over:
        while (task := schedule.take()) is not None:
            started.append(task.label)
            running.append(task.label)
        most = max(most, len(running))
        if not running:
            break
        label = running.pop(rng.randrange(len(running)) if rng else 0)
        schedule.end(label, good=label not in fail)
    return started, most


def chain(*labels, **options):
    """Each needs the one before it."""
    return [Task(label, labels[max(at - 1, 0) : at], **options) for at, label in enumerate(labels)]


def test_needs_come_first():
    """Whatever the order in which tasks are given."""
    assert drain(Schedule(reversed(chain("a", "b", "c")), 4, keep_going=False))[0] == list("abc")


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_run_everything_once_after_its_needs(seed):
    """However long each takes, and never more at once than there are places."""
    rng = random.Random(seed)
    tasks = [
        Task(str(n), tuple(str(m) for m in range(n) if rng.random() < 0.3), seconds=rng.random())
        for n in range(15)
    ]
    started, most = drain(Schedule(tasks, 3, keep_going=False), rng=rng)
    assert sorted(started) == sorted(task.label for task in tasks)
    assert most <= 3
    for task in tasks:
        assert all(started.index(need) < started.index(task.label) for need in task.needs)


def test_the_longest_chain_starts_first():
    """By the seconds that each took last time."""
    tasks = [Task("short", (), seconds=1), *chain("a", "b", seconds=2)]
    assert drain(Schedule(tasks, 1, keep_going=False))[0] == ["a", "b", "short"]


def test_a_failure_stops_everything_new():
    """What waits for it and what does not; what runs may end."""
    schedule = Schedule([*chain("a", "b"), Task("z", ())], 1, keep_going=False)
    assert drain(schedule, fail="a")[0] == ["a"]
    assert schedule.left == {"z"}
    assert schedule.given_up == {"b"}


def test_keep_going_leaves_out_only_what_needs_the_failed_one():
    """Directly or not."""
    schedule = Schedule([*chain("a", "b", "c"), *chain("x", "y")], 2, keep_going=True)
    assert sorted(drain(schedule, fail="a")[0]) == ["a", "x", "y"]
    assert schedule.given_up == {"b", "c"}


def test_weights_take_places_and_the_heaviest_still_runs():
    """One that needs more places than there are runs alone."""
    tasks = [Task("a", (), weight=2), Task("b", (), weight=2), Task("huge", (), weight=9)]
    assert drain(Schedule(tasks, 2, keep_going=False))[1] == 1


def test_resources_are_used_by_one_at_a_time():
    """Others go past those that wait for one."""
    tasks = [Task("a", (), resources=("db",)), Task("b", (), resources=("db",)), Task("c", ())]
    schedule = Schedule(tasks, 3, keep_going=False)
    assert {schedule.take().label, schedule.take().label} == {"a", "c"}
    assert schedule.take() is None
    schedule.end("a", good=True)
    assert schedule.take().label == "b"


def test_places_that_tests_take_are_not_free():
    """Commands use what is left."""
    schedule = Schedule([Task("a", ())], 2, keep_going=False)
    assert schedule.take(2) is None
    assert schedule.take(1).label == "a"


def test_what_is_held_waits_until_it_is_released():
    """Its other needs must have ended, too."""
    schedule = Schedule([Task("a", ()), Task("b", ("a", "b"))], 2, keep_going=False)
    assert schedule.take().label == "a"
    schedule.end("a", good=True)
    assert schedule.take() is None
    assert not schedule.over
    schedule.release("b")
    assert schedule.take().label == "b"
