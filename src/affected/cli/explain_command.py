"""`affected explain`. Unaware of how a verdict is made."""

from __future__ import annotations

import sys

import click

from affected.app.explain import explain
from affected.cli.opening import knowledge
from affected.cli.terminal import environment, label_here, style_for, write_lines
from affected.report.answers import explain_lines
from affected.report.jsonl import dump, explain_object


@click.command("explain")
@click.argument("target", metavar="LABEL|TEST")
@click.option("--verbose", "every_input", is_flag=True, help="Name every input.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(*, target: str, every_input: bool, as_json: bool) -> None:
    """Say why a target or test runs, or what proves that it may be skipped."""
    with knowledge() as known:
        report = explain(known, label_here(target, known.workspace.root))
    if as_json:
        sys.stdout.write(dump(explain_object(report)))
        return
    style = style_for(sys.stdout, environment())
    write_lines(explain_lines(report, style, every_input=every_input))
