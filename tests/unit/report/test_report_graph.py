"""The graph as text, dot and page."""

from __future__ import annotations

import json
import re

from affected.model.edge import Edge, EdgeKind
from affected.report.graph_page import graph_html
from affected.report.graph_text import graph_dot, graph_lines
from affected.report.protocol import GraphNode, GraphView
from affected.report.style import Style

VIEW = GraphView(
    [
        GraphNode("tests/test_a.py", "test", ""),
        GraphNode("src/b.py", "module", "libs/b"),
        GraphNode("src/</script>.py", "module", "libs/b"),
    ],
    [
        Edge("tests/test_a.py", "src/b.py", EdgeKind.IMPORT),
        Edge("src/b.py", "src/</script>.py", EdgeKind.TYPING),
    ],
    focus="src/b.py",
    title="<Title>",
)


def test_text_starts_with_the_focus_and_who_needs_it():
    assert graph_lines(VIEW, Style()) == [
        "src/b.py",
        "  → src/</script>.py  typing",
        "  ← tests/test_a.py  import",
        "src/</script>.py",
        "tests/test_a.py",
        "  → src/b.py  import",
        "3 files, 2 edges",
    ]


def test_dot_is_sorted_clustered_and_quoted():
    assert graph_dot(VIEW) == (
        "digraph affected {\n"
        "  rankdir=LR;\n"
        '  node [fontname="sans-serif"];\n'
        '  "tests/test_a.py" [shape=box];\n'
        "  subgraph cluster_1 {\n"
        '    label="libs/b";\n'
        '    "src/</script>.py" [shape=ellipse];\n'
        '    "src/b.py" [shape=ellipse, penwidth=3];\n'
        "  }\n"
        '  "src/b.py" -> "src/</script>.py" [label="typing", style=dotted];\n'
        '  "tests/test_a.py" -> "src/b.py";\n'
        "}\n"
    )


def test_dot_quotes_what_would_end_a_string():
    view = GraphView([GraphNode('a"\\b\n.py', "module", "")], [])
    assert r'"a\"\\b\\n.py"' in graph_dot(view)


def test_the_page_loads_nothing_and_holds_the_graph():
    page = graph_html(VIEW)
    assert not re.search(
        r"""(src|href)\s*=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)""", page
    )
    assert "default-src 'none'" in page
    assert "<title>&lt;Title&gt;</title>" in page
    text = re.search(
        r'<script type="application/json" id="graph">(.*?)</script>', page, re.DOTALL
    ).group(1)
    graph = json.loads(text)
    assert [node[0] for node in graph["nodes"]] == [
        "src/</script>.py",
        "src/b.py",
        "tests/test_a.py",
    ]
    assert graph["edges"] == [[1, 0, EdgeKind.TYPING], [2, 1, EdgeKind.IMPORT]]
    assert graph["focus"] == 1


def test_the_page_is_utf_8_whatever_a_path_holds():
    view = GraphView([GraphNode("caf\udce9.py", "file", "")], [])
    assert "caf\\\\xe9.py" in graph_html(view)
    graph_html(view).encode("utf-8")


def test_edges_to_files_that_are_not_drawn_are_left_out():
    view = GraphView([GraphNode("a.py", "module", "")], [Edge("a.py", "b.py", EdgeKind.IMPORT)])
    assert '"edges":[]' in graph_html(view)
