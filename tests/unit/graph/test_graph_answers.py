"""What a graph answers, on examples small enough to draw."""

import pytest

from affected.graph.graph import Graph
from affected.graph.why import edges_along, follow, why
from affected.model.edge import Edge, EdgeKind

IMPORT, LAZY, PARENT, STAR = EdgeKind.IMPORT, EdgeKind.LAZY, EdgeKind.PARENT, EdgeKind.STAR

# test → api → store → api (a cycle), store → text; data is needed by nobody and needs nothing.
EDGES = {
    "test.py": [("api.py", IMPORT)],
    "api.py": [("store.py", LAZY), ("store.py", IMPORT)],
    "store.py": [("api.py", IMPORT), ("text.py", STAR)],
    "data.py": [],
}


@pytest.fixture
def graph():
    return Graph.build(EDGES)


def test_a_node_is_what_has_edges_or_is_needed(graph):
    """A file that is only imported is a node; so is one that imports nothing."""
    assert set(graph.nodes()) == {"test.py", "api.py", "store.py", "text.py", "data.py"}
    assert len(graph) == 5
    assert "text.py" in graph
    assert "data.py" in graph
    assert "other.py" not in graph
    assert 3 not in graph


def test_edges_are_sorted_and_told_once(graph):
    """A repeated edge counts once; another kind between the same files is another edge."""
    assert graph.edges("api.py") == (("store.py", IMPORT), ("store.py", LAZY))
    again = Graph.build({"api.py": [("store.py", LAZY), ("store.py", IMPORT), ("store.py", LAZY)]})
    assert again.edges("api.py") == graph.edges("api.py")


def test_a_path_unknown_to_the_graph_has_neither_edges_nor_dependents(graph):
    """Asking about an unknown path is no error: it reaches itself and nothing else."""
    assert graph.edges("other.py") == ()
    assert graph.needed_by("other.py") == ()
    assert graph.closure(["other.py"]) == {"other.py"}
    assert graph.dependents(["other.py"]) == {"other.py": None}


def test_a_closure_holds_its_starts_and_survives_cycles(graph):
    """Everything needed, directly or not, once round a cycle and no more."""
    assert graph.closure(["api.py"]) == {"api.py", "store.py", "text.py"}
    assert graph.closure(["text.py", "data.py"]) == {"text.py", "data.py"}
    assert graph.closure([]) == set()


def test_a_closure_belongs_to_whoever_asked(graph):
    """Changing the answer does not change the next one."""
    graph.closure(["api.py"]).clear()
    assert graph.closure(["api.py"]) == {"api.py", "store.py", "text.py"}


def test_dependents_tell_the_next_hop_nearest_first(graph):
    """The way from each dependent to the change can be followed, and starts lead nowhere."""
    hops = graph.dependents(["text.py"])
    assert list(hops.items()) == [
        ("text.py", None),
        ("store.py", "text.py"),
        ("api.py", "store.py"),
        ("test.py", "api.py"),
    ]
    assert follow(hops, "test.py") == ("test.py", "api.py", "store.py", "text.py")
    assert follow(hops, "text.py") == ("text.py",)


def test_needed_by_is_direct_only(graph):
    """Two kinds of edge from one file make it one dependent."""
    assert graph.needed_by("store.py") == ("api.py",)
    assert graph.needed_by("api.py") == ("store.py", "test.py")


def test_components_put_what_is_needed_first(graph):
    """Files that import each other are one component, and its needs come before it."""
    components = graph.components()
    assert components.index(("text.py",)) < components.index(("api.py", "store.py"))
    assert components.index(("api.py", "store.py")) < components.index(("test.py",))
    assert ("data.py",) in components
    assert len(components) == 4


def test_why_gives_edges_with_their_kinds(graph):
    """A chain names each edge; nothing joins unrelated files; a file explains itself."""
    assert why(graph, "test.py", "text.py") == (
        Edge("test.py", "api.py", IMPORT),
        Edge("api.py", "store.py", IMPORT),
        Edge("store.py", "text.py", STAR),
    )
    assert why(graph, "text.py", "test.py") is None
    assert why(graph, "data.py", "data.py") == ()
    assert why(graph, "nowhere.py", "data.py") is None


def test_a_chain_that_does_not_exist_is_refused(graph):
    """Edges along a made-up chain are a mistake of the caller."""
    with pytest.raises(KeyError):
        edges_along(graph, ("test.py", "text.py"))


def test_a_long_chain_needs_no_recursion():
    """Tens of thousands of files that import each other in a row are answered like three."""
    size = 40_000
    graph = Graph.build({f"m{i:06}": [(f"m{i + 1:06}", IMPORT)] for i in range(size)})
    assert len(graph.closure(["m000000"])) == size + 1
    assert len(graph.dependents([f"m{size:06}"])) == size + 1
    assert len(graph.components()) == size + 1


def test_a_huge_cycle_is_one_component():
    """A cycle through every file is found whole."""
    size = 20_000
    graph = Graph.build({f"m{i}": [(f"m{(i + 1) % size}", IMPORT)] for i in range(size)})
    assert [len(component) for component in graph.components()] == [size]
    assert len(graph.closure(["m7"])) == size


def test_an_empty_graph_answers_too():
    """No files is a state a repository can be in."""
    graph = Graph.build({})
    assert list(graph.nodes()) == []
    assert graph.components() == []
    assert Graph.unpack(*graph.pack()).closure(["a"]) == {"a"}


def test_the_root_and_odd_names_are_paths_like_others():
    """The root has no name; undecodable bytes, newlines and commas occur in real trees."""
    odd = ["", "a\udcff.py", "with\nnewline", "comma,dash-", "é"]
    graph = Graph.build({path: [(other, IMPORT) for other in odd] for path in odd})
    for same in (graph, Graph.unpack(*graph.pack())):
        assert set(same.nodes()) == set(odd)
        assert same.closure([""]) == set(odd)
    changed = graph.with_changes({"-": [("", IMPORT)], "a\udcff.py": None, ",": []})
    again = Graph.unpack(*changed.pack())
    assert again.dependents([""]) == changed.dependents([""])
    assert "," in again


def test_a_path_with_a_nul_byte_is_refused():
    """No file system has one, and it would break the packed form."""
    with pytest.raises(ValueError, match="NUL"):
        Graph.build({"a\0b": []})
    with pytest.raises(ValueError, match="NUL"):
        Graph.build({}).with_changes({"a\0b": []}).pack()
