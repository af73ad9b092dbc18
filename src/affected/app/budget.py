"""What fits into a time budget: first what is most likely to fail. Unaware of how tests run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from affected.model.selection import Cause, CauseKind
from affected.selection.shard import FIRST_GUESS
from affected.state.rows import TargetRow

_FAR = 99  # hops, where no chain is known
_RANKS: Mapping[CauseKind, int] = {
    CauseKind.FAILED: 0,
    CauseKind.CHANGED: 1,
    CauseKind.DELETED: 1,
    CauseKind.ADDED: 1,
    CauseKind.CAPTURED: 1,
    CauseKind.DEPENDENCY: 1,
    CauseKind.FLAKY: 2,
    CauseKind.NEW: 3,
}
_OTHERWISE = 4  # platform, distribution, environment, blind spot: rarely the change's doing


def within(
    causes: Mapping[str, tuple[Cause, ...]], rows: Mapping[str, TargetRow], seconds: float
) -> tuple[set[str], dict[str, float]]:
    """The labels that fit into `seconds` of tests, and those left with what they would take.

    In order: what failed last; then by how near the change is to the test; then the quickest. When
    nothing fits, the first of them is tried all the same.
    """
    known = [row.seconds for row in rows.values() if row.seconds > 0]
    guess = statistics.median(known) if known else FIRST_GUESS
    cost = {label: rows[label].seconds or guess for label in causes}

    def urgency(label: str) -> tuple[bool, int, int, float, str]:
        cause = causes[label][0]
        hops = len(cause.chain) or _FAR
        failed = rows[label].outcome == "failed"
        return (not failed, _RANKS.get(cause.kind, _OTHERWISE), hops, cost[label], label)

    ordered = sorted(causes, key=urgency)
    chosen: set[str] = set()
    spent = 0.0
    for label in ordered:
        if spent + cost[label] <= seconds:
            chosen.add(label)
            spent += cost[label]
    if not chosen:
        chosen.update(ordered[:1])
    return chosen, {label: cost[label] for label in ordered if label not in chosen}
