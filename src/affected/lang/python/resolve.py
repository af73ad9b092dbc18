"""Resolver: names that a file imports into the files of the workspace that answer them.

Unaware of the disk, and of what lies behind the files it names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from affected.lang.python import facts as stored
from affected.lang.python.facts import Facts
from affected.lang.python.lookup import Lookup
from affected.lang.python.modules import ModuleRoots
from affected.model.edge import EdgeKind
from affected.model.path import RepoPath, join

STANDARD: Final = "<standard library>"
"""Key of the files of the workspace that stand before modules of the standard library."""

_SCOPE: Final = " in "
_RANK: Final = (0, 3, 5, 2, 1, 4)
"""By EdgeKind, for the first six: the kind of lower rank is the stronger one."""

Edges = list[tuple[RepoPath, EdgeKind]]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the names of one file resolve to.

    `edges`: files, each with the strongest kind; `modules`: keys for `Resolver.candidates`, whose
    answers together decide the edges; `externals`: top-level names that something installed may
    answer (not the workspace alone, nor every standard library since 3.9); `computed`: some names
    are computed at run time.
    """

    edges: tuple[tuple[RepoPath, EdgeKind], ...]
    modules: tuple[str, ...]
    externals: tuple[str, ...]
    computed: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one clause gives."""

    edges: tuple[tuple[RepoPath, EdgeKind], ...] = ()
    modules: tuple[str, ...] = ()
    externals: tuple[str, ...] = ()


class Resolver:
    """Resolves the facts of many files; remembers every name and clause it has met.

    `exists` tells whether a file has that repo path, `is_folder` whether a folder has. It holds
    for one state of the workspace: make a new one when files came or went.
    """

    def __init__(
        self,
        roots: ModuleRoots,
        exists: Callable[[RepoPath], bool],
        is_folder: Callable[[RepoPath], bool],
    ) -> None:
        self._lookup = Lookup(roots, exists, is_folder)
        self._clauses: dict[str, dict[bytes, _Answer]] = {}

    def candidates(self, name: str) -> tuple[RepoPath, ...]:
        """Every path of the workspace that could answer a key of `Resolution.modules`, sorted.

        A key is a dotted name as code of the root project sees it, `NAME in PROJECT` as code of
        another does, `/PATH` for one place, or STANDARD in place of a name. Files that could
        answer the name or a parent package, folders that could be namespace packages; () for none.
        """
        if name.startswith("/"):
            return self._lookup.paths(name[1:])
        dotted, _, scope = name.partition(_SCOPE)
        if dotted == STANDARD:
            return self._lookup.shadows(scope)
        return self._lookup.find(dotted, scope).paths

    def resolve(self, importer: RepoPath, facts: Facts, *, doctests: bool = False) -> Resolution:
        """What `facts` of the file `importer` resolve to; with those of its examples if wanted.

        Edges lead to the modules themselves, and from `importer` to the `__init__.py` of the
        folders above it (kind PARENT); those of an imported module follow from its own facts.
        """
        return self.resolve_packed(importer, stored.pack(facts), doctests=doctests)

    def resolve_packed(
        self, importer: RepoPath, packed: bytes, *, doctests: bool = False
    ) -> Resolution:
        """`resolve` for facts in their stored form. Raises ValueError for another version."""
        lines = packed.split(b"\n")
        if lines[0] != stored.VERSION:
            raise ValueError("facts of another version")
        if b"\n>" in packed:
            lines = [line for line in lines if doctests or line[:1] != stored.DOCTEST]
        scope, parents = self._lookup.folder(importer.rpartition("/")[0])
        memo = self._clauses.get(scope)
        if memo is None:
            memo = self._clauses[scope] = {}
        edges: dict[RepoPath, EdgeKind] = dict.fromkeys(parents, EdgeKind.PARENT)
        modules: dict[str, None] = {}
        externals: dict[str, None] = {}
        for line in lines[1:]:
            answer = memo.get(line) or self._answer(line, importer, scope, memo)
            for path, kind in answer.edges:
                old = edges.get(path)
                if old is None or _RANK[kind] < _RANK[old]:
                    edges[path] = kind
            for key in answer.modules:
                modules[key] = None
            for top in answer.externals:
                externals[top] = None
        edges.pop(importer, None)
        computed = stored.COMPUTED in lines
        return Resolution(tuple(edges.items()), tuple(modules), tuple(externals), computed)

    def named(self, project: RepoPath, names: Iterable[str]) -> Resolution:
        """What module names given to pytest (`-p NAME`) resolve to, for tests of `project`."""
        tag = b"%d" % EdgeKind.STRING
        lines = [tag + name.encode("utf-8", "surrogateescape") for name in names]
        importer = join(project, "?")
        found = self.resolve_packed(importer, b"\n".join([stored.VERSION, *lines]))
        edges = tuple(edge for edge in found.edges if edge[1] is not EdgeKind.PARENT)
        return Resolution(edges, found.modules, found.externals, computed=False)

    def _answer(
        self, line: bytes, importer: RepoPath, scope: str, memo: dict[bytes, _Answer]
    ) -> _Answer:
        """The answer of one stored line; kept in `memo` when it is the same for all importers."""
        if line == stored.COMPUTED:
            answer = _Answer()
        elif line[:1] == stored.STRING:
            answer = self._string(_text(line[1:]), scope)
        elif line[:1] == stored.EXPORTS:
            return self._exports(importer, _text(line[1:]))
        else:
            text = _text(line[1:] if line[:1] == stored.DOCTEST else line)
            kind = EdgeKind(ord(text[0]) - 48)
            module, _, names = text[1:].partition(":")
            listed = names.split(",") if names and names != "*" else []
            if module.startswith("."):
                return self._relative(importer, module, listed, kind, scope)
            answer = self._absolute(module, listed, kind, scope)
        memo[line] = answer
        return answer

    def _absolute(self, module: str, names: list[str], kind: EdgeKind, scope: str) -> _Answer:
        top = module.partition(".")[0]
        lookup = self._lookup
        if top in lookup.standard and not lookup.find(top, scope).first_party:
            return _Answer((), (self._key(STANDARD, scope),), ())
        found = lookup.find(module, scope)
        edges: Edges = [(path, kind) for path in found.winners]
        edges += [(path, EdgeKind.PARENT) for path in found.parents]
        if not found.paths:
            return _Answer((), (self._key(top, scope),), (top,))
        modules = [self._key(module, scope)]
        external = not found.first_party
        if found.nests or not found.winners:
            for name in names:
                dotted = f"{module}.{name}"
                below = lookup.find(dotted, scope)
                modules.append(self._key(dotted, scope))
                edges += [(path, kind) for path in below.winners]
                external = external and not below.first_party
        return _Answer(tuple(edges), tuple(modules), (top,) if external else ())

    def _string(self, dotted: str, scope: str) -> _Answer:
        """A dotted name in a string: the longest part of it that is a module, if any is."""
        lookup = self._lookup
        if dotted.partition(".")[0] not in lookup.roots.tops:
            return _Answer()
        parts = dotted.split(".")
        for size in range(len(parts), 0, -1):
            module = ".".join(parts[:size])
            found = lookup.find(module, scope)
            if found.winners:
                if found.nests and size < len(parts):
                    module = ".".join(parts[: size + 1])
                edges: Edges = [(path, EdgeKind.STRING) for path in found.winners]
                edges += [(path, EdgeKind.PARENT) for path in found.parents]
                return _Answer(tuple(edges), (self._key(module, scope),), ())
        return _Answer()

    def _relative(
        self, importer: RepoPath, module: str, names: list[str], kind: EdgeKind, scope: str
    ) -> _Answer:
        lookup = self._lookup
        folder = importer.rpartition("/")[0]
        bare = module.lstrip(".")
        for _ in range(len(module) - len(bare) - 1):
            folder = folder.rpartition("/")[0]
        stem = join(folder, bare.replace(".", "/"))
        place = lookup.place(stem)
        modules = ["/" + stem] if bare else []
        inner: str = stem
        edges: Edges = [(path, kind) for path in place.winner]
        while not edges and inner not in (folder, ""):
            inner = inner.rpartition("/")[0]
            edges += [(path, kind) for path in lookup.place(inner).winner]
        missing = [bare] if bare and not place.winner else []
        if place.package or not place.winner:
            for name in names:
                below = lookup.place(join(stem, name))
                modules.append("/" + join(stem, name))
                edges += [(path, kind) for path in below.winner]
                if not below.winner and not place.winner:
                    missing.append(f"{bare}.{name}" if bare else name)
        if missing and not lookup.place(folder).package:
            for dotted in self._elsewhere(folder, missing):
                answer = self._absolute(dotted, [], kind, scope)
                # what is above a module there is told by the module's own edges
                edges += [edge for edge in answer.edges if edge[1] is not EdgeKind.PARENT]
                modules += answer.modules
        return _Answer(tuple(edges), tuple(modules), ())

    def _elsewhere(self, folder: str, missing: list[str]) -> list[str]:
        """The absolute names of what may lie in another portion of a namespace package."""
        names: list[str] = []
        above = folder
        while above:
            above = above.rpartition("/")[0]
            if above in self._lookup.roots.roots:
                package = folder[len(above) + 1 if above else 0 :].replace("/", ".")
                names += [f"{package}.{name}" for name in missing]
        return names

    def _exports(self, importer: RepoPath, names: str) -> _Answer:
        """The submodules that a star import of a package imports, as `__all__` names them."""
        folder, _, last = importer.rpartition("/")
        if last != "__init__.py":
            return _Answer()
        edges: Edges = []
        for name in names.split(","):
            winner = self._lookup.place(join(folder, name)).winner
            edges += [(path, EdgeKind.LAZY) for path in winner]
        return _Answer(tuple(edges), (), ())

    def _key(self, name: str, scope: str) -> str:
        return sys.intern(f"{name}{_SCOPE}{scope}" if scope else name)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
