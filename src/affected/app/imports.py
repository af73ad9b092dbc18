"""The imports of files: facts by content from the index, scanned where missing, resolved.

Unaware of targets and graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from affected.app.compose import Workspace
from affected.lang.python.modules import ModuleRoots
from affected.lang.python.resolve import Resolution, Resolver
from affected.lang.python.scan import Facts, pack, scan, unpack
from affected.model.edge import EdgeKind
from affected.model.path import RepoPath, ancestors


class ImportTable:
    """Resolves the imports of any present file; each file's facts are read once."""

    def __init__(
        self,
        workspace: Workspace,
        resolver: Resolver,
        exists: Callable[[RepoPath], bool],
    ) -> None:
        self._workspace = workspace
        self.resolver = resolver
        self.exists = exists
        self._resolutions: dict[RepoPath, Resolution] = {}

    @staticmethod
    def over_all(
        workspace: Workspace, roots: ModuleRoots, paths: Mapping[RepoPath, Any]
    ) -> ImportTable:
        """For many files: every path is in memory."""
        folders: set[RepoPath] = set()
        for path in paths:
            for folder in ancestors(path):
                if folder in folders:
                    break
                folders.add(folder)
        resolver = Resolver(roots, paths.__contains__, folders.__contains__)
        return ImportTable(workspace, resolver, paths.__contains__)

    @staticmethod
    def over_index(workspace: Workspace, roots: ModuleRoots) -> ImportTable:
        """For few files: the index is asked."""
        index = workspace.index
        resolver = Resolver(roots, index.has_file, index.has_folder)
        return ImportTable(workspace, resolver, index.has_file)

    def edges(
        self, modules: Iterable[RepoPath]
    ) -> dict[RepoPath, list[tuple[RepoPath, EdgeKind]]]:
        """The import edges of each file."""
        wanted = list(modules)
        self._facts(wanted, self._keep)
        return {path: list(self._resolutions[path].edges) for path in wanted}

    def resolutions(self, modules: Iterable[RepoPath]) -> Mapping[RepoPath, Resolution]:
        """What each file's imports resolve to; files that are not Python are left out."""
        wanted = [m for m in modules if m.endswith(".py") and m not in self._resolutions]
        self._facts(wanted, self._keep)
        return self._resolutions

    def _keep(self, path: RepoPath, facts: Facts) -> None:
        self._resolutions[path] = self.resolver.resolve(path, facts)

    def _facts(
        self, paths: list[RepoPath], receive: Callable[[RepoPath, Facts], None]
    ) -> None:
        index = self._workspace.index
        digests = index.digests(paths)
        known = index.facts(set(digests.values()))
        fresh: dict[str, bytes] = {}
        for path in paths:
            digest = digests.get(path)
            stored = known.get(digest) if digest is not None else None
            if stored is not None:
                receive(path, unpack(stored))
                continue
            facts = scan(self._read(path))
            if digest is not None:
                fresh[digest] = pack(facts)
            receive(path, facts)
        if fresh:
            index.add_facts(fresh)

    def _read(self, path: RepoPath) -> bytes:
        try:
            return (self._workspace.root / path).read_bytes()
        except OSError:
            return b""
