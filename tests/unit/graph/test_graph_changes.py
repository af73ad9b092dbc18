"""Changing a graph, packing it, and what becomes of damaged bytes."""

import subprocess
import sys
from pathlib import Path

import pytest

from affected.graph import graph as graph_module
from affected.graph.graph import Graph
from affected.model.edge import EdgeKind

IMPORT, LAZY = EdgeKind.IMPORT, EdgeKind.LAZY


@pytest.fixture
def graph():
    return Graph.build({"a": [("b", IMPORT)], "b": [("c", IMPORT)], "d": [("b", LAZY)]})


def test_a_change_makes_another_graph(graph):
    """The graph that was changed answers as before."""
    changed = graph.with_changes({"a": [("d", IMPORT)]})
    assert changed.closure(["a"]) == {"a", "b", "c", "d"}
    assert set(changed.dependents(["c"])) == {"a", "b", "c", "d"}
    assert graph.closure(["a"]) == {"a", "b", "c"}


def test_a_removed_file_stays_a_node_while_it_is_needed(graph):
    """Its importers still name it; when they are gone, so is the node."""
    removed = graph.with_changes({"b": None})
    assert "b" in removed
    assert "c" not in removed
    assert removed.edges("b") == ()
    assert set(removed.dependents(["b"])) == {"a", "b", "d"}
    gone = removed.with_changes({"a": [], "d": None})
    assert "b" not in gone
    assert set(gone.nodes()) == {"a"}


def test_a_file_that_comes_back_is_as_it_was(graph):
    """Taking a change back leaves nothing of it, in the packed form neither."""
    there = graph.with_changes({"b": None, "new": [("a", IMPORT)]})
    back = there.with_changes({"b": [("c", IMPORT)], "new": None})
    assert back.pack() == graph.with_changes({"new": None}).pack()
    assert set(back.nodes()) == set(graph.nodes())


def test_most_changes_leave_the_large_half_alone(graph):
    """Only the small half has to be stored again."""
    changed = graph.with_changes({"a": [], "e": [("a", LAZY)]})
    assert changed.token == graph.token
    assert changed.pack()[0] == graph.pack()[0]
    assert changed.pack()[1] != graph.pack()[1]
    assert Graph.unpack(*changed.pack()).dependents(["a"]) == {"a": None, "e": "a"}


def test_many_changes_make_new_arrays(graph):
    """An overlay that outgrows its share is folded in; the answers stay."""
    changes = {f"n{i}": [("a", IMPORT), (f"n{i + 1}", LAZY)] for i in range(1000)}
    folded = graph.with_changes(changes)
    assert folded.token != graph.token
    assert len(folded.pack()[1]) < 100
    assert set(folded.dependents(["c"])) == {"a", "b", "c", "d", *(f"n{i}" for i in range(1000))}
    assert folded.pack() == Graph.unpack(*folded.pack()).pack()


def test_the_packed_form_does_not_depend_on_the_order_of_building():
    """The same edges in any order are the same bytes."""
    edges = {"a": [("b", IMPORT), ("c", LAZY)], "b": [("c", IMPORT)]}
    turned = {path: list(reversed(needs)) for path, needs in reversed(edges.items())}
    assert Graph.build(edges).pack() == Graph.build(turned).pack()


def test_damaged_halves_are_refused(graph):
    """Whatever is cut off, and whichever half belongs to another graph, is told apart."""
    snapshot, overlay = graph.with_changes({"a": [("x", IMPORT)], "b": None}).pack()
    for end in range(0, len(snapshot), 7):
        with pytest.raises(ValueError, match=r"packed|encoding"):
            Graph.unpack(snapshot[:end], overlay)
    for end in range(len(overlay)):
        with pytest.raises(ValueError, match="overlay"):
            Graph.unpack(snapshot, overlay[:end])
    other = Graph.build({"a": []}).pack()[0]
    with pytest.raises(ValueError, match="overlay"):
        Graph.unpack(other, overlay)
    with pytest.raises(ValueError, match="version"):
        Graph.unpack(b"afgr\xff\xff" + snapshot[6:], overlay)
    with pytest.raises(ValueError, match="packed"):
        Graph.unpack(snapshot + b"\0x", overlay)


def test_the_packed_form_is_the_same_in_every_process(tmp_path):
    """Neither the seed of string hashes nor the working folder enters the bytes."""
    script = (
        "import sys; from affected.graph.graph import Graph; from affected.model.edge import EdgeKind;"
        "needs = lambda i: [(f'm{i * 7 % 50}', EdgeKind(i % 9)), (f'm{i * 3 % 50}', EdgeKind.LAZY)];"
        "graph = Graph.build({f'm{i}': needs(i) for i in {f'{i}' for i in range(50)} for i in [int(i)]});"
        "graph = graph.with_changes({f'm{i}': needs(i + 1) for i in range(5)});"
        "sys.stdout.buffer.write(b''.join(graph.pack()))"
    )
    source = str(Path(graph_module.__file__).parents[2])
    packed = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": source},
            cwd=folder,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed, folder in (("1", "/"), ("2", tmp_path))
    }
    assert len(packed) == 1
