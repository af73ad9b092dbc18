"""The graph as a `networkx.DiGraph`: the public graph API and the exports.

Unaware of selection and runs. The only module that imports networkx, which costs some 100 ms and
is an extra: import this module when it is asked for, never on the hot path.
"""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from affected.graph.graph import Graph
from affected.model.path import RepoPath, display
from affected.model.target import Target

FILE = "file"


def to_networkx(graph: Graph, targets: Iterable[Target] = ()) -> nx.DiGraph[str]:
    """One node a path, one edge "source needs target"; files first, sorted.

    Nodes carry `kind` ("file", or the kind of the target with that path), `label` and `project`
    ("" for a plain file). Edges carry `kind`, the lowest one's name in lower case, and `kinds`,
    all names joined by commas. A target that no edge touches is a node too.
    """
    digraph: nx.DiGraph[str] = nx.DiGraph()
    paths = sorted(graph.nodes())
    digraph.add_nodes_from(paths, kind=FILE, label="", project="")
    for target in targets:
        digraph.add_node(
            target.path, kind=target.kind.value, label=target.label, project=target.project
        )
    for path in paths:
        kinds: dict[RepoPath, list[str]] = {}
        for needed, kind in graph.edges(path):
            kinds.setdefault(needed, []).append(kind.name.lower())
        for needed, names in kinds.items():
            digraph.add_edge(path, needed, kind=names[0], kinds=",".join(names))
    return digraph


def to_graphml(digraph: nx.DiGraph[str]) -> str:
    """The GraphML document of `to_networkx`; what XML cannot hold is written in hexadecimal."""
    shown: nx.DiGraph[str] = nx.DiGraph()
    for path, attributes in digraph.nodes(data=True):
        shown.add_node(_plain(path), **{name: _plain(v) for name, v in attributes.items()})
    for source, needed, attributes in digraph.edges(data=True):
        shown.add_edge(_plain(source), _plain(needed), **attributes)
    return "\n".join(nx.generate_graphml(shown)) + "\n"


def _plain(text: str) -> str:
    """`text` without what XML 1.0 forbids (section 2.2): most control characters, surrogates."""
    return "".join(map(_escaped, display(text)))


def _escaped(character: str) -> str:
    if character < " " or character in "\ufffe\uffff":
        return f"\\x{ord(character):02x}"
    return character
