"""Concludes a run: the figures, what went unsaid, and the seal when everything is proved.

Unaware of how tests ran.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from affected.app.command_course import CommandCourse
from affected.app.commands import CommandDecision
from affected.app.decide import Decision
from affected.app.knowledge import Knowledge
from affected.app.quarantine import excused
from affected.app.sealing import seal_workspace
from affected.app.session import LAST_STATE_KEY, SETTLED_KEY, Request, nothing
from affected.model.path import display
from affected.model.result import TestResult
from affected.model.selection import Cause
from affected.report.commands import CommandCounts, count_events
from affected.report.protocol import Flake, RunSummary, Unvouched, count, extent

SHOWN = 3  # labels named in one sentence


@dataclass(slots=True)
class Course:
    """What a run has come to so far."""

    started: bool = False
    results: dict[str, tuple[TestResult, ...]] = field(default_factory=dict)  # by label
    reused: dict[str, dict[str, TestResult]] = field(default_factory=dict)  # of the selected
    selected: dict[str, dict[str, Cause]] = field(default_factory=dict)  # by imports' values
    complete: set[str] = field(default_factory=set)
    troubles: list[str] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)  # pytest's own words about failures
    unvouched: list[Unvouched] = field(default_factory=list)
    interrupted: bool = False
    out_of_time: bool = False  # interrupted by the budget
    commands: CommandCourse = field(default_factory=CommandCourse)
    flakes: list[Flake] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)  # tests that passed only when run again


def conclude(
    knowledge: Knowledge,
    decision: Decision,
    course: Course,
    request: Request,
    commands: CommandDecision | None = None,
) -> RunSummary:
    """The run in figures; and, when every target is settled now, the token that says so."""
    results = [result for label in sorted(course.results) for result in course.results[label]]
    counts = count(results)
    silent = sorted(decision.selected.keys() - course.complete) if course.started else []
    troubles = [*course.troubles, *_silent(silent, course)]
    _settle(knowledge, request, course)
    knowledge.workspace.records.finish()  # what goes wrong there is told with the rest
    kept = [result for reused in course.reused.values() for result in reused.values()]
    if not course.started:
        kept = [*kept, *(r for p in decision.partials.values() for r in p.results.values())]
    left = _left(decision, course)
    failures = tuple(result for result in results if not result.outcome.good)
    held, expired = excused(failures, knowledge.workspace.config.quarantine, _today())
    chosen = commands or CommandDecision()
    some = len(decision.selected) + len(chosen.selected)
    known = len(decision.selected) + decision.saved.targets + len(chosen.order)
    return RunSummary(
        selection=extent(some, known),
        selected_targets=len(decision.selected.keys() - left.keys()),
        selected_tests=max(0, sum(row.tests for row in decision.rows.values()) - len(kept)),
        ran_targets=sum(1 for found in course.results.values() if found),
        reused_targets=decision.saved.targets,
        reused_tests=decision.saved.tests + len(kept),
        left_out=len(decision.left_out),
        counts=counts,
        seconds_run=sum(result.seconds for result in results),
        seconds_saved=decision.saved.seconds + sum(result.seconds for result in kept),
        failures=failures,
        flakes=tuple(course.flakes),
        retried=tuple(course.retried),
        quarantined=held,
        notices=(*decision.notices, *expired, *_notices(knowledge), *course.commands.notices),
        unvouched=tuple(course.unvouched),
        troubles=tuple(troubles),
        interrupted=(course.interrupted and not course.out_of_time) or course.commands.interrupted,
        left=tuple(left),
        left_seconds=sum(left.values()),
        dry_run=request.dry_run,
        shard=request.shard,
        elsewhere=decision.elsewhere,
        commands=_counts(course.commands, chosen, dry_run=request.dry_run),
    )


def _counts(course: CommandCourse, done: CommandDecision, *, dry_run: bool) -> CommandCounts:
    """The figures of the command targets."""
    counts = count_events(course.events, len(done.reused), course.seconds_saved)
    if dry_run:
        counts = replace(counts, selected=len(done.selected), restored=len(done.hits))
    return counts


def _settle(knowledge: Knowledge, request: Request, course: Course) -> None:
    """When every target is proved now, the token that says so, and a seal."""
    index = knowledge.workspace.index
    if index.targets(unsettled_only=True) or not knowledge.commands.settled:
        return
    index.put(SETTLED_KEY, knowledge.fresh_token().encode())
    if knowledge.found.state.head and not knowledge.found.dirty:
        index.put(LAST_STATE_KEY, knowledge.found.state.head.encode())
    # A seal costs two looks at git: after commands alone it is left to the next run, which is
    # another edit's as often as not. It speaks for a run without arguments of its own.
    special = request.pytest_args or knowledge.platforms.wanted_precision
    if not special and (course.results or not course.commands.events):
        _seal(knowledge)


def _left(decision: Decision, course: Course) -> dict[str, float]:
    """What a budget left, with the seconds it is expected to take."""
    left = dict(decision.left)
    if course.out_of_time:
        unfinished = decision.selected.keys() - course.complete
        left |= {label: decision.rows[label].seconds for label in unfinished}
    return left


def _today() -> dt.date:
    return dt.datetime.now(tz=dt.UTC).date()


def _seal(knowledge: Knowledge) -> None:
    """Everything is proved: the next run may find so at the cost of git's status."""
    answer = nothing(knowledge.workspace)
    seal_workspace(knowledge.workspace, knowledge.found, knowledge.platforms, answer)


def _silent(labels: Sequence[str], course: Course) -> list[str]:
    """Selected test files without a full set of results: never passed over in silence."""
    if not labels or course.interrupted:
        return []
    shown = ", ".join(display(label) for label in labels[:SHOWN])
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return [f"pytest gave no result, or not all, for {shown}{more}"]


def _notices(knowledge: Knowledge) -> tuple[str, ...]:
    found = knowledge.catalogue.shape.notices
    return (*found, *knowledge.workspace.notices())
