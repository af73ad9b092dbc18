"""How sure a count of misses makes us: exact bounds of a proportion.

Unaware of what is counted. The upper bound is that of Clopper and Pearson (Biometrika 26, 1934,
404-413), one-sided; for no miss in n it is close to 3 / n, the rule of three (Hanley and
Lippman-Hand, JAMA 249, 1983, 1743-1745).
"""

from __future__ import annotations

import math


def upper_bound(misses: int, trials: int, confidence: float = 0.95) -> float:
    """The largest rate under which so few misses still have a chance of 1 - confidence."""
    if trials == 0 or misses >= trials:
        return 1.0
    if misses == 0:
        return float(1 - (1 - confidence) ** (1 / trials))
    low, high = misses / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(misses, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(count: int, trials: int, rate: float) -> float:
    """Chance of no more than `count` in `trials`, each with this rate."""
    if rate >= 1.0:
        return 0.0
    return sum(
        math.exp(
            math.lgamma(trials + 1)
            - math.lgamma(number + 1)
            - math.lgamma(trials - number + 1)
            + number * math.log(rate)
            + (trials - number) * math.log1p(-rate)
        )
        for number in range(count + 1)
    )
