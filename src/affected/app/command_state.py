"""What is known of each command target since it was last looked at, in one entry of the index.

Unaware of how keys are made. A row that is settled says: with the files as they were then, the
result under this key is what a run would make, and its outputs are on disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from affected.app.command_plan import Plan
from affected.app.compose import Workspace
from affected.fs.ignore import Patterns
from affected.fs.outputs import Cover
from affected.hashing.action import Folder, Output
from affected.hashing.tree import File, Link
from affected.model.blob import BlobName
from affected.model.command import CommandTarget, FileSet
from affected.model.digest import ABSENT
from affected.model.path import RepoPath, ancestors, relative_to
from affected.model.selection import Cause, CauseKind, Change

STATE_KEY: Final = "commands:state"
FORMAT: Final = 1  # 1: the first one; bump when rows mean something else

Outputs = tuple[tuple[RepoPath, Output], ...]


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One target's last result."""

    key: str = ""  # the action's SHA-256, "" before any
    settled: bool = False
    outcome: str = ""  # "passed" or "failed", "" before any
    seconds: float = 0.0
    ran: float = 0.0  # seconds since the epoch
    outputs: Outputs = ()  # by path from the root
    cause: Cause | None = None  # why it is not settled, where a change says so


@dataclass(slots=True)
class CommandState:
    """Rows by label, and the names of file sets that nothing has touched since."""

    plan_token: str = ""
    environment: str = ""  # token of variables and programs when all rows were last checked
    rows: dict[str, CommandRow] = field(default_factory=dict)
    file_sets: dict[str, BlobName] = field(default_factory=dict)
    changed: bool = False  # differs from what is stored

    def unsettle(self, label: str, cause: Cause) -> None:
        """A target must be looked at again; the first cause is kept."""
        row = self.rows.get(label)
        if row is not None and row.settled:
            self.rows[label] = replace(row, settled=False, cause=cause)
            self.changed = True


def load_state(workspace: Workspace) -> CommandState:
    """The state as last stored; a new one when there is none of this format."""
    raw = workspace.index.get(STATE_KEY)
    if raw is None:
        return CommandState()
    tree = json.loads(raw)
    if tree["format"] != FORMAT:
        return CommandState()
    return CommandState(
        plan_token=tree["plan"],
        environment=tree["environment"],
        rows={label: _row(values) for label, values in tree["rows"].items()},
        file_sets={key: BlobName(*values) for key, values in tree["sets"].items()},
    )


def store_state(workspace: Workspace, state: CommandState) -> None:
    """Stores it if it differs from what is stored; call inside a transaction."""
    if not state.changed:
        return
    tree = {
        "format": FORMAT,
        "plan": state.plan_token,
        "environment": state.environment,
        "rows": {label: _values(row) for label, row in state.rows.items()},
        "sets": state.file_sets,
    }
    workspace.index.put(STATE_KEY, json.dumps(tree).encode("ascii"))
    state.changed = False


def set_key(chosen: FileSet) -> str:
    """What a file set is remembered by."""
    return "\0".join((chosen.folder, *chosen.globs))


def mark(
    plan: Plan,
    state: CommandState,
    changes: Mapping[RepoPath, Change],
    stirred: Iterable[RepoPath],
) -> None:
    """Unsettles whatever a changed path, or a touched output, may concern."""
    for path in stirred:
        _mark_output(plan, state, path)
    if not changes:
        return
    if not any(row.settled for row in state.rows.values()):
        state.changed |= bool(state.file_sets)
        state.file_sets.clear()
        return
    reach = SourceReach(plan)
    touched: dict[FileSet, Cause] = {}
    for path, change in changes.items():
        if plan.cover.holds(path):
            _mark_output(plan, state, path)
        for chosen in reach.sets(path):
            touched.setdefault(chosen, Cause(_kind(change), path))
    for chosen, cause in touched.items():
        if state.file_sets.pop(set_key(chosen), None) is not None:
            state.changed = True
        for label in reach.users(chosen):
            state.unsettle(label, cause)


def _mark_output(plan: Plan, state: CommandState, path: RepoPath) -> None:
    for label in writers(plan, path):
        detail = "an output is not as it was written"
        state.unsettle(label, Cause(CauseKind.CHANGED, path, (), detail))


def writers(plan: Plan, path: RepoPath) -> list[str]:
    """The targets with an output that is `path`, holds it, or lies below it."""
    return [
        label
        for label, target in plan.targets.items()
        if target.outputs
        and (
            Cover(target.outputs).holds(path)
            or any(output.startswith(path + "/") for output in target.outputs)
        )
    ]


class SourceReach:
    """Which file sets hold a path, and which targets use them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._by_folder: dict[RepoPath, dict[FileSet, list[str]]] = {}
        self._needed: dict[tuple[str, ...], list[CommandTarget]] = {}
        self._above: dict[RepoPath, set[RepoPath]] = {}
        self._patterns: dict[tuple[str, ...], Patterns] = {}
        for label, target in plan.targets.items():
            for chosen in target.inputs:
                self._by_folder.setdefault(chosen.folder, {}).setdefault(chosen, []).append(label)
            if target.needed_inputs:
                self._needed.setdefault(target.needed_inputs, []).append(target)

    def sets(self, path: RepoPath) -> list[FileSet]:
        """The file sets that hold `path` as a source, those of projects depended on too."""
        if self._plan.cover.holds(path):
            return []
        found: list[FileSet] = []
        for folder in ancestors(path):
            known = [*self._by_folder.get(folder, ())]
            if folder in self._plan.needs:
                known += [FileSet(folder, globs) for globs in self._needed]
            below = relative_to(path, folder)
            found += [one for one in dict.fromkeys(known) if self._matches(one.globs, below)]
        return found

    def users(self, chosen: FileSet) -> list[str]:
        """The labels of the targets whose inputs a file set is among."""
        found = list(self._by_folder.get(chosen.folder, {}).get(chosen, ()))
        if not self._needed.get(chosen.globs):
            return found
        above = self._needing(chosen.folder)
        found += [t.label for t in self._needed[chosen.globs] if t.project in above]
        return found

    def _needing(self, project: RepoPath) -> set[RepoPath]:
        """The projects that depend on one, directly or not."""
        if project not in self._above:
            found: set[RepoPath] = set()
            pending = [project]
            while pending:
                for one in self._plan.needed_by.get(pending.pop(), ()):
                    if one not in found:
                        found.add(one)
                        pending.append(one)
            self._above[project] = found - {project}
        return self._above[project]

    def labels(self, path: RepoPath) -> list[str]:
        """The targets that have `path` as an input."""
        found = [label for chosen in self.sets(path) for label in self.users(chosen)]
        return list(dict.fromkeys(found))

    def _matches(self, globs: tuple[str, ...], path: str) -> bool:
        if globs not in self._patterns:
            self._patterns[globs] = Patterns(globs)
        return self._patterns[globs].matches(path)


def _kind(change: Change) -> CauseKind:
    if change.new == ABSENT:
        return CauseKind.DELETED
    return CauseKind.ADDED if change.old == ABSENT else CauseKind.CHANGED


def _values(row: CommandRow) -> list[Any]:
    cause = None
    if row.cause is not None:
        cause = [row.cause.kind.value, row.cause.path, row.cause.chain, row.cause.detail]
    outputs = [[path, *_output_values(output)] for path, output in row.outputs]
    return [row.key, int(row.settled), row.outcome, row.seconds, row.ran, outputs, cause]


def _row(values: list[Any]) -> CommandRow:
    key, settled, outcome, seconds, ran, outputs, cause = values
    found = tuple((RepoPath(path), _output(rest)) for path, *rest in outputs)
    known = None
    if cause is not None:
        known = Cause(CauseKind(cause[0]), cause[1], tuple(cause[2]), cause[3])
    return CommandRow(key, bool(settled), outcome, seconds, ran, found, known)


def _output_values(output: Output) -> list[Any]:
    if isinstance(output, File):
        return ["f", *output.blob, int(output.executable)]
    if isinstance(output, Folder):
        return ["d", *output.tree, *output.root]
    return ["l", output.text]


def _output(values: list[Any]) -> Output:
    kind, *rest = values
    if kind == "f":
        return File(BlobName(rest[0], rest[1]), bool(rest[2]))
    if kind == "d":
        return Folder(BlobName(rest[0], rest[1]), BlobName(rest[2], rest[3]))
    return Link(rest[0])
