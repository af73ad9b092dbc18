"""Random graphs against networkx, and changed graphs against graphs built from scratch."""

import itertools
import random

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from affected.graph import graph as graph_module
from affected.graph.analysis import to_networkx
from affected.graph.condense import strongly_connected
from affected.graph.graph import Graph
from affected.graph.why import edges_along, follow, why
from affected.model.edge import EdgeKind

PATHS = st.sampled_from(["", "a", "a/b", "a0", "b", "b/c", "c\udcff", "é", "z", "y,-", "x\n"])
NEEDS = st.lists(st.tuples(PATHS, st.sampled_from(EdgeKind)), max_size=5)
EDGES = st.dictionaries(PATHS, NEEDS)
CHANGES = st.dictionaries(PATHS, st.none() | NEEDS)


def oracle(edges):
    """The same graph as networkx sees it."""
    digraph = nx.DiGraph()
    digraph.add_nodes_from(edges)
    digraph.add_edges_from((path, need) for path, needs in edges.items() for need, _ in needs)
    return digraph


def applied(edges, changes):
    """`edges` after `changes`, by dictionary."""
    merged = {**edges, **changes}
    return {path: needs for path, needs in merged.items() if needs is not None}


def assert_agrees(graph, edges):
    """Every question a graph answers, against networkx."""
    expected = oracle(edges)
    assert set(graph.nodes()) == set(expected)
    assert len(graph) == len(expected)
    for path in expected:
        assert path in graph
        assert graph.edges(path) == tuple(sorted(set(edges.get(path, []))))
        assert set(graph.needed_by(path)) == set(expected.predecessors(path))
        assert graph.closure([path]) == nx.descendants(expected, path) | {path}
        hops = graph.dependents([path])
        assert set(hops) == nx.ancestors(expected, path) | {path}
        for dependent in hops:
            chain = follow(hops, dependent)
            assert len(chain) - 1 == nx.shortest_path_length(expected, dependent, path)
            assert all(expected.has_edge(a, b) for a, b in itertools.pairwise(chain))
    components = graph.components()
    assert set(map(frozenset, components)) == set(
        map(frozenset, nx.strongly_connected_components(expected))
    )
    place = {path: at for at, component in enumerate(components) for path in component}
    assert all(place[needed] <= place[path] for path, needed in expected.edges)


@given(EDGES)
def test_a_graph_answers_as_networkx_does(edges):
    """Closures, dependents, shortest hops, components, neighbours."""
    assert_agrees(Graph.build(edges), edges)


@given(EDGES, CHANGES, CHANGES)
def test_a_changed_graph_equals_one_built_from_scratch(edges, first, second):
    """Two rounds of changes, packed in between, and nobody can tell."""
    graph = Graph.unpack(*Graph.build(edges).with_changes(first).pack()).with_changes(second)
    final = applied(applied(edges, first), second)
    assert_agrees(graph, final)
    assert_agrees(Graph.unpack(*graph.pack()), final)
    scratch = Graph.build(final)
    for path in scratch.nodes():
        hops = graph.dependents([path])
        assert list(hops.items()) == list(scratch.dependents([path]).items())


@given(EDGES, CHANGES)
def test_folding_an_overlay_in_changes_nothing(edges, changes):
    """The arrays made of arrays and overlay are those made of the edges."""
    overlaid = Graph.build(edges).with_changes(changes)
    folded = Graph.build(graph_module._applied(overlaid._snapshot, overlaid._overlay.changes))
    assert folded.pack() == Graph.build(applied(edges, changes)).pack()


@given(EDGES, st.lists(PATHS))
def test_several_starts_are_the_union_of_each(edges, starts):
    """A closure of many is no more and no less than the closures of each."""
    graph = Graph.build(edges)
    assert graph.closure(starts) == set().union(*(graph.closure([path]) for path in starts))
    hops = graph.dependents(starts)
    assert set(hops) == set().union(*(graph.dependents([path]) for path in starts))
    nearest = {
        path: min(
            len(follow(graph.dependents([s]), path))
            for s in starts
            if path in graph.dependents([s])
        )
        for path in hops
    }
    assert {path: len(follow(hops, path)) for path in hops} == nearest


@given(EDGES, PATHS, PATHS)
def test_why_is_a_shortest_chain(edges, source, needed):
    """As long as networkx's, made of edges that exist, and None exactly without a way."""
    graph, expected = Graph.build(edges), oracle(edges)
    chain = why(graph, source, needed)
    if source == needed:
        assert chain == ()
    elif (
        source not in expected
        or needed not in expected
        or not nx.has_path(expected, source, needed)
    ):
        assert chain is None
    else:
        assert len(chain) == nx.shortest_path_length(expected, source, needed)
        paths = (source, *(edge.needed for edge in chain))
        assert edges_along(graph, paths) == chain
        assert paths[-1] == needed


@given(EDGES)
def test_the_networkx_view_has_every_edge_with_its_kinds(edges):
    """Nothing is lost on the way to the public graph API."""
    digraph = to_networkx(Graph.build(edges))
    assert nx.utils.graphs_equal(nx.DiGraph(oracle(edges).edges), nx.DiGraph(digraph.edges))
    for path, needed, attributes in digraph.edges(data=True):
        kinds = {kind.name.lower() for need, kind in edges[path] if need == needed}
        assert set(attributes["kinds"].split(",")) == kinds


@given(st.lists(st.lists(st.integers(0, 29), max_size=4), min_size=30, max_size=30))
def test_components_of_thirty_nodes_agree_with_networkx(rows):
    """The algorithm alone, on denser graphs than paths give."""
    numbers = strongly_connected(30, rows.__getitem__)
    groups = {}
    for node, number in enumerate(numbers):
        groups.setdefault(number, set()).add(node)
    expected = nx.DiGraph((node, need) for node, row in enumerate(rows) for need in row)
    expected.add_nodes_from(range(30))
    assert set(map(frozenset, groups.values())) == set(
        map(frozenset, nx.strongly_connected_components(expected))
    )
    assert all(numbers[need] <= numbers[node] for node, row in enumerate(rows) for need in row)


def test_thirty_rounds_of_edits_of_a_large_graph_agree_with_networkx():
    """Two thousand files, cycles among them, until the overlay has been folded in twice."""
    chance = random.Random(7)
    names = [f"pkg{i % 40}/m{i}.py" for i in range(2000)]

    def needs(at):
        return [
            (names[int(at * chance.random() ** 2) if chance.random() < 0.98 else -at - 1], kind)
            for kind in chance.choices(list(EdgeKind), k=chance.randrange(6))
        ]

    edges = {path: needs(at) for at, path in enumerate(names)}
    graph, tokens = Graph.build(edges), set()
    for _ in range(30):
        changes = {
            path: needs(at) if chance.random() < 0.8 else None
            for at, path in chance.sample(list(enumerate(names)), 40)
        }
        edges = applied(edges, changes)
        graph = Graph.unpack(*graph.with_changes(changes).pack())
        tokens.add(graph.token)
        expected = oracle(edges)
        assert set(graph.nodes()) == set(expected)
        for path in chance.sample(sorted(expected), 5):
            assert graph.closure([path]) == nx.descendants(expected, path) | {path}
            hops = graph.dependents([path])
            assert set(hops) == nx.ancestors(expected, path) | {path}
            distances = nx.single_source_shortest_path_length(expected.reverse(copy=False), path)
            assert {one: len(follow(hops, one)) - 1 for one in hops} == distances
    assert len(tokens) > 2
    assert set(map(frozenset, graph.components())) == set(
        map(frozenset, nx.strongly_connected_components(oracle(edges)))
    )
    scratch = Graph.build(edges)
    assert list(graph.dependents(names[:9]).items()) == list(scratch.dependents(names[:9]).items())
