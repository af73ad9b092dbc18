"""Why one path depends on another: the shortest chain of edges, with their kinds.

Unaware of targets and causes: a chain is told in edges.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from affected.graph.graph import Graph
from affected.model.edge import Edge
from affected.model.path import RepoPath


def follow(hops: Mapping[RepoPath, RepoPath | None], start: RepoPath) -> tuple[RepoPath, ...]:
    """The way from `start` along `Graph.dependents`' next hops, both ends included."""
    chain = [start]
    following = hops[start]
    while following is not None:
        chain.append(following)
        following = hops[following]
    return tuple(chain)


def edges_along(graph: Graph, chain: tuple[RepoPath, ...]) -> tuple[Edge, ...]:
    """The edges between neighbours of `chain`; of parallel ones the lowest kind.

    KeyError when two neighbours are not joined.
    """
    found: list[Edge] = []
    for source, needed in itertools.pairwise(chain):
        kinds = [kind for path, kind in graph.edges(source) if path == needed]
        if not kinds:
            raise KeyError((source, needed))
        found.append(Edge(source, needed, kinds[0]))
    return tuple(found)


def why(graph: Graph, source: RepoPath, needed: RepoPath) -> tuple[Edge, ...] | None:
    """A shortest chain of edges from `source` to `needed`; () when they are one, None without any.

    Of equally short chains always the same one is given, whatever made the graph.
    """
    if source == needed:
        return ()
    came_from: dict[RepoPath, RepoPath | None] = {source: None}
    frontier = [source]
    while frontier and needed not in came_from:
        following: list[RepoPath] = []
        for path in frontier:
            for target, _ in graph.edges(path):
                if target not in came_from:
                    came_from[target] = path
                    following.append(target)
        frontier = following
    if needed not in came_from:
        return None
    return edges_along(graph, tuple(reversed(follow(came_from, needed))))
