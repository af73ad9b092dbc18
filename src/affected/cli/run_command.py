"""`affected run`: parse, run the use case, print, exit. Unaware of how a run is made."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from affected.app.compose import open_workspace
from affected.app.session import Present, Request, nothing_to_do
from affected.cli.output_files import Reports
from affected.cli.terminal import environment, label_here, style_for, write_lines
from affected.cli.times import seconds_of
from affected.config.remote import USUAL, parse_policy
from affected.config.schema import PRECISIONS
from affected.errors import UserError
from affected.report.protocol import RunSummary
from affected.report.text import closing_lines

PYTEST_ARGS: Final = "affected.pytest_args"
SHARD_VARIABLE: Final = "AFFECTED_SHARD"


class RunCommand(click.Command):
    """A command that leaves everything after `--` alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, up to `--`."""
        if "--" in args:
            cut = args.index("--")
            ctx.meta[PYTEST_ARGS] = tuple(args[cut + 1 :])
            args = args[:cut]
        return super().parse_args(ctx, args)


@click.command("run", cls=RunCommand)
@click.argument("labels", nargs=-1, metavar="[LABEL|PATH]... [-- PYTEST ARGS]")
@click.option("--all", "everything", is_flag=True, help="Run everything, proved or not.")
@click.option(
    "--base", metavar="REF", help="Leave out what no change since REF reaches (or: auto)."
)
@click.option("--strict", is_flag=True, help="Fail when the base cannot be resolved.")
@click.option("--dry-run", is_flag=True, help="Decide and say what would run.")
@click.option("--kind", "kinds", metavar="K", multiple=True, help="Only targets of this kind.")
@click.option("--tag", "tags", metavar="T", multiple=True, help="Only targets with this tag.")
@click.option("--keep-going", is_flag=True, help="A failed command stops only what needs it.")
@click.option("--sandbox", is_flag=True, help="Commands see their declared inputs only.")
@click.option("-j", "--jobs", metavar="N", type=click.IntRange(min=1), help="Processes at once.")
@click.option(
    "--retries",
    metavar="N",
    type=click.IntRange(0, 10),
    default=0,
    help="Of failures; they prove nothing.",
)
@click.option("--budget", metavar="TIME", help="Stop after TIME (60s, 5m); name what is left.")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    help="What edits are told apart by; as configured if not given.",
)
@click.option("--shard", metavar="I/N", help="This machine's part of what must run.")
@click.option("--cache", "caches", metavar="MODES", default=USUAL, help="As local:rw,remote:r.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write a JUnit XML report.")
@click.option("--summary", type=click.Path(path_type=Path), help="Write a Markdown summary.")
@click.option("--report", type=click.Path(path_type=Path), help="Write what `gate` reads.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    labels: tuple[str, ...],
    *,
    base: str | None,
    budget: str | None,
    precision: str | None,
    shard: str | None,
    caches: str,
    junit: Path | None,
    summary: Path | None,
    report: Path | None,
    as_json: bool,
    **plain: Any,  # noqa: ANN401  (what the request calls by the same name)
) -> None:
    """Run what a change can have altered, tests and declared targets; reuse every other result.

    What stands after `--` goes to pytest as it is.
    """
    began = time.monotonic()
    environ = environment()
    pytest_args: tuple[str, ...] = ctx.meta.get(PYTEST_ARGS, ())
    part, within = _shard(shard, environ), seconds_of(budget) if budget else None
    workspace = open_workspace(Path.cwd(), environ, policy=parse_policy(caches))
    request = Request(
        labels=tuple(label_here(label, workspace.root) for label in labels),
        base=base or environ.get("AFFECTED_BASE"),
        shard=part,
        pytest_args=pytest_args,
        details=bool(junit or as_json),
        budget=within,
        **plain,
    )
    with closing(workspace):
        if not request.dry_run:
            workspace.records.catch_up()
        present = Present(workspace, pytest_args)
        present.platforms.wanted_precision = precision or ""
        quick = nothing_to_do(present, request)
        wanted = Reports(junit, summary, report, as_json=as_json)
        if quick is not None and not wanted.anyone(environ):
            _say(replace(quick, seconds_wall=time.monotonic() - began))
            return
        from affected.cli.run_rest import finish  # noqa: PLC0415  (only when there is work)

        ctx.exit(finish(present, request, began, wanted))


def _say(summary: RunSummary) -> None:
    write_lines(closing_lines(summary, style_for(sys.stdout, environment())))


def _shard(text: str | None, environ: Mapping[str, str]) -> tuple[int, int] | None:
    """(number from 1, count) of `I/N`; else what AFFECTED_SHARD or the CI's variables say."""
    text = text or environ.get(SHARD_VARIABLE)
    if not text:
        from affected.ci.detect import SHARDS, find_shard  # noqa: PLC0415

        found = find_shard(environ)
        if found and found.total is None:
            click.echo(f"warning: {SHARDS} is not set, so this machine runs everything", err=True)
        return (found.index + 1, found.total) if found and found.total else None
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise UserError(f"--shard {text} is not I/N", "give for example --shard 2/8, from 1 to 8")
    return int(number), int(count)
