"""Work that recording will need, done while tests run and nothing else is to do.

Unaware of what the tests do: the import graph says which files they will load.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from affected.app.knowledge import Knowledge
from affected.model.path import RepoPath
from affected.run.execute import Progress, Waited
from affected.state.rows import TargetRow

_STEP = 0.03  # seconds at a time, so that the display stays alive


class Ahead:
    """Makes the outlines of the files that some targets load, bit by bit."""

    def __init__(self, knowledge: Knowledge, rows: Iterable[TargetRow]) -> None:
        self._knowledge = knowledge
        self._starts = [row.path for row in rows]
        self._files: Mapping[RepoPath, str] | None = None
        self._done = False

    def follow(self, event: Progress) -> None:
        """A little of it whenever there is nothing else to do."""
        if not isinstance(event, Waited) or self._done:
            return
        if self._files is None:
            files = self._knowledge.files
            closure = self._knowledge.catalogue.graph.closure(self._starts)
            self._files = {p: files[p] for p in closure if p.endswith(".py") and p in files}
            return
        self._done = not self._knowledge.outlines.prepare(self._files, _STEP)
