"""Finding the module roots of a workspace from its paths, projects and pytest settings.

Unaware of the disk: whatever it reads comes through the `read` it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from affected.lang.python.manifests import source_folders
from affected.lang.python.modules import EXTENSIONS, ModuleRoots, Root, stem_of
from affected.model.path import ROOT, RepoPath, encode, join, name, parent
from affected.model.target import Project, TestSettings

Children = dict[str, set[str]]


def find_roots(
    paths: Collection[RepoPath],
    projects: Iterable[Project],
    settings: Mapping[RepoPath, TestSettings],
    tests: Iterable[RepoPath],
    read: Callable[[RepoPath], bytes],
    editable: Iterable[RepoPath] = (),
) -> ModuleRoots:
    """The module roots of a workspace.

    `paths`: every file; `tests`: the test files; `editable`: folders that installed distributions
    add to `sys.path`, as repo paths. `read` may raise OSError: such a manifest names no folder.
    """
    modules = [path for path in paths if path.endswith((".py", *EXTENSIONS))]
    children = _children(modules)
    projects = tuple(projects)
    owners = frozenset({ROOT, *(project.path for project in projects)})
    exported, private = _folders(modules, children, projects, settings, tests, read)
    exported |= {folder for folder in editable if folder in children}
    bare = ModuleRoots({}, {}, {}, owners)
    roots = {
        path: Root(path, bare.project_of(path), path in exported)
        for path in sorted(exported | private)
    }
    tops: dict[str, list[RepoPath]] = {}
    for path in roots:
        for child in children.get(path, ()):
            tops.setdefault(child, []).append(path)
    return ModuleRoots(
        roots=roots,
        tops={top: tuple(tops[top]) for top in sorted(tops)},
        compiled=_compiled(modules),
        projects=owners,
        loose=_loose(modules, roots),
    )


def source_roots(
    paths: Collection[RepoPath],
    projects: Iterable[Project],
    settings: Mapping[RepoPath, TestSettings],
    tests: Iterable[RepoPath],
    read: Callable[[RepoPath], bytes],
) -> tuple[RepoPath, ...]:
    """The folders of `find_roots` alone, sorted."""
    return tuple(find_roots(paths, projects, settings, tests, read).roots)


def _children(modules: Iterable[RepoPath]) -> Children:
    """Folder -> names of the modules and of the folders with modules that lie directly in it."""
    children: Children = {}
    for path in modules:
        folder, _, last = path.rpartition("/")
        known = folder in children
        if not known:
            children[folder] = set()
        if last != "__init__.py":
            children[folder].add(last.partition(".")[0])
        while folder and not known:
            above, _, last = folder.rpartition("/")
            known = above in children
            if not known:
                children[above] = set()
            children[above].add(last)
            folder = above
    return children


def _folders(
    modules: list[RepoPath],
    children: Children,
    projects: tuple[Project, ...],
    settings: Mapping[RepoPath, TestSettings],
    tests: Iterable[RepoPath],
    read: Callable[[RepoPath], bytes],
) -> tuple[set[RepoPath], set[RepoPath]]:
    """The folders that are roots for everyone, and those that are so for their tests alone."""
    packages = {parent(path) for path in modules if name(path) == "__init__.py"}
    private = {parent(path) for path in tests}
    private |= {parent(path) for path in modules if name(path) == "conftest.py"}
    private -= packages
    exported = {ROOT}
    for package in packages:
        if package and parent(package) not in packages:
            exported.add(parent(package))
    exported -= private - {ROOT}
    for project in projects:
        exported.add(project.path)
        exported |= {
            folder
            for folder in (join(project.path, part) for part in ("src", "lib", "python"))
            if folder in children
        }
        exported |= {folder for folder in source_folders(project, read) if folder in children}
    exported |= {RepoPath(folder) for folder in children if name(folder) == "src"}
    for one in settings.values():
        exported |= {folder for folder in one.pythonpath if folder in children}
    return exported, private


def _compiled(modules: Iterable[RepoPath]) -> dict[RepoPath, tuple[RepoPath, ...]]:
    found: dict[RepoPath, list[RepoPath]] = {}
    for path in modules:
        if path.endswith(EXTENSIONS):
            found.setdefault(stem_of(path), []).append(path)
    return {stem: tuple(sorted(paths)) for stem, paths in sorted(found.items())}


def _loose(modules: Iterable[RepoPath], roots: Collection[RepoPath]) -> bytes:
    """The modules of folders that are neither packages nor roots, as `ModuleRoots.loose`."""
    packages = {parent(path) for path in modules if name(path) == "__init__.py"}
    found: dict[str, list[str]] = {}
    for path in modules:
        folder, _, last = path.rpartition("/")
        if folder not in packages and folder not in roots:
            found.setdefault(last.partition(".")[0], []).append(folder)
    lines = [encode("\t".join((top, *found[top]))) for top in sorted(found)]
    return b"\n" + b"".join(line + b"\n" for line in lines)
