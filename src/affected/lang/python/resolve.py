"""Resolver: names that a file imports into the files of the workspace that answer them.

Unaware of the disk: it asks two questions about paths through the callables it is given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from affected.lang.python.facts import Facts, pack
from affected.lang.python.modules import ModuleRoots
from affected.model.edge import EdgeKind
from affected.model.path import ROOT, RepoPath, join

STANDARD: Final = "<standard library>"
"""Key of the files of the workspace that stand before modules of the standard library."""

_CAME_OR_WENT: Final = frozenset(
    "_abc_nothing annotationlib asynchat asyncore aifc audioop binhex cgi cgitb chunk compression "
    "crypt distutils formatter imghdr imp lib2to3 mailcap msilib nis nntplib ossaudiodev parser "
    "pathlib2 pipes smtpd sndhdr spwd string.templatelib sunau symbol telnetlib tomllib uu xdrlib".split()
)
_SCOPE: Final = " in "
_RANK: Final = {
    EdgeKind.IMPORT: 0,
    EdgeKind.STAR: 1,
    EdgeKind.PARENT: 2,
    EdgeKind.LAZY: 3,
    EdgeKind.STRING: 4,
    EdgeKind.TYPING: 5,
}


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the names of one file resolve to.

    `edges`: files, each with the strongest kind; `modules`: keys for `Resolver.candidates`, whose
    answers together decide the edges; `externals`: top-level names that are neither of the
    workspace nor of every standard library since 3.9; `computed`: some names are not known.
    """

    edges: tuple[tuple[RepoPath, EdgeKind], ...]
    modules: tuple[str, ...]
    externals: tuple[str, ...]
    computed: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """What lies at a path without suffix: the winning file, all files, and whether it nests."""

    winner: tuple[RepoPath, ...]
    files: tuple[RepoPath, ...]
    package: bool
    namespace: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one clause of one file gives."""

    edges: tuple[tuple[RepoPath, EdgeKind], ...] = ()
    modules: tuple[str, ...] = ()
    externals: tuple[str, ...] = ()


class Resolver:
    """Resolves the facts of many files; remembers every name and clause it has met.

    `exists` tells whether a file has that repo path, `is_folder` whether a folder has.
    """

    def __init__(
        self,
        roots: ModuleRoots,
        exists: Callable[[RepoPath], bool],
        is_folder: Callable[[RepoPath], bool],
    ) -> None:
        self._roots = roots
        self._exists = exists
        self._is_folder = is_folder
        self._places: dict[str, _Place] = {}
        self._tiers: dict[tuple[str, str], tuple[tuple[RepoPath, ...], ...]] = {}
        self._found: dict[str, dict[str, tuple[_Place, ...]]] = {}
        self._clauses: dict[str, dict[bytes, _Answer]] = {}
        self._folders: dict[str, tuple[RepoPath, tuple[RepoPath, ...]]] = {}
        self._standard = frozenset(sys.stdlib_module_names) - _CAME_OR_WENT

    # -- questions ------------------------------------------------------------------------------

    def candidates(self, name: str) -> tuple[RepoPath, ...]:
        """Every path of the workspace that could answer a key of `Resolution.modules`.

        A key is a dotted name as seen from the root project, `NAME in PROJECT` as seen from
        another, `/PATH` for one place, or `STANDARD`. Files that could answer the name or a
        parent package, and folders that could be a namespace package; () when there are none.
        """
        if name.startswith("/"):
            return self._files(self._place(name[1:]), name[1:])
        dotted, _, scope = name.partition(_SCOPE)
        if dotted == STANDARD:
            return self._shadows(scope)
        found: dict[RepoPath, None] = {}
        parts = dotted.split(".")
        for tier in self._tiers_of(parts[0], scope):
            answered = False
            for root in tier:
                stem: str = root
                for part in parts:
                    stem = f"{stem}/{part}" if stem else part
                    place = self._place(stem)
                    for path in self._files(place, stem):
                        found[path] = None
                answered = answered or bool(place.winner)
            if answered:
                break
        return tuple(sorted(found))

    def resolve(self, importer: RepoPath, facts: Facts, *, doctests: bool = False) -> Resolution:
        """What `facts` of the file `importer` resolve to.

        Edges lead to the modules themselves, and from `importer` to the `__init__.py` of the
        folders above it (kind PARENT); those of an imported module follow from its own facts.
        """
        return self.resolve_packed(importer, pack(facts), doctests=doctests)

    def resolve_packed(
        self, importer: RepoPath, packed: bytes, *, doctests: bool = False
    ) -> Resolution:
        """`resolve` for facts in their stored form. Raises ValueError for another version."""
        folder = importer.rpartition("/")[0]
        scope, parents = self._folder(folder)
        edges: dict[RepoPath, EdgeKind] = dict.fromkeys(parents, EdgeKind.PARENT)
        modules: dict[str, None] = {}
        externals: dict[str, None] = {}
        computed = False
        memo = self._clauses.get(scope)
        if memo is None:
            memo = self._clauses[scope] = {}
        lines = packed.split(b"\n")
        if lines[0] != b"1":
            raise ValueError("facts of another version")
        for line in lines[1:]:
            if line[:1] == b">":
                if not doctests:
                    continue
                line = line[1:]  # noqa: PLW2901
            answer = memo.get(line)
            if answer is None:
                if line[:1] == b"!":
                    computed = True
                    continue
                if line[:1] == b"=":
                    answer = self._exports(importer, folder, line)
                elif line[1:2] == b".":
                    answer = self._relative(folder, line)
                else:
                    answer = memo[line] = self._clause(line, scope)
            for path, kind in answer.edges:
                old = edges.get(path)
                if old is None or _RANK[kind] < _RANK[old]:
                    edges[path] = kind
            for key in answer.modules:
                modules[key] = None
            for top in answer.externals:
                externals[top] = None
        if externals and folder not in self._roots.roots and not parents:
            self._beside(folder, externals, edges)
        edges.pop(importer, None)
        return Resolution(tuple(edges.items()), tuple(modules), tuple(externals), computed)

    def named(self, project: RepoPath, names: Iterable[str]) -> Resolution:
        """What dotted names given to pytest (`-p NAME`) resolve to, seen from `project`."""
        lines = [b"1", *(b"5" + one.encode("utf-8", "surrogateescape") for one in names)]
        return self.resolve_packed(join(project, "?"), b"\n".join(lines))

    # -- clauses --------------------------------------------------------------------------------

    def _clause(self, line: bytes, scope: str) -> _Answer:
        text = line.decode("utf-8", "surrogateescape")
        if text[0] == '"':
            return self._string(text[1:], scope)
        kind = EdgeKind(ord(text[0]) - 48)
        module, _, names = text[1:].partition(":")
        top = module.partition(".")[0]
        places = self._find(module, scope)
        if top in self._standard and not any(place.winner for place in self._find(top, scope)):
            return _Answer((), (self._key(STANDARD, scope),), ())
        if top not in self._roots.tops:
            return _Answer((), (self._key(top, scope),), (top,))
        edges, modules, unanswered = self._walk(module, places, kind, scope)
        if not places or any(place.package or place.namespace for place in places):
            for name in names.split(",") if names and names != "*" else ():
                below = self._find(f"{module}.{name}", scope)
                modules.append(self._key(f"{module}.{name}", scope))
                for place in below:
                    edges += [(path, kind) for path in place.winner]
        if names and edges and not places:
            unanswered = not any(place.winner for place in self._find(top, scope))
        externals = (top,) if unanswered and not edges else ()
        return _Answer(tuple(edges), tuple(modules), externals)

    def _walk(
        self, module: str, places: tuple[_Place, ...], kind: EdgeKind, scope: str
    ) -> tuple[list[tuple[RepoPath, EdgeKind]], list[str], bool]:
        """Edges to `module`, or to its innermost parent that is a file; keys; nothing found."""
        edges: list[tuple[RepoPath, EdgeKind]] = []
        modules = [self._key(module, scope)]
        while True:
            for place in places:
                for path in place.winner:
                    edges.append((path, kind))
                    if not path.endswith(".py"):
                        folder = path.rpartition("/")[0]
                        edges += [(one, EdgeKind.PARENT) for one in self._folder(folder)[1]]
            if edges or "." not in module:
                return edges, modules, not edges
            module = module.rpartition(".")[0]
            places = self._find(module, scope)

    def _string(self, dotted: str, scope: str) -> _Answer:
        """A dotted name in a string: the longest part of it that is a module, if any is."""
        if dotted.partition(".")[0] not in self._roots.tops:
            return _Answer()
        module = dotted
        while module:
            places = self._find(module, scope)
            edges = [(path, EdgeKind.STRING) for place in places for path in place.winner]
            if edges:
                longer = dotted[: dotted.find(".", len(module) + 1)] if module != dotted else ""
                if dotted.count(".") == module.count(".") + 1:
                    longer = dotted
                keys = [self._key(module, scope)]
                if longer and any(place.package for place in places):
                    keys = [self._key(longer, scope)]
                return _Answer(tuple(edges), tuple(keys), ())
            module = module.rpartition(".")[0]
        return _Answer()

    def _relative(self, folder: str, line: bytes) -> _Answer:
        text = line.decode("utf-8", "surrogateescape")
        kind = EdgeKind(ord(text[0]) - 48)
        dotted, _, names = text[1:].partition(":")
        module = dotted.lstrip(".")
        for _ in range(len(dotted) - len(module) - 1):
            folder = folder.rpartition("/")[0]
        stem: str = join(folder, module.replace(".", "/"))
        edges: list[tuple[RepoPath, EdgeKind]] = []
        modules: list[str] = []
        place = self._place(stem)
        if module:
            modules.append("/" + stem)
        outer = place
        while True:
            edges += [(path, kind) for path in outer.winner]
            if edges or not module:
                break
            module = module.rpartition(".")[0]
            outer = self._place(join(folder, module.replace(".", "/")))
        if not place.winner or place.package:
            for name in names.split(",") if names and names != "*" else ():
                inner = join(stem, name)
                modules.append("/" + inner)
                edges += [(path, kind) for path in self._place(inner).winner]
        return _Answer(tuple(edges), tuple(modules), ())

    def _exports(self, importer: RepoPath, folder: str, line: bytes) -> _Answer:
        """The submodules that a star import of a package imports, as `__all__` names them."""
        if not importer.endswith("__init__.py"):
            return _Answer()
        edges: list[tuple[RepoPath, EdgeKind]] = []
        for name in line[1:].decode("utf-8", "surrogateescape").split(","):
            edges += [(path, EdgeKind.LAZY) for path in self._place(join(folder, name)).winner]
        return _Answer(tuple(edges), (), ())

    def _beside(
        self, folder: str, externals: dict[str, None], edges: dict[RepoPath, EdgeKind]
    ) -> None:
        """Modules beside a script, which Python puts first when it runs the script."""
        for top in externals:
            for path in self._place(join(folder, top)).winner:
                edges.setdefault(path, EdgeKind.IMPORT)

    # -- places ---------------------------------------------------------------------------------

    def _key(self, name: str, scope: str) -> str:
        return sys.intern(f"{name}{_SCOPE}{scope}" if scope else name)

    def _folder(self, folder: str) -> tuple[RepoPath, tuple[RepoPath, ...]]:
        """The project of a folder, and every `__init__.py` in it and above it."""
        known = self._folders.get(folder)
        if known is None:
            own = join(folder, "__init__.py")
            project = RepoPath(folder)
            above: tuple[RepoPath, ...] = ()
            if folder:
                project, above = self._folder(folder.rpartition("/")[0])
                if folder in self._roots.projects:
                    project = RepoPath(folder)
            else:
                project = ROOT
            known = (project, (own, *above) if self._exists(own) else above)
            self._folders[folder] = known
        return known

    def _tiers_of(self, top: str, scope: str) -> tuple[tuple[RepoPath, ...], ...]:
        """The roots that hold `top`: the scope's own, those of others for all, the rest."""
        key = (top, scope)
        known = self._tiers.get(key)
        if known is None:
            tiers: tuple[list[RepoPath], ...] = ([], [], [])
            standard = top in self._standard
            for path in self._roots.tops.get(top, ()):
                root = self._roots.roots[path]
                if root.project == scope:
                    tiers[0].append(path)
                elif root.project == ROOT or not standard:
                    tiers[1 if root.exported else 2].append(path)
            known = self._tiers[key] = tuple(tuple(tier) for tier in tiers if tier)
        return known

    def _find(self, dotted: str, scope: str) -> tuple[_Place, ...]:
        """The places that answer a dotted name: files of the first tier with one, else folders."""
        memo = self._found.get(scope)
        if memo is None:
            memo = self._found[scope] = {}
        known = memo.get(dotted)
        if known is None:
            namespaces: list[_Place] = []
            relative = dotted.replace(".", "/")
            for tier in self._tiers_of(dotted.partition(".")[0], scope):
                places = [self._place(join(root, relative)) for root in tier]
                namespaces += [place for place in places if place.namespace]
                known = tuple(place for place in places if place.winner)
                if known:
                    break
            memo[dotted] = known = known or tuple(namespaces)
        return known

    def _place(self, stem: str) -> _Place:
        known = self._places.get(stem)
        if known is None:
            package = RepoPath(f"{stem}/__init__.py" if stem else "__init__.py")
            source = RepoPath(f"{stem}.py")
            compiled = self._roots.compiled.get(RepoPath(stem), ())
            files = [one for one in compiled if self._exists(one)] if compiled else []
            if stem and self._exists(source):
                files.append(source)
            nests = self._exists(package)
            if nests:
                files.insert(0, package)
            winner = tuple(files[:1] if files and files[0].endswith(".py") else files)
            namespace = not files and self._is_folder(RepoPath(stem))
            known = self._places[stem] = _Place(winner, tuple(files), nests, namespace)
        return known

    def _files(self, place: _Place, stem: str) -> tuple[RepoPath, ...]:
        return (RepoPath(stem),) if place.namespace else place.files

    def _shadows(self, scope: str) -> tuple[RepoPath, ...]:
        found: set[RepoPath] = set()
        for top in self._standard.intersection(self._roots.tops):
            for place in self._find(top, scope):
                found.update(place.files)
        return tuple(sorted(found))
