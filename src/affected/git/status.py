"""The state of a working tree against HEAD and git's index, and a status that is still running.

Unaware of submodules' insides: whoever starts a status says how an answer is expanded.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from affected.errors import UserError
from affected.git.output import (
    ParsedStatus,
    StatusEntry,
    StatusKind,
    parse_raw_diff,
    parse_status,
)
from affected.git.process import Git, failure, finish, stop
from affected.git.status_command import STATUS
from affected.model.path import RepoPath, join

# Every entry whose stat differs from git's index, whether or not its content does.
TOUCHED: Final = ("diff-files", "--raw", "-z", "--no-renames", "--ignore-submodules=all")


@dataclass(frozen=True, slots=True)
class Status:
    """What differs from HEAD or from git's index, submodules' insides under their full path.

    `submodules` are the ones whose commit or inside differs.
    """

    head: str  # "" while the branch has no commit yet
    branch: str  # "" when HEAD is detached
    changes: Mapping[RepoPath, StatusKind]
    submodules: tuple[RepoPath, ...]


class PendingStatus:
    """A `git status` that runs while its starter does something else."""

    __slots__ = ("_closed", "_expand", "_inside", "_processes", "_status")

    def __init__(
        self,
        git: Git,
        expand: Callable[[ParsedStatus], Status],
        inside: Mapping[RepoPath, PendingStatus] | None = None,
    ) -> None:
        """With `inside` (submodules' own statuses) stat differences are asked for too."""
        self._expand = expand
        self._inside = inside or {}
        self._status: Status | None = None
        self._closed = False
        commands = (STATUS,) if inside is None else (STATUS, TOUCHED)
        self._processes: list[tuple[tuple[str, ...], subprocess.Popen[bytes]]] = []
        for command in commands:
            self._processes.append((command, git.start(*command)))

    def result(self) -> Status:
        """Wait for git and say what it found; the same value when asked again.

        UserError when git fails or was closed: a failed status is never "nothing changed".
        """
        if self._status is None:
            if self._closed:
                raise UserError("git status was ended before it could answer")
            try:
                parsed = parse_status(self._output(0))
                if len(self._processes) > 1:
                    parsed = _with_touched(parsed, self._output(1))
                within = {path: pending.result() for path, pending in self._inside.items()}
            finally:
                self.close()
            self._status = _joined(self._expand(parsed), within)
        return self._status

    def close(self) -> None:
        """End git when its answer is no longer wanted; harmless afterwards."""
        self._closed = True
        for _, process in self._processes:
            stop(process)
        for pending in self._inside.values():
            pending.close()

    def _output(self, position: int) -> bytes:
        command, process = self._processes[position]
        answer = finish(process)
        if answer.status != 0:
            raise failure(command, answer)
        return answer.stdout


def _with_touched(parsed: ParsedStatus, raw: bytes) -> ParsedStatus:
    known = {entry.path for entry in parsed.entries}
    touched = tuple(
        StatusEntry(change.path, StatusKind.MODIFIED)
        for change in parse_raw_diff(raw)
        if change.path not in known
    )
    return ParsedStatus(parsed.head, parsed.branch, parsed.entries + touched)


def _joined(status: Status, within: Mapping[RepoPath, Status]) -> Status:
    """`status` with what submodules say of themselves, where it does not say it already."""
    if not within:
        return status
    changes = dict(status.changes)
    for path, inside in within.items():
        for below, kind in inside.changes.items():
            changes.setdefault(join(path, below), kind)
    return Status(status.head, status.branch, changes, status.submodules)
