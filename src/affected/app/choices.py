"""Which tests of a batch are left out, and what came of those in doubt. Unaware of processes."""

from __future__ import annotations

from dataclasses import replace

from affected.app.conclude import Course
from affected.app.decide import Decision
from affected.app.knowledge import Knowledge
from affected.app.second_stage import SecondStage, reused_tests
from affected.app.session import Request
from affected.model.plan import Batch, Plan
from affected.model.selection import Cause, CauseKind
from affected.run.environment import sees_functions
from affected.run.execute import FinishedBatch


def with_choices(knowledge: Knowledge, work: Plan, decision: Decision, request: Request) -> Plan:
    """The plan's batches, told what to see and which tests to leave out."""
    batches: list[Batch] = []
    for batch in work.batches:
        project = batch.targets[0].project
        partials = [
            decision.partials[target.label]
            for target in batch.targets
            if target.label in decision.partials
        ]
        version = knowledge.platforms.interpreter(project).version
        batches.append(
            replace(
                batch,
                blocks=sees_functions(knowledge.platforms.precision(project), version),
                skip=frozenset(id_ for partial in partials for id_ in partial.results),
                ask=any(partial.asked for partial in partials),
                dry=request.dry_run,
            )
        )
    return replace(work, batches=tuple(batches))


def note_reused(
    course: Course, decision: Decision, stage: SecondStage, finished: FinishedBatch
) -> None:
    """Which tests were collected and left out, with the outcomes that are reused."""
    for target in finished.batch.targets:
        ids = finished.harvest.left.get(target.path, ())
        found = reused_tests(decision.partials, stage, target.label, ids)
        if found:
            course.reused[target.label] = {id_: result for id_, (result, _) in found.items()}
        causes = stage.answers.causes.get(target.label)
        if finished.batch.dry:
            course.selected[target.label] = {
                id_: (causes or {}).get(id_, Cause(CauseKind.NEW))
                for id_ in ids
                if id_ not in found
            }
        elif causes:
            course.selected[target.label] = dict(causes)
