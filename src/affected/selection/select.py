"""Selection by graph alone: which targets a change set reaches, each with its causes.

Unaware of records: it answers when there is none yet, and says what a change affects. It may
select too much, never too little.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from affected.model.digest import ABSENT
from affected.model.path import RepoPath, is_under, name, parent
from affected.model.selection import Cause, CauseKind, Change, ChangeSet, Selected
from affected.model.target import Project, Target


@dataclass(frozen=True, slots=True)
class Reach:
    """What the workspace knows about who needs what.

    `dependents` gives, for changed paths, every path that needs one of them, with the next hop
    towards it; `observers` the labels seen to use what a change altered, where no source tells;
    `observed` whether it was seen what a label uses;
    `needed_by` the projects that need a project, itself included.
    """

    dependents: Callable[[Iterable[RepoPath]], Mapping[RepoPath, RepoPath | None]]
    observers: Callable[[Change], Collection[str]]
    observed: Callable[[str], bool]
    in_graph: Callable[[RepoPath], bool]
    owner: Callable[[RepoPath], Project | None]
    needed_by: Callable[[Project], Collection[RepoPath]]
    inert: Callable[[RepoPath], bool]


def select(
    change_set: ChangeSet, targets: Sequence[Target], reach: Reach, shadowed: Iterable[RepoPath]
) -> tuple[Selected, ...]:
    """The affected targets in label order.

    `shadowed` are files whose imports resolve otherwise because a path came or went.
    """
    causes: dict[str, list[Cause]] = {}
    if not change_set.complete:
        cause = Cause(CauseKind.BASE_UNKNOWN, detail=change_set.reason)
        return tuple(Selected(t.label, (cause,)) for t in _ordered(targets))
    _by_graph(change_set, targets, reach, shadowed, causes)
    _by_conftest(change_set, targets, causes)
    for change in change_set.changes:
        if reach.in_graph(change.path):
            _by_observers(change, targets, reach, causes)
        else:
            _by_owner(change, targets, reach, causes)
    return tuple(
        Selected(t.label, tuple(causes[t.label])) for t in _ordered(targets) if t.label in causes
    )


def kind_of(change: Change) -> CauseKind:
    """What the change did to its path."""
    if change.new == ABSENT:
        return CauseKind.DELETED
    return CauseKind.ADDED if change.old == ABSENT else CauseKind.CHANGED


def chain_to(start: RepoPath, hops: Mapping[RepoPath, RepoPath | None]) -> tuple[RepoPath, ...]:
    """From `start` along the hops to the changed path, both included."""
    chain = [start]
    following = hops.get(start)
    while following is not None and following not in chain:
        chain.append(following)
        following = hops.get(following)
    return tuple(chain)


def _by_graph(
    change_set: ChangeSet,
    targets: Sequence[Target],
    reach: Reach,
    shadowed: Iterable[RepoPath],
    causes: dict[str, list[Cause]],
) -> None:
    changes = {change.path: change for change in change_set.changes}
    captured = set(shadowed)
    hops = reach.dependents([*changes, *captured])
    for target in targets:
        if target.path not in hops:
            continue
        chain = chain_to(target.path, hops)
        change = changes.get(chain[-1])
        if change is None:
            cause = Cause(CauseKind.CAPTURED, chain[-1], chain)
        elif len(chain) == 1:
            cause = Cause(kind_of(change), chain[-1], chain)
        else:
            cause = Cause(CauseKind.DEPENDENCY, chain[-1], chain)
        causes.setdefault(target.label, []).append(cause)


def _by_observers(
    change: Change, targets: Sequence[Target], reach: Reach, causes: dict[str, list[Cause]]
) -> None:
    """A changed file of the graph: who was seen to use it without importing it."""
    observers = set(reach.observers(change))
    for target in targets:
        if target.label in observers and target.label not in causes:
            causes[target.label] = [Cause(kind_of(change), change.path)]


def _by_conftest(
    change_set: ChangeSet, targets: Sequence[Target], causes: dict[str, list[Cause]]
) -> None:
    """A conftest or package marker that is gone: no edge leads to it any more; its folder tells."""
    for change in change_set.changes:
        if change.new != ABSENT or name(change.path) not in {"conftest.py", "__init__.py"}:
            continue
        for target in targets:
            if is_under(target.path, parent(change.path)):
                cause = Cause(CauseKind.DELETED, change.path)
                causes.setdefault(target.label, []).append(cause)


def _by_owner(
    change: Change, targets: Sequence[Target], reach: Reach, causes: dict[str, list[Cause]]
) -> None:
    """A changed file outside the graph: who was seen to use it, and who may and was never seen.

    When nobody was seen to use it, everyone who may.
    """
    observers = set(reach.observers(change))
    projects = _guess(change, reach)
    guessed = CauseKind.UNOWNED if projects is None else kind_of(change)
    for target in targets:
        kind = None
        if target.label in observers:
            kind = kind_of(change)
        elif projects is None or target.project in projects:
            kind = None if observers and reach.observed(target.label) else guessed
        if kind is not None:
            causes.setdefault(target.label, []).append(Cause(kind, change.path))


def _guess(change: Change, reach: Reach) -> Collection[RepoPath] | None:
    """The projects whose targets may use a file unseen; None for all, as no project owns it."""
    if reach.inert(change.path):
        return ()
    owner = reach.owner(change.path)
    return reach.needed_by(owner) if owner is not None and owner.path else None


def _ordered(targets: Iterable[Target]) -> list[Target]:
    return sorted(targets, key=lambda target: target.label)
