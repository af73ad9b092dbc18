"""Decides which command targets run, are restored, or are as they should be, wave by wave.

Unaware of processes, and of how a request is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from affected.app.command_keys import Key
from affected.app.command_results import look, look_up, outputs_of
from affected.app.command_state import CommandRow
from affected.app.commands import PASSED, UNVOUCHED, CommandDecision, Commands
from affected.app.session import Request
from affected.fs.outputs import OutputTrouble
from affected.hashing.action import ActionResult
from affected.model.command import CommandTarget
from affected.model.selection import Cause, CauseKind


def decide_commands(
    commands: Commands, request: Request, labels: Iterable[str] = ()
) -> CommandDecision:
    """What is to be done for the targets that a request means."""
    wanted = commands.plan.with_needs(commands.chosen(request, labels))
    if not wanted:
        return CommandDecision()
    commands.check_environment()
    order = tuple(commands.in_order(wanted))
    made = _Deciding(commands, request, frozenset(wanted))
    left = list(order)
    while left:
        left = made.wave(left)
    with commands.workspace.index.transaction():
        commands.save()
    selected = {label: made.selected[label] for label in order if label in made.selected}
    return CommandDecision(order, selected, made.hits, tuple(made.reused), frozenset(made.waiting))


class _Deciding:
    """Goes through the targets, those first that wait for nothing undecided."""

    def __init__(self, commands: Commands, request: Request, wanted: frozenset[str]) -> None:
        self._commands = commands
        self._request = request
        self._wanted = wanted
        self._moved: set[str] = set()  # other results than when their dependents were settled
        self.selected: dict[str, tuple[Cause, ...]] = {}
        self.hits: dict[str, ActionResult] = {}
        self.reused: list[str] = []
        self.waiting: set[str] = set()

    def wave(self, labels: list[str]) -> list[str]:
        """Decides all that can be decided with one look at the cache; what is left."""
        left: list[str] = []
        keys: dict[str, Key] = {}
        pending: set[str] = set()
        for label in labels:
            target = self._commands.plan.targets[label]
            if not pending.isdisjoint(target.needs):
                left.append(label)
                pending.add(label)
            elif not self._without_key(label, target):
                keys[label] = self._commands.key(label)
                if not self._is_same(label, target, keys[label]):
                    pending.add(label)
                else:
                    del keys[label]
        self._look_up(keys)
        return left

    def _without_key(self, label: str, target: CommandTarget) -> bool:
        blocking = next((need for need in target.needs if need in self.selected), None)
        if blocking is not None:
            self.selected[label] = (Cause(CauseKind.DEPENDENCY, blocking, (label, blocking)),)
            if not self._forced(label):
                self.waiting.add(label)
            return True
        row = self._commands.state.rows.get(label)
        if self._forced(label):
            self.selected[label] = (Cause(CauseKind.FORCED),)
            return True
        if not target.cache:
            self.selected[label] = (Cause(CauseKind.FORCED, detail="its result is not cached"),)
            return True
        if row is not None and row.settled and self._moved.isdisjoint(target.needs):
            self.reused.append(label)
            return True
        return False

    def _forced(self, label: str) -> bool:
        return self._request.everything and label in self._wanted

    def _is_same(self, label: str, target: CommandTarget, key: Key) -> bool:
        """True when the last result is the one that is wanted, and is all there."""
        commands = self._commands
        row = commands.state.rows.get(label)
        if row is None or row.key != key.name.sha256 or row.outcome != PASSED:
            return False
        try:
            if target.outputs and look(commands.workspace.root, target).outputs != row.outputs:
                return False
        except OutputTrouble:
            return False
        commands.learn(label, key, replace(row, settled=True, cause=None))
        self.reused.append(label)
        return True

    def _look_up(self, keys: Mapping[str, Key]) -> None:
        commands = self._commands
        found = look_up(
            commands.workspace.records, {label: key.name.sha256 for label, key in keys.items()}
        )
        for label, key in keys.items():
            self._moved.add(label)
            row = commands.state.rows.get(label, CommandRow())
            result = found.get(label)
            if result is None:
                self.selected[label] = (row.cause or _unexplained(row, key),)
                continue
            self.hits[label] = result
            outputs = outputs_of(commands.plan.targets[label], result)
            fresh = replace(row, key=key.name.sha256, outputs=outputs, settled=False)
            commands.learn(label, key, fresh)


def _unexplained(row: CommandRow, key: Key) -> Cause:
    if not row.key:
        return Cause(CauseKind.NEW)
    if row.outcome == UNVOUCHED:
        return Cause(CauseKind.BLIND_SPOT)
    if row.outcome != PASSED:
        return Cause(CauseKind.FAILED)
    if row.key == key.name.sha256:
        return Cause(CauseKind.NEW, detail="the cache has its result no more")
    return Cause(CauseKind.DEPENDENCY, detail="what it waits for has another result")
