"""Which command targets a change set affects, and why. Unaware of results and of running.

What a manifest or a lock file says is compared with what it said at the base: a line that concerns
no target affects none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from affected.app.catalogue import STRUCTURAL
from affected.app.command_plan import Plan, plan_of
from affected.app.command_state import SourceReach
from affected.app.knowledge import Knowledge
from affected.errors import UserError
from affected.lang.locks import LOCKS
from affected.model.digest import ABSENT
from affected.model.path import RepoPath, name
from affected.model.selection import Cause, CauseKind, ChangeSet
from affected.report.protocol import TargetEntry
from affected.selection.select import kind_of


def affected_commands(
    knowledge: Knowledge, changes: ChangeSet, kinds: Sequence[str], tags: Sequence[str]
) -> list[TargetEntry]:
    """The affected targets that the filters let through, with causes, in label order."""
    plan = knowledge.commands.plan
    causes = reached(plan, changes, _plan_before(knowledge, changes))
    return [
        entry
        for label in sorted(causes)
        if (entry := entry_of(plan, label, causes[label])) and admitted(entry, kinds, tags)
    ]


def every_command(
    knowledge: Knowledge, kinds: Sequence[str], tags: Sequence[str]
) -> list[TargetEntry]:
    """Every target that the filters let through, in label order."""
    plan = knowledge.commands.plan
    entries = [entry_of(plan, label, ()) for label in sorted(plan.targets)]
    return [entry for entry in entries if admitted(entry, kinds, tags)]


def entry_of(plan: Plan, label: str, causes: tuple[Cause, ...]) -> TargetEntry:
    """A target as a listing names it."""
    target = plan.targets[label]
    return TargetEntry(label, target.kind, target.project, causes, tags=target.tags)


def admitted(entry: TargetEntry, kinds: Sequence[str], tags: Sequence[str]) -> bool:
    """True when the filters let an entry through; no filter lets everything."""
    if kinds and entry.kind not in kinds:
        return False
    return not tags or not set(tags).isdisjoint(entry.tags)


def reached(plan: Plan, changes: ChangeSet, base: Plan | None) -> dict[str, tuple[Cause, ...]]:
    """The causes of each affected target; `base` is the plan at the base where it may differ."""
    if not changes.complete:
        cause = Cause(CauseKind.BASE_UNKNOWN, detail=changes.reason)
        return dict.fromkeys(plan.targets, (cause,))
    found: dict[str, list[Cause]] = {}
    reach = SourceReach(plan)
    for change in changes.changes:
        for label in reach.labels(change.path):
            found.setdefault(label, []).append(Cause(kind_of(change), change.path, (label,)))
    if base is not None:
        for label, cause in _redefined(plan, base).items():
            found.setdefault(label, []).append(cause)
    pending = sorted(found)
    chains: dict[str, tuple[str, ...]] = {label: (label,) for label in pending}
    while pending:
        needed = pending.pop(0)
        for label in sorted(plan.dependents.get(needed, ())):
            if label not in chains:
                chains[label] = (label, *chains[needed])
                last = chains[label][-1]
                found.setdefault(label, []).append(Cause(CauseKind.DEPENDENCY, last, chains[label]))
                pending.append(label)
    return {label: tuple(causes) for label, causes in found.items()}


def _redefined(plan: Plan, base: Plan) -> Mapping[str, Cause]:
    found: dict[str, Cause] = {}
    for label, target in plan.targets.items():
        before = base.targets.get(label)
        if before is None:
            found[label] = Cause(CauseKind.NEW, detail="the target is new")
        elif before.locked != target.locked:
            found[label] = Cause(CauseKind.DISTRIBUTION, detail="a locked package is another one")
        elif before != target or (
            target.needed_inputs
            and plan.closure.of(target.project) != base.closure.of(target.project)
        ):
            found[label] = Cause(CauseKind.PLATFORM, detail="its definition is another one")
    return found


def _plan_before(knowledge: Knowledge, changes: ChangeSet) -> Plan | None:
    """The plan as the base's manifests and locks made it; None where none of them changed."""
    changed = {
        change.path: change
        for change in changes.changes
        if name(change.path) in STRUCTURAL or name(change.path) in LOCKS
    }
    repository = knowledge.workspace.repository
    if not changed or repository is None or not changes.base:
        return None

    def read(path: RepoPath) -> bytes:
        if path not in changed:
            return (knowledge.workspace.root / path).read_bytes()
        found = None
        if changed[path].old != ABSENT:
            found = repository.show(changes.base, path)
        if found is None:
            raise FileNotFoundError(2, "not there at the base")
        return found

    now = knowledge.files
    there = {path for path in now if path not in changed or changed[path].old != ABSENT}
    gone = [path for path, change in changed.items() if change.new == ABSENT]
    inferred = knowledge.commands.plan.inferred
    try:
        return plan_of(knowledge.catalogue, read, there.union(gone), inferred=inferred)
    except UserError:  # what was wrong then is mended now: every target is another one
        return Plan()
