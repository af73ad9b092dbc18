"""Changed nodes laid over a snapshot, and their packed form.

Unaware of closures: it answers who needs whom for one node at a time, by number. Numbers below
the snapshot's size are the snapshot's; new paths follow.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from affected.graph.snapshot import Snapshot
from affected.model.edge import EdgeKind
from affected.model.path import RepoPath

Changes = dict[RepoPath, tuple[tuple[RepoPath, EdgeKind], ...] | None]

# Bump whenever the layout below changes. 1: first layout.
_MAGIC = b"afgo\x01"
_TOKEN = 16
_REMOVED = "-"


class Overlay:
    """A snapshot as seen through changes: rows of changed nodes replaced, new nodes appended."""

    __slots__ = ("_backward", "_forward", "_numbers", "_snapshot", "changes", "paths")

    def __init__(self, snapshot: Snapshot, changes: Changes) -> None:
        self.changes = changes
        self._snapshot = snapshot
        self.paths = snapshot.paths
        self._numbers: dict[str, int] = {}
        self._forward: dict[int, list[int]] = {}
        self._backward: dict[int, list[int]] = {}
        if changes:
            self.paths = list(snapshot.paths)
            self._lay()

    def _lay(self) -> None:
        for path, needs in self.changes.items():
            number = self._number(path)
            row = [self._number(target) for target, _ in needs or ()]
            self._forward[number] = row
            for target in row:
                self._backward.setdefault(target, []).append(number)

    def _number(self, path: RepoPath) -> int:
        number = self.find(path)
        if number < 0:
            number = self._numbers[path] = len(self.paths)
            self.paths.append(path)
        return number

    def find(self, path: str) -> int:
        """The number of `path`, -1 when neither half knows it."""
        number = self._snapshot.find(path)
        return number if number >= 0 else self._numbers.get(path, -1)

    def alive(self, number: int) -> bool:
        """True for a node: it has a row of its own, or another node needs it."""
        if number in self._forward:
            if self.changes[self.paths[number]] is not None:
                return True
        elif number < len(self._snapshot.paths) and self._snapshot.keys[number]:
            return True
        return bool(self.predecessors(number))

    def successors(self, number: int) -> Sequence[int]:
        """What `number` needs; a target may repeat, once a kind."""
        row = self._forward.get(number)
        if row is not None:
            return row
        snapshot = self._snapshot
        if number >= len(snapshot.paths):
            return ()
        return snapshot.needed[snapshot.starts[number] : snapshot.starts[number + 1]]

    def predecessors(self, number: int) -> Sequence[int]:
        """Who needs `number`; a source may repeat, once a kind."""
        snapshot = self._snapshot
        if number >= len(snapshot.paths):
            return self._backward.get(number, ())
        row = snapshot.needing[snapshot.back_starts[number] : snapshot.back_starts[number + 1]]
        if not self._forward:
            return row
        kept = [source for source in row if source not in self._forward]
        return kept + self._backward.get(number, [])

    def sorted_by_path(self, numbers: list[int]) -> list[int]:
        """`numbers` in the order of their paths."""
        if len(self.paths) == len(self._snapshot.paths):
            return sorted(numbers)
        return sorted(numbers, key=self.paths.__getitem__)


def pack_changes(changes: Changes, token: bytes) -> bytes:
    """Fields parted by NUL, which no path holds: path, count, kinds, targets, again and again.

    A node without edges has "" for kinds; a removed one has "-". `token` names the snapshot.
    """
    fields: list[str] = []
    for path, needs in changes.items():
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
    if fields.pop():
        raise ValueError("not an overlay: truncated")
    changes: Changes = {}
    rest = iter(fields)
    try:
        for path in rest:
            kinds = next(rest)
            if kinds == _REMOVED:
                changes[RepoPath(path)] = None
                continue
            needs = [EdgeKind(int(kind)) for kind in kinds.split(",")] if kinds else []
            changes[RepoPath(path)] = tuple((RepoPath(next(rest)), kind) for kind in needs)
    except (StopIteration, RuntimeError) as trouble:
        raise ValueError("not an overlay: truncated") from trouble
    return changes
