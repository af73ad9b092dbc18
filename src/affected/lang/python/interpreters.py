"""Interpreters: which Python runs a project's tests, and what it is.

Unaware of what is run with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from affected.errors import UserError
from affected.lang.python.distributions import read_installed
from affected.model.path import RepoPath, ancestors
from affected.model.platform import Interpreter

OLDEST: Final = (3, 9)
"""The oldest Python whose tests can be traced."""

_TOOL_SECONDS: Final = 10.0
_PROBE_SECONDS: Final = 30.0


def find_interpreter(
    root: Path, project: RepoPath, configured: str | None, environ: Mapping[str, str]
) -> Path:
    """The Python that runs the tests of the project at `project`.

    In order: `configured` (relative to the project's folder, or a name on PATH), a `.venv` in the
    project's folder or in one above it within the workspace, `VIRTUAL_ENV`, what `uv` or `poetry`
    names where their lock file lies, the Python that runs us. Raises UserError when `configured`
    or VIRTUAL_ENV names none.
    """
    if configured:
        return _configured(root / project, configured, environ)
    folders = [root / folder for folder in (project, *ancestors(project))] if project else [root]
    for folder in folders:
        python = _python_of(folder / ".venv")
        if python is not None:
            return python
    active = environ.get("VIRTUAL_ENV", "")
    if active:
        python = _python_of(Path(active))
        if python is not None:
            return python
    for folder in folders:
        python = _named_by_tool(folder, environ)
        if python is not None:
            return python
    return Path(sys.executable)


def probe(executable: Path) -> Interpreter:
    """What `executable` says about itself, and what is installed for it.

    Starts it once, in the root folder of the file system, without the variables that change how
    Python starts (`PYTHONPATH`, `PYTHONHOME` and the like); user site-packages stay in force, as
    they do for the tests. Raises UserError when it is no usable Python.
    """
    told = _ask(executable)
    version = tuple(told["version_info"])
    if version < OLDEST:
        raise UserError(
            f"{executable} is Python {_dotted(version)}; tests are run with 3.9 or later",
            hint="name another one: [tool.affected] python",
        )
    folders = tuple(told["site_packages"])
    return Interpreter(
        executable=str(executable),
        version=told["version"],
        version_info=(version[0], version[1], version[2]),
        implementation=told["implementation"],
        platform=told["platform"],
        site_packages=folders,
        prefix=told["prefix"],
        distributions=read_installed(folders),
    )


def require_pytest(interpreter: Interpreter) -> None:
    """Raises UserError, with the command that mends it, when the interpreter has no pytest."""
    if "pytest" not in interpreter.distributions:
        raise UserError(
            f"{interpreter.executable} has no pytest",
            hint=f"install it there: {interpreter.executable} -m pip install pytest",
        )


def interpreter_witness(executable: Path) -> str:
    """A cheap token that changes when the interpreter or its virtual environment is another.

    What is installed for it has its own: `distributions.installed_witness`.
    """
    found = []
    for path in (executable, executable.parent.parent / "pyvenv.cfg"):
        try:
            stat = path.stat()
            found.append(f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}")
        except OSError:
            found.append("-")
    return " ".join(found)


def _configured(folder: Path, configured: str, environ: Mapping[str, str]) -> Path:
    if os.sep not in configured:
        found = _python_of(folder / configured) or _which(configured, environ)
        if found is not None:
            return found
        raise UserError(
            f"[tool.affected] python = {configured!r}: no such command on PATH",
            hint="give a path to an interpreter or to a virtual environment",
        )
    path = Path(os.path.normpath(folder / Path(configured).expanduser()))
    if path.is_dir():
        python = _python_of(path)
        if python is None:
            raise UserError(
                f"[tool.affected] python = {configured!r}: {path} is no virtual environment",
                hint=f"make one: {sys.executable} -m venv {path}",
            )
        return python
    _check_file(path, f"[tool.affected] python = {configured!r}")
    return path


def _check_file(path: Path, subject: str) -> None:
    if not path.exists():
        raise UserError(f"{subject}: {path} does not exist", hint="give the path of a Python")
    if path.is_dir() or not os.access(path, os.X_OK):
        raise UserError(f"{subject}: {path} cannot be executed", hint=f"chmod +x {path}")


def _python_of(environment: Path) -> Path | None:
    for relative in ("bin/python", "bin/python3", "Scripts/python.exe"):
        python = environment / relative
        if python.exists():
            return python
    return None


def _named_by_tool(folder: Path, environ: Mapping[str, str]) -> Path | None:
    """What uv or poetry names for a folder that holds their lock file."""
    for lock, command in _tools(folder):
        if not (folder / lock).is_file():
            continue
        tool = _which(command[0], environ)
        if tool is None:
            continue
        try:
            done = subprocess.run(
                [str(tool), *command[1:]],
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TOOL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        named = os.fsdecode(done.stdout).strip().splitlines()
        if done.returncode == 0 and named and os.access(named[-1], os.X_OK):
            return Path(named[-1])
    return None


def _which(command: str, environ: Mapping[str, str]) -> Path | None:
    """The executable that a command name stands for on PATH."""
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        path = Path(folder, command)
        if folder and path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def _tools(folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "uv.lock", ("uv", "python", "find", "--project", str(folder), "--offline")
    yield "poetry.lock", ("poetry", "env", "info", "--executable", "--no-interaction")


def _ask(executable: Path) -> dict[str, Any]:
    """The answer of the probe. Raises UserError when there is none."""
    _check_file(executable, "interpreter")
    code = (Path(__file__).parent / "probe.py").read_text(encoding="utf-8")
    code = "import sys; sys.path.pop(0)\n" + code
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    try:
        done = subprocess.run(
            [str(executable), "-"],
            cwd=executable.anchor or os.sep,
            env=environ,
            input=code.encode(),
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(
            f"{executable} cannot be started: {error}",
            hint="name another one: [tool.affected] python",
        ) from error
    try:
        told = json.loads(done.stdout.decode("utf-8").strip().splitlines()[-1])
        if isinstance(told, dict) and {"version_info", "site_packages"} <= told.keys():
            return told
    except (ValueError, IndexError):
        pass
    words = done.stderr.decode("utf-8", "replace").strip().splitlines()
    reason = f": {words[-1][:200]}" if words else ""
    raise UserError(
        f"{executable} is not a usable Python (exit {done.returncode}{reason})",
        hint="name another one: [tool.affected] python",
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
