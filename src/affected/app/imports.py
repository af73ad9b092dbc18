"""The imports of files: facts by content from the index, scanned where missing, resolved.

Unaware of targets and graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from affected.app.compose import Workspace
from affected.fs.digests import blob_digest
from affected.lang.python.facts import VERSION
from affected.lang.python.modules import ModuleRoots
from affected.lang.python.resolve import Resolution, Resolver
from affected.lang.python.scan import Scanner
from affected.model.edge import EdgeKind
from affected.model.path import RepoPath


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
        self._doctests: set[RepoPath] = set()
        self._scanner = Scanner()
        self._prefix = f"{workspace.root}/"

    @staticmethod
    def over_all(
        workspace: Workspace, roots: ModuleRoots, paths: Mapping[RepoPath, Any]
    ) -> ImportTable:
        """For many files: every path is in memory."""
        folders = {RepoPath("")}
        for path in paths:
            folder = path.rpartition("/")[0]
            while folder not in folders:
                folders.add(RepoPath(folder))
                folder = folder.rpartition("/")[0]
        resolver = Resolver(roots, paths.__contains__, folders.__contains__)
        return ImportTable(workspace, resolver, paths.__contains__)

    @staticmethod
    def over_index(workspace: Workspace, roots: ModuleRoots) -> ImportTable:
        """For few files: the index is asked."""
        index = workspace.index
        resolver = Resolver(roots, index.has_file, index.has_folder)
        return ImportTable(workspace, resolver, index.has_file)

    def edges(
        self, modules: Iterable[RepoPath], with_doctests: Collection[RepoPath] = ()
    ) -> dict[RepoPath, list[tuple[RepoPath, EdgeKind]]]:
        """The import edges of each file; those of its examples too where they are run."""
        self._doctests.update(with_doctests)
        wanted = list(modules)
        self._resolve(wanted)
        return {path: list(self._resolutions[path].edges) for path in wanted}

    def resolutions(self, files: Iterable[RepoPath]) -> Mapping[RepoPath, Resolution]:
        """What each file's imports resolve to; files that hold no Python are left out."""
        wanted = [f for f in files if f.endswith(".py") or f in self._doctests]
        self._resolve([path for path in wanted if path not in self._resolutions])
        return self._resolutions

    def _resolve(self, paths: list[RepoPath]) -> None:
        index = self._workspace.index
        digests = index.digests(paths)
        known = index.facts(set(digests.values()))
        fresh: dict[str, bytes] = {}
        for path in paths:
            digest = digests.get(path)
            packed = known.get(digest) if digest is not None else None
            if packed is None or packed.partition(b"\n")[0] != VERSION:
                source = self._read(path)
                packed = self._scanner.packed(source)
                if digest is not None and self._is(source, digest):
                    fresh[digest] = packed
            self._resolutions[path] = self.resolver.resolve_packed(
                path, packed, doctests=path in self._doctests
            )
        if fresh:
            index.add_facts(fresh)

    def _is(self, source: bytes, digest: str) -> bool:
        """False when the file was edited since its digest was taken: nothing is kept of it then."""
        return digest.startswith(blob_digest(source, self._workspace.object_format))

    def _read(self, path: RepoPath) -> bytes:
        try:
            with open(self._prefix + path, "rb", buffering=0) as stream:  # noqa: PTH123  (many files)
                return stream.read()
        except OSError:
            return b""
