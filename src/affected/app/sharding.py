"""Which part of the selected targets this machine runs, and the plan of all parts.

Unaware of how tests run. The plan is made once and kept with the records, so that machines which
start at different times, and so find different results to reuse, still agree. A plan can be stale
or lost: a label that it does not know belongs to a part that only its name decides. So no label is
left to nobody, whatever plan there is, as long as all machines see the same one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from affected.app.ci_system import this_ci
from affected.app.knowledge import Knowledge
from affected.model.shard import ShardPlan
from affected.selection.shard import expected_seconds, part_of, plan_in_time, plan_shards

FORMAT = 1  # 1: the first one
RUN_VARIABLE = "AFFECTED_RUN"  # names the run where no CI system does


def own_part(knowledge: Knowledge, labels: Collection[str], shard: tuple[int, int]) -> set[str]:
    """Those of the selected `labels` that are for shard (number from 1, count)."""
    number, count = shard
    plan = _stored(knowledge, count)
    if plan is None:
        plan = plan_shards(_expected(knowledge, labels), count)
        store_plan(knowledge, plan)
    place = {label: at for at, part in enumerate(plan.parts) for label in part}
    return {label for label in labels if place.get(label, part_of(label, count)) == number - 1}


def make_plan(
    knowledge: Knowledge, labels: Collection[str], count: int | None, target: float, most: int
) -> ShardPlan:
    """A plan for `count` machines, else for as few as keep each within `target` seconds."""
    expected = _expected(knowledge, labels)
    if count is None:
        return plan_in_time(expected, target, most)
    return plan_shards(expected, count)


def store_plan(knowledge: Knowledge, plan: ShardPlan) -> None:
    """Keeps the plan for the machines that start later; without a commit there is no name for it.

    Like any record it may be gone the next time.
    """
    key = _key(knowledge, plan.count)
    if key and plan.count:
        document = {"v": FORMAT, "parts": plan.parts, "seconds": plan.seconds}
        knowledge.workspace.records.put(key, json.dumps(document).encode("ascii"), {})


def _stored(knowledge: Knowledge, count: int) -> ShardPlan | None:
    key = _key(knowledge, count)
    content = knowledge.workspace.records.get([key]).get(key) if key else None
    if content is None:
        return None
    try:
        document = json.loads(content)
        plan = ShardPlan(tuple(map(tuple, document["parts"])), tuple(document["seconds"]))
        sound = document["v"] == FORMAT and plan.count == count
    except (ValueError, TypeError, KeyError):
        return None
    return plan if sound else None


def _key(knowledge: Knowledge, count: int) -> str:
    head = knowledge.found.state.head
    environ = knowledge.workspace.environ
    group = environ.get(RUN_VARIABLE) or this_ci(environ).group
    if not head:
        return ""
    parts = repr(("shard-plan", FORMAT, head, group, count))
    return hashlib.sha256(parts.encode("utf-8", "surrogateescape")).hexdigest()


def _expected(knowledge: Knowledge, labels: Collection[str]) -> dict[str, float]:
    rows = knowledge.workspace.index.targets()
    seconds = {row.label: row.seconds for row in rows if row.seconds > 0}
    return expected_seconds(labels, seconds, {row.label: row.project for row in rows})
