"""The graph of files: who needs whom, both ways, and the closures over it.

Unaware of what the edges mean and of whether its paths exist. A graph never changes: `with_changes`
gives another one, which shares the frozen arrays and lays the changed nodes over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from affected.graph.condense import strongly_connected
from affected.graph.overlay import Changes, Overlay, pack_changes, unpack_changes
from affected.graph.snapshot import Needs, Snapshot, canonical, freeze, thaw
from affected.model.edge import EdgeKind
from affected.model.path import RepoPath

_FEW = 256  # so many changed nodes are always kept as an overlay
_SHARE = 16  # beyond one node in so many the arrays are built anew


class Graph:
    """Paths and typed edges. A node is a path that was given edges, or that another one needs."""

    __slots__ = ("_overlay", "_snapshot")

    def __init__(self, snapshot: Snapshot, overlay: Overlay) -> None:
        self._snapshot = snapshot
        self._overlay = overlay

    @classmethod
    def build(cls, edges: Mapping[RepoPath, Needs]) -> Graph:
        """A graph from every node's own edges; a repeated edge counts once.

        ValueError for a path that holds a NUL byte.
        """
        snapshot = freeze(edges)
        return cls(snapshot, Overlay(snapshot, {}))

    @classmethod
    def unpack(cls, snapshot: bytes, overlay: bytes) -> Graph:
        """Inverse of `pack`. ValueError when the bytes are not two halves of one graph."""
        frozen = thaw(snapshot)
        return cls(frozen, Overlay(frozen, unpack_changes(overlay, frozen.token)))

    def pack(self) -> tuple[bytes, bytes]:
        """Two byte strings: the large half is worth storing only when `token` is another."""
        return self._snapshot.packed, pack_changes(self._overlay.changes, self._snapshot.token)

    @property
    def token(self) -> str:
        """Identity of the large half of `pack()`, in hex; most changes leave it as it is."""
        return self._snapshot.token.hex()

    def with_changes(self, changes: Mapping[RepoPath, Needs | None]) -> Graph:
        """This graph with the edges of some nodes replaced; None takes a node's edges away.

        A node without own edges stays one as long as another needs it. Equal, in everything it
        answers, to a graph built from scratch.
        """
        merged: Changes = dict(self._overlay.changes)
        for path, needs in changes.items():
            wanted = None if needs is None else tuple(canonical(needs))
            if wanted == self._frozen_edges(path):
                merged.pop(path, None)
            else:
                merged[path] = wanted
        if len(merged) > max(_FEW, len(self._snapshot.paths) // _SHARE):
            return Graph.build(_applied(self._snapshot, merged))
        return Graph(self._snapshot, Overlay(self._snapshot, merged))

    def __contains__(self, path: object) -> bool:
        """True when `path` is a node."""
        number = self._overlay.find(path) if isinstance(path, str) else -1
        return number >= 0 and self._overlay.alive(number)

    def __len__(self) -> int:
        """How many nodes there are."""
        return sum(1 for _ in self.nodes())

    def nodes(self) -> Iterator[RepoPath]:
        """Every node, in no promised order."""
        overlay = self._overlay
        return (path for number, path in enumerate(overlay.paths) if overlay.alive(number))

    def edges(self, path: RepoPath) -> tuple[tuple[RepoPath, EdgeKind], ...]:
        """What `path` needs, sorted by path and kind; () for an unknown path."""
        if path in self._overlay.changes:
            return self._overlay.changes[path] or ()
        return self._frozen_edges(path) or ()

    def needed_by(self, path: RepoPath) -> tuple[RepoPath, ...]:
        """Who needs `path` directly, sorted; () for an unknown path."""
        number = self._overlay.find(path)
        if number < 0:
            return ()
        return tuple(sorted({self._overlay.paths[n] for n in self._overlay.predecessors(number)}))

    def closure(self, starts: Iterable[RepoPath]) -> set[RepoPath]:
        """Everything that `starts` need, directly or not, with the starts themselves."""
        overlay = self._overlay
        paths, rows = overlay.paths, overlay.rows
        found = set(starts)
        reached = [number for number in map(overlay.find, found) if number >= 0]
        seen = bytearray(len(paths))
        for number in reached:
            seen[number] = 1
        for number in reached:  # it grows meanwhile
            row = rows.get(number)
            if row is None:
                row = rows[number] = tuple(overlay.successors(number))
            for target in row:
                if not seen[target]:
                    seen[target] = 1
                    reached.append(target)
        found.update(map(paths.__getitem__, reached))
        return found

    def dependents(self, starts: Iterable[RepoPath]) -> dict[RepoPath, RepoPath | None]:
        """Everything that needs one of `starts`, with the next hop on a shortest way there.

        The starts are there with None. Nearest first, equally near ones sorted; of several next
        hops the one that sorts first. The answer does not depend on how the graph was made.
        """
        overlay = self._overlay
        path_of = overlay.paths.__getitem__
        back_starts, needing = self._snapshot.back_starts, self._snapshot.needing
        unique = sorted(set(starts))
        found: dict[RepoPath, RepoPath | None] = dict.fromkeys(unique)
        frontier = [number for number in map(overlay.find, unique) if number >= 0]
        seen = bytearray(len(overlay.paths))
        hops = [0] * len(overlay.paths)
        for number in frontier:
            seen[number] = 1
        while frontier:
            reached: list[int] = []
            for number in frontier:
                row: Sequence[int]
                if number in overlay.touched:
                    row = overlay.predecessors(number)
                else:
                    row = needing[back_starts[number] : back_starts[number + 1]]
                for source in row:
                    if not seen[source]:
                        seen[source] = 1
                        hops[source] = number
                        reached.append(source)
            frontier = overlay.sorted_by_path(reached)
            nearer = map(hops.__getitem__, frontier)
            found.update(zip(map(path_of, frontier), map(path_of, nearer), strict=True))
        return found

    def components(self) -> list[tuple[RepoPath, ...]]:
        """The strongly connected components, each sorted; what a component needs comes first."""
        overlay = self._overlay
        numbers = strongly_connected(len(overlay.paths), overlay.successors)
        groups: list[list[RepoPath]] = [[] for _ in range(max(numbers, default=-1) + 1)]
        for node, number in enumerate(numbers):
            if overlay.alive(node):
                groups[number].append(overlay.paths[node])
        return [tuple(sorted(group)) for group in groups if group]

    def _frozen_edges(self, path: RepoPath) -> tuple[tuple[RepoPath, EdgeKind], ...] | None:
        return frozen_edges(self._snapshot, path)


def frozen_edges(
    snapshot: Snapshot, path: RepoPath
) -> tuple[tuple[RepoPath, EdgeKind], ...] | None:
    """The edges `path` has in the arrays; None when it was given none there."""
    number = snapshot.find(path)
    if number < 0 or not snapshot.keys[number]:
        return None
    first, last = snapshot.starts[number], snapshot.starts[number + 1]
    row = snapshot.needed[first:last]
    paths = snapshot.paths
    return tuple(
        (paths[target], EdgeKind(kind))
        for target, kind in zip(row, snapshot.kinds[first:last], strict=True)
    )


def _applied(snapshot: Snapshot, changes: Changes) -> dict[RepoPath, Needs]:
    """Every node's own edges with `changes` laid over the arrays."""
    edges: dict[RepoPath, Needs] = {}
    kinds = {int(kind): kind for kind in EdgeKind}
    paths, starts = snapshot.paths, snapshot.starts
    for number, path in enumerate(paths):
        if snapshot.keys[number] and path not in changes:
            rows = range(starts[number], starts[number + 1])
            edges[path] = [
                (paths[snapshot.needed[row]], kinds[snapshot.kinds[row]]) for row in rows
            ]
    edges.update({path: needs for path, needs in changes.items() if needs is not None})
    return edges
