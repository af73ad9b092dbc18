"""Runs what was selected and records what each batch proved, as it ends.

Unaware of argv and of the terminal: what happens is told to an observer as it happens.
"""

from __future__ import annotations

import getpass
import math
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from affected.app.ahead import Ahead
from affected.app.beside import Beside
from affected.app.catalogue import targets_of
from affected.app.choices import note_reused, with_choices
from affected.app.ci_system import this_ci
from affected.app.commands import CommandDecision
from affected.app.conclude import Course
from affected.app.decide import Decision
from affected.app.knowledge import Knowledge
from affected.app.recording import Ran, Recorder
from affected.app.retry import retry
from affected.app.second_stage import SecondStage, reused_tests
from affected.app.session import Request
from affected.ci.plain import writer_name
from affected.errors import UserError
from affected.lang.python.metadata import editable_folders
from affected.model.observation import Provenance
from affected.model.path import name, parent
from affected.model.plan import Batch, Plan
from affected.model.result import TestResult
from affected.report.commands import CommandEvent
from affected.run.environment import scrub
from affected.run.execute import BatchFinished, FinishedBatch, Progress, execute
from affected.run.plan import plan

RECORD_EVERY = 1.0  # seconds between two recordings: each costs one git status
PARTIAL = ("--lf", "--last-failed", "--sw", "--stepwise", "--deselect", "--co", "--collect-only")


def perform(
    knowledge: Knowledge,
    decision: Decision,
    request: Request,
    on_event: Callable[[Progress | CommandEvent], None],
    *,
    color: bool,
    commands: CommandDecision | None = None,
) -> Course:
    """Runs what was selected and records it batch by batch, as each ends; commands beside it."""
    course, stage = Course(started=True), SecondStage(knowledge, decision.partials)
    recorder = _recorder(knowledge, decision, request, stage)
    pending, ahead = list[Ran](), Ahead(knowledge, decision.rows.values())
    last, beside = time.monotonic(), None
    deadline = last + request.budget if request.budget is not None else math.inf

    def follow(event: Progress) -> None:
        nonlocal last
        on_event(event)
        if beside is not None:
            beside.follow(event)
        ahead.follow(event)
        if isinstance(event, BatchFinished):
            ended = event.finished
            _note(course, ended, decision, stage)
            pending.append(Ran(ended.batch, ended.harvest, began, ended.values))
            if time.monotonic() - last >= RECORD_EVERY:
                _record(recorder, pending)
                last = time.monotonic()
        _stop_at(deadline, course)

    work = Plan((), 1)
    if decision.selected:
        work = with_choices(knowledge, plan_of(knowledge, decision, request), decision, request)
    with scratch_folder() as scratch:
        if commands is not None and commands.work:
            beside = Beside(knowledge, commands, request, Path(scratch), on_event)
        began = time.time()
        try:
            execute_plan(knowledge, work, stage, Path(scratch), follow, color=color)
        finally:
            _record_rest(recorder, pending)
        if beside is not None:
            course.commands = beside.finish(decision, course)
    course.unvouched += recorder.unvouched
    course.flakes += recorder.flakes
    if not course.interrupted:
        again = partial(_again, knowledge, decision, request)
        retry(course, request.retries, again, _provenance(knowledge))
    return course


def _stop_at(deadline: float, course: Course) -> None:
    """Ends a run that is out of time as a user would: what finished is kept."""
    if not course.out_of_time and time.monotonic() > deadline:
        course.out_of_time = True
        raise KeyboardInterrupt


def _recorder(
    knowledge: Knowledge, decision: Decision, request: Request, stage: SecondStage
) -> Recorder:
    return Recorder(
        knowledge,
        _provenance(knowledge),
        keep=_reusable(request.pytest_args),
        reused=lambda label, ids: reused_tests(decision.partials, stage, label, ids),
    )


def execute_plan(
    knowledge: Knowledge,
    work: Plan,
    stage: SecondStage,
    scratch: Path,
    follow: Callable[[Progress], None],
    *,
    color: bool,
) -> None:
    """Runs a plan's batches; who waits for a word on tests in doubt gets it from `stage`."""
    execute(
        work,
        knowledge.workspace.root,
        lambda batch: _environment(knowledge, batch),
        lambda batch: knowledge.manifests.arguments(batch.targets[0].project),
        scratch,
        follow,
        color=color,
        keep=False,
        answer=lambda batch, values, libraries: stage.skip(
            [target.label for target in batch.targets], values, libraries
        ),
    )


def _again(
    knowledge: Knowledge, decision: Decision, request: Request, labels: set[str]
) -> dict[str, Sequence[TestResult]]:
    """The results of these files in another run of them, of which nothing is recorded."""
    rows = {label: row for label, row in decision.rows.items() if label in labels}
    found: dict[str, Sequence[TestResult]] = {}
    with scratch_folder() as scratch:
        finished = execute(
            plan_of(knowledge, replace(decision, rows=rows), request),
            knowledge.workspace.root,
            lambda batch: _environment(knowledge, batch),
            lambda batch: knowledge.manifests.arguments(batch.targets[0].project),
            Path(scratch),
            lambda _: None,
        )
    for one in finished:
        for target in one.batch.targets:
            trace = one.harvest.traces.get(target.path)
            if trace is not None:
                found[target.label] = trace.results
    return found


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """A new folder for what processes write; UserError when there is none to be had."""
    try:
        return tempfile.TemporaryDirectory(prefix="affected-")
    except OSError as error:
        raise UserError(
            f"no temporary folder can be written: {error.strerror or error}",
            "free some space, or set TMPDIR to a folder that can be written",
        ) from error


def _record(recorder: Recorder, pending: list[Ran]) -> None:
    if pending:
        recorder.record(pending)
        pending.clear()


def _record_rest(recorder: Recorder, pending: list[Ran]) -> None:
    _record(recorder, pending)
    recorder.finish()


def _note(course: Course, finished: FinishedBatch, decision: Decision, stage: SecondStage) -> None:
    note_reused(course, decision, stage, finished)
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


def plan_of(knowledge: Knowledge, decision: Decision, request: Request) -> Plan:
    """The batches of a decision's targets."""
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
        {p: (platforms.config(p).env, knowledge.manifests.arguments(p)) for p in projects},
    )


def _environment(knowledge: Knowledge, batch: Batch) -> dict[str, str]:
    """What the tests of a batch see.

    What is installed as editable in the environment of `home` is imported from the workspace: its
    folders come before those that the environment names.
    """
    project = batch.targets[0].project
    workspace = knowledge.workspace
    found = scrub(workspace.environ, knowledge.platforms.config(project).env)
    if workspace.home != workspace.root:
        folders = editable_folders(knowledge.platforms.site_packages(project))
        here = [str(workspace.root / Path(folder).relative_to(workspace.home)) for folder in folders
                if Path(folder).is_relative_to(workspace.home)]  # fmt: skip
        found["PYTHONPATH"] = os.pathsep.join([*here, *filter(None, [found.get("PYTHONPATH")])])
    return found


def _reusable(pytest_args: Iterable[str]) -> bool:
    """False when arguments make what runs depend on more than the inputs."""
    return not any(arg.split("=")[0] in PARTIAL for arg in pytest_args)


def _provenance(knowledge: Knowledge) -> Provenance:
    ci = this_ci(knowledge.workspace.environ)
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
