"""The command targets of a workspace as they are now: plan, state, and what a request runs.

Unaware of processes. What is decided here is what is known before anything runs: a target that
waits for one that must run is decided again when that has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from affected.app.catalogue import Catalogue
from affected.app.command_plan import Plan, refresh_plan, stored_plan
from affected.app.command_state import (
    CommandRow,
    CommandState,
    load_state,
    mark,
    store_state,
)
from affected.app.command_watch import Remembered, environment_token, remember
from affected.app.compose import Workspace
from affected.app.session import Request
from affected.app.survey import Survey
from affected.model.blob import BlobName
from affected.model.command import CommandTarget
from affected.model.path import RepoPath
from affected.model.selection import Cause, CauseKind

if TYPE_CHECKING:  # loaded where there are commands to decide on
    from affected.app.command_keys import Key, Keys, Known
    from affected.hashing.action import ActionResult

PASSED = "passed"
UNVOUCHED = "unvouched"  # it passed, but what it wrote is not known


@dataclass(frozen=True, slots=True)
class CommandDecision:
    """What of the wanted targets runs, is restored, or is as it should be; in running order."""

    order: tuple[str, ...] = ()
    selected: Mapping[str, tuple[Cause, ...]] = field(default_factory=dict)
    hits: Mapping[str, ActionResult] = field(default_factory=dict)
    reused: tuple[str, ...] = ()  # nothing is to be done for them
    waiting: frozenset[str] = frozenset()  # selected, but what they wait for may spare them

    @property
    def work(self) -> bool:
        """True when something is to be run or restored."""
        return bool(self.selected or self.hits)


class Commands:
    """Made once a process; brings plan and state in step with the files."""

    def __init__(
        self, workspace: Workspace, found: Survey, catalogue: Catalogue, began: int
    ) -> None:
        """Call inside the transaction that brings the index in step.

        `began`: when the survey did, in ns since the epoch: what is older has not changed since.
        """
        self.workspace = workspace
        self.began = began
        self._catalogue = catalogue
        self._found = found
        self._keys: dict[str, Key] = {}
        self._known: dict[str, Known] = {}
        self.plan = self._refresh(inferred=False)

    def _refresh(self, *, inferred: bool) -> Plan:
        before = stored_plan(self.workspace)
        changed, catalogue = self._found.changes, self._catalogue
        plan = refresh_plan(self.workspace, changed, catalogue, before, inferred=inferred)
        if not plan.targets:
            self.state = CommandState()
            return plan
        self.state = load_state(self.workspace)
        if before is None or (before.targets, before.needs) != (plan.targets, plan.needs):
            self._replan(before, plan)
        if not inferred:  # else it was done a moment ago
            mark(plan, self.state, self._found.changes, (path for _, path in self._found.stirred))
        store_state(self.workspace, self.state)
        return plan

    def _replan(self, before: Plan | None, plan: Plan) -> None:
        """Forgets what another plan told: rows of targets that are gone, and all file sets."""
        self.state.file_sets.clear()
        self.state.rows = {k: v for k, v in self.state.rows.items() if k in plan.targets}
        old = before.targets if before is not None else {}
        for label, target in plan.targets.items():
            if old.get(label) != target or (before is not None and before.needs != plan.needs):
                cause = Cause(CauseKind.PLATFORM, detail="its definition is another one")
                self.state.unsettle(label, cause)
        self.state.changed = True

    def with_inferred(self) -> None:
        """Makes inferred targets known too, from now on in every run."""
        if not self.plan.inferred:
            with self.workspace.index.transaction():
                self.plan = self._refresh(inferred=True)
            self.__dict__.pop("keys", None)  # they know the plan of before

    @cached_property
    def keys(self) -> Keys:
        """Makes the targets' keys."""
        from affected.app.command_keys import Keys  # noqa: PLC0415

        return Keys(self.workspace, self.plan, self.state, self.known, self._tree)

    def known(self, label: str) -> Known:
        """A target that needs nothing more, as its dependents see it."""
        from affected.app.command_keys import Known  # noqa: PLC0415

        if label not in self._known:
            row = self.state.rows[label]
            self._known[label] = Known(row.key, row.outputs)
        return self._known[label]

    def learn(self, label: str, key: Key, row: CommandRow) -> None:
        """A target's new result."""
        from affected.app.command_keys import Known  # noqa: PLC0415

        self._known[label] = Known(key.name.sha256, row.outputs)
        self.state.rows[label] = row
        self.state.changed = True

    def key(self, label: str) -> Key:
        """The target's key, given what its needs are known to have made."""
        return self.keys.key(self.plan.targets[label])

    def _tree(self, blob: BlobName) -> bytes:
        return self.workspace.records.get_blobs([blob.sha256]).get(blob.sha256, b"")

    # -- which targets ---------------------------------------------------------------------

    def chosen(self, request: Request, labels: Iterable[str]) -> set[str]:
        """The targets that a request means: `labels`, or all that its filters let through."""
        named = set(labels)
        if request.labels and not named:
            return set()
        return {
            label
            for label, target in self.plan.targets.items()
            if (label in named or not named)
            and admits(request, target)
            and (label in named or not target.on_request or asks(request))
        }

    def in_order(self, labels: set[str]) -> Iterator[str]:
        """Each after what it waits for, in label order where that is open."""
        done: set[str] = set()
        for start in sorted(labels):
            pending = [start]
            while pending:
                label = pending[-1]
                if label in done:
                    pending.pop()
                    continue
                missing = [n for n in self.plan.targets[label].needs if n not in done]
                if missing:
                    pending += reversed(missing)
                    continue
                done.add(label)
                pending.pop()
                yield label

    @property
    def settled(self) -> bool:
        """True when every target that a plain run takes is as it should be."""
        rows = self.state.rows
        return all(label in rows and rows[label].settled for label in self.plan.plain)

    def check_environment(self) -> None:
        """Unsettles everything when a variable or a program is another one than it was."""
        now = environment_token(self.workspace, self.plan.environment(), self.keys.tools.token())
        if self.state.environment != now:
            for label in self.state.rows:
                detail = "a variable or a program may be another one"
                self.state.unsettle(label, Cause(CauseKind.ENVIRONMENT, detail=detail))

    def save(self) -> None:
        """Stores state and programs; call inside a transaction."""
        self.keys.store()
        names = self.plan.environment()
        now = environment_token(self.workspace, names, self.keys.tools.token())
        if now != self.state.environment:
            self.state.environment = now
            self.state.changed = True
        remember(self.workspace, self._remembered(names))
        store_state(self.workspace, self.state)

    def _remembered(self, names: list[str]) -> Remembered:
        rows = [self.state.rows.get(label) for label in self.plan.plain]
        return Remembered(tuple(names), len(rows), sum(row.seconds for row in rows if row))


def admits(request: Request, target: CommandTarget) -> bool:
    """True when the request's filters let a target through."""
    if request.kinds and target.kind not in request.kinds:
        return False
    return not request.tags or not set(request.tags).isdisjoint(target.tags)


def asks(request: Request) -> bool:
    """True when a request names kinds or tags: then targets on request are meant too."""
    return bool(request.kinds or request.tags)


def below(plan: Plan, folder: RepoPath) -> list[str]:
    """The declared targets of the projects in a folder, those on request left out."""
    return [
        label
        for label, target in plan.targets.items()
        if not target.on_request and (not folder or f"{target.project}/".startswith(f"{folder}/"))
    ]
