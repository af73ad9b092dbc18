"""A project's checkout in which edits are made and undone, and commands that are bounded in time.

Unaware of what the commands say. One checkout serves every tool in turn; what was edited gets its
old bytes and times back, what tests leave behind is cleaned away.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Command, environment_of
from benchmarks.projects import Prepared
from benchmarks.safety.archives import Subject
from benchmarks.safety.file_edits import Edit
from benchmarks.trees import git

_MEMORY = 8 << 30  # bytes of address space for one process
_TRIMMED = "What is measured"
_BLIND = {"PYTHONDONTWRITEBYTECODE": "1", "CI": None, "PYTEST_ADDOPTS": None}


class Hung(Exception):
    """A command did not end in its time."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Place:
    """The checkout of one project, and the folder around it."""

    project: Prepared[Subject]

    @property
    def subject(self) -> Subject:
        """The project as it was asked for."""
        return self.project.recipe

    @property
    def tree(self) -> Path:
        """The checkout."""
        return self.project.tree

    @property
    def home(self) -> Path:
        """Where caches and results of this project are kept."""
        return self.project.tree.parent

    def pytest(self, *options: str, environ: Mapping[str, str | None]) -> Command:
        """Plain pytest on the tests of this project, with more options."""
        cache = ("-o", f"cache_dir={self.home / 'pytest-cache'}")  # testmon cannot do without
        root = f"--rootdir={self.tree}"  # or it is the folder of the file that bounds the search
        words = (str(self.project.python), "-m", "pytest", "-q", root, *cache)
        everything = (*words, *options, *self.subject.arguments)
        return Command("pytest", everything, self.tree, {**_BLIND, **environ}, tuple(range(256)))

    def trim(self) -> None:
        """Leave out, once, what the subject leaves out; committed, so that it is no edit."""
        if git(self.tree, "log", "-1", "--format=%s").strip() == _TRIMMED:
            return
        self.clean()
        if self.subject.removed:
            git(self.tree, "rm", "-rq", "--", *self.subject.removed)
        for path, name in self.subject.slow:
            text = (self.tree / path).read_text(encoding="utf-8")
            if f"def {name}(" not in text:
                raise RuntimeError(f"{self.subject.name} has no test {name} in {path}")
            text = text.replace(f"def {name}(", f"def slow_{name}(")
            (self.tree / path).write_text(text, encoding="utf-8")
        git(self.tree, "commit", "-qa", "--allow-empty", "-m", _TRIMMED)

    def clean(self) -> None:
        """Take away what tests left in the checkout, and undo what they changed."""
        git(self.tree, "checkout", "-q", "--", ".")
        git(self.tree, "clean", "-fdq")

    def clean_but(self, edit: Edit) -> None:
        """Take away what a run left, but not the edit."""
        self.clean()
        for path, raw in edit.files.items():
            place = self.tree / path
            if raw is None:
                place.unlink(missing_ok=True)
            elif not place.exists() or place.read_bytes() != raw:
                self._write(path, raw)

    def forget_recordings(self) -> None:
        """So that the next recording run records everything."""
        shutil.rmtree(self.home / "cost-cache", ignore_errors=True)
        for path in self.home.glob("testmon.db*"):
            path.unlink()

    @contextmanager
    def edited(self, edit: Edit) -> Iterator[None]:
        """The checkout with an edit made; everything is as before at the end."""
        before = {path: self._state(path) for path in edit.files}
        _let_the_second_pass([state for state in before.values() if state is not None])
        made: list[Path] = []
        try:
            for path, raw in edit.files.items():
                made += self._write(path, raw)
            yield
        finally:
            for path, state in before.items():
                if state is None:
                    (self.tree / path).unlink(missing_ok=True)
                else:
                    self._write(path, state[0])
                    os.utime(self.tree / path, ns=(state[1], state[1]))
            for folder in reversed(made):
                shutil.rmtree(folder, ignore_errors=True)
            self.clean()

    def _state(self, path: str) -> tuple[bytes, int] | None:
        place = self.tree / path
        return (place.read_bytes(), place.stat().st_mtime_ns) if place.exists() else None

    def _write(self, path: str, raw: bytes | None) -> list[Path]:
        """Write or remove a file; the folders that were made for it."""
        place = self.tree / path
        if raw is None:
            place.unlink(missing_ok=True)
            return []
        missing = [folder for folder in place.parents if not folder.exists()]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)  # as installers do, so that its folder's time moves
        place.write_bytes(raw)
        return missing[::-1]


def _let_the_second_pass(states: list[tuple[bytes, int]]) -> None:
    """Compiled files know their source by whole seconds and size: an edit needs a later one."""
    latest = max((time_ns // 10**9 for _, time_ns in states), default=0)
    while int(time.time()) <= latest:
        time.sleep(0.05)


def bounded(command: Command, seconds: float) -> Said:
    """Run a command with its whole process group under a limit; Hung when it is passed.

    No process of it may take more than a third of that in CPU time, which a busy machine does not
    stretch.
    """
    process = subprocess.Popen(
        command.words,
        cwd=command.folder,
        env=environment_of(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="backslashreplace",
        start_new_session=True,
    )
    resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    most = int(seconds / 3) + 1
    resource.prlimit(process.pid, resource.RLIMIT_CPU, (most, most + 5))
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Hung(command.name) from None
    finally:
        _end_group(process)
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise Hung(command.name)
    return Said(process.returncode, out, err)


def _end_group(process: subprocess.Popen[str]) -> None:
    """End what the command started and left, and itself."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    finally:
        if process.poll() is None:
            process.communicate()
