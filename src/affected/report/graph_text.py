"""The graph as text and in Graphviz's dot language.

Unaware of files; the json form is in `jsonl`, the page in `graph_page`.
"""

from __future__ import annotations

from affected.model.edge import Edge, EdgeKind
from affected.report.protocol import GraphView
from affected.report.style import Style, plural, printable

_DOT_LOOKS = {
    EdgeKind.LAZY: "dashed",
    EdgeKind.TYPING: "dotted",
    EdgeKind.STRING: "dashed",
    EdgeKind.OBSERVED: "dashed",
}
_SHAPES = {"test": "box", "conftest": "box", "module": "ellipse"}


def graph_lines(view: GraphView, style: Style) -> list[str]:
    """One paragraph a file: what it needs, and of the focused file also who needs it."""
    needs: dict[str, list[Edge]] = {}
    needed_by: dict[str, list[Edge]] = {}
    for edge in view.edges:
        needs.setdefault(edge.source, []).append(edge)
        needed_by.setdefault(edge.needed, []).append(edge)
    lines: list[str] = []
    paths = sorted(node.path for node in view.nodes)
    if view.focus:
        paths = [view.focus, *(path for path in paths if path != view.focus)]
    for path in paths:
        lines.append(style.paint(printable(path), "bold"))
        for edge in _sorted(needs.get(path, []), "needed"):
            kind = style.paint(edge.kind.name.lower(), "dim")
            lines.append(f"  {style.arrow} {printable(edge.needed)}  {kind}")
        if path == view.focus:
            back = "←" if style.unicode else "<-"
            for edge in _sorted(needed_by.get(path, []), "source"):
                kind = style.paint(edge.kind.name.lower(), "dim")
                lines.append(f"  {back} {printable(edge.source)}  {kind}")
    lines.append(f"{plural(len(view.nodes), 'file')}, {plural(len(view.edges), 'edge')}")
    return lines


def _sorted(edges: list[Edge], side: str) -> list[Edge]:
    return sorted(edges, key=lambda edge: (getattr(edge, side), edge.kind))


def graph_dot(view: GraphView) -> str:
    """The graph for Graphviz, nodes and edges sorted, projects as clusters."""
    lines = ["digraph affected {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    by_project: dict[str, list[str]] = {}
    for node in sorted(view.nodes, key=lambda node: node.path):
        looks = f"shape={_SHAPES.get(node.kind, 'note')}"
        if node.path == view.focus:
            looks += ", penwidth=3"
        line = f"{_quoted(node.path)} [{looks}];"
        by_project.setdefault(node.project, []).append(line)
    for position, (project, members) in enumerate(sorted(by_project.items())):
        if project:
            lines.append(f"  subgraph cluster_{position} {{")
            lines.append(f"    label={_quoted(project)};")
            lines += [f"    {member}" for member in members]
            lines.append("  }")
        else:
            lines += [f"  {member}" for member in members]
    for edge in sorted(view.edges, key=lambda edge: (edge.source, edge.needed, edge.kind)):
        look = _DOT_LOOKS.get(edge.kind)
        attributes = f'label="{edge.kind.name.lower()}"' if edge.kind else ""
        if look:
            attributes += f", style={look}"
        tail = f" [{attributes}]" if attributes else ""
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.needed)}{tail};")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
