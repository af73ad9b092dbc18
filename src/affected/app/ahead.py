"""Work that recording will need, done while tests run and nothing else is to do.

Unaware of what the tests do: the import graph says which files they will load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from affected.app.knowledge import Knowledge
from affected.model.path import RepoPath
from affected.run.execute import Progress, Waited
from affected.state.rows import TargetRow

_STEP = 0.03  # seconds at a time, so that the display stays alive


class Ahead:
    """Makes the outlines of the files that some targets load, bit by bit, project by project."""

    def __init__(self, knowledge: Knowledge, rows: Iterable[TargetRow]) -> None:
        self._knowledge = knowledge
        self._files = self._in_turn(sorted(rows, key=lambda row: (row.project, row.path)))
        self._done = False

    def follow(self, event: Progress) -> None:
        """A little of it whenever there is nothing else to do."""
        if isinstance(event, Waited) and not self._done:
            self._done = not self._knowledge.outlines.prepare(self._files, _STEP)

    def _in_turn(self, rows: Iterable[TargetRow]) -> Iterator[tuple[RepoPath, str]]:
        files, graph = self._knowledge.files, self._knowledge.catalogue.graph
        seen: set[RepoPath] = set()
        for _, together in groupby(rows, key=lambda row: row.project):
            closure = graph.closure([row.path for row in together]) - seen
            seen |= closure
            yield from ((p, files[p]) for p in closure if p.endswith(".py") and p in files)
