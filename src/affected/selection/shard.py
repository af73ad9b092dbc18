"""Shards: one CI machine's part of the selected targets. Unaware of who runs them."""

from __future__ import annotations

import hashlib
import heapq
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

from affected.model.shard import ShardPlan

FIRST_GUESS = 1.0  # seconds, when nothing at all was ever timed


def expected_seconds(
    labels: Iterable[str], seconds: Mapping[str, float], project_of: Mapping[str, str]
) -> dict[str, float]:
    """The time each label is likely to take: its own, else its project's median, else everyone's.

    `seconds` are the recorded times, `project_of` the project of each label, both of all labels
    there are: a new test is judged by its neighbours, selected or not.
    """
    by_project: dict[str, list[float]] = {}
    for label, taken in seconds.items():
        by_project.setdefault(project_of.get(label, ""), []).append(taken)
    medians = {project: statistics.median(taken) for project, taken in by_project.items()}
    anyone = statistics.median(seconds.values()) if seconds else FIRST_GUESS
    return {
        label: seconds.get(label, medians.get(project_of.get(label, ""), anyone))
        for label in labels
    }


def plan_shards(expected: Mapping[str, float], count: int) -> ShardPlan:
    """Labels with their expected seconds in `count` parts; parts may be empty, the last ones."""
    parts = split(list(expected), expected, count)
    loads = tuple(math.fsum(expected[label] for label in part) for part in parts)
    return ShardPlan(tuple(map(tuple, parts)), loads)


def plan_in_time(expected: Mapping[str, float], target: float, most: int) -> ShardPlan:
    """As few parts as keep each within `target` seconds, at most `most`; none for no label.

    A label that alone takes longer than `target` makes its own time the bound.
    """
    if not expected:
        return ShardPlan((), ())
    bound = max(target, *expected.values())
    most = min(most, len(expected))
    count = min(most, max(1, math.ceil(math.fsum(expected.values()) / bound)))
    plan = plan_shards(expected, count)
    while count < most and max(plan.seconds) > bound * (1 + 1e-9):
        count += 1
        plan = plan_shards(expected, count)
    return plan


def part_of(label: str, count: int) -> int:
    """The part, from 0, of a label that no plan knows: the same for whoever asks."""
    digest = hashlib.sha256(label.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8]) % count


def split(labels: Sequence[str], seconds: Mapping[str, float], count: int) -> list[list[str]]:
    """`labels` in `count` parts of like duration: longest first onto the least loaded part.

    A label without a recorded time counts as the median of those that have one. The same input
    gives the same parts on every machine, whatever the order of `labels`.
    """
    known = [seconds[label] for label in labels if label in seconds]
    guess = statistics.median(known) if known else FIRST_GUESS
    cost = {label: seconds.get(label, guess) for label in labels}
    parts: list[list[str]] = [[] for _ in range(count)]
    loads = [(0.0, 0, number) for number in range(count)]  # equal loads: to the one with fewer
    for label in sorted(cost, key=lambda label: (-cost[label], label)):
        load, size, number = heapq.heappop(loads)
        parts[number].append(label)
        heapq.heappush(loads, (load + cost[label], size + 1, number))
    return parts
