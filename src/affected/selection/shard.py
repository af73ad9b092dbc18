"""Shards: one CI machine's part of the selected targets. Unaware of who runs them."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Mapping, Sequence

FIRST_GUESS = 1.0  # seconds, when nothing at all was ever timed


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
