"""Lookup: dotted names as one project sees them, into the paths that could answer them.

Unaware of import statements; it asks two questions about paths through the callables it is given.

Which folders are on `sys.path`, and in which order, is known only at run time. So a project's own
roots are asked first, then those that others export, then the folders of others' tests, then loose
scripts of the project; the first tier with an answer counts, with everything it holds of the name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from affected.lang.python.modules import ModuleRoots
from affected.model.path import ROOT, RepoPath, join

_NOT_ALWAYS: Final = frozenset((
    "aifc", "annotationlib", "asynchat", "asyncore", "audioop", "binhex", "cgi", "cgitb", "chunk",
    "compression", "crypt", "distutils", "formatter", "imghdr", "imp", "lib2to3", "mailcap",
    "msilib", "nis", "nntplib", "ossaudiodev", "parser", "pipes", "smtpd", "sndhdr", "spwd",
    "sunau", "symbol", "telnetlib", "tomllib", "uu", "xdrlib",
))  # fmt: skip
"""Modules that some standard library since 3.9 has and some has not."""


def standard_library() -> frozenset[str]:
    """The top-level names that every standard library since Python 3.9 holds."""
    return (frozenset(sys.stdlib_module_names) | {"__main__"}) - _NOT_ALWAYS


@dataclass(frozen=True, slots=True)
class Place:
    """What lies at a path without suffix.

    `winner`: the file Python would load (several when compiled for several platforms); `files`:
    all that could; `package`: it holds submodules; `namespace`: a folder without `__init__.py`.
    """

    winner: tuple[RepoPath, ...]
    files: tuple[RepoPath, ...]
    package: bool
    namespace: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What answers a dotted name.

    `winners`: files of the name itself; `parents`: files of its parent packages that the winners'
    own folders do not show; `paths`: all that could answer it or a parent package, folders that
    could be namespace packages included; `nests`: it may have submodules; `first_party`: the
    workspace, and nothing installed, answers its top-level name.
    """

    winners: tuple[RepoPath, ...] = ()
    parents: tuple[RepoPath, ...] = ()
    paths: tuple[RepoPath, ...] = ()
    nests: bool = False
    first_party: bool = False


_NOTHING: Final = Place((), (), package=False, namespace=False)
_NAMESPACE: Final = Place((), (), package=False, namespace=True)


class Lookup:
    """Answers for names and places; remembers each."""

    def __init__(
        self,
        roots: ModuleRoots,
        exists: Callable[[RepoPath], bool],
        is_folder: Callable[[RepoPath], bool],
    ) -> None:
        self.roots = roots
        self.standard = standard_library()
        self._exists = exists
        self._is_folder = is_folder
        self._places: dict[str, Place] = {}
        self._tiers: dict[tuple[str, str], tuple[tuple[tuple[RepoPath, ...], bool], ...]] = {}
        self._found: dict[str, dict[str, Found]] = {}
        self._folders: dict[str, tuple[RepoPath, tuple[RepoPath, ...]]] = {}

    def folder(self, folder: str) -> tuple[RepoPath, tuple[RepoPath, ...]]:
        """The project of a folder, and every `__init__.py` in it and above it."""
        known = self._folders.get(folder)
        if known is None:
            own = join(folder, "__init__.py")
            project = ROOT
            above: tuple[RepoPath, ...] = ()
            if folder:
                project, above = self.folder(folder.rpartition("/")[0])
                if folder in self.roots.projects:
                    project = RepoPath(folder)
            known = (project, (own, *above) if self._exists(own) else above)
            self._folders[folder] = known
        return known

    def place(self, stem: str) -> Place:
        """What lies at `stem`, a repo path without suffix."""
        known = self._places.get(stem)
        if known is None:
            known = self._places[stem] = self._look(stem)
        return known

    def _look(self, stem: str) -> Place:
        folder = not stem or self._is_folder(RepoPath(stem))
        package = RepoPath(f"{stem}/__init__.py" if stem else "__init__.py")
        nests = folder and self._exists(package)
        source = RepoPath(f"{stem}.py")
        files = (source,) if stem and self._exists(source) else ()
        compiled: tuple[RepoPath, ...] = ()
        if self.roots.compiled:
            found = self.roots.compiled.get(RepoPath(stem), ())
            compiled = tuple(one for one in found if self._exists(one))
            files = (*compiled, *files)
        if nests:
            return Place((package,), (package, *files), package=True, namespace=False)
        if files:
            return Place(compiled or files, files, package=False, namespace=False)
        return _NAMESPACE if folder and stem else _NOTHING

    def paths(self, stem: str) -> tuple[RepoPath, ...]:
        """The files at `stem`, or the folder when it could be a namespace package."""
        place = self.place(stem)
        return (RepoPath(stem),) if place.namespace else place.files

    def find(self, dotted: str, scope: str) -> Found:
        """What answers `dotted` for code of the project at `scope`."""
        memo = self._found.get(scope)
        if memo is None:
            memo = self._found[scope] = {}
        known = memo.get(dotted)
        if known is None:
            known = memo[dotted] = self._find(dotted, scope)
        return known

    def shadows(self, scope: str) -> tuple[RepoPath, ...]:
        """The files that stand before modules of the standard library, sorted."""
        found: set[RepoPath] = set()
        for top in self.standard.intersection(self.roots.tops):
            found.update(path for path in self.find(top, scope).paths if path.endswith(".py"))
        return tuple(sorted(found))

    def _find(self, dotted: str, scope: str) -> Found:
        parts = dotted.split(".")
        winners: list[RepoPath] = []
        parents: dict[RepoPath, None] = {}
        paths: dict[RepoPath, None] = {}
        nests = first_party = met = False
        for roots, certain in self._tiers_of(parts[0], scope):
            outer = met  # a regular package was met: only its very submodules may lie elsewhere
            for root in roots:
                steps = self._steps(root, parts)
                last = steps.pop()[1] if len(steps) == len(parts) else _NOTHING
                chain = [path for _, place in steps for path in place.winner]
                winners += last.winner
                if not outer:
                    for stem, _ in steps:
                        paths.update(dict.fromkeys(self.paths(stem)))
                    if not last.winner or not last.winner[0].endswith(".py"):
                        parents.update(dict.fromkeys(chain))
                paths.update(dict.fromkeys(last.files))
                if last.namespace:
                    paths[join(root, "/".join(parts))] = None
                nests = nests or last.package or last.namespace
                met = met or bool(chain)
                first_party = first_party or (certain and bool(chain or last.winner))
            if winners:
                break
        return Found(tuple(winners), tuple(parents), tuple(sorted(paths)), nests, first_party)

    def _steps(self, root: str, parts: list[str]) -> list[tuple[str, Place]]:
        """The stem and place of each part below `root`, up to a module that holds no others."""
        steps: list[tuple[str, Place]] = []
        stem = root
        for part in parts:
            stem = f"{stem}/{part}" if stem else part
            place = self.place(stem)
            steps.append((stem, place))
            if place.winner and not place.package:
                break
        return steps

    def _tiers_of(self, top: str, scope: str) -> tuple[tuple[tuple[RepoPath, ...], bool], ...]:
        """The roots to ask for `top`, tier by tier, each with whether it is surely on the path.

        The standard library gives way only to the project's own roots and to the root project's.
        """
        key = (top, scope)
        known = self._tiers.get(key)
        if known is None:
            own: list[RepoPath] = []
            exported: list[RepoPath] = []
            private: list[RepoPath] = []
            standard = top in self.standard
            for path in self.roots.tops.get(top, ()):
                root = self.roots.roots[path]
                if root.project == scope:
                    own.append(path)
                elif root.project == ROOT or not standard:
                    (exported if root.exported else private).append(path)
            loose = [] if standard else self.roots.loose_folders(top, scope)
            tiers = ((own, True), (exported, True), (private, False), (loose, False))
            known = tuple((tuple(roots), certain) for roots, certain in tiers if roots)
            self._tiers[key] = known
        return known
