"""`affected audit`. Unaware of how a sample is drawn and judged."""

from __future__ import annotations

import random
import re
import sys
from dataclasses import replace

import click

from affected.app.audit import Sample, forget, judge, request_for, sample
from affected.app.conclude import Course
from affected.app.knowledge import Knowledge
from affected.cli.exit_status import ExitStatus
from affected.cli.opening import knowledge
from affected.cli.run_rest import shown
from affected.cli.terminal import environment, style_for, write_lines
from affected.cli.times import seconds_of
from affected.errors import UserError
from affected.report.audit import audit_lines
from affected.report.jsonl import audit_object, dump
from affected.report.protocol import AuditReport


@click.command("audit")
@click.option(
    "--sample", "share", metavar="SHARE", default="2%", show_default=True,
    help="Of the test files that a run would skip.",
)  # fmt: skip
@click.option("--budget", metavar="TIME", help="As many as fit into TIME, instead of a share.")
@click.option("--seed", metavar="N", type=click.IntRange(min=0), help="Draw this sample again.")
@click.option("--reset", is_flag=True, help="Forget all audits, and end a widened precision.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    share: str,
    budget: str | None,
    seed: int | None,
    reset: bool,
    as_json: bool,
) -> None:
    """Run a sample of what would be skipped, and say what was missed.

    The rate of misses is bounded at 95% confidence and kept over time. A miss (a test that its
    proof says passes, and that fails) ends with exit code 4; past one test file in a thousand the
    precision widens by itself until --reset.
    """
    part = _share(share)
    seconds = seconds_of(budget) if budget else None
    drawn_by = random.randrange(1_000_000) if seed is None else seed  # noqa: S311  (no secret)
    with knowledge() as known:
        if reset:
            forget(known.workspace)
            write_lines(["forgotten: all audits, and what came of them"])
            return
        drawn = sample(known, part, seconds, drawn_by)
        report = _audited(known, drawn, as_json=as_json)
    if as_json:
        sys.stdout.write(dump(audit_object(report)))
    else:
        write_lines(audit_lines(report, style_for(sys.stdout, environment())))
    ctx.exit(ExitStatus.VERIFICATION if report.misses else ExitStatus.OK)


def _audited(known: Knowledge, drawn: Sample, *, as_json: bool) -> AuditReport:
    words = sys.stderr if as_json else sys.stdout

    def run(labels: set[str]) -> Course:
        rows = {label: drawn.decision.rows[label] for label in labels}
        causes = {label: drawn.decision.selected[label] for label in labels}
        write_lines(["again, to tell a miss from a flake:"], words)
        only = replace(drawn.decision, rows=rows, selected=causes)
        return shown(known, only, request_for(drawn), words)

    return judge(known, drawn, shown(known, drawn.decision, request_for(drawn), words), run)


def _share(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%", text.strip())
    share = float(found[1]) / 100 if found else 0.0
    if not 0 < share <= 1:
        raise UserError(f"--sample {text} is not a share", "give for example --sample 2%")
    return share
