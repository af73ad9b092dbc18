"""What plain pytest says of every test of a workspace, in the words of `run --json`.

Unaware of the command under test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_PLUGIN = """
import json, os

ROOT = os.path.realpath(os.environ.pop("ORACLE_ROOT"))
OUT = os.environ.pop("ORACLE_OUT")
found = {}


def name(config, nodeid):
    path, mark, rest = nodeid.partition("::")
    whole = os.path.join(str(config.rootpath), path)
    return os.path.relpath(whole, ROOT) + mark + rest


def reason(report):
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


class Oracle:
    def __init__(self, config):
        self.config = config

    def pytest_collectreport(self, report):
        if report.nodeid and report.failed:
            found[name(self.config, report.nodeid)] = ["error", ""]
        elif report.nodeid and report.skipped:
            found[name(self.config, report.nodeid)] = ["skipped", reason(report)]

    def pytest_runtest_logreport(self, report):
        key = name(self.config, report.nodeid)
        known = found.get(key, ["passed", ""])
        if report.failed:
            known = ["failed" if report.when == "call" else "error", ""]
        elif hasattr(report, "wasxfail"):
            known = ["xfailed" if report.skipped else "xpassed", report.wasxfail]
        elif report.skipped:
            known = ["skipped", reason(report)]
        found[key] = known

    def pytest_sessionfinish(self):
        with open(OUT, "w") as stream:
            json.dump(found, stream)


def pytest_configure(config):
    config.pluginmanager.register(Oracle(config))
"""

_COMMAND = (
    *(sys.executable, "-m", "pytest", "-q", "-p", "affected_oracle"),
    *("-p", "no:cacheprovider", "--continue-on-collection-errors"),
)


def plain_pytest(
    root: Path, folders: Iterable[str], scratch: Path, environ: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """(outcome, reason of a skip or expected failure) of each test, by id from the root.

    pytest is started in each folder without arguments. AssertionError when it does not get to its
    end.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "affected_oracle.py").write_text(_PLUGIN)
    out = scratch / "outcomes.json"
    results: dict[str, tuple[str, str]] = {}
    for folder in folders:
        out.unlink(missing_ok=True)
        variables = {
            **environ,
            "PYTHONPATH": str(scratch),
            "ORACLE_ROOT": str(root),
            "ORACLE_OUT": str(out),
        }
        done = subprocess.run(
            _COMMAND,
            cwd=root / folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=120,
        )
        if not out.exists():
            assert done.returncode == 4, os.fsdecode(done.stdout + done.stderr)
            continue
        results.update({key: (a, b) for key, (a, b) in json.loads(out.read_text()).items()})
    return results
