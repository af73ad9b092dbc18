"""Starts commands and ends them, each with all the processes it started.

Unaware of keys, caches and order. Both streams of a command go to one file, so that their order is
kept; a command leads a process group of its own, and when it ends, or its time is up, so does
whatever it left running there.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GRACE: Final = 2.0  # seconds between asking a group to end and ending it
_NOT_STARTED: Final = 127  # what a shell says of a program that cannot be started
_PAUSE: Final = 0.005  # seconds between two looks where the system cannot tell of ends


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; `output` are both of its streams as it wrote them."""

    label: str
    exit_code: int  # negative: the signal that ended it
    output: bytes
    seconds: float
    timed_out: bool = False

    @property
    def good(self) -> bool:
        """True when its result may be reused."""
        return self.exit_code == 0 and not self.timed_out


@dataclass(slots=True)
class Running:
    """A started command."""

    label: str
    process: subprocess.Popen[bytes] | None  # None: it could not be started
    log: Path
    started: float  # monotonic
    deadline: float | None
    trouble: str = ""
    timed_out: bool = False
    pid_file: int = -1  # a descriptor that tells of its end, -1 without


def start(
    label: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    timeout: float | None,
) -> Running:
    """Start a command; what keeps it from starting is told when it is waited for."""
    now = time.monotonic()
    deadline = None if timeout is None else now + timeout
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
    number = os.open(log, flags, 0o600)
    try:
        process = subprocess.Popen(
            list(arguments),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=number,
            stderr=number,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return Running(label, None, log, now, deadline, f"{arguments[0]}: {why}\n")
    finally:
        os.close(number)
    running = Running(label, process, log, now, deadline)
    with contextlib.suppress(AttributeError, OSError):
        running.pid_file = os.pidfd_open(process.pid)
    return running


def wait(running: Sequence[Running], seconds: float) -> list[Ended]:
    """The commands that ended; waits for the first one, at most so long. Ends what is late."""
    until = time.monotonic() + seconds
    while True:
        ended = [found for one in running if (found := _look(one)) is not None]
        now = time.monotonic()
        if ended or now >= until or not running:
            return ended
        late = [one.deadline for one in running if one.deadline is not None and not one.timed_out]
        _sleep(running, max(min([until, *late]) - now, 0.0))


def end_all(running: Sequence[Running], grace: float = GRACE) -> list[Ended]:
    """End every group: politely, then after `grace` seconds for good."""
    for one in running:
        _signal(one, signal.SIGTERM)
    ended: list[Ended] = []
    deadline = time.monotonic() + grace
    left = list(running)
    while left and time.monotonic() < deadline:
        found = wait(left, deadline - time.monotonic())
        ended += found
        labels = {one.label for one in found}
        left = [one for one in left if one.label not in labels]
    for one in left:
        _signal(one, signal.SIGKILL)
        ended += [_finished(one)]
    return ended


def _sleep(running: Sequence[Running], seconds: float) -> None:
    if any(one.pid_file < 0 for one in running):
        time.sleep(min(seconds, _PAUSE))
        return
    poll = select.poll()
    for one in running:
        poll.register(one.pid_file, select.POLLIN)
    poll.poll(max(1.0, seconds * 1000))


def _look(one: Running) -> Ended | None:
    if one.process is None or _has_ended(one.process):
        return _finished(one)
    if one.deadline is not None and time.monotonic() >= one.deadline:
        if one.timed_out:  # it was asked to end, and did not
            _signal(one, signal.SIGKILL)
            return _finished(one)
        one.timed_out = True
        one.deadline = time.monotonic() + GRACE
        _signal(one, signal.SIGTERM)
    return None


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """True for a process that ended; it is not reaped, so that its group keeps its number."""
    if process.returncode is not None:
        return True
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    try:
        return os.waitid(os.P_PID, process.pid, options) is not None
    except ChildProcessError:
        return True


def _finished(one: Running) -> Ended:
    code = _NOT_STARTED
    if one.process is not None:
        _signal(one, signal.SIGKILL)  # whatever it left running in its group
        code = one.process.wait()
    if one.pid_file >= 0:
        os.close(one.pid_file)
    try:
        output = one.log.read_bytes()
        one.log.unlink()
    except OSError:
        output = b""
    seconds = time.monotonic() - one.started
    return Ended(one.label, code, output + one.trouble.encode(), seconds, one.timed_out)


def _signal(one: Running, number: int) -> None:
    if one.process is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(one.process.pid, number)
