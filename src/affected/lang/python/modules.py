"""Module roots: the folders of the workspace from which Python may import, and who sees which.

Unaware of the disk and of import statements: paths and names in, names out.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from affected.model.path import ROOT, RepoPath, is_under, join, name, parent, relative_to

VERSION: Final = 1
"""Version of the stored form. 1: the first one."""

EXTENSIONS: Final = (".so", ".pyd")
"""Endings of compiled modules; everything after the first dot of the file's name is suffix."""


@dataclass(frozen=True, slots=True)
class Root:
    """One folder that may stand on `sys.path` when tests of its project run.

    `exported`: code of other projects may import from it too, as it is not just the folder of
    some tests.
    """

    path: RepoPath
    project: RepoPath
    exported: bool


@dataclass(frozen=True, slots=True)
class ModuleRoots:
    """Every root with the top-level names that lie in it.

    `tops`: name -> roots that hold it; `compiled`: path without suffix -> compiled modules there;
    `projects`: the folders of all projects, by which importers are told apart.
    """

    roots: Mapping[RepoPath, Root]
    tops: Mapping[str, tuple[RepoPath, ...]]
    compiled: Mapping[RepoPath, tuple[RepoPath, ...]]
    projects: frozenset[RepoPath]

    def project_of(self, path: str) -> RepoPath:
        """The folder of the innermost project that holds `path`."""
        projects = self.projects
        while path:
            if path in projects:
                return RepoPath(path)
            path = path.rpartition("/")[0]
        return ROOT

    def with_added(
        self, paths: Iterable[RepoPath], has_init: Collection[RepoPath] = ()
    ) -> ModuleRoots:
        """The roots once `paths` exist too; names that have gone may stay: they do no harm.

        `has_init`: those folders above `paths` that hold an `__init__.py`, the added included.
        """
        roots = dict(self.roots)
        tops = dict(self.tops)
        compiled = dict(self.compiled)
        for path in paths:
            if path.endswith(EXTENSIONS):
                stem = stem_of(path)
                compiled[stem] = tuple(sorted({*compiled.get(stem, ()), path}))
            elif not path.endswith(".py"):
                continue
            folder = parent(path)
            while folder and folder in has_init:
                folder = parent(folder)
            if folder not in roots and (name(path) == "conftest.py" or folder != parent(path)):
                roots[folder] = Root(folder, self.project_of(folder), exported=True)
            for root in roots:
                if is_under(path, root):
                    top = relative_to(path, root).partition("/")[0].partition(".")[0]
                    if root not in tops.get(top, ()):
                        tops[top] = tuple(sorted((*tops.get(top, ()), root)))
        return replace(self, roots=roots, tops=tops, compiled=compiled)

    def pack(self) -> bytes:
        """The stored form."""
        order = list(self.roots)
        number = {path: at for at, path in enumerate(order)}
        value = [
            VERSION,
            [[one.path, one.project, int(one.exported)] for one in self.roots.values()],
            {top: [number[path] for path in paths] for top, paths in self.tops.items()},
            {stem: list(paths) for stem, paths in self.compiled.items()},
            sorted(self.projects),
        ]
        return json.dumps(value, separators=(",", ":")).encode("ascii")

    @staticmethod
    def unpack(packed: bytes) -> ModuleRoots:
        """Inverse of `pack`. Raises ValueError for bytes of another version."""
        value = json.loads(packed)
        if not isinstance(value, list) or value[0] != VERSION:
            raise ValueError("module roots of another version")
        _, rows, tops, compiled, projects = value
        roots = [Root(RepoPath(path), RepoPath(owner), bool(out)) for path, owner, out in rows]
        return ModuleRoots(
            roots={one.path: one for one in roots},
            tops={top: tuple([roots[at].path for at in places]) for top, places in tops.items()},
            compiled={RepoPath(stem): tuple(paths) for stem, paths in compiled.items()},
            projects=frozenset(projects),
        )


def stem_of(path: str) -> RepoPath:
    """`path` of a module without what follows the first dot of its last component."""
    folder, _, last = path.rpartition("/")
    return join(folder, last.partition(".")[0])


def module_names(path: RepoPath, roots: ModuleRoots) -> tuple[str, ...]:
    """The dotted names a file answers to, one for each root above it; () for no module.

    A new file also brings forth the folders above it as namespace packages, so these are named
    too, after its own names.
    """
    if not path.endswith((".py", *EXTENSIONS)):
        return ()
    stem = parent(path) if name(path) == "__init__.py" else stem_of(path)
    own: dict[str, None] = {}
    above: dict[str, None] = {}
    folder = str(stem)
    while folder:
        folder = folder.rpartition("/")[0]
        if folder in roots.roots:
            dotted = relative_to(stem, folder).replace("/", ".")
            own[dotted] = None
            while "." in dotted:
                dotted = dotted.rpartition(".")[0]
                above[dotted] = None
    return tuple({**own, **above})
