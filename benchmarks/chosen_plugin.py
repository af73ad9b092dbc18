"""A pytest plugin that writes down which tests are left after everyone's deselection, as JSON.

    python -m pytest --collect-only -p chosen_plugin      (with this folder on the import path)

Unaware of who deselects. The answer goes to the file that CHOSEN_FILE names: {"tests": [node id,
…], "broken": [file that cannot be collected, …]}.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_BROKEN = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is broken yet."""
    config.stash[_BROKEN] = []
    config.pluginmanager.register(_Reports(config.stash[_BROKEN]), "chosen-reports")


class _Reports:
    """Gathers files that cannot be collected."""

    def __init__(self, broken: list[str]) -> None:
        self.broken = broken

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that fails or is skipped whole is chosen whole."""
        if not report.passed and report.nodeid:
            self.broken.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Everyone has deselected what they will."""
    items = [item.nodeid for item in getattr(session, "items", [])]
    text = json.dumps({"tests": items, "broken": session.config.stash[_BROKEN]})
    Path(os.environ["CHOSEN_FILE"]).write_text(text, encoding="ascii")
