"""Carries what is still proved of tests that did not run into the observation of those that did.

Unaware of stores. Every input of such a test has today the digest it had, or is code of which
nothing that the test used differs; so its observation holds today too, said in today's terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from affected.app.present import PresentInputs
from affected.cache.judge import Judged
from affected.cache.lookup import Lookup
from affected.lang.python.outline_compare import OutlineChange
from affected.model.observation import Blocks, Group, Input, Observation
from affected.model.path import RepoPath
from affected.model.result import TestResult

MOST_VALUES = 4  # earlier blobs of values that are kept


@dataclass(slots=True)
class _Joined:
    """The observation in the making."""

    inputs: set[Input]
    groups: list[Group]
    members: dict[str, tuple[int, ...]]
    results: dict[str, TestResult]
    shared: dict[RepoPath, frozenset[int]]
    imported: dict[RepoPath, frozenset[int]]
    dynamic: set[RepoPath]
    values: dict[str, None] = field(default_factory=dict)


def carry(
    fresh: Observation,
    reused: Mapping[str, tuple[TestResult, Judged]],
    lookup: Lookup,
    present: PresentInputs,
) -> Observation | None:
    """`fresh` with the reused tests in it, each with what proves it; None when a table is lost."""
    joined = _Joined(
        set(fresh.inputs),
        list(fresh.groups),
        dict(fresh.members),
        {result.id: result for result in fresh.results},
        dict(fresh.shared),
        dict(fresh.imported),
        set(fresh.dynamic),
        dict.fromkeys(fresh.values),
    )
    sources: dict[int, tuple[Judged, list[TestResult]]] = {}
    for result, judged in reused.values():
        sources.setdefault(id(judged), (judged, []))[1].append(result)
    for judged, results in sources.values():
        if not _join(joined, judged, results, lookup, present):
            return None
    results = list(joined.results.values())
    return replace(
        fresh,
        inputs=tuple(sorted(joined.inputs)),
        results=tuple(results),
        seconds=sum(result.seconds for result in results),
        groups=_apart(joined, fresh),
        members=joined.members,
        shared=joined.shared,
        imported=joined.imported,
        dynamic=frozenset(joined.dynamic),
        values=tuple(joined.values)[:MOST_VALUES],
    )


def _join(
    joined: _Joined,
    judged: Judged,
    results: Iterable[TestResult],
    lookup: Lookup,
    present: PresentInputs,
) -> bool:
    seen, changes = judged.observation, judged.changes
    numbers: dict[int, int] = {}
    told_apart: set[Input] = set()
    for number, group in enumerate(seen.groups):
        own = lookup.at(seen, group.runs)
        if own is None:
            return False
        told_apart.update(own)
        if any(number in seen.members.get(result.id, ()) for result in results):
            numbers[number] = len(joined.groups)
            inputs = frozenset(present.make(i.kind, i.key) for i in own)
            joined.inputs |= inputs
            joined.groups.append(Group(inputs, _today(group.blocks, changes)))
    every = lookup.inputs(seen)
    if every is None:
        return False
    joined.inputs.update(present.make(i.kind, i.key) for i in every if i not in told_apart)
    for result in results:
        joined.results.setdefault(result.id, result)
        joined.members[result.id] = tuple(numbers[n] for n in seen.members.get(result.id, ()))
    _add(joined.shared, _today(seen.shared, changes))
    _add(joined.imported, _today(seen.imported, changes))
    joined.dynamic |= seen.dynamic
    joined.values.update(dict.fromkeys(seen.values))
    return True


def _apart(joined: _Joined, fresh: Observation) -> tuple[Group, ...]:
    """The groups without what is every test's anyway."""
    grouped = set().union(*(group.inputs for group in joined.groups)) if joined.groups else set()
    base = joined.inputs - grouped
    base |= set(fresh.inputs) - set().union(*(group.inputs for group in fresh.groups))
    return tuple(replace(group, inputs=group.inputs - base) for group in joined.groups)


def _today(blocks: Blocks, changes: Mapping[RepoPath, OutlineChange]) -> Blocks:
    """The same functions where they stand today; one that is gone was not used by who is reused."""
    found: dict[RepoPath, frozenset[int]] = {}
    for path, lines in blocks.items():
        change = changes.get(path)
        if change is None:
            found[path] = lines
        else:
            moved = {change.lines[line] for line in lines if line in change.lines}
            found[path] = frozenset(moved | (lines & {0}))
    return found


def _add(into: dict[RepoPath, frozenset[int]], blocks: Blocks) -> None:
    for path, lines in blocks.items():
        into[path] = into.get(path, frozenset()) | lines
