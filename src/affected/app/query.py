"""`affected graph`: the workspace's graph, or the part around one path, as plain values.

Unaware of how it is drawn.
"""

from __future__ import annotations

from affected.app.command_explain import command_nodes
from affected.app.knowledge import Knowledge
from affected.errors import UserError
from affected.model.edge import Edge
from affected.model.path import RepoPath, display, name
from affected.report.protocol import GraphNode, GraphView


def graph_view(knowledge: Knowledge, focus: str | None) -> GraphView:
    """Nodes and edges; around `focus` both what it needs and what needs it.

    Raises UserError when the graph does not hold `focus`.
    """
    if focus is not None and ":" in focus and "::" not in focus:
        knowledge.commands.with_inferred()
    if focus in knowledge.commands.plan.targets:
        only, between = command_nodes(knowledge, focus)
        return GraphView(nodes=only, edges=between, focus=focus or "", title=focus or "")
    targets, waits = command_nodes(knowledge, None) if focus is None else ([], [])
    graph = knowledge.catalogue.graph
    nodes = set(graph.nodes())
    if focus is not None:
        path = RepoPath(focus.partition("::")[0])
        if path not in nodes:
            raise UserError(
                f"{display(path)} is not in the import graph",
                "give a Python file's path from the workspace root",
            )
        nodes = graph.closure([path]) | set(graph.dependents([path]))
    tests = {row.path for row in knowledge.workspace.index.targets()}
    ordered = sorted(nodes)
    return GraphView(
        nodes=[
            *(GraphNode(p, _kind(p, tests), _owner(knowledge, p)) for p in ordered),
            *targets,
        ],
        edges=[
            *waits,
            *(
                Edge(source, needed, kind)
                for source in ordered
                for needed, kind in graph.edges(source)
                if needed in nodes
            ),
        ],
        focus=focus or "",
        title=focus or knowledge.workspace.root.name,
    )


def _kind(path: RepoPath, tests: set[RepoPath]) -> str:
    if path in tests:
        return "test"
    if name(path) == "conftest.py":
        return "conftest"
    return "module" if path.endswith(".py") else "file"


def _owner(knowledge: Knowledge, path: RepoPath) -> str:
    from affected.lang.python.targets import owner  # noqa: PLC0415

    project = owner(path, knowledge.catalogue.shape.projects)
    return project.name if project else ""
