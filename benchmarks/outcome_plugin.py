"""A pytest plugin that writes down each test's outcome and each file it opened, as JSON.

    python -m pytest -p outcome_plugin      (with this folder on the import path)

Unaware of the tool that it is there to check, on purpose: it shares no code with its tracer. The
answer goes to the file that OUTCOME_FILE names: {"outcomes": {node id: outcome}, "reads":
{path below the root folder: [test file, …]}, "seconds": {node id: its three phases}}. A read while
a test file is collected counts for it; with OUTCOME_READS=no none is looked for.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

_BAD = {"setup": "error", "call": "failed", "teardown": "error"}


class Recorder:
    """Collects outcomes and opened files of one session."""

    def __init__(self, root: str, target: str, prefix: str) -> None:
        self.root = root + os.sep
        self.prefix = prefix
        self.target = target
        self.current = ""
        self.outcomes: dict[str, str] = {}
        self.reads: dict[str, set[str]] = {}
        self.seconds: dict[str, float] = {}
        self.off = False

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Notes an `open` below the root; called by the interpreter."""
        if self.off or event != "open" or not self.current:
            return
        name = arguments[0]
        if isinstance(name, bytes):
            name = os.fsdecode(name)
        if isinstance(name, str):
            path = os.path.realpath(name)
            if path.startswith(self.root):
                self.reads.setdefault(path[len(self.root) :], set()).add(self.current)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """From here on, what is opened belongs to this file."""
        if isinstance(collector, pytest.Module):
            self.current = collector.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """From here on, what is opened belongs to this test's file."""
        self.current = nodeid.partition("::")[0]

    def seen_from_here(self, node_id: str) -> str:
        """A node id relative to the root folder, wherever pytest found its settings."""
        return node_id.removeprefix(self.prefix)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected is an error of its own; a skipped one a skip."""
        if report.failed:
            self.outcomes[report.nodeid] = "error"
        elif report.skipped:
            self.outcomes[report.nodeid] = "skipped"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The first bad phase decides; then skipped, expected and unexpected."""
        spent = self.seconds.get(report.nodeid, 0.0) + report.duration
        self.seconds[report.nodeid] = round(spent, 6)
        known = self.outcomes.get(report.nodeid, "")
        if known in ("failed", "error"):
            return
        if report.failed:
            self.outcomes[report.nodeid] = _BAD[report.when or "call"]
        elif report.skipped:
            self.outcomes[report.nodeid] = "xfailed" if hasattr(report, "wasxfail") else "skipped"
        elif report.when == "call":
            self.outcomes[report.nodeid] = "xpassed" if hasattr(report, "wasxfail") else "passed"

    def pytest_sessionfinish(self) -> None:
        """Writes everything."""
        self.off = True
        reads = {path: sorted(files) for path, files in sorted(self.reads.items())}
        reads = {
            path: [self.seen_from_here(name) for name in files] for path, files in reads.items()
        }
        outcomes = {self.seen_from_here(name): said for name, said in self.outcomes.items()}
        seconds = {self.seen_from_here(name): spent for name, spent in self.seconds.items()}
        text = json.dumps({"outcomes": outcomes, "reads": reads, "seconds": seconds})
        Path(self.target).write_text(text, encoding="ascii")


def pytest_configure(config: pytest.Config) -> None:
    """Starts to watch, when it is told where to write."""
    target = os.environ.get("OUTCOME_FILE")
    if target:
        here = Path.cwd().resolve()
        above = here.relative_to(config.rootpath.resolve()).as_posix()
        recorder = Recorder(str(here), target, "" if above == "." else above + "/")
        if os.environ.get("OUTCOME_READS") != "no":
            sys.addaudithook(recorder.audit)
        config.pluginmanager.register(recorder, "outcome-recorder")
