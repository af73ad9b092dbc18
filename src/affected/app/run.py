"""`affected run`: decides, runs what must run, records what it proved, reuses the rest.

Unaware of argv and of the terminal: what happens is told to an observer as it happens.
"""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from affected.app.compose import Workspace
from affected.app.session import TOKEN_KEY, Present
from affected.errors import UserError
from affected.model.observation import Provenance
from affected.model.path import RepoPath, is_under
from affected.model.selection import Cause, CauseKind
from affected.report.protocol import RunSummary
from affected.state.index import TargetRow

PARTIAL = ("--lf", "--last-failed", "--sw", "--stepwise", "--deselect", "--co", "--collect-only")


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


@dataclass(frozen=True, slots=True)
class Decision:
    """What will run and what will not, before anything runs."""

    selected: Mapping[str, tuple[Cause, ...]]  # label → causes
    reused: tuple[TargetRow, ...]
    left_out: tuple[str, ...]  # by the graph alone
    rows: Mapping[str, TargetRow]  # of the selected


def still_settled(present: Present, request: Request) -> RunSummary | None:
    """The whole answer when nothing changed since everything was proved, at git status's cost."""
    if request.everything or request.labels or request.details or request.shard:
        return None
    if not present.still_settled():
        return None
    totals = present.workspace.index.totals()
    return RunSummary(
        selection="none",
        selected_targets=0,
        selected_tests=0,
        ran_targets=0,
        reused_targets=totals.targets,
        reused_tests=totals.tests,
        seconds_saved=totals.seconds,
    )
