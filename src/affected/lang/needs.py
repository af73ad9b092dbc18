"""Which projects need which, by what their manifests name.

Unaware of the disk and of imports. Names are told apart by language: a Python project and an npm
package may share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from affected.lang.manifest_files import (
    ManifestFiles,
    below,
    cargo_requirements,
    go_module,
    go_requirements,
    manifest_of,
    npm_requirements,
    python_name,
    python_requirements,
)
from affected.lang.python.manifests import table
from affected.model.path import ROOT, RepoPath, join
from affected.model.target import Project

Needs = Mapping[RepoPath, frozenset[RepoPath]]


def project_needs(projects: Sequence[Project], files: ManifestFiles) -> Needs:
    """The projects that each project's manifests name, itself left out."""
    finders = (_python, _npm, _cargo, _go)
    found: dict[RepoPath, set[RepoPath]] = {project.path: set() for project in projects}
    for finder in finders:
        for path, needed in finder(projects, files):
            found[path].update(one for one in needed if one in found and one != path)
    return {path: frozenset(needed) for path, needed in found.items()}


_Found = Iterable[tuple[RepoPath, Iterable[RepoPath]]]


def _python(projects: Sequence[Project], files: ManifestFiles) -> _Found:
    contents = {
        project.path: files.toml(manifest)
        for project in projects
        if (manifest := manifest_of(project.path, "pyproject.toml", project.manifests))
    }
    named = {name: path for path, content in contents.items() if (name := python_name(content))}
    for path, content in contents.items():
        needed = [named[name] for name in python_requirements(content) if name in named]
        poetry = table(content, "tool", "poetry")
        sources = [*table(content, "tool", "uv", "sources").values()]
        sources += table(poetry, "dependencies").values()
        yield path, [*needed, *_paths(path, sources)]


def _npm(projects: Sequence[Project], files: ManifestFiles) -> _Found:
    contents = {
        project.path: files.json(manifest)
        for project in projects
        if (manifest := manifest_of(project.path, "package.json", project.manifests))
    }
    named = {str(content.get("name")): path for path, content in contents.items()}
    for path, content in contents.items():
        needed: list[RepoPath] = []
        for name, version in npm_requirements(content).items():
            kind, _, place = version.partition(":")
            folder = below(path, place) if kind in {"file", "link", "portal"} else None
            if folder is not None:
                needed.append(folder)
            elif name in named:
                needed.append(named[name])
        yield path, needed


def _cargo(projects: Sequence[Project], files: ManifestFiles) -> _Found:
    contents = {
        project.path: files.toml(manifest)
        for project in projects
        if (manifest := manifest_of(project.path, "Cargo.toml", project.manifests))
    }
    shared: dict[str, RepoPath | None] = {}
    for path, content in contents.items():
        for name, entry in table(content, "workspace", "dependencies").items():
            folder = entry.get("path") if isinstance(entry, dict) else None
            if isinstance(folder, str):
                shared[name] = below(path, folder)
    for path, content in contents.items():
        wanted = cargo_requirements(content)
        needed = [
            folder
            for name, entry in wanted.items()
            if isinstance(entry, dict) and entry.get("workspace") and (folder := shared.get(name))
        ]
        yield path, [*needed, *_paths(path, wanted.values())]


def _go(projects: Sequence[Project], files: ManifestFiles) -> _Found:
    texts = {
        project.path: files.text(manifest)
        for project in projects
        if (manifest := manifest_of(project.path, "go.mod", project.manifests))
    }
    named = {module: path for path, text in texts.items() if (module := go_module(text))}
    for path, text in texts.items():
        modules, folders = go_requirements(text)
        replaced = [place for folder in folders if (place := below(path, folder)) is not None]
        yield path, [*(named[module] for module in modules if module in named), *replaced]


def _paths(project: RepoPath, entries: Iterable[object]) -> list[RepoPath]:
    """The folders that entries with a `path` name."""
    found: list[RepoPath] = []
    for entry in entries:
        folder = entry.get("path") if isinstance(entry, dict) else None
        place = below(project, folder) if isinstance(folder, str) else None
        if place is not None:
            found.append(place)
    return found


def source_of(path: RepoPath, projects: Mapping[RepoPath, object]) -> RepoPath:
    """The innermost of `projects` that holds `path`; the root holds everything."""
    while path not in projects and path:
        path = RepoPath(path.rpartition("/")[0])
    return path if path in projects else ROOT


def lock_beside(project: RepoPath, names: Iterable[str], paths: Mapping[RepoPath, object]) -> (
    RepoPath | None
):  # fmt: skip
    """The nearest lock file of one of `names`, in the project's folder or above it."""
    folder = project
    while True:
        for name in names:
            path = join(folder, name)
            if path in paths:
                return path
        if not folder:
            return None
        folder = RepoPath(folder.rpartition("/")[0])
