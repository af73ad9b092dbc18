"""`affected blame`. Unaware of how suspects are found and confirmed."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from affected.app.suspects import blame
from affected.cli.opening import knowledge
from affected.cli.terminal import environment, label_here, style_for, write_lines
from affected.report.blame import blame_lines
from affected.report.jsonl import blame_object, dump


@click.command("blame")
@click.argument("test", metavar="LABEL|TEST")
@click.option("--good", metavar="REV", help="Where it passed. Default: the last one on record.")
@click.option("--bad", metavar="REV", default="HEAD", show_default=True, help="Where it fails.")
@click.option("--run", "running", is_flag=True, help="Confirm it, by bisecting over just those.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(*, test: str, good: str | None, bad: str, running: bool, as_json: bool) -> None:
    """Say which commits changed an input of a test, without running anything.

    Commits whose change the interpreter does not see, or that was undone since, are left out.
    """
    words = sys.stderr if as_json else sys.stdout
    with knowledge() as known:
        report = blame(known, label_here(test, known.workspace.root), good, bad)
        if running and report.suspects:
            from affected.app.bisect import confirm  # noqa: PLC0415  (only when something runs)
            from affected.cli.run_rest import shown  # noqa: PLC0415

            found = confirm(known.workspace, report, lambda k, d, r: shown(k, d, r, words))
            report = replace(report, confirmation=found)
    if as_json:
        sys.stdout.write(dump(blame_object(report)))
    else:
        write_lines(blame_lines(report, style_for(sys.stdout, environment())))
