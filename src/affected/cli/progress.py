"""Shows a run as it happens: a live block in a terminal, plain lines in a log.

Unaware of how tests run; it turns the run's events into the display's.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from typing import TextIO

from affected.app.decide import Decision
from affected.cli.terminal import is_live, style_for, write_lines
from affected.report.commands import CommandEvent, event_lines
from affected.report.progress import (
    Expectation,
    Finished,
    LiveDisplay,
    PlainDisplay,
    Started,
    Tested,
)
from affected.report.progress import Progress as Tally
from affected.report.screen import Screen
from affected.run.execute import BatchFinished, Collected, Progress, TestFinished, Waited


class Follower:
    """Takes the run's events and shows them on `stream`."""

    def __init__(self, decision: Decision, stream: TextIO, environ: Mapping[str, str]) -> None:
        style = style_for(stream, environ)
        self._stream = stream
        self._style = style
        now = time.monotonic()
        rows = decision.rows
        tally = Tally(
            Expectation(
                seconds={label: row.seconds or None for label, row in rows.items()},
                tests={label: row.tests for label, row in rows.items()},
                reused_targets=decision.saved.targets,
                reused_tests=decision.saved.tests,
            ),
            now,
        )
        self._left: dict[str, int] = {}
        self._screen: Screen | None = None
        self._live: LiveDisplay | None = None
        self._plain: PlainDisplay | None = None
        if is_live(stream, environ):
            self._live, self._screen = LiveDisplay(tally, style), Screen(stream.write)
        else:
            self._plain = PlainDisplay(tally, style, now)

    def __call__(self, event: Progress | CommandEvent) -> None:
        """Shows one event of the run."""
        match event:
            case CommandEvent():
                self._say(event_lines(event, self._style))
            case Collected(_, file, tests):
                self._left[file] = tests
                if not tests:
                    self._show(Finished(file))
            case TestFinished(_, file, result):
                if file not in self._left:
                    self._left[file] = 1
                self._show(Tested(file, result))
                self._left[file] -= 1
                if self._left[file] <= 0:
                    self._show(Finished(file))
            case Waited():
                self._redraw()
            case BatchFinished(finished):
                for target in finished.batch.targets:
                    self._show(Finished(target.label))

    def _say(self, lines: list[str]) -> None:
        if self._screen is not None:
            self._screen.above(lines)
            self._redraw()
        else:
            write_lines(lines, self._stream)

    def _redraw(self) -> None:
        now = time.monotonic()
        if self._live is not None and self._screen is not None:
            if self._screen.due(now):
                self._screen.draw(self._live.lines(now, shutil.get_terminal_size().columns), now)
                self._stream.flush()
        elif self._plain is not None:
            write_lines(self._plain.tick(now), self._stream)

    def close(self) -> None:
        """Leaves the terminal as it was."""
        if self._screen is not None:
            self._screen.close()
            self._stream.flush()

    def _show(self, event: Started | Tested | Finished) -> None:
        now = time.monotonic()
        if self._live is not None and self._screen is not None:
            self._screen.above(self._live.update(event, now))
            self._redraw()
        elif self._plain is not None:
            write_lines(self._plain.update(event, now), self._stream)
