"""Module roots: the folders of the workspace from which Python may import, and who sees which.

Unaware of the disk and of import statements: paths and names in, names out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from affected.model.path import (
    ROOT,
    RepoPath,
    decode,
    encode,
    is_under,
    join,
    name,
    parent,
    relative_to,
)

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
    `projects`: the folders of all projects, by which importers are told apart; `loose`: modules in
    folders that are neither packages nor roots (scripts), one line a name: the name and its
    folders, each after a tab.
    """

    roots: Mapping[RepoPath, Root]
    tops: Mapping[str, tuple[RepoPath, ...]]
    compiled: Mapping[RepoPath, tuple[RepoPath, ...]]
    projects: frozenset[RepoPath]
    loose: bytes = b"\n"

    def project_of(self, path: str) -> RepoPath:
        """The folder of the innermost project that holds `path`."""
        projects = self.projects
        while path:
            if path in projects:
                return RepoPath(path)
            path = path.rpartition("/")[0]
        return ROOT

    def loose_folders(self, top: str, project: str) -> list[RepoPath]:
        """The folders of scripts in `project` that hold a module `top`."""
        found: list[RepoPath] = []
        needle = b"\n" + encode(top) + b"\t"
        at = self.loose.find(needle)
        while at >= 0:
            end = self.loose.index(b"\n", at + 1)
            for folder in self.loose[at + len(needle) : end].split(b"\t"):
                path = decode(folder)
                if self.project_of(path) == project:
                    found.append(path)
            at = self.loose.find(needle, end)
        return sorted(found)

    def with_added(
        self, paths: Iterable[RepoPath], exists: Callable[[RepoPath], bool]
    ) -> ModuleRoots:
        """The roots once the files `paths` exist too, as `exists` tells of all files.

        What has gone may stay in the result: it does no harm. Files that change which folders
        are roots by their content (manifests, pytest configuration) need `find_roots` anew.
        """
        roots = dict(self.roots)
        tops = dict(self.tops)
        compiled = dict(self.compiled)
        loose = [self.loose]
        for path in paths:
            if path.endswith(EXTENSIONS):
                stem = stem_of(path)
                compiled[stem] = tuple(sorted({*compiled.get(stem, ()), path}))
            elif not path.endswith(".py"):
                continue
            folder = parent(path)
            while folder and exists(join(folder, "__init__.py")):
                folder = parent(folder)
            packaged = folder != parent(path)
            if folder not in roots and (packaged or name(path) == "conftest.py"):
                roots[folder] = Root(folder, self.project_of(folder), exported=packaged)
            elif folder not in roots:
                line = encode(stem_of(name(path))) + b"\t" + encode(folder) + b"\n"
                loose.append(line)
            for root in roots:
                if is_under(path, root):
                    top = relative_to(path, root).partition("/")[0].partition(".")[0]
                    if root not in tops.get(top, ()):
                        tops[top] = tuple(sorted((*tops.get(top, ()), root)))
        return replace(self, roots=roots, tops=tops, compiled=compiled, loose=b"".join(loose))

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
        return json.dumps(value, separators=(",", ":")).encode("ascii") + self.loose

    @staticmethod
    def unpack(packed: bytes) -> ModuleRoots:
        """Inverse of `pack`. Raises ValueError for bytes of another version."""
        head, newline, loose = packed.partition(b"\n")
        value = json.loads(head)
        if not isinstance(value, list) or value[0] != VERSION:
            raise ValueError("module roots of another version")
        _, rows, tops, compiled, projects = value
        roots = [Root(RepoPath(path), RepoPath(owner), bool(out)) for path, owner, out in rows]
        return ModuleRoots(
            roots={one.path: one for one in roots},
            tops={top: tuple([roots[at].path for at in places]) for top, places in tops.items()},
            compiled={RepoPath(stem): tuple(paths) for stem, paths in compiled.items()},
            projects=frozenset(projects),
            loose=newline + loose,
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


def moved_names(before: ModuleRoots, after: ModuleRoots) -> set[str]:
    """Top-level names that other roots answer now, or the same ones for other projects."""
    moved = {
        top
        for top in before.tops.keys() | after.tops.keys()
        if _seen(before, top) != _seen(after, top)
    }
    if before.loose != after.loose or before.projects != after.projects:
        old, new = set(_scripts(before)), set(_scripts(after))
        moved.update(top for top, _, _ in old ^ new)
    return moved


def _seen(roots: ModuleRoots, top: str) -> list[Root]:
    return [roots.roots[path] for path in roots.tops.get(top, ())]


def _scripts(roots: ModuleRoots) -> Iterator[tuple[str, RepoPath, RepoPath]]:
    """Name, folder and project of each loose module."""
    for line in roots.loose.split(b"\n"):
        top, *folders = line.split(b"\t")
        for folder in map(decode, folders):
            yield decode(top), folder, roots.project_of(folder)
