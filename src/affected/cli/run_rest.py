"""The rest of `affected run` when there is work: run it, show it, write the reports.

Unaware of argv. Kept apart so that a run with nothing to do loads none of this.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from affected.app.choose import choose
from affected.app.commands import CommandDecision
from affected.app.conclude import Course, conclude
from affected.app.decide import Decision
from affected.app.knowledge import Knowledge
from affected.app.session import Present, Request
from affected.cli.exit_status import ExitStatus
from affected.cli.output_files import Reports, append_to, write_file
from affected.cli.terminal import environment, style_for, wants_color, write_lines
from affected.model.path import display
from affected.report.protocol import RunSummary
from affected.report.style import Style, duration, number
from affected.report.text import cause_words, closing_lines

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def finish(
    present: Present,
    request: Request,
    began: float,
    reports: Reports,
) -> ExitStatus:
    """Decides, runs, reports; the exit status of the command."""
    environ = environment()
    started = time.time()
    knowledge = Knowledge(present)
    decision, commands = choose(knowledge, request)
    words = sys.stderr if reports.as_json else sys.stdout
    style = style_for(words, environ)
    if request.dry_run and not reports.as_json:
        write_lines(_would_run(decision, style) + _would_run(commands, style))
    course = Course()
    if decision.doubtful and request.dry_run:
        from affected.app.preview import preview  # noqa: PLC0415  (only to ask imports)

        course = preview(knowledge, decision, request)
    elif (decision.selected or commands.work) and not request.dry_run:
        course = shown(knowledge, decision, request, words, commands)
    found = conclude(knowledge, decision, course, request, commands)
    found = replace(found, seconds_wall=time.monotonic() - began)
    status = exit_status(found)
    for text in course.summaries:
        write_lines(text.rstrip("\n").splitlines(), words)
    _summaries(found, reports.summary, environ)
    if environ.get("GITHUB_ACTIONS") == "true" and found.failures:
        from affected.ci.github import failure_commands  # noqa: PLC0415

        root = knowledge.workspace.root
        write_lines(failure_commands(found.failures, lambda path: (root / path).is_file()), words)
    if reports.shard is not None:
        _for_the_gate(found, knowledge.found.state.head, reports.shard)
    if course.summaries:  # pytest has just named the failures
        found = replace(found, failures=())
    write_lines(closing_lines(found, style), words)
    if request.details:
        _details(knowledge, decision, commands, course, found, started, reports)
    return status


def shown(
    knowledge: Knowledge,
    decision: Decision,
    request: Request,
    words: TextIO,
    commands: CommandDecision | None = None,
) -> Course:
    """Performs the run and shows it as it happens."""
    from affected.app.run import perform  # noqa: PLC0415  (only when something runs)
    from affected.cli.progress import Follower  # noqa: PLC0415

    environ = environment()
    follower = Follower(decision, words, environ)
    # A CI that cancels a job says so with SIGTERM: what finished is kept then, too.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        color = wants_color(words, environ)
        return perform(knowledge, decision, request, follower, color=color, commands=commands)
    finally:
        signal.signal(signal.SIGTERM, before)
        follower.close()


def _details(
    knowledge: Knowledge,
    decision: Decision,
    commands: CommandDecision,
    course: Course,
    found: RunSummary,
    started: float,
    reports: Reports,
) -> None:
    """The reports that name every test, reused ones too."""
    from affected.app.run_report import proofs, run_report, suites, with_commands  # noqa: PLC0415
    from affected.report.jsonl import dump, run_object  # noqa: PLC0415
    from affected.report.junit import junit_xml  # noqa: PLC0415

    reused = proofs(knowledge, decision)
    if reports.junit is not None:
        xml = junit_xml(suites(decision, course, reused), started=started, wall=found.seconds_wall)
        write_file(reports.junit, xml)
    if reports.as_json:
        status = int(exit_status(found))
        report = run_report(knowledge, decision, course, reused, found, exit_code=status)
        report = with_commands(report, knowledge, commands, course.commands)
        sys.stdout.write(dump(run_object(report)))


def _for_the_gate(found: RunSummary, head: str, path: Path) -> None:
    from affected.report.jsonl import dump  # noqa: PLC0415
    from affected.report.shards import report_object  # noqa: PLC0415

    write_file(path, dump(report_object(found, head, int(exit_status(found)))))


def exit_status(summary: RunSummary) -> ExitStatus:
    """Interrupted before failed before fine."""
    if summary.interrupted:
        return ExitStatus.INTERRUPTED
    if summary.bad or summary.troubles or summary.commands.failed or summary.commands.skipped:
        return ExitStatus.FAILED
    return ExitStatus.OK


def _would_run(decision: Decision | CommandDecision, style: Style) -> list[str]:
    lines = []
    for label in sorted(decision.selected):
        words = style.paint(cause_words(decision.selected[label][0]), "dim")
        lines.append(f"{display(label)}  {words}")
    return lines


def _summaries(found: RunSummary, asked: Path | None, environ: Mapping[str, str]) -> None:
    step = environ.get(STEP_SUMMARY)
    if asked is None and not step:
        return
    from affected.ci.github import step_summary  # noqa: PLC0415
    from affected.ci.plain import markdown_summary  # noqa: PLC0415

    good = "failed" if found.bad or found.troubles else "passed"
    rows = [
        ("Tests run", number(found.counts.total)),
        ("Tests reused", number(found.reused_tests)),
        ("Failed", number(found.counts.bad)),
        ("Time saved", duration(found.seconds_saved)),
        ("Time taken", duration(found.seconds_wall)),
    ]
    text = markdown_summary(f"affected: {good}", rows, found.failures, found.notices)
    if asked is not None:
        write_file(asked, text)
    append_to(step, step_summary(text))
