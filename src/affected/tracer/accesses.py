"""Counts one access for the scope it belongs to, links and writes considered.

Unaware of how accesses are heard of.
"""

from __future__ import annotations

import os
import stat
from typing import Any, List

from . import ledger as kinds
from .frames import is_meaningless

_METADATA = ("METADATA", "PKG-INFO", ".txt", "RECORD", ".json")  # a distribution's own files


class Accesses:
    """Where audit events and wrapped functions bring what they saw."""

    def __init__(
        self, workspace: Any, frames: Any, ledger: Any, installed: Any, writes: Any
    ) -> None:
        self.workspace = workspace
        self.frames = frames
        self.ledger = ledger
        self.installed = installed
        self.writes = writes

    def note(self, kind: int, path: str, frame: Any) -> None:
        """Count an access to a repo path for the scope that `frame` belongs to."""
        trail: List[Any] = []
        scope = self.frames.scope(frame, trail)
        if scope is None or is_meaningless(trail):
            return
        if not path.endswith(_METADATA) and self.installed.noted(scope, trail, frame):
            return
        self.record(scope, kind, path)

    def record(self, scope: str, kind: int, path: str) -> None:
        """Count an access of a known scope, and the symbolic links it went through."""
        if kind == kinds.WRITTEN:
            self.writes.about_to(path)
        if self.ledger.knows(scope, kind, path):
            return
        mode, links = self.workspace.look(path)
        if kind == kinds.READ and stat.S_ISDIR(mode):
            kind = kinds.PROBE
        if kind != kinds.PROBE or not _is_above(path, scope):
            self.ledger.note(scope, kind, path)
        for link in links:
            if kind == kinds.WRITTEN:
                self.writes.about_to(link)
                self.ledger.note(scope, kind, link)
            elif kind != kinds.PROBE or not _is_above(link, scope):
                self.ledger.note(scope, kinds.READ, link)

    def entries(self, path: str, frame: Any) -> None:
        """A folder's entries were handed out: their sizes and times can be had unseen."""
        try:
            names = os.listdir(self.workspace.absolute(path))
        except OSError:
            return
        for name in names:
            entry = self.workspace.locate(self.workspace.absolute(path + "/" + name))
            if entry is not None:
                self.note(kinds.READ, entry, frame)


def _is_above(path: str, scope: str) -> bool:
    """Whether a scope's own file could not be there if `path` were not."""
    own = scope.partition(":")[2]
    return not path or own == path or own.startswith(path + "/")
