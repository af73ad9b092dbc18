"""`affected gate`. Unaware of where the files come from."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from affected.cli.exit_status import ExitStatus
from affected.cli.output_files import append_to, write_file
from affected.cli.terminal import environment, style_for, write_lines
from affected.errors import UserError


@click.command("gate")
@click.argument("plan", type=click.Path(path_type=Path))
@click.argument("reports", nargs=-1, type=click.Path(path_type=Path), metavar="[REPORT|FOLDER]...")
@click.option("--comment", type=click.Path(path_type=Path), help="Write text for a sticky comment.")
@click.pass_context
def command(
    ctx: click.Context, *, plan: Path, reports: tuple[Path, ...], comment: Path | None
) -> None:
    """Check that every shard of PLAN reported and passed; name those that were lost.

    PLAN is what `affected shards --out` wrote, each REPORT what `affected run --report` wrote; of a
    folder every affected-report-*.json counts. Fails (1) when a shard failed or gave no report.
    """
    from affected.ci.github import step_summary  # noqa: PLC0415
    from affected.ci.plain import gate_markdown  # noqa: PLC0415
    from affected.report.shards import gate_lines, judge, read_plan, read_report  # noqa: PLC0415

    head, shards = read_plan(_read(plan), str(plan))
    files = [file for given in reports for file in _files(given)]
    verdict = judge(head, shards, [read_report(_read(file), str(file)) for file in files])
    environ = environment()
    write_lines(gate_lines(verdict, style_for(sys.stdout, environ)))
    text = gate_markdown(verdict)
    append_to(environ.get("GITHUB_STEP_SUMMARY"), step_summary(text))
    if comment is not None:
        write_file(comment, text)
    ctx.exit(ExitStatus.OK if verdict.good else ExitStatus.FAILED)


def _files(given: Path) -> list[Path]:
    return [given] if given.is_file() else sorted(given.rglob("affected-report-*.json"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}",
            "the job that should have written it failed, or its artifact was not fetched",
        ) from error
