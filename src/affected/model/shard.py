"""Shards: each machine's part of a run, what it reports, and what they come to together.

Unaware of how a run is split and of who asks.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """Which labels each machine runs, and for how many seconds it is expected to."""

    parts: tuple[tuple[str, ...], ...]
    seconds: tuple[float, ...]

    @property
    def count(self) -> int:
        """How many machines were asked for; the last ones may have nothing to do."""
        return len(self.parts)

    @property
    def imbalance(self) -> float:
        """The longest part against the mean of those with work; 1 for none."""
        working = [taken for part, taken in zip(self.parts, self.seconds, strict=True) if part]
        mean = sum(working) / len(working) if working else 0.0
        return max(working) / mean if mean else 1.0


@dataclass(frozen=True, slots=True)
class Failure:
    """One test that failed on some machine."""

    test: str
    message: str


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What one machine did."""

    shard: tuple[int, int]  # (number from 1, count)
    head: str  # the commit it ran, "" without git
    exit_code: int
    tests: int
    failures: tuple[Failure, ...]
    troubles: tuple[str, ...]
    seconds: float  # wall
    interrupted: bool


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the machines did together, against the plan."""

    shards: int  # with work
    lost: tuple[tuple[int, tuple[str, ...]], ...]  # (number, labels) of those without a report
    failed: tuple[ShardReport, ...]
    passed: int  # shards
    tests: int
    seconds: float  # the longest

    @property
    def good(self) -> bool:
        """True when every machine with work reported, and nothing failed."""
        return not self.lost and not self.failed
