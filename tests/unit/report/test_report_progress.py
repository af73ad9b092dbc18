"""Live progress and its screen."""

from __future__ import annotations

import re

from affected.model.result import Outcome
from affected.model.result import TestResult as Result
from affected.report.progress import (
    Expectation,
    Finished,
    LiveDisplay,
    PlainDisplay,
    Progress,
    Started,
    rough,
)
from affected.report.progress import Tested as Ended
from affected.report.screen import Screen
from affected.report.style import Style, columns

PLAIN = Style()


def passed(name="t.py::a"):
    return Result(name, Outcome.PASSED, 0.1)


def failed(name="t.py::a"):
    return Result(name, Outcome.FAILED, 0.1, "boom")


def expectation(count=10, seconds=1.0, tests=0, parallel=1):
    labels = [f"t{n}.py" for n in range(count)]
    return Expectation(
        seconds=dict.fromkeys(labels, seconds),
        tests=dict.fromkeys(labels, tests),
        reused_targets=3,
        reused_tests=1204,
        parallel=parallel,
    )


def test_the_live_block_says_what_runs_how_far_it_is_and_how_long_it_takes():
    display = LiveDisplay(Progress(expectation(), 0.0), PLAIN)
    for n in range(5):
        display.update(Started(f"t{n}.py"), float(n))
        display.update(Ended(f"t{n}.py", passed()), n + 1.0)
        display.update(Finished(f"t{n}.py"), n + 1.0)
    display.update(Started("t5.py"), 5.0)
    bar, running = display.lines(5.5, 100)
    assert bar == "███████████░░░░░░░░░  5/10 files  5 tests  about 4s left  1,204 reused"
    assert running == "  t5.py  0.5s"


def test_failures_are_named_as_they_happen_and_counted():
    display = LiveDisplay(Progress(expectation(), 0.0), PLAIN)
    assert display.update(Ended("t0.py", passed()), 1.0) == []
    assert display.update(Ended("t0.py", failed("t0.py::b")), 1.0) == ["FAILED t0.py::b"]
    assert "1 failed" in display.lines(1.0, 100)[0]


def test_lines_never_reach_the_edge_of_the_terminal():
    display = LiveDisplay(Progress(expectation(), 0.0), Style(color=True))
    for n in range(9):
        display.update(Started("deep/" * 30 + f"t{n}.py"), 0.0)
    for width in range(10, 200):
        for line in display.lines(3.0, width):
            assert columns(line) < width


def test_a_slow_run_corrects_the_expectation():
    progress = Progress(expectation(count=10, seconds=1.0), 0.0)
    for n in range(5):
        progress.update(Finished(f"t{n}.py"), 2.0 * (n + 1))
    assert 5.0 < progress.seconds_left(10.0) < 10.0


def test_parallel_files_share_the_expected_time():
    progress = Progress(expectation(count=10, seconds=10.0, parallel=5), 0.0)
    assert progress.seconds_left(0.0) == 20.0


def test_without_recorded_times_the_pace_of_files_counts():
    progress = Progress(expectation(seconds=None), 0.0)
    assert progress.seconds_left(1.0) is None
    progress.update(Finished("t0.py"), 2.0)
    assert progress.seconds_left(2.0) == 18.0
    assert progress.share(2.0) == 0.1


def test_files_without_a_time_count_as_typical():
    labels = {"a.py": 3.0, "b.py": None}
    progress = Progress(Expectation(labels, {}, 0, 0), 0.0)
    assert progress.seconds_left(0.0) == 6.0


def test_tests_done_within_a_file_count():
    progress = Progress(expectation(count=1, seconds=10.0, tests=4), 0.0)
    progress.update(Ended("t0.py", passed()), 2.5)
    assert progress.share(2.5) == 0.25


def test_a_file_that_finishes_twice_counts_once_and_unknown_files_are_harmless():
    progress = Progress(expectation(count=2), 0.0)
    for _ in range(2):
        progress.update(Finished("t0.py"), 1.0)
    progress.update(Ended("other.py", passed()), 1.0)
    progress.update(Finished("other.py"), 1.0)
    assert progress.files == (2, 2)
    assert progress.running() == []


def test_an_empty_run_is_done():
    progress = Progress(expectation(count=0), 0.0)
    assert progress.seconds_left(0.0) == 0.0
    assert progress.share(0.0) == 1.0


def test_a_log_gets_a_line_now_and_then_and_every_failure_at_once():
    display = PlainDisplay(Progress(expectation(), 0.0), PLAIN, 0.0, every=10.0)
    assert display.update(Finished("t0.py"), 1.0) == []
    assert display.update(Ended("t1.py", failed("t1.py::x")), 2.0) == ["FAILED t1.py::x"]
    (line,) = display.tick(12.0)
    assert re.fullmatch(
        r"\[12\.0s\] 1/10 files, 1 test, 1 failed, about \d+\w left, running t1\.py", line
    )
    assert display.tick(13.0) == []


def test_guessed_times_are_rounded():
    assert [rough(s) for s in (0, 7.6, 43, 100, 4000)] == [
        "about 1s",
        "about 8s",
        "about 45s",
        "about 2m",
        "about 1h 05m",
    ]


class Terminal:
    """The little of a terminal that the screen uses: lines, cursor up, clear."""

    def __init__(self):
        self.rows = [""]
        self.row = 0
        self.column = 0
        self.hidden = False
        self.writes = 0

    def write(self, text):
        self.writes += 1
        for piece in re.findall(r"\x1b\[[?\d]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
            self._take(piece)

    def _take(self, piece):
        if piece == "\n":
            self.row += 1
            self.column = 0
            if self.row == len(self.rows):
                self.rows.append("")
        elif piece == "\r":
            self.column = 0
        elif piece == "\x1b[K":
            self.rows[self.row] = self.rows[self.row][: self.column]
        elif piece == "\x1b[J":
            self.rows[self.row] = self.rows[self.row][: self.column]
            del self.rows[self.row + 1 :]
        elif piece in ("\x1b[?25l", "\x1b[?25h"):
            self.hidden = piece.endswith("l")
        elif piece.startswith("\x1b[") and piece.endswith("A"):
            self.row -= int(piece[2:-1])
        else:
            line = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = line[: self.column] + piece + line[self.column + len(piece) :]
            self.column += len(piece)


def test_a_block_is_drawn_in_place_and_leaves_no_trace():
    terminal = Terminal()
    screen = Screen(terminal.write)
    screen.draw(["one", "two two", "three"], 0.0)
    assert terminal.rows == ["one", "two two", "three"]
    assert terminal.hidden
    screen.draw(["uno", "due"], 1.0)
    assert terminal.rows == ["uno", "due"]
    screen.above(["FAILED x"])
    assert terminal.rows == ["FAILED x", "uno", "due"]
    screen.draw(["a", "b", "c", "d"], 2.0)
    assert terminal.rows == ["FAILED x", "a", "b", "c", "d"]
    screen.close()
    assert terminal.rows == ["FAILED x", ""]
    assert not terminal.hidden
    screen.close()
    assert terminal.rows == ["FAILED x", ""]


def test_a_screen_draws_at_most_ten_times_a_second():
    terminal = Terminal()
    screen = Screen(terminal.write)
    for tick in range(1000):
        screen.draw([str(tick)], tick / 1000)
    assert terminal.writes <= 10


def test_a_screen_never_drawn_on_writes_nothing():
    terminal = Terminal()
    screen = Screen(terminal.write)
    screen.draw([], 0.0)
    screen.close()
    assert terminal.writes == 0


def test_lines_above_come_through_without_a_block():
    terminal = Terminal()
    screen = Screen(terminal.write)
    screen.above(["plain"])
    assert terminal.rows == ["plain", ""]
