"""A machine of a CI: a fresh shallow clone of one commit, with the project installed in place.

Unaware of what is run there. The clone lies at the same path for every commit and is made anew each
time; the environment and the cache of `affected` outlive it, as they do in a CI that keeps caches.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.history.stretches import Stretch
from benchmarks.measure import Command
from benchmarks.trees import git, make_out, run_quietly

_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of the stretch; `paths` is how many files it changed, against its first parent."""

    id: str
    date: str
    subject: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """The folders of one stretch."""

    stretch: Stretch
    home: Path
    source: Path  # a bare copy of the whole history

    @staticmethod
    def begin(stretch: Stretch, copy: str) -> Machine:
        """Fetch the history, from `copy` where one is named, and make the environment."""
        home = make_out() / "history" / stretch.name
        home.mkdir(parents=True, exist_ok=True)
        source = home / "source.git"
        if not source.exists():
            words = ("clone", "--quiet", "--bare", copy or stretch.address, str(source))
            git(home, *words)
        machine = Machine(stretch, home, source)
        if not machine.python.exists():
            machine._make_environment()
        return machine

    @property
    def tree(self) -> Path:
        """Where each commit is checked out."""
        return self.home / "tree"

    @property
    def python(self) -> Path:
        """The interpreter of the environment, which is no part of the checkout."""
        return self.home / "environment" / "bin" / "python"

    def commits(self, count: int) -> list[Commit]:
        """The stretch with one commit more before it, oldest first."""
        span = ("--first-parent", f"-{count + 1}", "--format=%x00%H%x01%cs%x01%s", "--name-only")
        said = git(self.source, "log", "-m", *span, self.stretch.end)
        found = []
        for record in said.split("\0")[1:]:
            heading, *paths = record.strip("\n").split("\n")
            id_, date, subject = heading.split("\x01")
            found.append(Commit(id_, date, subject, tuple(path for path in paths if path)))
        return found[::-1]

    def check_out(self, commit: Commit) -> None:
        """A new clone of depth 1, and the project installed from it where its manifests differ."""
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir()
        git(self.tree, "init", "-q", "-b", "main")
        git(self.tree, "fetch", "-q", "--depth", "1", self.source.as_uri(), commit.id)
        git(self.tree, "checkout", "-q", "-B", "main", "FETCH_HEAD")
        exclude = self.tree / ".git" / "info" / "exclude"
        exclude.parent.mkdir(exist_ok=True)
        exclude.write_text("*.egg-info/\n__pycache__/\n", encoding="utf-8")
        self._install()

    def clean(self) -> None:
        """Take away what a run left in the checkout."""
        git(self.tree, "clean", "-fdxq", "-e", "*.egg-info")

    def environ(self) -> dict[str, str]:
        """What CI jobs have, and no more."""
        kept = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR") if key in os.environ}
        path = f"{self.python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.python.parent.parent)}

    def _make_environment(self) -> None:
        folder = self.home / "environment"
        venv = Command("venv", (sys.executable, "-m", "venv", str(folder)), self.home, {})
        run_quietly(venv)
        self._pip(self.home, self.stretch.requirements)

    def _install(self) -> None:
        listed = [f"{folder}/{name}" for folder in self.stretch.packages for name in _MANIFESTS]
        said = git(self.tree, "ls-files", "-s", "--", *listed)
        mark = self.home / "installed.txt"
        if mark.exists() and mark.read_text("utf-8") == said:
            return
        present = [f for f in self.stretch.packages if (self.tree / f).is_dir()]
        words = [word for folder in present for word in ("--editable", f"./{folder}")]
        self._pip(self.tree, ("--no-deps", *words))
        mark.write_text(said, encoding="utf-8")

    def _pip(self, folder: Path, words: Sequence[str]) -> None:
        options = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        command = (str(self.python), *options, *words)
        run_quietly(Command("pip", command, folder, {"PYTHONPATH": None}))
