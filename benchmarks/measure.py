"""Paired measurement: two commands in turn, minimum and median of each, one ratio.

Unaware of what the commands do. Runs alternate (A B A B …), so that whatever else the machine does
falls on both alike. Nothing is dropped: every run is in the answer, with the load average before
and after. Times in seconds, memory in bytes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# What would make a run on a CI machine differ from the same run on a laptop.
_UNSET = ("PYTHONDONTWRITEBYTECODE", "CI", "GITHUB_ACTIONS", "AFFECTED_BASE", "AFFECTED_REMOTE")
_KIB_UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, KiB elsewhere


@dataclass(frozen=True, slots=True)
class Command:
    """A command, where it runs, and what differs in its environment (None: unset)."""

    name: str
    words: tuple[str, ...]
    folder: Path
    environ: Mapping[str, str | None]
    accepted: tuple[int, ...] = (0,)  # exit codes that count as done


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run of a command took, its child processes included."""

    wall: float
    cpu: float  # user and system
    peak: int  # resident bytes of the largest process


@dataclass(frozen=True, slots=True)
class Series:
    """All runs of one command; `warm_up` came before them and counts for nothing."""

    name: str
    runs: tuple[Usage, ...]
    warm_up: Usage

    def least(self, what: str) -> float:
        """The minimum of "wall", "cpu" or "peak"."""
        return min(float(getattr(run, what)) for run in self.runs)

    def median(self, what: str) -> float:
        """The median of the same."""
        return statistics.median(float(getattr(run, what)) for run in self.runs)


@dataclass(frozen=True, slots=True)
class Paired:
    """Two series taken in turn, and the load average of a minute before and after."""

    first: Series
    second: Series
    load_before: float
    load_after: float

    def ratio(self, what: str) -> float:
        """Minimum of the first to minimum of the second."""
        below = self.second.least(what)
        return self.first.least(what) / below if below else float("inf")

    def as_json(self) -> dict[str, object]:
        """Everything, runs included."""
        return {
            "load_before": self.load_before,
            "load_after": self.load_after,
            "series": [
                {
                    "name": series.name,
                    "minimum": {what: series.least(what) for what in ("wall", "cpu", "peak")},
                    "median": {what: series.median(what) for what in ("wall", "cpu", "peak")},
                    "runs": [asdict(run) for run in series.runs],
                    "warm_up": asdict(series.warm_up),
                }
                for series in (self.first, self.second)
            ],
            "ratio": {what: self.ratio(what) for what in ("wall", "cpu", "peak")},
        }


def environment_of(command: Command) -> dict[str, str]:
    """The whole environment that a command is given."""
    own = command.environ
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return kept | {name: value for name, value in own.items() if value is not None}


def run_once(command: Command) -> Usage:
    """One run; RuntimeError with the end of its output when it fails."""
    environ = environment_of(command)
    began = time.perf_counter()
    process = subprocess.Popen(
        command.words,
        cwd=command.folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    with process.stdout as stream:
        output = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.accepted:
        tail = output[-2000:].decode("utf-8", "replace")
        raise RuntimeError(f"{command.name} ended with {process.returncode}:\n{tail}")
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIB_UNIT)


def in_turn(
    first: Command,
    second: Command,
    rounds: int,
    before: Callable[[str], None] | None = None,
) -> Paired:
    """`rounds` alternating runs of each, after one of each to warm up.

    `before` is called with a command's name ahead of each of its runs, outside the time taken.
    """
    load_before = os.getloadavg()[0]
    taken: dict[str, list[Usage]] = {first.name: [], second.name: []}
    for turn in range(rounds + 1):
        for command in (first, second) if turn % 2 else (second, first):
            if before is not None:
                before(command.name)
            taken[command.name].append(run_once(command))
    first_series, second_series = (
        Series(name, tuple(usages[1:]), usages[0]) for name, usages in taken.items()
    )
    return Paired(first_series, second_series, load_before, os.getloadavg()[0])


def affected_command(
    name: str, tree: Path, cache: Path, *words: str, accepted: Sequence[int] = (0,)
) -> Command:
    """`affected` from this checkout's sources, on `tree`, with its cache in `cache`."""
    sources = Path(__file__).resolve().parent.parent / "src"
    program = os.environ.get("AFFECTED_BENCHMARK_PROGRAM")
    start = (program,) if program else (sys.executable, "-m", "affected")
    environ = {
        "PYTHONPATH": str(sources),
        "AFFECTED_CACHE_DIR": str(cache),
        "NO_COLOR": "1",
        **dict.fromkeys(_UNSET),
    }
    return Command(name, (*start, *words), tree, environ, tuple(accepted))
