"""A workspace opened in this process, step by step as the commands do it.

Unaware of what the steps should find.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.repositories import GitTree

from affected.app import survey as surveys
from affected.app.catalogue import Catalogue, refresh
from affected.app.compose import Workspace, open_workspace
from affected.app.survey import Survey, Watched
from affected.model.observation import InputKind
from affected.model.path import RepoPath
from affected.model.target import Target


@dataclass(frozen=True, slots=True)
class Opened:
    """A tree and the cache folder in which an index of it is kept from step to step."""

    tree: GitTree
    cache: Path

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """Opened as a command opens it."""
        environ = {**self.tree.environ, "AFFECTED_CACHE_DIR": str(self.cache)}
        workspace = open_workspace(self.tree.root, environ)
        try:
            yield workspace
        finally:
            workspace.close()

    def survey(self) -> Survey:
        """One look at the files, stored: what a command does first."""
        with self.workspace() as workspace:
            found = surveys.survey(workspace, surveys.begin(workspace))
            with workspace.index.transaction():
                surveys.store(workspace, found)
            return found

    def moves(self) -> dict[str, str]:
        """Path → "new", "gone" or "other" of a survey that is stored."""
        return {
            path: move(change.old, change.new) for path, change in self.survey().changes.items()
        }

    def catalogue(self) -> tuple[Catalogue, list[Target]]:
        """Survey and refresh, stored; the catalogue and the targets in label order."""
        from affected.app.catalogue import targets_of  # noqa: PLC0415

        with self.workspace() as workspace:
            found = surveys.survey(workspace, surveys.begin(workspace))
            with workspace.index.transaction():
                surveys.store(workspace, found)
                made = refresh(workspace, found)
            return made, targets_of(workspace.index.targets())

    def files(self) -> dict[RepoPath, str]:
        """The file table as last stored."""
        with self.workspace() as workspace:
            return dict(workspace.index.files())

    def watch(self, kind: InputKind, path: str) -> None:
        """Put one input on the watch list."""
        with self.workspace() as workspace:
            known: list[Watched] = surveys.get_watched(workspace)
            surveys.put_watched(workspace, [*known, surveys.watch(workspace, kind, RepoPath(path))])

    def anew(self, cache: Path) -> Opened:
        """The same tree, of which nothing is known."""
        return Opened(self.tree, cache)


def move(old: str, new: str) -> str:
    """What a change did, in a word."""
    if old == "absent":
        return "new"
    return "gone" if new == "absent" else "other"
