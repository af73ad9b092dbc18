"""Strongly connected components of a graph given as integers.

Unaware of paths and edge kinds: nodes are 0 … count-1. Tarjan's algorithm (SIAM J. Comput. 1,
1972) without recursion, so a chain of 100,000 imports is no deeper than one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

_UNSEEN = -1


def strongly_connected(count: int, successors: Callable[[int], Sequence[int]]) -> list[int]:
    """The component number of each node; a component's number is above those it needs.

    `successors(node)` gives the nodes that `node` needs; repeats are harmless.
    """
    order = [_UNSEEN] * count  # when a node was first seen
    lowest = [0] * count  # the earliest open node it reaches
    component = [_UNSEEN] * count
    open_nodes: list[int] = []
    seen = found = 0
    for root in range(count):
        if order[root] != _UNSEEN:
            continue
        order[root] = lowest[root] = seen
        seen += 1
        open_nodes.append(root)
        path = [(root, iter(successors(root)))]
        while path:
            node, rest = path[-1]
            for following in rest:
                if order[following] == _UNSEEN:
                    order[following] = lowest[following] = seen
                    seen += 1
                    open_nodes.append(following)
                    path.append((following, iter(successors(following))))
                    break
                if component[following] == _UNSEEN and order[following] < lowest[node]:
                    lowest[node] = order[following]
            else:
                path.pop()
                if path and lowest[node] < lowest[path[-1][0]]:
                    lowest[path[-1][0]] = lowest[node]
                if lowest[node] == order[node]:
                    _close(node, found, open_nodes, component)
                    found += 1
    return component


def _close(node: int, number: int, open_nodes: list[int], component: list[int]) -> None:
    """Give `number` to `node` and everything opened after it."""
    while True:
        member = open_nodes.pop()
        component[member] = number
        if member == node:
            return
