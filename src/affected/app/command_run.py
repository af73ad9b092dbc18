"""Runs the commands that were decided on: restores what the cache has, starts the rest, records.

Unaware of the terminal: what happens is told to an observer. It never blocks longer than it is
asked to, so that tests can run beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from affected.app.command_course import CommandCourse
from affected.app.command_keys import Key
from affected.app.command_record import CommandRecorder, Made
from affected.app.command_results import bring_back, look, look_up, outputs_of, result_of
from affected.app.command_sandbox import Sandboxes
from affected.app.command_state import CommandRow
from affected.app.commands import PASSED, UNVOUCHED, CommandDecision, Commands
from affected.app.session import Request
from affected.errors import UserError
from affected.fs.outputs import OutputTrouble, remove
from affected.hashing.action import ActionResult
from affected.model.command import INFERRED, CommandTarget
from affected.model.path import RepoPath, display
from affected.report.commands import CommandEvent, CommandState
from affected.run.command import Ended, Running, end_all, start, wait
from affected.run.sandbox import Sandbox
from affected.run.schedule import Schedule, Task

RECORD_EVERY = 1.0  # seconds between two recordings: each costs one git status


class CommandRun:
    """The commands of one run; `step` it until it is `over`, then `close` it."""

    def __init__(
        self,
        commands: Commands,
        decision: CommandDecision,
        request: Request,
        jobs: int,
        scratch: Path,
        on_event: Callable[[CommandEvent], None],
    ) -> None:
        self._commands = commands
        self._decision = decision
        self._request = request
        self._scratch = scratch
        self._on_event = on_event
        self._root = commands.workspace.root
        self._running: dict[str, Running] = {}
        self._keys: dict[str, Key] = {}
        self._sandboxes = Sandboxes(commands, scratch)
        self._open: dict[str, Sandbox] = {}
        self._recorder = CommandRecorder(commands)
        self._recorded = time.monotonic()
        self._waits_for_tests = {
            label
            for label in decision.selected
            if commands.plan.targets[label].tests_of and label not in decision.hits
        }
        self.course = CommandCourse()
        tasks = [self._task(label) for label in decision.order if self._is_work(label)]
        self._schedule = Schedule(tasks, jobs, keep_going=request.keep_going)
        _refuse_tracked(commands, decision)

    def _is_work(self, label: str) -> bool:
        return label in self._decision.selected or label in self._decision.hits

    def _task(self, label: str) -> Task:
        target = self._commands.plan.targets[label]
        row = self._commands.state.rows.get(label)
        needs = target.needs
        if label in self._waits_for_tests:
            needs = (*needs, label)  # until the tests have ended
        seconds = row.seconds if row else 0.0
        return Task(label, needs, target.weight, target.resources, seconds)

    @property
    def over(self) -> bool:
        """True when nothing runs and nothing more will."""
        return self._schedule.over

    def tests_ended(self, failed: Collection[RepoPath]) -> None:
        """Tests ended, those of the `failed` projects not well: what waits for them may go on."""
        for label in sorted(self._waits_for_tests):
            target = self._commands.plan.targets[label]
            if not set(target.tests_of).isdisjoint(failed):
                self._schedule.give_up([label])
            else:
                self._schedule.release(label)

    def step(self, seconds: float, others: int = 0) -> None:
        """Starts what may start and takes in what ended; waits for that at most `seconds`.

        `others` are the places that tests take meanwhile.
        """
        while (task := self._schedule.take(others)) is not None:
            self._begin(self._commands.plan.targets[task.label])
        if not self._running:
            return
        for ended in wait(list(self._running.values()), seconds):
            self._end(ended)
        if time.monotonic() - self._recorded >= RECORD_EVERY:
            self._record()

    def stop(self) -> None:
        """Ends everything: the user interrupted."""
        self._schedule.stop()
        self.course.interrupted = True
        for ended in end_all(list(self._running.values())):
            self._give_back(self._commands.plan.targets[ended.label])
            self._running.pop(ended.label)
            self._schedule.end(ended.label, good=False)

    def close(self) -> CommandCourse:
        """Records what is left to be recorded; what came of it all."""
        self._record()
        for label in self._decision.order:
            if self._is_work(label) and label in self._schedule.left | self._schedule.given_up:
                self._tell(label, CommandState.SKIPPED)
        self.course.notices += self._recorder.notices
        return self.course

    # -- one target ------------------------------------------------------------------------

    def _begin(self, target: CommandTarget) -> None:
        label = target.label
        try:
            key = self._keys[label] = self._commands.key(label)
            result = self._reusable(target, key)
            if result is not None and self._restore(target, key, result):
                self._schedule.end(label, good=True)
                return
            remove(self._root, target.outputs)
            self._start(target)
        except UserError as trouble:
            said = f"{trouble.message}\n" + (f"{trouble.hint}\n" if trouble.hint else "")
            self._failed(target, Ended(label, 1, said.encode(), 0.0))

    def _reusable(self, target: CommandTarget, key: Key) -> ActionResult | None:
        label = target.label
        known = self._decision.hits.get(label)
        if known is not None and self._commands.known(label).key == key.name.sha256:
            return known
        if self._request.everything or not target.cache:
            return None
        return look_up(self._commands.workspace.records, {label: key.name.sha256}).get(label)

    def _restore(self, target: CommandTarget, key: Key, result: ActionResult) -> bool:
        """False when it cannot be restored: then the command runs."""
        try:
            said = bring_back(self._root, target, result, self._commands.workspace.records)
            found = look(self._root, target)
        except KeyError:
            return False
        except OutputTrouble as trouble:
            self.course.notices.append(f"{display(target.label)}: {trouble.message}")
            return False
        if found.outputs != outputs_of(target, result):
            return False
        self._recorder.watch(target, found)
        row = CommandRow(key.name.sha256, True, PASSED, result.seconds, time.time(), found.outputs)
        self._commands.learn(target.label, key, row)
        self.course.seconds_saved += result.seconds
        self._tell(target.label, CommandState.RESTORED, seconds=result.seconds, output=said)
        return True

    def _start(self, target: CommandTarget) -> None:
        environment = self._commands.keys.environment(target)
        arguments, folder = target.arguments, self._root / target.folder
        program = self._commands.keys.tools.path(target)
        if program is not None:
            arguments = (program, *arguments[1:])
        if target.sandbox or self._request.sandbox:
            place = self._scratch / f"sandbox-{len(self._keys)}"
            sandbox = self._open[target.label] = self._sandboxes.make(target, place)
            arguments, folder = sandbox.command(arguments), sandbox.folder
            environment = {**environment, **sandbox.variables}
        log = self._scratch / f"command-{len(self._keys)}.txt"
        self._running[target.label] = start(
            target.label, arguments, folder, environment, log, target.timeout
        )
        self._tell(target.label, CommandState.STARTED)

    def _end(self, ended: Ended) -> None:
        target = self._commands.plan.targets[ended.label]
        self._running.pop(ended.label)
        sandbox = self._open.pop(ended.label, None)
        if sandbox is not None:
            ended = replace(ended, output=ended.output + sandbox.advice(ended.output))
            if ended.good:
                sandbox.take_outputs(target.outputs)
            sandbox.close()
        if not ended.good:
            self._failed(target, ended)
            return
        try:
            found = look(self._root, target)
        except OutputTrouble as trouble:
            said = f"{trouble.message}\n{trouble.hint}\n".encode()
            self._failed(target, replace(ended, exit_code=1, output=ended.output + said))
            return
        key = self._keys[target.label]
        sure = self._told_of_outputs(target, found.harvest.missing)
        outcome = PASSED if sure else UNVOUCHED
        row = CommandRow(key.name.sha256, sure, outcome, ended.seconds, time.time(), found.outputs)
        self._commands.learn(target.label, key, row)
        result = result_of(target, found, ended.output, ended.seconds)
        if sure:
            self._recorder.add(Made(target, key, found, result, ended.output))
        self._schedule.end(target.label, good=True)
        self._tell(target.label, CommandState.RAN, seconds=ended.seconds, output=ended.output)

    def _told_of_outputs(self, target: CommandTarget, missing: Collection[RepoPath]) -> bool:
        """False when guessed outputs turned out wrong: the result could not be restored."""
        shown = ", ".join(map(display, missing))
        if target.origin == INFERRED and missing and len(missing) == len(target.outputs):
            self.course.notices.append(
                f"{display(target.label)} wrote none of the outputs that were guessed ({shown}):"
                " declare it to have its result reused"
            )
            return False
        if missing and target.origin != INFERRED:
            self.course.notices.append(f"{display(target.label)} did not write its output {shown}")
        return True

    def _failed(self, target: CommandTarget, ended: Ended) -> None:
        """Takes away what a failed command wrote in part, and says how it failed."""
        self._give_back(target)
        key = self._keys.get(target.label)
        row = CommandRow(
            key.name.sha256 if key else "", False, "failed", ended.seconds, time.time()
        )
        self._commands.state.rows[target.label] = row
        self._commands.state.changed = True
        self._schedule.end(target.label, good=False)
        self._tell(
            target.label,
            CommandState.FAILED,
            seconds=ended.seconds,
            output=ended.output,
            why=_why(ended, target),
        )

    def _give_back(self, target: CommandTarget) -> None:
        try:
            remove(self._root, target.outputs)
        except OutputTrouble as trouble:
            self.course.notices.append(trouble.message)

    def _record(self) -> None:
        self._recorder.record()
        self._recorded = time.monotonic()

    def _tell(
        self,
        label: str,
        state: CommandState,
        *,
        seconds: float = 0.0,
        output: bytes = b"",
        why: str = "",
    ) -> None:
        event = CommandEvent(label, state, seconds, output, why)
        if state is not CommandState.STARTED:
            self.course.events.append(event)
        self._on_event(event)


def _why(ended: Ended, target: CommandTarget) -> str:
    if ended.timed_out:
        return f"it took longer than {target.timeout:g} s"
    if ended.exit_code < 0:
        return f"it was ended by signal {-ended.exit_code}"
    return f"exit code {ended.exit_code}"


def _refuse_tracked(commands: Commands, decision: CommandDecision) -> None:
    """Raises UserError for outputs that are in git: running a target takes its outputs away."""
    repository = commands.workspace.repository
    owners: Mapping[str, str] = {
        output: label
        for label in decision.order
        if label in decision.selected or label in decision.hits
        for output in commands.plan.targets[label].outputs
    }
    if repository is None or not owners:
        return
    for path in repository.tracked(sorted(owners)):
        held = next(
            label
            for output, label in owners.items()
            if commands.plan.targets[label].outputs and _holds(output, path)
        )
        raise UserError(
            f"{display(path)} is in git, but {display(held)} declares it as its output",
            "outputs are removed before each run: name a place that holds nothing else",
        )


def _holds(output: str, path: RepoPath) -> bool:
    from affected.fs.outputs import Cover  # noqa: PLC0415  (on the way to an error)

    return Cover([RepoPath(output)]).holds(path)
