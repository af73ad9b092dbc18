"""What `affected doctor` finds about CI files, the hook, and plugins and options that defeat reuse.

Unaware of how findings are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from affected.app.ci_system import this_ci
from affected.app.knowledge import Knowledge
from affected.errors import UserError
from affected.fs.atomic import read_bytes_or_none
from affected.git.hooks import NAME, folder_of_hooks, is_ours
from affected.report.protocol import Finding, Level

_CI_FILES: Final = (
    ".github/workflows/*.yml",
    ".github/workflows/*.yaml",
    ".gitlab-ci.yml",
    ".gitlab/*.yml",
    ".buildkite/*.yml",
    ".circleci/config.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
)
# Distributions, what they do, what that costs, the way out.
_PLUGINS: Final = {
    "pytest-rerunfailures": (
        "pytest-rerunfailures may retry failed tests",
        "a pass got by retrying is never reused",
        "put flaky tests on `quarantine`, with an owner and a date",
    ),
    "flaky": (
        "flaky may retry failed tests",
        "a pass got by retrying is never reused",
        "put flaky tests on `quarantine`, with an owner and a date",
    ),
    "pytest-testmon": (
        "pytest-testmon selects tests, too",
        "two tools that skip tests: what the other one skips has no result to reuse",
        "uninstall it, or add -p no:testmon to addopts",
    ),
    "pytest-picked": (
        "pytest-picked selects tests, too",
        "what it leaves out has no result to reuse",
        "do not use --picked with affected",
    ),
}
_OPTIONS: Final = {
    "--cov": "coverage holds only what ran: reused tests add nothing to it",
    "-x": "the first failure ends the batch: the others have no result and run again",
    "--exitfirst": "the first failure ends the batch: the others have no result and run again",
    "--maxfail": "failures end the batch: the others have no result and run again",
    "--lf": "what it leaves out has no result to reuse",
    "--last-failed": "what it leaves out has no result to reuse",
    "-m": "tests left out by -m are not told apart from tests that are not there",
}
_WHOLE_CLONE: Final = re.compile(r"""(fetch-depth:\s*["']?0\b|GIT_DEPTH:\s*["']?0\b)""")


def ci_findings(knowledge: Knowledge) -> Iterator[Finding]:
    """CI files, then the hook."""
    root = knowledge.workspace.root
    files = [path for pattern in _CI_FILES for path in sorted(root.glob(pattern))]
    ours = [path for path in files if b"affected " in (read_bytes_or_none(path) or b"")]
    system = this_ci(knowledge.workspace.environ).name
    if ours:
        yield Finding(Level.OK, "ci", "CI runs affected", ", ".join(_shown(root, ours)))
    elif files or system not in ("none", "generic"):
        yield Finding(
            Level.NOTE,
            "ci",
            "no CI file runs affected",
            ", ".join(_shown(root, files)[:3]),
            cost="CI runs every test for every change",
            way_out="affected init",
        )
    for path in ours:
        if _WHOLE_CLONE.search((read_bytes_or_none(path) or b"").decode("utf-8", "replace")):
            yield Finding(
                Level.NOTE,
                "whole-clone",
                f"{_shown(root, [path])[0]} clones the whole history",
                cost="the time to fetch it, in every job; one commit is enough",
                way_out="fetch-depth: 1; the base is found by deepening, where one is asked for",
            )
    yield from _hook(knowledge)


def _hook(knowledge: Knowledge) -> Iterator[Finding]:
    repository = knowledge.workspace.repository
    if repository is None or this_ci(knowledge.workspace.environ).present:
        return
    if is_ours(folder_of_hooks(repository) / NAME):
        yield Finding(Level.OK, "hook", "pushes are checked before they are sent")
    else:
        yield Finding(
            Level.NOTE,
            "hook",
            "no pre-push hook",
            cost="a failing test is found by CI, minutes later",
            way_out="affected hook install",
        )


def defeating_reuse(knowledge: Knowledge) -> Iterator[Finding]:
    """Plugins and options with which less is reused than could be."""
    seen: set[str] = set()
    for project in knowledge.platforms.projects:
        try:
            installed = knowledge.platforms.interpreter(project).distributions
        except UserError:  # told of by others
            continue
        for name in _PLUGINS.keys() & installed.keys() - seen:
            seen.add(name)
            title, cost, way_out = _PLUGINS[name]
            yield Finding(Level.NOTE, "plugin", title, cost=cost, way_out=way_out)
    for folder, settings in sorted(knowledge.catalogue.shape.settings.items()):
        for option in settings.addopts:
            name = option.partition("=")[0]
            if name in _OPTIONS and name not in seen:
                seen.add(name)
                where = f"addopts of {settings.config or folder or 'pytest'}"
                yield Finding(
                    Level.NOTE, "addopts", f"{name} in {where}", cost=_OPTIONS[name],
                    way_out="give it on the command line where it is wanted: affected run -- "
                    + name,
                )  # fmt: skip


def _shown(root: Path, paths: list[Path]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]
