"""Records what commands made, if what they used is still as it was when they started.

Unaware of processes and of order. One look at git serves many targets; blobs are stored before the
result that names them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from affected.app import survey as surveys
from affected.app.command_keys import Key
from affected.app.command_results import Found, blobs_of
from affected.app.command_state import SourceReach
from affected.app.commands import Commands
from affected.app.survey import Watched, get_watched, put_watched, watch
from affected.cache.command_result import write_result
from affected.fs.digests import is_racy, stamp_of
from affected.fs.outputs import Cover
from affected.hashing.action import ActionResult
from affected.model.command import CommandTarget
from affected.model.observation import InputKind
from affected.model.path import RepoPath, display, parent
from affected.model.selection import Cause, CauseKind

FEW = 500  # paths to look at one by one


@dataclass(frozen=True, slots=True)
class Made:
    """What one command left."""

    target: CommandTarget
    key: Key
    found: Found
    result: ActionResult
    output: bytes


class CommandRecorder:
    """Holds results until they are recorded."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._made: list[Made] = []
        self._watched: dict[str, tuple[CommandTarget, Found]] = {}
        self.notices: list[str] = []

    def add(self, made: Made) -> None:
        """To be recorded with the next ones."""
        self._made.append(made)
        self.watch(made.target, made.found)

    def watch(self, target: CommandTarget, found: Found) -> None:
        """These outputs are to be noticed when somebody else changes them."""
        if target.outputs:
            self._watched[target.label] = (target, found)

    def record(self) -> None:
        """Records what was added since; stores the state of all targets."""
        workspace = self._commands.workspace
        stale = set[str]() if self._still() else self._stale()
        for made in self._made:
            if made.target.label in stale:
                self._disown(made)
            elif made.target.cache:
                blobs = blobs_of(workspace.root, made.found, made.output)
                if blobs is not None:
                    record = write_result(made.result.encode(), blobs)
                    workspace.records.put(made.key.name.sha256, record, blobs)
        self._made.clear()
        with workspace.index.transaction():
            self._store_watched()
            self._commands.save()

    def _still(self) -> bool:
        """True when stamps alone tell that no input changed: for a few, cheaper than git."""
        root, keys = self._commands.workspace.root, self._commands.keys
        paths: set[str] = set()
        for made in self._made:
            for chosen in keys.sets_of(made.target):
                files = keys.files(chosen)
                paths.update(files, map(parent, files))
            if len(paths) > FEW:
                return False
        for path in paths:
            stamp = stamp_of(f"{root}/{path}")
            if stamp is None or is_racy(stamp, self._commands.began):
                return False
        return True

    def _stale(self) -> set[str]:
        """The targets with an input that changed since their keys were made."""
        workspace = self._commands.workspace
        again = surveys.survey(workspace, surveys.begin(workspace))
        reach = SourceReach(self._commands.plan)
        return {label for path in again.changes for label in reach.labels(path)}

    def _disown(self, made: Made) -> None:
        label = made.target.label
        self._commands.state.unsettle(label, Cause(CauseKind.CHANGED, detail="while it ran"))
        self.notices.append(f"{display(label)} will run again: an input of it changed while it ran")

    def _store_watched(self) -> None:
        """Puts fresh outputs on the watch list, in place of those that were there before."""
        if not self._watched:
            return
        workspace = self._commands.workspace
        cover = Cover(o for target, _ in self._watched.values() for o in target.outputs)
        kept = [one for one in get_watched(workspace) if not cover.holds(one.path)]
        fresh: list[Watched] = []
        for _, found in self._watched.values():
            fresh += [watch(workspace, kind, path) for kind, path in _inputs(found)]
        put_watched(workspace, [*kept, *fresh])
        self._watched.clear()


def _inputs(found: Found) -> Iterable[tuple[InputKind, RepoPath]]:
    for one in found.harvest.written:
        yield InputKind.FILE, one.path
    for folder in found.harvest.folders:
        yield InputKind.LISTING, folder
    for path in found.harvest.missing:
        if not any(sign in path for sign in "*?["):
            yield InputKind.PROBE, path
