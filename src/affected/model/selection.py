"""Selections: which targets run, each with its causes; which are left out, each with its proof.

Unaware of how a selection is made: the cause is a value, made where the verdict is made.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from affected.model.path import RepoPath


class CauseKind(enum.StrEnum):
    """Why a target is affected."""

    CHANGED = "changed"  # an input file has other bytes
    DELETED = "deleted"  # an input file is gone
    ADDED = "added"  # a path that was looked for in vain, or a listing, now has an entry
    CAPTURED = "captured"  # an import now resolves to another file
    DISTRIBUTION = "distribution"  # an installed distribution it imports has other content
    ENVIRONMENT = "environment"  # a declared variable has another value
    PLATFORM = "platform"  # interpreter, pytest, configuration: the weak fingerprint differs
    DEPENDENCY = "dependency"  # reached through the graph, no observation yet
    UNOWNED = "unowned"  # a changed path that no project owns
    NEW = "new"  # no observation of it exists
    FAILED = "failed"  # its last outcome was not a pass
    BLIND_SPOT = "blind-spot"  # its observation cannot vouch for it
    FLAKY = "flaky"  # the same inputs had two outcomes
    WIDENED = "widened"  # proved, but an audit found proofs alone wanting
    FORCED = "forced"  # the user asked (--all)
    BASE_UNKNOWN = "base-unknown"  # no base could be resolved: everything


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why a target must run."""

    kind: CauseKind
    path: str = ""  # the changed path, import name, variable … that `kind` speaks of
    chain: tuple[str, ...] = ()  # from the target to that path, both included, when known
    detail: str = ""  # what differs, in words


@dataclass(frozen=True, slots=True)
class Selected:
    """A target that must run."""

    label: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One changed path between two states of the workspace; digests as `model.digest`."""

    path: RepoPath
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Changed repo paths between base and head, plus the working tree.

    `complete` is False when the base could not be resolved: then everything counts as changed
    and `reason` says why, with a code first ("no-git", "shallow", "base-missing", …).
    """

    base: str
    head: str
    changes: tuple[Change, ...]
    complete: bool = True
    reason: str = ""
