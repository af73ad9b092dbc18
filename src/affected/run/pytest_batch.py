"""Starts one pytest process for a batch and ends it. Unaware of what it writes and why it runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from affected.errors import UserError
from affected.model.path import relative_to
from affected.model.plan import Batch

# Bytes of file names given directly; the kernel's limit is shared with the environment.
_DIRECT = 96 * 1024
_READS_FILES = (8, 2)  # the first pytest that takes arguments from @FILE
_INTERACTIVE = ("-s", "--pdb", "--trace", "--capture=no")


@dataclass(slots=True)
class RunningBatch:
    """A started pytest, the leader of its own process group unless it has the terminal."""

    batch: Batch
    process: subprocess.Popen[bytes]
    spool: Path
    log: Path | None  # None when pytest writes to the terminal itself
    own_group: bool
    started: float  # monotonic

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self.process.poll()

    def interrupt(self) -> None:
        """What Ctrl-C does: pytest finishes its report."""
        self._signal(signal.SIGINT)

    def terminate(self, grace: float) -> int:
        """End the whole group: politely, then after `grace` seconds for good. The exit code."""
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            deadline = time.monotonic() + grace
            while self.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            if self.process.poll() is None:
                self._signal(signal.SIGKILL)
        return self.process.wait()

    def _signal(self, number: int) -> None:
        try:
            if self.own_group:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)
        except (ProcessLookupError, PermissionError):
            pass


def start_batch(
    batch: Batch,
    root: Path,
    environment: Mapping[str, str],
    pytest_args: Sequence[str],
    spool: Path,
    log: Path,
    *,
    color: bool = False,
    pytest_version: str = "",
) -> RunningBatch:
    """Start pytest for `batch`; `spool` is an empty folder, `log` takes what pytest prints.

    `environment` is the tests' whole environment (see `environment.scrub`). Raises UserError when
    the interpreter cannot be started.
    """
    spool.mkdir(parents=True, exist_ok=True)
    variables = _variables(environment, root, spool, log)
    if batch.blocks:
        variables["AFFECTED_BLOCKS"] = "1"
    if batch.skip or batch.ask or batch.dry:
        variables["AFFECTED_CHOICE"] = _choice(batch, spool)
    arguments = _arguments(batch, spool, variables, pytest_version)
    color_choice = "--color=yes" if color else "--color=no"
    command = [batch.interpreter, "-m", "pytest", "-p", "affected_tracer"]
    command += [*_settings_options(batch, root), color_choice, *arguments, *pytest_args]
    interactive = is_interactive(pytest_args)
    try:
        process = _start(command, root / batch.settings.folder, variables, log, interactive)
    except OSError as error:
        raise UserError(
            f"cannot start {batch.interpreter}: {error.strerror or error}",
            "set `python` under [tool.affected] to the interpreter that runs these tests",
        ) from error
    return RunningBatch(
        batch, process, spool, None if interactive else log, not interactive, time.monotonic()
    )


def is_interactive(pytest_args: Sequence[str]) -> bool:
    """True when pytest must have the terminal to itself."""
    return any(argument in _INTERACTIVE for argument in pytest_args)


def _start(
    command: list[str], folder: Path, variables: dict[str, str], log: Path, interactive: bool
) -> subprocess.Popen[bytes]:
    if interactive:
        return subprocess.Popen(command, cwd=folder, env=variables)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    descriptor = os.open(log, flags, 0o600)
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def _variables(
    environment: Mapping[str, str], root: Path, spool: Path, log: Path
) -> dict[str, str]:
    entry = str(Path(__file__).resolve().parent.parent / "tracer" / "entry")
    variables = dict(environment)
    inherited = variables.get("PYTHONPATH")
    variables["PYTHONPATH"] = entry if inherited is None else entry + os.pathsep + inherited
    variables["AFFECTED_SPOOL"] = str(spool)
    variables["AFFECTED_ROOT"] = str(root)
    variables["AFFECTED_LOG"] = str(log)
    return variables


def _choice(batch: Batch, spool: Path) -> str:
    """A file that says what to leave out; its format is the tracer's (see its `choice`)."""
    path = spool / "choice.json"
    told = {"skip": sorted(batch.skip), "ask": batch.ask, "dry": batch.dry}
    path.write_text(json.dumps(told), encoding="ascii")
    return str(path)


def _settings_options(batch: Batch, root: Path) -> list[str]:
    """Options that make pytest pick the configuration the batch was planned with."""
    rootdir = str(root / batch.settings.rootdir)
    # One file that cannot be collected must not keep the others of its batch from running.
    options = ["--rootdir", rootdir, "--continue-on-collection-errors"]
    if batch.settings.config is None:
        # A file above the workspace must not become the configuration.
        options += ["-c", os.devnull, "--confcutdir", rootdir]
    else:
        options += ["-c", str(root / batch.settings.config)]
    if batch.workers:
        options += ["-n", str(batch.workers), "--dist", "loadfile"]
    return options


def _arguments(
    batch: Batch, spool: Path, variables: dict[str, str], pytest_version: str
) -> list[str]:
    """The test files, directly or by way of a file when they are too many."""
    names = list(dict.fromkeys(_argument(target.path, batch) for target in batch.targets))
    if sum(len(os.fsencode(name)) + 1 for name in names) <= _DIRECT:
        return names
    listing = spool / "tests.txt"
    listing.write_bytes(b"\n".join(os.fsencode(name) for name in names) + b"\n")
    if _version(pytest_version) >= _READS_FILES and all(os.fsencode(n).isascii() for n in names):
        return [f"@{listing}"]
    variables["AFFECTED_TESTS"] = str(listing)
    return []


def _argument(path: str, batch: Batch) -> str:
    """How pytest, started in the batch's folder, is told a test file."""
    folder = batch.settings.folder
    name = relative_to(path, folder) if not folder or path.startswith(folder + "/") else ""
    if not name:
        name = os.path.relpath("/" + path, "/" + folder)
    while "[" in name or "::" in name:
        name = name.rpartition("/")[0]  # pytest cannot be told such names: its folder instead
    return "./" + name if name[:1] in ("-", "@", "") else name


def _version(text: str) -> tuple[int, ...]:
    parts = text.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdecimal())
