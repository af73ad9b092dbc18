"""Live progress as a state machine: events in, lines out.

Unaware of the terminal, of threads and of the clock: every call is told the time (monotonic
seconds).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from affected.model.result import Outcome, TestResult
from affected.report.protocol import Counts
from affected.report.style import (
    Style,
    columns,
    duration,
    number,
    plural,
    printable,
    shorten,
    shorten_path,
)

_RUNNING_SHOWN = 6
_BAR = 24


@dataclass(frozen=True, slots=True)
class Started:
    """A test file began: its collection or its first test."""

    label: str


@dataclass(frozen=True, slots=True)
class Tested:
    """One test of a file ended."""

    label: str
    result: TestResult


@dataclass(frozen=True, slots=True)
class Finished:
    """A test file ended, all its tests with it."""

    label: str


Event = Started | Tested | Finished


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is known before the run.

    `seconds` holds each target to run with its recorded seconds, None where there are none;
    `tests` the tests recorded for it, 0 where unknown; `parallel` how many run at once.
    """

    seconds: Mapping[str, float | None]
    tests: Mapping[str, int]
    reused_targets: int
    reused_tests: int
    parallel: int = 1


class Progress:
    """What has happened so far in one run; both displays read it."""

    def __init__(self, expectation: Expectation, now: float) -> None:
        self._expected = expectation
        self._began = now
        self._running: dict[str, float] = {}
        self._tested: dict[str, int] = {}
        self._done: set[str] = set()
        self._outcomes = dict.fromkeys(Outcome, 0)
        known = [value for value in expectation.seconds.values() if value is not None]
        self._typical = sum(known) / len(known) if known else 0.0
        self._left = sum(map(self._expected_seconds, expectation.seconds))
        self._done_expected = 0.0

    def update(self, event: Event, now: float) -> TestResult | None:
        """Take in one event; gives the result back when it is a failure to be named."""
        self._start(event.label, now)
        if isinstance(event, Finished):
            self._finish(event.label)
        elif isinstance(event, Tested):
            self._outcomes[event.result.outcome] += 1
            self._tested[event.label] = self._tested.get(event.label, 0) + 1
            if not event.result.outcome.good:
                return event.result
        return None

    def _start(self, label: str, now: float) -> None:
        if label not in self._done:
            self._running.setdefault(label, now)

    def _finish(self, label: str) -> None:
        self._running.pop(label, None)
        if label in self._done:
            return
        self._done.add(label)
        if label in self._expected.seconds:
            expected = self._expected_seconds(label)
            self._left = max(self._left - expected, 0.0)
            self._done_expected += expected

    def _expected_seconds(self, label: str) -> float:
        recorded = self._expected.seconds.get(label)
        return self._typical if recorded is None else recorded

    @property
    def counts(self) -> Counts:
        """Outcomes so far."""
        found = self._outcomes
        return Counts(
            passed=found[Outcome.PASSED],
            failed=found[Outcome.FAILED],
            errors=found[Outcome.ERROR],
            skipped=found[Outcome.SKIPPED],
            xfailed=found[Outcome.XFAILED],
            xpassed=found[Outcome.XPASSED],
        )

    @property
    def files(self) -> tuple[int, int]:
        """Test files done and to do in all."""
        return len(self._done), max(len(self._expected.seconds), len(self._done))

    @property
    def reused_tests(self) -> int:
        """Tests that need not run."""
        return self._expected.reused_tests

    def running(self) -> list[tuple[str, float]]:
        """Labels under way and when each began, oldest first."""
        return sorted(self._running.items(), key=lambda item: (item[1], item[0]))

    def elapsed(self, now: float) -> float:
        """Seconds since the run began."""
        return max(now - self._began, 0.0)

    def share(self, now: float) -> float:
        """How much is done, 0 to 1, by recorded time where there is any, else by files."""
        done, total = self.files
        whole = self._left + self._done_expected
        if whole <= 0:
            return done / total if total else 1.0
        return min((self._done_expected + self._under_way(now)) / whole, 1.0)

    def seconds_left(self, now: float) -> float | None:
        """Expected wall seconds to the end; None while nothing allows a guess.

        Recorded times, corrected by how fast this run has been against them so far; without
        recorded times the pace of files.
        """
        done, total = self.files
        if done >= total:
            return 0.0
        elapsed = self.elapsed(now)
        if self._typical <= 0:
            return elapsed / done * (total - done) if done else None
        under_way = self._under_way(now)
        usual = max(self._left - under_way, 0.0) / max(self._expected.parallel, 1)
        past = (self._done_expected + under_way) / max(self._expected.parallel, 1)
        weight = past / (past + usual) if past + usual > 0 else 0.0
        pace = min(max(elapsed / past, 0.1), 10.0) if past > 0 else 1.0
        return usual * (1 - weight + weight * pace)

    def _under_way(self, now: float) -> float:
        """Expected seconds already behind us of the files that run."""
        behind = 0.0
        for label, began in self._running.items():
            expected = self._expected_seconds(label)
            tests = self._expected.tests.get(label, 0)
            if tests:
                behind += expected * min(self._tested.get(label, 0) / tests, 1.0)
            else:
                behind += min(now - began, expected)
        return behind


class LiveDisplay:
    """Progress for a terminal: a block of lines that is drawn anew again and again."""

    def __init__(self, progress: Progress, style: Style) -> None:
        self._progress = progress
        self._style = style

    def update(self, event: Event, now: float) -> list[str]:
        """Take in one event; lines that stay on the screen above the block."""
        failure = self._progress.update(event, now)
        return [] if failure is None else [_failure_line(failure, self._style)]

    def lines(self, now: float, width: int) -> list[str]:
        """The block as it stands: one line of figures, then what runs right now."""
        style = self._style
        lines = [self._figures(now, width)]
        running = self._progress.running()
        for label, began in running[:_RUNNING_SHOWN]:
            spent = duration(now - began)
            room = width - len(spent) - 5
            path = shorten_path(printable(label), room, style)
            lines.append(f"  {path}  {style.paint(spent, 'dim')}")
        if len(running) > _RUNNING_SHOWN:
            more = f"  {style.ellipsis} and {len(running) - _RUNNING_SHOWN} more"
            lines.append(shorten(more, width - 1, style))
        return lines

    def _figures(self, now: float, width: int) -> str:
        progress, style = self._progress, self._style
        parts: list[tuple[str, tuple[str, ...]]] = []
        done, total = progress.files
        counts = progress.counts
        parts.append((f"{number(done)}/{number(total)} files", ("bold",)))
        left = progress.seconds_left(now)
        if counts.bad:
            parts.append((f"{number(counts.bad)} failed", ("red", "bold")))
        parts.append((f"{plural(counts.total, 'test')}", ()))
        if left is not None and done < total:
            parts.append((f"{rough(left)} left", ("cyan",)))
        if progress.reused_tests:
            parts.append((f"{number(progress.reused_tests)} reused", ("green",)))
        line, used = self._bar(now, width)
        if not used and columns(parts[0][0]) >= width:
            return shorten(parts[0][0], max(width - 1, 0), style)
        for text, looks in parts:
            if used + 2 + columns(text) > width - 1:
                break
            line += ("  " if used else "") + style.paint(text, *looks)
            used += (2 if used else 0) + columns(text)
        return line

    def _bar(self, now: float, width: int) -> tuple[str, int]:
        cells = min(_BAR, width // 5)
        if cells < 8:  # noqa: PLR2004  # a shorter bar tells nothing
            return "", 0
        full = int(self._progress.share(now) * cells)
        style = self._style
        on, off = ("█", "░") if style.unicode else ("#", ".")
        color = "red" if self._progress.counts.bad else "green"
        return style.paint(on * full, color) + style.paint(off * (cells - full), "dim"), cells


class PlainDisplay:
    """Progress for a log: failures as they happen, and a line of figures now and then."""

    def __init__(self, progress: Progress, style: Style, now: float, every: float = 10.0) -> None:
        self._progress = progress
        self._style = style
        self._every = every
        self._said = now

    def update(self, event: Event, now: float) -> list[str]:
        """Take in one event; the lines to print, often none."""
        failure = self._progress.update(event, now)
        lines = [] if failure is None else [_failure_line(failure, self._style)]
        return lines + self.tick(now)

    def tick(self, now: float) -> list[str]:
        """A line of figures when the last one is `every` seconds old: no silence in a log."""
        if now - self._said < self._every:
            return []
        self._said = now
        done, total = self._progress.files
        if done >= total:
            return []
        counts = self._progress.counts
        said = [f"{number(done)}/{number(total)} files", plural(counts.total, "test")]
        if counts.bad:
            said.append(f"{number(counts.bad)} failed")
        left = self._progress.seconds_left(now)
        if left is not None:
            said.append(f"{rough(left)} left")
        running = self._progress.running()
        if running:
            said.append(f"running {printable(running[0][0])}")
        return [f"[{duration(self._progress.elapsed(now))}] " + ", ".join(said)]


def rough(seconds: float) -> str:
    """A time that is only guessed: "about 40s", "about 3m", not jumping with every event."""
    if seconds < 1:
        return "about 1s"
    if seconds < 10:  # noqa: PLR2004
        return f"about {round(seconds)}s"
    if seconds < 60:  # noqa: PLR2004
        return f"about {round(seconds / 5) * 5}s"
    if seconds < 3600:  # noqa: PLR2004
        return f"about {round(seconds / 60)}m"
    return f"about {duration(round(seconds / 300) * 300)}"


def _failure_line(failure: TestResult, style: Style) -> str:
    word = "ERROR " if failure.outcome is Outcome.ERROR else "FAILED"
    return f"{style.paint(word, 'red', 'bold')} {printable(failure.id)}"
