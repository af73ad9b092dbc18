"""Small monorepos on disk, with the real command run on them in a child process.

Unaware of what the command should say. Children see no configuration of the machine, and every
workspace names its own cache folder.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from support import warm
from support.repositories import GitTree, isolated_environ

SOURCE = Path(__file__).resolve().parents[2] / "src"

# The command as its script starts it, from this checkout: the current folder is not imported from.
_START = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'affected'; "
    "runpy.run_module('affected', run_name='__main__', alter_sys=True)"
)
COMMAND = (sys.executable, "-P", "-c", _START, str(SOURCE))

_LEFT_OUT = ("PYTHON", "PYTEST", "VIRTUAL_ENV", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "CLICOLOR")


_AT_START = ("PYTHON", "LC_", "LANG")  # what an interpreter looks at when it starts
# Plugins that no test of ours needs; they cost as much as the rest of pytest's start.
_QUICKER = {"PYTEST_ADDOPTS": "-p no:hypothesispytest -p no:cacheprovider"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a finished command left: exit code and both streams as text."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it said."""
        return self.out + self.err

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def states(self) -> dict[str, str]:
        """State of each target by label, of `run --json`."""
        return {target["label"]: target["state"] for target in self.json["targets"]}

    def tests(self) -> dict[str, tuple[str, str]]:
        """(state, outcome) of each test by id, of `run --json`."""
        return {r["id"]: (r["state"], r["outcome"]) for r in self.json["results"]}

    def ran(self) -> set[str]:
        """Labels of the targets that ran to their end, of `run --json`."""
        return {label for label, state in self.states().items() if state in {"ran", "failed"}}

    def reused(self) -> set[str]:
        """Labels of the targets that were reused, of `run --json`."""
        return {label for label, state in self.states().items() if state == "reused"}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder to run the command in, with a cache folder of its own or shared on purpose."""

    root: Path
    cache: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()  # a command that runs ours, such as `unshare`

    @property
    def tree(self) -> GitTree:
        """Git in this folder."""
        return GitTree(self.root, isolated_environ())

    def environ(self) -> dict[str, str]:
        """What the command sees."""
        kept = {k: v for k, v in isolated_environ().items() if not k.startswith(_LEFT_OUT)}
        return {**kept, **_QUICKER, "AFFECTED_CACHE_DIR": str(self.cache), **self.extra}

    def with_variables(self, **variables: str) -> Checkout:
        """The same, run with more environment variables."""
        return replace(self, extra={**self.extra, **variables})

    def with_command(self, *before: str) -> Checkout:
        """The same, run by the command `before`."""
        return replace(self, before=before)

    def write(self, path: str, content: str | bytes) -> Path:
        """Write a file, its folders too."""
        return self.tree.write(path, content)

    def affected(
        self,
        *arguments: str,
        folder: str = "",
        accept: tuple[int, ...] | None = (0,),
        prepare: Callable[[], None] | None = None,
    ) -> Answer:
        """Run the command to its end in `folder`; AssertionError for another exit code.

        `prepare` runs in the child before it becomes the command; `accept` None takes any code.
        """
        place, environ = self.root / folder, self.environ()
        if self.before or prepare or any(name.startswith(_AT_START) for name in self.extra):
            done = subprocess.run(
                (*self.before, *COMMAND, *arguments),
                cwd=place,
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=120,
                preexec_fn=prepare,
            )
            answer = Answer(done.returncode, _text(done.stdout), _text(done.stderr))
        else:
            ended = warm.ask(arguments, place, environ, 120)
            answer = Answer(ended.code, _text(ended.out), _text(ended.err))
        if accept is not None:
            assert answer.code in accept, f"affected {' '.join(arguments)}: {answer}"
        return answer

    def run(self, *arguments: str, accept: tuple[int, ...] = (0,)) -> Answer:
        """`affected run --json`."""
        return self.affected("run", "--json", *arguments, accept=accept)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the command as the leader of a process group, its output thrown away."""
        return subprocess.Popen(
            (*COMMAND, *arguments),
            cwd=self.root,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_heeds_interrupts,  # noqa: PLW1509  (no threads here)
        )


def _heeds_interrupts() -> None:
    """A test run in the background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end(process: subprocess.Popen[bytes], number: signal.Signals) -> int:
    """Send a signal to the process's whole group and wait; its exit code."""
    os.killpg(process.pid, number)
    return process.wait(timeout=60)


def junit_cases(path: Path) -> dict[tuple[str, str], ET.Element]:
    """The test cases of a JUnit file by (class name, name)."""
    root = ET.parse(path).getroot()  # noqa: S314  (we wrote it)
    return {
        (case.get("classname", ""), case.get("name", "")): case for case in root.iter("testcase")
    }


def monorepo(root: Path, cache: Path, files: Mapping[str, str]) -> Checkout:
    """A repository with these files, committed."""
    GitTree.init(root).commit_files(files)
    return Checkout(root, cache)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
