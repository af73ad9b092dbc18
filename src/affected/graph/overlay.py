"""Changed nodes laid over a snapshot, and their packed form.

Unaware of closures: it answers who needs whom for one node at a time, by number. Numbers below
the snapshot's size are the snapshot's; new paths follow.
"""

from __future__ import annotations

import os
from bisect import bisect_left, insort
from collections.abc import Sequence
from operator import itemgetter

from affected.graph.snapshot import Snapshot
from affected.model.edge import EdgeKind
from affected.model.path import RepoPath

Changes = dict[RepoPath, tuple[tuple[RepoPath, EdgeKind], ...] | None]

# Bump whenever the layout below changes. 1: first layout.
_MAGIC = b"afgo\x01"
_TOKEN = 16
_REMOVED = "-"
_FEW = 64


class Overlay:
    """A snapshot as seen through changes: rows of changed nodes replaced, new nodes appended."""

    __slots__ = ("_numbers", "changes", "paths", "rows", "snapshot", "touched")

    def __init__(self, snapshot: Snapshot, changes: Changes) -> None:
        self.snapshot = snapshot
        self.changes = changes
        self.paths = snapshot.paths
        self._numbers: dict[str, int] = {}  # of new paths
        # What a node needs, where the snapshot is not to be asked: changed and new nodes from the
        # start, and those that a closure has been through, which makes the next one cheaper.
        self.rows: dict[int, Sequence[int]] = {}
        # Nodes whose needing nodes are not the snapshot's: the changed nodes that need them now.
        self.touched: dict[int, list[int]] = {}
        if changes:
            self.paths = list(snapshot.paths)
            self._lay()

    def _lay(self) -> None:
        snapshot = self.snapshot
        for path in self.changes:
            number = snapshot.find(path)
            if number >= 0:
                first, last = snapshot.starts[number], snapshot.starts[number + 1]
                for target in snapshot.needed[first:last]:
                    self.touched.setdefault(target, [])
        for path, needs in self.changes.items():
            number = self._number(path)
            row = [self._number(target) for target, _ in needs or ()]
            self.rows[number] = row
            for target in row:
                self.touched.setdefault(target, []).append(number)

    def _number(self, path: RepoPath) -> int:
        number = self.find(path)
        if number < 0:
            number = self._numbers[path] = len(self.paths)
            self.paths.append(path)
            self.rows[number] = ()
            self.touched[number] = []
        return number

    def find(self, path: str) -> int:
        """The number of `path`, -1 when neither half knows it."""
        number = self.snapshot.find(path)
        return number if number >= 0 else self._numbers.get(path, -1)

    def alive(self, number: int) -> bool:
        """True for a node: it was given a row of its own, or another node needs it."""
        path = self.paths[number]
        if path in self.changes:
            own = self.changes[path] is not None
        else:
            own = number < len(self.snapshot.keys) and self.snapshot.keys[number] == 1
        return own or bool(self.predecessors(number))

    def successors(self, number: int) -> Sequence[int]:
        """What `number` needs; a target may repeat, once a kind."""
        row = self.rows.get(number)
        if row is None:
            snapshot = self.snapshot
            row = snapshot.needed[snapshot.starts[number] : snapshot.starts[number + 1]]
        return row

    def predecessors(self, number: int) -> Sequence[int]:
        """Who needs `number`; a source may repeat, once a kind."""
        added = self.touched.get(number)
        snapshot = self.snapshot
        if number >= len(snapshot.paths):
            return added or ()
        row = snapshot.needing[snapshot.back_starts[number] : snapshot.back_starts[number + 1]]
        if added is None:
            return row
        changes, paths = self.changes, self.paths
        return [source for source in row if paths[source] not in changes] + added

    def sorted_by_path(self, numbers: list[int]) -> list[int]:
        """`numbers` in the order of their paths."""
        ordered = sorted(numbers)
        new = bisect_left(ordered, len(self.snapshot.paths))
        if len(ordered) - new > _FEW:
            return sorted(numbers, key=self.paths.__getitem__)
        # The snapshot's numbers are in the order of their paths; the few new ones find their place.
        ordered, late = ordered[:new], ordered[new:]
        for number in late:
            insort(ordered, number, key=self.paths.__getitem__)
        return ordered


def pack_changes(changes: Changes, token: bytes) -> bytes:
    """Fields ended by NUL, which no path holds: how many nodes; for each path, kinds, targets.

    A node without edges has "" for kinds; a removed one has "-". `token` names the snapshot.
    """
    fields = [str(len(changes))]
    for path, needs in sorted(changes.items(), key=itemgetter(0)):
        if needs is None:
            fields += (path, _REMOVED)
        else:
            fields += (path, ",".join(str(int(kind)) for _, kind in needs))
            fields += [target for target, _ in needs]
    body = "".join(field + "\0" for field in fields)
    if body.count("\0") != len(fields):
        raise ValueError("a path holds a NUL byte")
    return _MAGIC + token + os.fsencode(body)


def unpack_changes(packed: bytes, token: bytes) -> Changes:
    """Inverse of `pack_changes`. ValueError for other bytes, or for another snapshot's."""
    at = len(_MAGIC) + _TOKEN
    if packed[: len(_MAGIC)] != _MAGIC or packed[len(_MAGIC) : at] != token:
        raise ValueError("not an overlay of this snapshot")
    fields = os.fsdecode(packed[at:]).split("\0")
    last = fields.pop()
    changes: Changes = {}
    rest = iter(fields)
    try:
        count = int(next(rest))
        for path in rest:
            kinds = next(rest)
            if kinds == _REMOVED:
                changes[RepoPath(path)] = None
                continue
            needs = [EdgeKind(int(kind)) for kind in kinds.split(",")] if kinds else []
            changes[RepoPath(path)] = tuple((RepoPath(next(rest)), kind) for kind in needs)
    except (StopIteration, RuntimeError) as trouble:
        raise ValueError("not an overlay: truncated") from trouble
    if last or len(changes) != count:
        raise ValueError("not an overlay: truncated")
    return changes
