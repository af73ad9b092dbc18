"""Targets that an edit of function bodies cannot concern, told without reading their records.

Unaware of records. It answers what judging the record would: nobody's import comes to something
else, and no function that the target's tests entered is another one. In any doubt a target is not
spared, and its record is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from affected.app.catalogue import STRUCTURAL
from affected.app.outlines import Outlines
from affected.cache.record import StoredObservation
from affected.lang.python.outline_compare import OutlineChange
from affected.model.observation import Blocks, Input, InputKind, Observation
from affected.model.path import RepoPath, name
from affected.model.selection import Change
from affected.state.entered import Entered
from affected.state.index import Index
from affected.state.rows import TargetRow


@dataclass(frozen=True, slots=True)
class Used:
    """What one target's observation, written at `ran`, used of files."""

    label: str
    ran: float  # seconds since the epoch
    inputs: Sequence[Input]
    blocks: Sequence[Blocks]  # all functions entered, by whatever test or import

    @staticmethod
    def by(label: str, seen: Observation | StoredObservation, inputs: Sequence[Input]) -> Used:
        """As an observation with these inputs says it."""
        blocks = [*(group.blocks for group in seen.groups), seen.shared, seen.imported]
        return Used(label, seen.provenance.written, inputs, blocks)


def note(index: Index, observations: Iterable[Used]) -> None:
    """Keeps what `spared` needs to know; call inside a transaction."""
    by_time: dict[float, list[Used]] = {}
    for used in observations:
        by_time.setdefault(used.ran, []).append(used)
    for ran, together in by_time.items():
        index.entered.put(ran, [used.label for used in together], _turned(together))


def _turned(together: Sequence[Used]) -> dict[RepoPath, Entered]:
    """By file, who entered what. A file with two digests among them is everyone's as a whole."""
    digests: dict[str, str] = {}
    mixed: set[str] = set()
    lines: dict[RepoPath, dict[int, list[int]]] = {}
    whole: dict[RepoPath, list[int]] = {}
    for number, used in enumerate(together):
        code: dict[str, str] = {}
        for item in used.inputs:
            if item.kind is InputKind.CODE:
                code[item.key] = item.digest
            elif item.kind is InputKind.FILE:
                whole.setdefault(RepoPath(item.key), []).append(number)
        for path in {one for blocks in used.blocks for one in blocks}:
            digest = code.get(path, "")
            if digests.setdefault(path, digest) != digest:
                mixed.add(path)
            entered = frozenset().union(*(blocks.get(path, frozenset()) for blocks in used.blocks))
            of_file = lines.setdefault(path, {})
            for line in entered:
                of_file.setdefault(line, []).append(number)
    found = {}
    for path in lines.keys() | whole.keys():
        digest = "" if path in mixed else digests.get(path, "")
        found[path] = Entered(digest, lines.get(path, {}), whole.get(path, ()))
    return found


def spared(
    index: Index,
    outlines: Outlines,
    rows: Sequence[TargetRow],
    changes: Mapping[RepoPath, Change],
) -> set[str]:
    """Labels of settled targets that are proved as before.

    `changes` must be all that differs since they were settled, other contents of files that were
    there before and are still; no other edge of the import graph.
    """
    if any(name(path) in STRUCTURAL for path in changes):
        return set()
    asked = {row.label: row.ran for row in rows if row.settled}
    noted = index.entered.noted(asked)
    left = {
        (one.batch, one.number): label for label, one in noted.items() if one.ran == asked[label]
    }
    outlines.hold({path: change.new for path, change in changes.items() if path.endswith(".py")})
    for path, change in changes.items():
        concerned = _concerned(index, outlines, path, change)
        if concerned is None:
            return set()
        batches, out = concerned
        left = {
            place: label
            for place, label in left.items()
            if place[0] not in batches and place not in out
        }
    return set(left.values())


def _concerned(
    index: Index, outlines: Outlines, path: RepoPath, change: Change
) -> tuple[set[int], set[tuple[int, int]]] | None:
    """Whole batches, and single targets, that one file's change may concern; None: everyone."""
    used = index.entered.of(path)
    now: dict[str, str] = {path: change.new}
    then = dict.fromkeys([change.old, *(one.digest for one in used.values() if one is not None)])
    known: dict[str, OutlineChange | None] = {}
    if path.endswith(".py"):
        inputs = [Input(InputKind.CODE, path, digest) for digest in then]
        known.update(zip(then, outlines.changes(inputs, now), strict=True))
        last = known[change.old]
        if last is None or last.module_level or last.script or last.docs:
            return None
    batches: set[int] = set()
    out: set[tuple[int, int]] = set()
    for batch, one in used.items():
        edit = known.get(one.digest) if one is not None else None
        if one is None or (one.lines and (edit is None or _asks(edit))):
            batches.add(batch)
            continue
        out.update((batch, number) for number in one.whole)
        if edit is not None:
            hit = one.lines.keys() & edit.bodies
            out.update((batch, number) for line in hit for number in one.lines[line])
    return batches, out


def _asks(edit: OutlineChange) -> bool:
    return bool(edit.module_level or edit.script or edit.docs)
