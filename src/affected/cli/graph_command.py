"""`affected graph`. Unaware of how the graph is made and drawn."""

from __future__ import annotations

import sys
from typing import Final

import click

from affected.app.knowledge import Knowledge
from affected.app.query import graph_view
from affected.cli.opening import knowledge
from affected.cli.terminal import environment, label_here, style_for, write_lines
from affected.errors import UserError

FORMATS: Final = ("text", "json", "dot", "graphml", "html")


@click.command("graph")
@click.option("--focus", metavar="PATH", help="Only what this file needs and what needs it.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
def command(*, focus: str | None, form: str) -> None:
    """Show who needs whom, as text, JSON, DOT, GraphML or a page to look at."""
    with knowledge() as known:
        view = graph_view(known, label_here(focus, known.workspace.root) if focus else None)
        if form == "graphml":
            sys.stdout.write(_graphml(known))
            return
    if form == "text":
        from affected.report.graph_text import graph_lines  # noqa: PLC0415

        write_lines(graph_lines(view, style_for(sys.stdout, environment())))
    elif form == "dot":
        from affected.report.graph_text import graph_dot  # noqa: PLC0415

        sys.stdout.write(graph_dot(view))
    elif form == "html":
        from affected.report.graph_page import graph_html  # noqa: PLC0415

        sys.stdout.write(graph_html(view))
    else:
        from affected.report.jsonl import dump, graph_object  # noqa: PLC0415

        sys.stdout.write(dump(graph_object(view)))


def _graphml(known: Knowledge) -> str:
    try:
        from affected.graph.analysis import to_graphml, to_networkx  # noqa: PLC0415
    except ImportError as error:
        raise UserError("GraphML needs networkx", "pip install 'affected-ci[graph]'") from error
    return to_graphml(to_networkx(known.catalogue.graph, known.targets()))
