"""Puts the parts that see together and starts them. Unaware of pytest's hooks and of the spool."""

from __future__ import annotations

import os
import sys
from typing import Any, Tuple

from .accesses import Accesses
from .audit import Auditor
from .blocks import Blocks
from .files import Files
from .frames import Frames, package_folder
from .imports import Imports
from .installed import Installed
from .ledger import SESSION, Ledger
from .network import Network
from .paths import Workspace
from .writes import Writes

_RUNNERS = ("_pytest", "pytest", "pluggy")


class Watch:
    """Everything that sees, for one workspace and one process."""

    def __init__(self, root: str) -> None:
        self.ledger = Ledger()
        self.workspace = Workspace(root)
        self.frames = Frames(self.workspace, self.ledger)
        self.installed = Installed(self.frames, self.ledger)
        self.writes = Writes(self.workspace)
        self.blocks = Blocks(self.frames, self.ledger, self.trouble)
        self.imports = Imports(self.workspace, self.frames, self.ledger, self.trouble)
        accesses = Accesses(self.workspace, self.frames, self.ledger, self.installed, self.writes)
        self._files = Files(accesses, self.trouble)
        self._auditor = Auditor(accesses, self.trouble, self.blocks.miss)
        self._network = Network(self.workspace, self.frames, self.ledger)

    def start(self, *, blocks: bool) -> None:
        """Put hooks and wrappers in place, in this process only."""
        if blocks and self.blocks.install():
            self.ledger.follower = self.blocks.enter
        for name in _RUNNERS:
            found = package_folder(sys.modules.get(name))
            if found is not None and self.workspace.locate(found[1]) is None:
                self.frames.add_package(*found)
        for path in self.imports.note_loaded("_affected_tracer"):
            self.blocks.miss(path)
        self._files.install()
        self.imports.install()
        self._auditor.handlers.update(self._network.handlers())
        self._auditor.handlers["exec"] = self._executed
        silence = self._auditor.install()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=silence)

    def _executed(self, args: Tuple[Any, ...], frame: Any) -> None:
        """Handler of the audit event `exec`."""
        path = self.imports.executed(args, frame)
        if path is not None:
            self.blocks.arm(args[0], path)

    def trouble(self, error: BaseException) -> None:
        """Note a failure of the tracer itself: something may have gone unseen."""
        scope = SESSION
        if isinstance(error, (RecursionError, MemoryError)):
            scope = self.ledger.scope  # the test's own doing
        what = "%s: %s" % (type(error).__name__, error)
        self.ledger.blind(scope, "tracer-error", what[:200])
