"""Tiny pytest suites, written into a folder and run for real by some interpreter.

Unaware of what is asserted about them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from affected.model.path import RepoPath
from affected.model.plan import Batch, Plan
from affected.model.target import Target, TargetKind, TestSettings
from affected.run.environment import scrub
from affected.run.execute import FinishedBatch, Progress, execute

_VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
_ASK = "import pytest, sys; print('%d.%d' % sys.version_info[:2], pytest.__version__)"


def write_suite(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below `root`, texts dedented; `root` itself for chaining."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
        path.write_bytes(raw)
    return root


def settings(config: str | None = None, folder: str = "") -> TestSettings:
    """The settings of a suite whose tests start in `folder`."""
    where = RepoPath(folder)
    chosen = None if config is None else RepoPath(config)
    return TestSettings(where, where, chosen, (), ("test_*.py",), (), (), ())


def target(path: str, folder: str = "") -> Target:
    """One test file as a target of the root project."""
    return Target(path, TargetKind.TEST, RepoPath(""), RepoPath(path), RepoPath(folder))


def batch_of(
    paths: Sequence[str],
    *,
    interpreter: str = sys.executable,
    workers: int = 0,
    config: str | None = None,
    folder: str = "",
) -> Batch:
    """A batch of these test files."""
    targets = tuple(target(path, folder) for path in paths)
    return Batch(settings(config, folder), interpreter, targets, workers, None)


def run_suite(
    root: Path,
    paths: Sequence[str] = (),
    *,
    batch: Batch | None = None,
    args: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    events: list[Progress] | None = None,
) -> FinishedBatch:
    """Run `paths` (default: every test_*.py below `root`) as one batch under the tracer."""
    chosen = paths or sorted(p.relative_to(root).as_posix() for p in root.rglob("test_*.py"))
    scratch = root.parent / (root.name + "-scratch")
    scratch.mkdir()
    variables = scrub(os.environ) | {"PYTHONDONTWRITEBYTECODE": "1"}
    variables.pop("PYTHONPATH", None)
    finished = execute(
        Plan((batch or batch_of(chosen),), 1),
        root,
        lambda _batch: variables | dict(environ or {}),
        args,
        scratch,
        (lambda _event: None) if events is None else events.append,
    )
    return finished[-1]


def outcomes(finished: FinishedBatch) -> dict[str, str]:
    """Outcome by test id, over all files."""
    return {
        result.id: result.outcome.value
        for trace in finished.harvest.traces.values()
        for result in trace.results
    }


def other_interpreters() -> dict[str, str]:
    """Executable by version ("3.9"), of the other Pythons here that have pytest."""
    found: dict[str, str] = {}
    for candidate in _candidates():
        answer = subprocess.run(
            [candidate, "-c", _ASK], capture_output=True, text=True, check=False, timeout=30
        )
        version = answer.stdout.partition(" ")[0]
        if answer.returncode == 0 and version in _VERSIONS:
            found.setdefault(version, candidate)
    found.pop("{}.{}".format(*sys.version_info[:2]), None)
    return found


def _candidates() -> list[str]:
    named = os.environ.get("AFFECTED_TEST_PYTHONS", "").split(os.pathsep)
    found = [path for path in named if path]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in _VERSIONS:
        found.extend(map(str, sorted(root.glob(f"versions/{version}*/bin/python"))))
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            path = Path(folder) / f"python{version}"
            if path.is_file() and "shims" not in path.parts:
                found.append(str(path))
    return found
