"""A seeded sample of what was skipped, and what it says of the rest.

Unaware of tests: it draws labels and bounds a rate.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping
from typing import Final

CONFIDENCE: Final = 0.95
_STEPS: Final = 60  # halvings of the interval: to the last bit of a float


def draw(labels: Collection[str], share: float, seed: int) -> list[str]:
    """`share` (0 to 1) of the labels, at least one, all as likely; the same for the same seed."""
    ordered = sorted(labels)
    size = min(len(ordered), max(1, round(len(ordered) * share)))
    return sorted(random.Random(seed).sample(ordered, size))  # noqa: S311  (no secret)


def draw_within(expected: Mapping[str, float], seconds: float, seed: int) -> list[str]:
    """Labels in a random order for as long as their expected seconds fit; at least one."""
    ordered = sorted(expected)
    random.Random(seed).shuffle(ordered)  # noqa: S311  (no secret)
    chosen: list[str] = []
    spent = 0.0
    for label in ordered:
        if chosen and spent + expected[label] > seconds:
            break
        chosen.append(label)
        spent += expected[label]
    return sorted(chosen)


def upper_bound(misses: int, looked_at: int, confidence: float = CONFIDENCE) -> float:
    """The largest rate that `misses` of `looked_at` do not contradict, at this confidence.

    The exact one-sided bound of Clopper and Pearson ("The use of confidence or fiducial limits
    illustrated in the case of the binomial", Biometrika 26, 1934). Without misses it is
    1 - (1 - confidence)^(1/n): about 3/n, the rule of three.
    """
    if looked_at <= 0 or misses >= looked_at:
        return 1.0
    low, high = misses / looked_at, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _at_most(misses, looked_at, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(misses: int, looked_at: int, rate: float) -> float:
    """How likely at most `misses` are when each has this rate."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    logs = (
        math.lgamma(looked_at + 1)
        - math.lgamma(k + 1)
        - math.lgamma(looked_at - k + 1)
        + k * math.log(rate)
        + (looked_at - k) * math.log1p(-rate)
        for k in range(misses + 1)
    )
    return math.fsum(map(math.exp, logs))
