"""The steps that every question about the workspace shares: survey, catalogue, verification.

Unaware of what the answer is for. Everything that `affected` knows of the present is opened here,
as late as possible: a run with nothing to do needs the survey alone.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from affected import __version__
from affected.app import survey as surveys
from affected.app.command_watch import present_token, remembered
from affected.app.compose import Workspace
from affected.app.platforms import Platforms
from affected.app.sealing import seal_workspace
from affected.app.survey import Survey
from affected.model.path import RepoPath, name
from affected.report.commands import CommandCounts
from affected.report.protocol import RunSummary

TYPE_OF_STATE: Final = 1  # 1: the first one; bump to make every index verify everything again
LAST_STATE_KEY: Final = "recorded-head"  # the last clean commit at which all was proved
SETTLED_KEY: Final = "settled"


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for."""

    labels: tuple[str, ...] = ()  # labels, paths or folders; empty: everything
    everything: bool = False  # run even what is proved
    base: str | None = None
    strict: bool = False
    dry_run: bool = False
    jobs: int | None = None
    shard: tuple[int, int] | None = None  # (number from 1, count)
    pytest_args: tuple[str, ...] = ()
    details: bool = False  # results of reused tests are wanted too (JUnit, JSON)
    retries: int = 0  # of failed tests
    budget: float | None = None  # seconds; what does not fit is left for later
    kinds: tuple[str, ...] = ()  # only targets of these kinds; empty: of every kind
    tags: tuple[str, ...] = ()  # only targets with one of these tags
    keep_going: bool = False  # a failed command stops only what needs it
    sandbox: bool = False  # every command sees its declared inputs only


class Present:
    """What the workspace is now, before anything about imports is loaded."""

    def __init__(self, workspace: Workspace, pytest_args: Sequence[str]) -> None:
        self.workspace = workspace
        self.pytest_args = tuple(pytest_args)
        self.began = time.time_ns()
        pending = surveys.begin(workspace)
        self.platforms = Platforms(workspace)
        self.found: Survey = surveys.survey(workspace, pending)

    def token(self) -> str:
        """Everything outside the files that every verdict depends on, in one digest."""
        from affected.run.environment import environment_inputs  # noqa: PLC0415

        variables = environment_inputs(
            self.workspace.environ, self.platforms.environment(), str(self.workspace.root)
        )
        parts = (
            __version__,
            TYPE_OF_STATE,
            self.pytest_args,
            self.platforms.wanted_precision,
            self.workspace.config,
            tuple(variables),
            self.platforms.witness(),
            self.workspace.store.generation(),
            present_token(self.workspace),
        )
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()

    def still_settled(self) -> bool:
        """True when nothing differs from when every target was last proved."""
        if not self.found.quiet:
            return False
        if not self.platforms.projects and not remembered(self.workspace).targets:
            return False
        stored = self.workspace.index.get(SETTLED_KEY)
        return stored is not None and stored.decode() == self.token()


def nothing_to_do(present: Present, request: Request) -> RunSummary | None:
    """The whole answer when nothing changed since everything was proved, at git status's cost."""
    if request.everything or request.labels or request.details or request.shard or request.strict:
        return None
    if request.kinds or request.tags:
        return None
    if not present.workspace.policy.local.reads or not present.still_settled():
        return None
    answer = nothing(present.workspace)
    if not (
        request.pytest_args or present.platforms.wanted_precision
    ):  # a seal speaks for a run without any
        seal_workspace(present.workspace, present.found, present.platforms, answer)
    return answer


def nothing(workspace: Workspace) -> RunSummary:
    """The answer of a run with nothing to do."""
    totals, commands = workspace.index.totals(), remembered(workspace)
    return RunSummary(
        selection="none",
        selected_targets=0,
        selected_tests=0,
        ran_targets=0,
        reused_targets=totals.targets,
        reused_tests=totals.tests,
        seconds_saved=totals.seconds + commands.seconds,
        commands=CommandCounts(reused=commands.targets),
    )


def manifests_changed(changes: Mapping[RepoPath, object]) -> bool:
    """True when a file that holds project settings is among the changed ones."""
    return any(name(path) in {"pyproject.toml", "affected.toml"} for path in changes)
