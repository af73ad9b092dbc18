"""Commands beside tests: one plan, the same places. Unaware of how either runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from affected.app.command_course import CommandCourse
from affected.app.command_run import CommandRun
from affected.app.commands import CommandDecision
from affected.app.conclude import Course
from affected.app.decide import Decision
from affected.app.knowledge import Knowledge
from affected.app.session import Request
from affected.report.commands import CommandEvent
from affected.run.execute import BatchFinished, BatchStarted, Progress

STEP = 0.5  # seconds between two looks at the clock once the tests have ended


class Beside:
    """Lets commands go on while tests run, and brings them to their end afterwards."""

    def __init__(
        self,
        knowledge: Knowledge,
        decision: CommandDecision,
        request: Request,
        scratch: Path,
        on_event: Callable[[CommandEvent], None],
    ) -> None:
        jobs = request.jobs or knowledge.workspace.config.jobs or os.cpu_count() or 1
        self._run = CommandRun(knowledge.commands, decision, request, jobs, scratch, on_event)
        self._batches = 0

    def follow(self, event: Progress) -> None:
        """Something happened to the tests: time for the commands to go on."""
        if isinstance(event, BatchStarted):
            self._batches += max(event.batch.workers, 1)
        elif isinstance(event, BatchFinished):
            self._batches -= max(event.finished.batch.workers, 1)
        self._run.step(0.0, self._batches)

    def finish(self, decision: Decision, course: Course) -> CommandCourse:
        """The tests have ended: runs what is left."""
        try:
            if course.interrupted:
                self._run.stop()
            failed = {
                row.project
                for label, row in decision.rows.items()
                if label not in course.complete
                or any(not result.outcome.good for result in course.results.get(label, ()))
            }
            self._run.tests_ended(failed)
            while not self._run.over:
                self._run.step(STEP)
        except KeyboardInterrupt:
            self._run.stop()
        return self._run.close()
