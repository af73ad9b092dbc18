"""`affected run`: decides, runs what must run, records what it proved, reuses the rest.

Unaware of argv and of the terminal: what happens is told to an observer as it happens.
"""

from __future__ import annotations

import getpass
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from affected.app.catalogue import targets_of
from affected.app.knowledge import Knowledge
from affected.app.listing import LAST_STATE_KEY, change_set, select_by_graph
from affected.app.recording import Ran, Recorder
from affected.app.sealing import seal_workspace
from affected.app.session import SETTLED_KEY, Request, nothing
from affected.ci.detect import detect
from affected.ci.plain import writer_name
from affected.errors import UserError
from affected.model.observation import Provenance
from affected.model.path import RepoPath, display, is_under, name, parent
from affected.model.plan import Batch, Plan
from affected.model.result import TestResult
from affected.model.selection import Cause, CauseKind
from affected.report.protocol import RunSummary, count, extent
from affected.run.environment import scrub
from affected.run.execute import BatchFinished, FinishedBatch, Progress, execute
from affected.run.plan import plan
from affected.selection.shard import split
from affected.state.rows import TargetRow

SHOWN = 3  # labels named in one sentence
RECORD_EVERY = 1.0  # seconds between two recordings: each costs one git status
PARTIAL = ("--lf", "--last-failed", "--sw", "--stepwise", "--deselect", "--co", "--collect-only")


@dataclass(frozen=True, slots=True)
class Decision:
    """What will run and what will not, before anything runs."""

    selected: Mapping[str, tuple[Cause, ...]]  # label → causes
    reused: tuple[TargetRow, ...]
    left_out: tuple[str, ...]  # by the graph alone
    rows: Mapping[str, TargetRow]  # of the selected


def decide(knowledge: Knowledge, request: Request) -> Decision:
    """What must run, each with its causes; everything else with its proof.

    Raises UserError for a label or path that names no target.
    """
    verdicts = knowledge.verify()
    rows = _asked(knowledge, request.labels)
    causes: dict[str, tuple[Cause, ...]] = {}
    for label, row in rows.items():
        if request.everything:
            causes[label] = verdicts.causes.get(label) or (Cause(CauseKind.FORCED),)
        elif not row.settled:
            causes[label] = verdicts.causes.get(label) or (_remembered(row),)
    left_out: frozenset[str] = frozenset()
    if request.base is not None and not request.everything:
        left_out = _beyond_reach(knowledge, request, causes)
        causes = {label: found for label, found in causes.items() if label not in left_out}
    if request.shard is not None:
        causes = _part(causes, rows, request.shard)
    reused = tuple(row for row in rows.values() if row.settled and row.label not in causes)
    return Decision(
        selected=causes,
        reused=reused,
        left_out=tuple(sorted(left_out)),
        rows={label: rows[label] for label in causes},
    )


def _asked(knowledge: Knowledge, labels: Sequence[str]) -> dict[str, TargetRow]:
    rows = {row.label: row for row in knowledge.workspace.index.targets()}
    if not labels:
        return rows
    chosen: dict[str, TargetRow] = {}
    for label in labels:
        wanted = label.partition("::")[0].removeprefix("./").rstrip("/")
        found = [row for row in rows.values() if wanted == "." or is_under(row.label, wanted)]
        if not found:
            raise UserError(
                f"no target is called {display(label)} and none lies below it",
                "`affected list --all` names every target",
            )
        chosen.update((row.label, row) for row in found)
    return chosen


def _remembered(row: TargetRow) -> Cause:
    known = {kind.value: kind for kind in CauseKind}
    return Cause(known.get(row.reason, CauseKind.NEW))


def _beyond_reach(
    knowledge: Knowledge, request: Request, causes: Mapping[str, tuple[Cause, ...]]
) -> frozenset[str]:
    """Targets without any observation that the change since the base cannot reach."""
    diff = change_set(knowledge.workspace, request.base, strict=request.strict)
    targets = knowledge.targets()
    reached = {s.label for s in select_by_graph(knowledge, diff.change_set, targets)}
    new = {label for label, found in causes.items() if found[0].kind is CauseKind.NEW}
    return frozenset(new - reached)


def _part(
    causes: Mapping[str, tuple[Cause, ...]],
    rows: Mapping[str, TargetRow],
    shard: tuple[int, int],
) -> dict[str, tuple[Cause, ...]]:
    number, count = shard
    seconds = {label: rows[label].seconds for label in causes if rows[label].seconds > 0}
    part = split(list(causes), seconds, count)[number - 1]
    return {label: causes[label] for label in part}


@dataclass(slots=True)
class Course:
    """What a run has come to so far."""

    results: dict[str, tuple[TestResult, ...]] = field(default_factory=dict)  # by label
    complete: set[str] = field(default_factory=set)
    troubles: list[str] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)  # pytest's own words about failures
    interrupted: bool = False


def perform(
    knowledge: Knowledge,
    decision: Decision,
    request: Request,
    on_event: Callable[[Progress], None],
    *,
    color: bool,
) -> tuple[Course, Recorder]:
    """Runs what was selected and records it batch by batch, as each ends."""
    course = Course()
    recorder = Recorder(knowledge, _provenance(knowledge), keep=_reusable(request.pytest_args))
    pending: list[Ran] = []
    last = time.monotonic()

    def follow(event: Progress) -> None:
        nonlocal last
        on_event(event)
        if isinstance(event, BatchFinished):
            _note(course, event.finished)
            pending.append(Ran(event.finished.batch, event.finished.harvest, began))
            if time.monotonic() - last >= RECORD_EVERY:
                _record(recorder, pending)
                last = time.monotonic()

    work = _plan(knowledge, decision, request)
    with tempfile.TemporaryDirectory(prefix="affected-") as scratch:
        began = time.time()
        try:
            execute(
                work,
                knowledge.workspace.root,
                lambda batch: _environment(knowledge, batch),
                list(knowledge.manifests.arguments(RepoPath(""))),
                Path(scratch),
                follow,
                color=color,
            )
        finally:
            _record(recorder, pending)
    return course, recorder


def _record(recorder: Recorder, pending: list[Ran]) -> None:
    if pending:
        recorder.record(pending)
        pending.clear()


def _note(course: Course, finished: FinishedBatch) -> None:
    for target in finished.batch.targets:
        trace = finished.harvest.traces.get(target.path)
        if trace is not None:
            course.results[target.label] = trace.results
            if trace.complete:
                course.complete.add(target.label)
    if finished.problem:
        course.troubles.append(finished.problem)
    if finished.summary and any(
        not r.outcome.good for t in finished.batch.targets for r in course.results.get(t.label, ())
    ):
        course.summaries.append(finished.summary)
    course.interrupted |= finished.interrupted


def _plan(knowledge: Knowledge, decision: Decision, request: Request) -> Plan:
    targets = targets_of(decision.rows.values())
    platforms = knowledge.platforms
    projects = {target.project for target in targets}
    interpreters = {project: str(platforms.executable(project)) for project in projects}
    available = {
        interpreters[project]: "pytest-xdist" in platforms.interpreter(project).distributions
        and platforms.config(project).xdist != "off"
        for project in projects
    }
    return plan(
        targets,
        knowledge.catalogue.shape.settings,
        interpreters,
        {label: row.seconds for label, row in decision.rows.items() if row.seconds > 0},
        {label for label, row in decision.rows.items() if row.outcome == "failed"},
        request.jobs or knowledge.workspace.config.jobs or os.cpu_count() or 1,
        available,
        {parent(path) for path in knowledge.files if name(path) == "__init__.py"},
    )


def _environment(knowledge: Knowledge, batch: Batch) -> dict[str, str]:
    project = batch.targets[0].project
    return scrub(knowledge.workspace.environ, knowledge.platforms.config(project).env)


def _reusable(pytest_args: Iterable[str]) -> bool:
    """False when arguments make what runs depend on more than the inputs."""
    return not any(arg.split("=")[0] in PARTIAL for arg in pytest_args)


def _provenance(knowledge: Knowledge) -> Provenance:
    ci = detect(knowledge.workspace.environ)
    state = knowledge.found.state
    return Provenance(
        written=time.time(),
        writer=writer_name(ci, _user(), socket.gethostname()),
        commit=state.head,
        dirty=knowledge.found.dirty,
        run=ci.run,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"


def conclude(
    knowledge: Knowledge,
    decision: Decision,
    course: Course,
    recorder: Recorder | None,
    request: Request,
) -> RunSummary:
    """The run in figures; and, when every target is settled now, the token that says so."""
    results = [result for label in sorted(course.results) for result in course.results[label]]
    counts = count(results)
    silent = sorted(decision.selected.keys() - course.complete) if recorder else []
    troubles = [*course.troubles, *_silent(silent, course)]
    index = knowledge.workspace.index
    if not index.targets(unsettled_only=True):
        index.put(SETTLED_KEY, knowledge.token.encode())
        if knowledge.found.state.head and not knowledge.found.dirty:
            index.put(LAST_STATE_KEY, knowledge.found.state.head.encode())
        _seal(knowledge)
    known = len(index.targets())
    return RunSummary(
        selection=extent(len(decision.selected), known),
        selected_targets=len(decision.selected),
        selected_tests=sum(row.tests for row in decision.rows.values()),
        ran_targets=len(course.results),
        reused_targets=len(decision.reused),
        reused_tests=sum(row.tests for row in decision.reused),
        left_out=len(decision.left_out),
        counts=counts,
        seconds_run=sum(result.seconds for result in results),
        seconds_saved=sum(row.seconds for row in decision.reused),
        failures=tuple(result for result in results if not result.outcome.good),
        notices=_notices(knowledge),
        unvouched=tuple(recorder.unvouched) if recorder else (),
        troubles=tuple(troubles),
        interrupted=course.interrupted,
        dry_run=request.dry_run,
    )


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
    found = [*knowledge.catalogue.shape.notices]
    if knowledge.workspace.index.notice:
        found.append(knowledge.workspace.index.notice)
    if knowledge.workspace.store.notice:
        found.append(knowledge.workspace.store.notice)
    return tuple(found)
