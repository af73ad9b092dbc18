"""Sandboxes for command targets: which files belong in one. Unaware of how one works."""

from __future__ import annotations

from pathlib import Path

from affected.app.commands import Commands
from affected.fs.outputs import harvest
from affected.model.command import CommandTarget
from affected.model.path import RepoPath
from affected.run.sandbox import Sandbox, can_hide, make_sandbox


class Sandboxes:
    """Makes sandboxes; whether namespaces work is tried once."""

    def __init__(self, commands: Commands, scratch: Path) -> None:
        self._commands = commands
        self._scratch = scratch
        self._hides: bool | None = None

    def make(self, target: CommandTarget, place: Path) -> Sandbox:
        """A sandbox with the target's sources and with what its needs wrote."""
        root = self._commands.workspace.root
        keys = self._commands.keys
        paths: dict[RepoPath, None] = {}
        for chosen in keys.sets_of(target):
            paths.update(dict.fromkeys(keys.files(chosen)))
        for label in sorted(keys.seen_by(target)):
            written = harvest(root, self._commands.plan.targets[label].outputs).written
            paths.update(dict.fromkeys(one.path for one in written))
        return make_sandbox(
            root, place, target.project, target.folder, paths, target.outputs, self._can_hide
        )

    def _can_hide(self) -> bool:
        if self._hides is None:
            self._hides = can_hide(self._scratch)
        return self._hides
