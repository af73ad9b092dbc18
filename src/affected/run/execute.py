"""Runs the batches of a plan and follows them.

Unaware of what is remembered and of how anything is shown.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from affected.model.path import RepoPath
from affected.model.plan import Batch, Plan
from affected.model.result import Outcome, TestResult
from affected.run.leftover import left_over
from affected.run.pytest_batch import RunningBatch, start_batch
from affected.run.spool_reader import Event, SpoolReader
from affected.run.trace_log import Harvest, assemble, test_result

_PAUSE = 0.05  # seconds between two looks
_GRACE = 10.0  # seconds that an interrupted pytest gets to finish its report
_KILL_GRACE = 2.0
_USUAL_EXITS = (0, 1, 2, 5)  # passed, failed, interrupted, nothing collected
_TAIL = 6000  # bytes of the log that explain an unusual exit
_LIBRARIES = ".libraries"  # beside the values: a JSON list of the files of untraced code


@dataclass(frozen=True, slots=True)
class BatchStarted:
    """A pytest process was started."""

    number: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Collected:
    """One test file was collected and has `tests` tests to run."""

    number: int
    file: RepoPath
    tests: int


@dataclass(frozen=True, slots=True)
class TestFinished:
    """One test has its outcome."""

    number: int
    file: RepoPath
    result: TestResult


@dataclass(frozen=True, slots=True)
class FinishedBatch:
    """What a batch left behind. `number` is its place in the plan."""

    number: int
    batch: Batch
    harvest: Harvest
    exit_code: int  # pytest's; negative: the signal that ended it
    seconds: float
    log: Path | None
    summary: str  # pytest's own words about failures, "" when it had none
    problem: str  # why not every test has an outcome, in pytest's words; "" when all is well
    interrupted: bool
    values: bytes = b""  # what import and collection came to, as the tracer wrote it


@dataclass(frozen=True, slots=True)
class Waited:
    """Nothing new for a moment: time for a display to show how long."""


@dataclass(frozen=True, slots=True)
class BatchFinished:
    """A pytest process ended and everything it wrote is read."""

    finished: FinishedBatch


Answer = Callable[[Batch, bytes, Sequence[str]], Collection[str]]
"""From a batch, what import came to in it and the files of the libraries that were loaded: the ids
of the tests that need not run.
"""

Progress = BatchStarted | Collected | TestFinished | Waited | BatchFinished


def _libraries(listed: Path) -> Sequence[str]:
    """The files of code that nobody traces; one that cannot be read where the list is gone."""
    try:
        return [str(one) for one in json.loads(listed.read_text(encoding="ascii"))]
    except (OSError, ValueError):
        return [str(listed)]


@dataclass(slots=True)
class _Followed:
    """A running batch with what was read of it so far."""

    number: int
    running: RunningBatch
    reader: SpoolReader
    events: list[Event] = field(default_factory=list)
    tests: dict[str, dict[int, str]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    answer: Answer | None = None
    values: bytes = b""

    def _answer(self, name: str) -> None:
        """What import came to is known: who waits for a word on it gets one."""
        batch, spool = self.running.batch, self.running.spool
        try:
            self.values = (spool / name).read_bytes()
        except OSError:
            return
        if batch.ask and self.answer is not None:
            part = spool / "answer.part"
            skip = self.answer(batch, self.values, _libraries(spool / (name + _LIBRARIES)))
            part.write_text(json.dumps({"skip": sorted(skip)}))
            part.replace(spool / "answer.json")

    def progress(self) -> list[Progress]:
        """Read on; what is new for the one who watches."""
        fresh = self.reader.poll()
        self.events.extend(fresh)
        found: list[Progress] = []
        for event in fresh:
            match event.tag, event.values:
                case "values", (name,):
                    self._answer(name)
                case "collected", (path, first, ids):
                    self.tests.setdefault(event.process, {}).update(enumerate(ids, first))
                    if path not in self.told:
                        self.told.add(path)
                        found.append(Collected(self.number, RepoPath(path), len(ids)))
                case "test", _:
                    result = test_result(event, self.tests.get(event.process, {}))
                    file = RepoPath(event.values[1])
                    found.append(TestFinished(self.number, file, result))
                case "result", (path, id_, outcome, seconds, message, details):
                    if id_ not in self.told:
                        self.told.add(id_)
                        result = TestResult(id_, Outcome(outcome), seconds, message, details)
                        found.append(TestFinished(self.number, RepoPath(path), result))
        return found


def execute(
    plan: Plan,
    root: Path,
    environment: Callable[[Batch], Mapping[str, str]],
    pytest_args: Sequence[str] | Callable[[Batch], Sequence[str]],
    scratch: Path,
    on_event: Callable[[Progress], None],
    *,
    color: bool = False,
    pytest_versions: Mapping[str, str] | None = None,
    answer: Answer | None = None,
    keep: bool = True,
) -> list[FinishedBatch]:
    """Run every batch, up to `plan.parallel` at once; finished ones in the order of the plan.

    Without `keep` what finished is told and forgotten: of many batches it would not fit. `scratch`
    is an empty folder that the caller removes. Ctrl-C is passed on once, ends the rest: what has
    finished is returned. What a crash or a broken conftest kept from running gets a batch of its
    own. Raises UserError when an interpreter cannot be started.
    """
    waiting, numbers = list(enumerate(plan.batches)), count(len(plan.batches))
    running: list[_Followed] = []
    finished: list[FinishedBatch] = []
    try:
        while waiting or running:
            while waiting and len(running) < plan.parallel:
                number, batch = waiting.pop(0)
                spool = scratch / f"spool-{number}"
                process = start_batch(
                    batch,
                    root,
                    environment(batch),
                    pytest_args(batch) if callable(pytest_args) else pytest_args,
                    spool,
                    scratch / f"log-{number}.txt",
                    color=color,
                    pytest_version=(pytest_versions or {}).get(batch.interpreter, ""),
                )
                running.append(_Followed(number, process, SpoolReader(spool), answer=answer))
                on_event(BatchStarted(number, batch))
            for ended in _look(running, finished if keep else [], on_event, interrupted=False):
                waiting += [(next(numbers), batch) for batch in _left_over(ended, root)]
            if running:
                _wait(on_event)
    except KeyboardInterrupt:
        _interrupt(running, finished, on_event)
    finally:
        for followed in running:
            followed.running.terminate(_KILL_GRACE)
    return sorted(finished, key=lambda one: one.number)


def _wait(on_event: Callable[[Progress], None]) -> None:
    on_event(Waited())
    time.sleep(_PAUSE)


def _look(
    running: list[_Followed],
    finished: list[FinishedBatch],
    on_event: Callable[[Progress], None],
    *,
    interrupted: bool,
) -> list[FinishedBatch]:
    """Tell what is new; the batches that ended since the last look."""
    before = len(finished)
    for followed in list(running):
        code = followed.running.poll()
        for event in followed.progress():
            on_event(event)
        if code is not None:
            running.remove(followed)
            result = _finish(followed, code, interrupted=interrupted)
            finished.append(result)
            on_event(BatchFinished(result))
    return finished[before:]


def _left_over(ended: FinishedBatch, root: Path) -> list[Batch]:
    if not ended.problem or ended.interrupted:
        return []
    left = left_over(ended.batch, ended.harvest, ended.problem, root)
    return [left] if left is not None else []


def _interrupt(
    running: list[_Followed],
    finished: list[FinishedBatch],
    on_event: Callable[[Progress], None],
) -> None:
    """Pass Ctrl-C on, wait a bounded time; a second Ctrl-C ends the waiting."""
    for followed in running:
        if followed.running.own_group:
            followed.running.interrupt()
    deadline = time.monotonic() + _GRACE
    try:
        while running and time.monotonic() < deadline:
            _look(running, finished, on_event, interrupted=True)
            time.sleep(_PAUSE)
    except KeyboardInterrupt:
        pass
    for followed in running:
        followed.running.terminate(_KILL_GRACE)
    _look(running, finished, on_event, interrupted=True)


def _finish(followed: _Followed, code: int, *, interrupted: bool) -> FinishedBatch:
    harvest = assemble(followed.events)
    log = followed.running.log
    content = b""
    if log is not None:
        try:
            content = log.read_bytes()
        except OSError:
            content = b""
    pieces = [content[first:last] for first, last in harvest.summaries]
    problem = ""
    silent = code != 0 and not harvest.pytest_version
    if not interrupted and (code not in _USUAL_EXITS or silent or not harvest.ended):
        problem = _problem(code, content)
        harvest = _with_crashes(harvest, code)
    return FinishedBatch(
        number=followed.number,
        batch=followed.running.batch,
        harvest=harvest,
        exit_code=code,
        seconds=time.monotonic() - followed.running.started,
        log=log,
        summary=b"".join(pieces).decode("utf-8", "replace"),
        problem=problem,
        interrupted=interrupted,
        values=followed.values,
    )


def _problem(code: int, content: bytes) -> str:
    words = content[-_TAIL:].decode("utf-8", "replace").strip()
    return f"pytest {_ending(code)}" + (f"\n{words}" if words else "")


def _ending(code: int) -> str:
    if code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with exit code {code}"


def _with_crashes(harvest: Harvest, code: int) -> Harvest:
    """The test that ran when the process vanished gets an error of its own."""
    if not harvest.running:
        return harvest
    traces = dict(harvest.traces)
    for victim in harvest.running:
        for path, ids in harvest.collected.items():
            if victim.id in ids and path in traces:
                message = f"crashed: the process {_ending(code)} while this test ran"
                result = replace(victim, message=message, details=message)
                results = (*traces[path].results, result)
                traces[path] = replace(traces[path], results=results)
    return replace(harvest, traces=traces)
