"""What a run would come to, test by test: files in doubt are collected, nothing runs.

Unaware of how it is said.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from affected.app.choices import note_reused, with_choices
from affected.app.conclude import Course
from affected.app.decide import Decision
from affected.app.knowledge import Knowledge
from affected.app.run import execute_plan, plan_of, scratch_folder
from affected.app.second_stage import SecondStage
from affected.app.session import Request
from affected.run.execute import BatchFinished, Progress


def preview(knowledge: Knowledge, decision: Decision, request: Request) -> Course:
    """The course of a run that is not started; `reused` and `selected` tell of files in doubt."""
    doubtful = decision.doubtful
    course = Course()
    stage = SecondStage(knowledge, decision.partials)
    rows = {label: row for label, row in decision.rows.items() if label in doubtful}
    work = plan_of(knowledge, replace(decision, rows=rows), request)
    work = with_choices(knowledge, work, decision, request)

    def follow(event: Progress) -> None:
        if isinstance(event, BatchFinished):
            note_reused(course, decision, stage, event.finished)
            if event.finished.problem:
                course.troubles.append(event.finished.problem)

    with scratch_folder() as scratch:
        execute_plan(knowledge, work, stage, Path(scratch), follow, color=False)
    return course
