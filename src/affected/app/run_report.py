"""A finished run as values for JSON and JUnit: every target, every test, ran or reused.

Unaware of files and of how the run went.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from affected.app.catalogue import targets_of
from affected.app.command_course import CommandCourse
from affected.app.command_listing import entry_of
from affected.app.commands import CommandDecision
from affected.app.conclude import Course
from affected.app.decide import Decision
from affected.app.knowledge import Knowledge
from affected.cache.lookup import Lookup, Proof
from affected.model.result import TestResult
from affected.model.selection import Cause
from affected.report.commands import CommandState
from affected.report.junit import Suite
from affected.report.protocol import RunReport, RunSummary, State, TargetEntry, TestEntry
from affected.state.rows import TargetRow


def proofs(knowledge: Knowledge, decision: Decision) -> Mapping[str, Proof]:
    """The observation of each reused target, read from its record."""
    found: dict[str, Proof] = {}
    groups: dict[str, dict[str, str]] = {}
    lookups: dict[str, Lookup] = {}
    for target in targets_of(decision.reused):
        executable = str(knowledge.platforms.executable(target.project))
        if executable not in lookups:
            present = knowledge.present(target.project)
            lookups[executable] = Lookup(knowledge.workspace.records, present)
        groups.setdefault(executable, {})[target.label] = knowledge.manifests.weak(target)
    for executable, keys in groups.items():
        verdicts = lookups[executable].check(keys)
        found.update((k, v) for k, v in verdicts.items() if isinstance(v, Proof))
    return found


def run_report(
    knowledge: Knowledge,
    decision: Decision,
    course: Course,
    reused: Mapping[str, Proof],
    summary: RunSummary,
    *,
    exit_code: int,
) -> RunReport:
    """Everything that `--json` says."""
    targets = [
        _selected(decision.rows[label], decision, course, summary) for label in decision.selected
    ]
    targets += [_entry(row, State.REUSED) for row in decision.reused]
    results: list[TestEntry] = []
    for label in decision.selected:
        results += _tests(knowledge, label, decision, course, dry_run=summary.dry_run)
    for label, proof in reused.items():
        results += _reused(label, proof.results)
    known = {
        label: knowledge.workspace.index.targets(labels=[label])[0] for label in decision.left_out
    }
    targets += [_entry(row, State.LEFT_OUT) for row in known.values()]
    return RunReport(
        base=None,
        head=knowledge.found.state.head,
        changed=tuple(sorted(knowledge.found.changes)),
        targets=tuple(sorted(targets, key=lambda entry: entry.label)),
        results=tuple(sorted(results, key=lambda entry: (entry.target, entry.result_id))),
        summary=summary,
        exit_code=exit_code,
    )


def with_commands(
    report: RunReport, knowledge: Knowledge, done: CommandDecision, course: CommandCourse
) -> RunReport:
    """The same with the command targets among the targets."""
    ended = {event.label: event for event in course.events}
    entries: list[TargetEntry] = []
    for label in done.order:
        event = ended.get(label)
        state = State.REUSED
        if event is not None:
            state = _STATES[event.state]
        elif label in done.selected:
            state = State.SELECTED if report.summary.dry_run else State.UNFINISHED
        row = knowledge.commands.state.rows.get(label)
        seconds = event.seconds if event else row.seconds if row else 0.0
        entry = entry_of(knowledge.commands.plan, label, done.selected.get(label, ()))
        entries.append(replace(entry, state=state, seconds=seconds))
    targets = sorted((*report.targets, *entries), key=lambda entry: entry.label)
    return replace(report, targets=tuple(targets))


_STATES: Final = {
    CommandState.RAN: State.RAN,
    CommandState.RESTORED: State.REUSED,
    CommandState.FAILED: State.FAILED,
    CommandState.SKIPPED: State.UNFINISHED,
}


def suites(decision: Decision, course: Course, reused: Mapping[str, Proof]) -> list[Suite]:
    """One suite a target, reused ones marked."""
    found = [Suite(label, results) for label, results in course.results.items()]
    found += [
        Suite(
            label, tuple(results.values()), decision.partials[label].judged.observation.provenance
        )
        for label, results in course.reused.items()
    ]
    found += [
        Suite(label, proof.results, proof.observation.provenance) for label, proof in reused.items()
    ]
    return found


def _selected(
    row: TargetRow, decision: Decision, course: Course, summary: RunSummary
) -> TargetEntry:
    causes = decision.selected[row.label]
    results = course.results.get(row.label)
    if summary.dry_run:
        return _entry(row, State.SELECTED, causes)
    if not results and course.reused.get(row.label):  # the second stage let all of it go
        return _entry(row, State.REUSED)
    finished = results is not None and row.label in course.complete
    state = State.RAN if finished else State.UNFINISHED
    if any(not result.outcome.good for result in results or ()):
        state = State.FAILED
    return TargetEntry(
        label=row.label,
        kind=row.kind,
        project=row.project,
        causes=causes,
        state=state,
        tests=len(results or ()),
        seconds=sum(result.seconds for result in results or ()),
    )


def _entry(row: TargetRow, state: State, causes: tuple[Cause, ...] = ()) -> TargetEntry:
    return TargetEntry(row.label, row.kind, row.project, causes, state, row.tests, row.seconds)


def _reused(label: str, results: Iterable[TestResult]) -> list[TestEntry]:
    return [TestEntry(r.id, label, State.REUSED, r.outcome, None, r.seconds) for r in results]


def _tests(
    knowledge: Knowledge, label: str, decision: Decision, course: Course, *, dry_run: bool
) -> list[TestEntry]:
    """The entries of a selected target's tests; of the target itself where they are not known."""
    causes, partial = decision.selected[label], decision.partials.get(label)
    known = dict(course.selected.get(label, {}))
    if partial is not None:
        target = targets_of([decision.rows[label]])[0]
        why = knowledge.verifier.why_test
        known.update((id_, why(target, r)[0]) for id_, r in partial.reasons.items())
    reused = course.reused.get(label, {})
    entries = _reused(label, reused.values())
    if not dry_run:
        for result in course.results.get(label, ()):
            cause = known.get(result.id, causes[0])
            entries.append(
                TestEntry(result.id, label, State.RAN, result.outcome, cause, result.seconds)
            )
        return entries
    if partial is None:
        return [TestEntry(label, label, State.SELECTED, None, causes[0])]
    entries += _reused(label, (r for id_, r in partial.results.items() if id_ not in reused))
    entries += [TestEntry(id_, label, State.SELECTED, None, cause) for id_, cause in known.items()]
    return entries
