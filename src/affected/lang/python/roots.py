"""Finding the module roots of a workspace from its paths, projects and pytest settings.

Unaware of the disk: whatever it reads comes through the `read` it is given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from affected.lang.python.manifests import Read, source_folders
from affected.lang.python.modules import EXTENSIONS, ModuleRoots, Root, stem_of
from affected.model.path import ROOT, RepoPath, encode, join, name, parent
from affected.model.target import Project, TestSettings

Children = dict[str, set[str]]


def find_roots(
    paths: Collection[RepoPath],
    projects: Iterable[Project],
    settings: Mapping[RepoPath, TestSettings],
    *,
    tests: Iterable[RepoPath],
    read: Read,
    extra: Iterable[RepoPath] = (),
) -> ModuleRoots:
    """The module roots of a workspace.

    `paths`: every file; `tests`: the test files; `extra`: folders that something else puts on
    `sys.path` (configuration, editable installations). `read` may raise OSError: such a manifest
    names no folder.
    """
    modules = [path for path in paths if path.endswith((".py", *EXTENSIONS))]
    children = _children(modules)
    projects = tuple(projects)
    owners = frozenset({ROOT, *(project.path for project in projects)})
    private = _test_folders(modules, tests)
    exported = _packaged(modules) - private | {ROOT}
    exported |= {folder for one in settings.values() for folder in one.pythonpath}
    for project in projects:
        exported.add(project.path)
        exported |= {join(project.path, part) for part in ("src", "lib", "python")}
        exported.update(source_folders(project, read))
    exported |= {RepoPath(folder) for folder in children if name(folder) == "src"}
    exported.update(extra)
    exported &= children.keys() | {ROOT, *(project.path for project in projects)}
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


def _packaged(modules: Iterable[RepoPath]) -> set[RepoPath]:
    """The folders that hold a package and are in none themselves."""
    packages = {parent(path) for path in modules if name(path) == "__init__.py"} - {ROOT}
    return {parent(package) for package in packages} - packages


def _test_folders(modules: Iterable[RepoPath], tests: Iterable[RepoPath]) -> set[RepoPath]:
    """The folders that pytest puts on the path for the tests and conftest files in them."""
    packages = {parent(path) for path in modules if name(path) == "__init__.py"}
    folders = {parent(path) for path in tests}
    folders |= {parent(path) for path in modules if name(path) == "conftest.py"}
    return folders - packages


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
