"""`affected doctor`: what is set up, what is not, and what each finding costs.

Unaware of how findings are worded on screen.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from affected.app.doctor_ci import ci_findings, defeating_reuse
from affected.app.knowledge import Knowledge
from affected.app.sharing import remote_status
from affected.errors import UserError
from affected.model.path import RepoPath, display
from affected.report.answers import remote_words
from affected.report.protocol import Finding, Level
from affected.report.style import plural

SHOWN = 3
NEW_MONITORING = (3, 12)


def doctor(knowledge: Knowledge) -> list[Finding]:
    """Every finding, in the order in which a newcomer should read them."""
    return [
        *_workspace(knowledge),
        *_tests(knowledge),
        *_interpreters(knowledge),
        *_cache(knowledge),
        *_remote(knowledge),
        *defeating_reuse(knowledge),
        *_reuse(knowledge),
        *ci_findings(knowledge),
    ]


def _workspace(knowledge: Knowledge) -> Iterator[Finding]:
    repository = knowledge.workspace.repository
    if repository is None:
        yield Finding(
            Level.WARNING,
            "no-git",
            "not a git repository",
            cost="every file is looked at in every run, and `affected list` has no base",
            way_out="git init",
        )
    elif repository.is_shallow():
        yield Finding(
            Level.NOTE,
            "shallow",
            "a shallow clone",
            detail="reuse is by content and needs no history",
            cost="`affected list` may have to deepen the clone to find its base",
        )
    else:
        yield Finding(Level.OK, "git", f"git repository at {knowledge.workspace.root.name}")
    for notice in knowledge.catalogue.shape.notices:
        yield Finding(Level.WARNING, "unreadable", notice, cost="its settings are not applied")


def _tests(knowledge: Knowledge) -> Iterator[Finding]:
    targets = knowledge.targets()
    projects = {target.project for target in targets}
    if targets:
        title = f"{plural(len(targets), 'test file')} in {plural(len(projects), 'project')}"
        yield Finding(Level.OK, "tests", title)
    else:
        yield Finding(
            Level.WARNING,
            "no-tests",
            "no test files found",
            way_out="check testpaths and python_files in pytest's configuration",
        )


def _interpreters(knowledge: Knowledge) -> Iterator[Finding]:
    seen: set[str] = set()
    for project in knowledge.platforms.projects:
        try:
            executable = knowledge.platforms.executable(project)
            if str(executable) in seen:
                continue
            seen.add(str(executable))
            yield from _interpreter(knowledge, project)
        except UserError as error:
            shown = display(project) or "the root project"
            yield Finding(
                Level.PROBLEM,
                "interpreter",
                f"{shown}: {error.message}",
                cost="its tests cannot run",
                way_out=error.hint,
            )


def _interpreter(knowledge: Knowledge, project: RepoPath) -> Iterator[Finding]:
    interpreter = knowledge.platforms.interpreter(project)
    version = ".".join(map(str, interpreter.version_info))
    pytest = interpreter.distributions["pytest"].version
    yield Finding(
        Level.OK, "interpreter", f"Python {version} with pytest {pytest}", interpreter.executable
    )
    if "pytest-xdist" not in interpreter.distributions:
        yield Finding(
            Level.NOTE,
            "no-xdist",
            f"Python {version} has no pytest-xdist",
            cost="one pytest process uses one core",
            way_out=f"{interpreter.executable} -m pip install pytest-xdist",
        )
    for name in ("pytest-randomly", "pytest-random-order"):
        if name in interpreter.distributions:
            yield Finding(
                Level.NOTE,
                "random-order",
                f"{name} shuffles the tests",
                cost="none for reuse; tests that depend on order show up as flakes",
            )


def _cache(knowledge: Knowledge) -> Iterator[Finding]:
    folder = knowledge.workspace.cache_folder
    if os.access(folder, os.W_OK):
        yield Finding(Level.OK, "cache", "local cache can be written", str(folder))
    else:
        yield Finding(
            Level.PROBLEM,
            "cache",
            "the local cache cannot be written",
            str(folder),
            cost="nothing is remembered: every run runs everything",
            way_out="set AFFECTED_CACHE_DIR to a folder that can be written",
        )
    for notice in knowledge.workspace.notices():
        yield Finding(Level.WARNING, "cache-notice", notice)


def _remote(knowledge: Knowledge) -> Iterator[Finding]:
    workspace = knowledge.workspace
    status = remote_status(workspace.shared, workspace.config, workspace.environ)
    if status is None:
        return
    if status.trouble:
        yield Finding(
            Level.WARNING,
            "remote",
            f"the shared cache {status.name} {status.trouble}",
            cost="up to 2 s in every run with work to do, and nothing is shared",
            way_out="start it, or set AFFECTED_REMOTE to another address or to `off`",
        )
        return
    yield Finding(Level.OK, "remote", f"shared cache {status.name}", remote_words(status))
    if not status.writes:
        yield Finding(
            Level.NOTE,
            "remote-read-only",
            "the shared cache may only be read from here",
            cost="what runs here is run again elsewhere",
            way_out="AFFECTED_TOKEN, or `credential-command`, with a token that may write",
        )
    if status.bare_token:
        yield Finding(
            Level.WARNING,
            "remote-bare-token",
            "the token for the shared cache is sent without TLS",
            cost="whoever can read the network can write to the cache",
            way_out="an address that starts with grpcs://",
        )


def _reuse(knowledge: Knowledge) -> Iterator[Finding]:
    with suppress(UserError):  # an interpreter that is not there was told of above
        knowledge.verify()
    rows = knowledge.workspace.index.targets()
    unsettled = Counter(row.reason for row in rows if not row.settled)
    blind = [row for row in rows if row.reason == "blind-spot"]
    if blind:
        shown = ", ".join(display(row.label) for row in blind[:SHOWN])
        yield Finding(
            Level.WARNING,
            "blind-spots",
            f"{len(blind)} test files can never be reused: they do what cannot be seen",
            shown,
            cost=f"{sum(row.seconds for row in blind):.1f}s in every run",
            way_out="`affected explain FILE` names it; declare `inputs` and `covered`",
        )
    settled = sum(row.settled for row in rows)
    if rows and settled:
        yield Finding(Level.OK, "reuse", f"{settled} of {len(rows)} test files can be reused now")
    if unsettled["failed"]:
        yield Finding(Level.NOTE, "failed", f"{unsettled['failed']} test files failed last time")
