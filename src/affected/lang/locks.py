"""Lock files: which locked packages each project may use, and one digest of them.

Unaware of the disk and of how locks are parsed. A project depends on the packages that its manifest
names and on what those need, each with its locked version and hashes; an edit to the rest of a lock
file changes nothing for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from affected.lang.lock_formats import Lock, read_lock
from affected.lang.manifest_files import (
    ManifestFiles,
    cargo_requirements,
    npm_requirements,
    python_requirements,
)
from affected.lang.needs import lock_beside
from affected.model.path import RepoPath, name
from affected.model.target import Project

_PYTHON: Final = ("uv.lock", "poetry.lock", "pylock.toml", "requirements.txt")
_NPM: Final = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock")
_CARGO: Final = ("Cargo.lock",)
LOCKS: Final = frozenset((*_PYTHON, *_NPM, *_CARGO))
"""Names of the files that are read as locks."""


def locked_digests(
    projects: Sequence[Project], files: ManifestFiles, paths: Collection[RepoPath]
) -> dict[RepoPath, str]:
    """One digest of the locked packages of each project that has any."""
    present = dict.fromkeys(paths)
    locks: dict[RepoPath, Lock] = {}
    found: dict[RepoPath, str] = {}
    for project in projects:
        rows: list[str] = []
        for names, wanted in _wanted(project, files):
            path = lock_beside(project.path, names, present)
            if path is None:
                continue
            if path not in locks:
                locks[path] = read_lock(path, files)
            rows += locks[path].closure(project.path, wanted)
        if rows:
            joined = "\0".join(sorted(set(rows)))
            found[project.path] = hashlib.sha256(joined.encode()).hexdigest()
    return found


def _wanted(
    project: Project, files: ManifestFiles
) -> Iterable[tuple[Sequence[str], Collection[str]]]:
    """The lock files that may speak of a project, and the packages that it names."""
    for manifest in project.manifests:
        match name(manifest):
            case "pyproject.toml":
                yield _PYTHON, python_requirements(files.toml(manifest))
            case "package.json":
                yield _NPM, npm_requirements(files.json(manifest))
            case "Cargo.toml":
                yield _CARGO, cargo_requirements(files.toml(manifest))
