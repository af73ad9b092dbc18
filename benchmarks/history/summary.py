"""Figures over the commits of a stretch, as rows of a Markdown table and as JSON.

Unaware of how they were measured. The first commit records everything and counts for no figure but
its own; shares are means over the other commits.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.history.replay import Step


@dataclass(frozen=True, slots=True)
class Figures:
    """One stretch; times in seconds, shares between 0 and 1."""

    name: str
    commits: int
    of_python: int  # commits that changed a Python file
    tests: int  # of the last commit
    changed: int  # outcomes, over all commits
    missed: int
    unlike: int  # ran, and had another outcome than in the plain run
    unsteady: int
    polluted: int
    share: float  # of tests run, mean
    share_median: float
    share_sighted: float  # the same without files that run each time
    idle: int  # commits for which no test was run but those
    plain_cpu: float
    our_cpu: float
    plain_wall: float
    our_wall: float
    first_plain_cpu: float
    first_our_cpu: float


def figures(name: str, steps: Sequence[Step]) -> Figures:
    """Of a stretch of which at least two commits were measured."""
    first, *rest = steps
    shares = [step.ran / max(step.tests, 1) for step in rest]
    return Figures(
        name=name,
        commits=len(rest),
        of_python=sum(step.python_changed > 0 for step in rest),
        tests=steps[-1].tests,
        changed=sum(len(step.changed) for step in rest),
        missed=sum(len(step.missed) for step in steps),
        unlike=sum(len(step.unlike) for step in steps),
        unsteady=sum(len(step.unsteady) for step in steps),
        polluted=sum(len(step.polluted) for step in steps),
        share=statistics.mean(shares),
        share_median=statistics.median(shares),
        share_sighted=statistics.mean((s.ran - s.ran_blind) / max(s.tests, 1) for s in rest),
        idle=sum(step.ran == step.ran_blind for step in rest),
        plain_cpu=sum(step.plain_cpu for step in rest),
        our_cpu=sum(step.our_cpu for step in rest),
        plain_wall=sum(step.plain_wall for step in rest),
        our_wall=sum(step.our_wall for step in rest),
        first_plain_cpu=first.plain_cpu,
        first_our_cpu=first.our_cpu,
    )


def table(found: Sequence[Figures]) -> str:
    """A Markdown table, one stretch a row."""
    head = (
        "| project | commits (Python) | tests | outcomes changed | missed | tests run, mean "
        "(median) | without blind files | nothing to run | CPU full | CPU with affected "
        "| wall full | wall with affected |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
    )
    rows = [
        f"| {f.name} | {f.commits} ({f.of_python}) | {f.tests:,} | {f.changed:,} | {f.missed} "
        f"| {f.share:.1%} ({f.share_median:.1%}) | {f.share_sighted:.1%} | {f.idle} "
        f"| {f.plain_cpu:,.0f} s | {f.our_cpu:,.0f} s ({f.our_cpu / f.plain_cpu:.2f} x) "
        f"| {f.plain_wall:,.0f} s | {f.our_wall:,.0f} s ({f.our_wall / f.plain_wall:.2f} x) |\n"
        for f in found
    ]
    return head + "".join(rows)


def remarks(found: Sequence[Figures]) -> str:
    """What else was seen, a line a stretch."""
    return "".join(
        f"{f.name}: first commit, everything recorded: {f.first_our_cpu / f.first_plain_cpu:.2f} x "
        f"the CPU of plain pytest; {f.unlike} outcomes unlike plain pytest's though the test ran, "
        f"{f.unsteady} unsteady in plain runs, {f.polluted} only behind other tests\n"
        for f in found
    )
