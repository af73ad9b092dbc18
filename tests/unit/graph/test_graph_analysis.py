"""The networkx view of a graph and its exports."""

import networkx as nx

from affected.graph.analysis import to_graphml, to_networkx
from affected.graph.graph import Graph
from affected.model.edge import EdgeKind
from affected.model.target import Target, TargetKind

EDGES = {
    "pkg/test_a.py": [("pkg/a.py", EdgeKind.STRING), ("pkg/a.py", EdgeKind.IMPORT)],
    "pkg/a.py": [("bad\udcff\x01<&>.py", EdgeKind.LAZY)],
}
TARGETS = [
    Target("pkg/test_a.py", TargetKind.TEST, "pkg", "pkg/test_a.py", "pkg"),
    Target("pkg/test_b.py", TargetKind.TEST, "pkg", "pkg/test_b.py", "pkg"),
]


def test_nodes_and_edges_carry_their_kinds():
    """A target is marked as one, even without edges; parallel edges are told on one."""
    digraph = to_networkx(Graph.build(EDGES), TARGETS)
    assert digraph.nodes["pkg/a.py"] == {"kind": "file", "label": "", "project": ""}
    assert digraph.nodes["pkg/test_a.py"]["kind"] == "test"
    assert digraph.nodes["pkg/test_b.py"]["project"] == "pkg"
    assert digraph.edges["pkg/test_a.py", "pkg/a.py"] == {
        "kind": "import",
        "kinds": "import,string",
    }
    assert digraph.number_of_edges() == 2


def test_graphml_is_well_formed_for_any_path():
    """What XML cannot hold is escaped, and the document reads back with every attribute."""
    document = to_graphml(to_networkx(Graph.build(EDGES), TARGETS))
    again = nx.parse_graphml(document)
    assert set(again) == {
        "pkg/test_a.py",
        "pkg/test_b.py",
        "pkg/a.py",
        "bad\\xff\\x01<&>.py",
    }
    assert again.nodes["pkg/test_a.py"]["label"] == "pkg/test_a.py"
    assert again.edges["pkg/a.py", "bad\\xff\\x01<&>.py"]["kind"] == "lazy"
