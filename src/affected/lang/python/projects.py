"""Projects: the folders of a workspace that have a manifest of their own.

Unaware of the disk: whatever it reads comes through the `read` it is given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from typing import Final

from affected.lang.python.manifests import Read, parse_ini, parse_toml, table
from affected.model.path import ROOT, RepoPath, name, parent
from affected.model.target import Project

MANIFESTS: Final = (
    "pyproject.toml", "setup.py", "setup.cfg", "package.json", "go.mod", "Cargo.toml",
)  # fmt: skip
"""File names that make a folder a project, the one that names it first."""

PYTHON_MANIFESTS: Final = frozenset(MANIFESTS[:3])

_GO_MODULE: Final = re.compile(r"^\s*module\s+(\S+)", re.MULTILINE)


def discover_projects(
    paths: Collection[RepoPath], read: Read
) -> tuple[tuple[Project, ...], tuple[str, ...]]:
    """The projects of a workspace by path, the root always one of them; and notices.

    A manifest that cannot be read or parsed still makes its folder a project, named after the
    folder, and gives a notice. A lone setup.cfg makes a project only if it describes a package.
    """
    found: dict[RepoPath, list[RepoPath]] = {ROOT: []}
    for path in paths:
        if path.endswith(MANIFESTS) and name(path) in MANIFESTS:
            found.setdefault(parent(path), []).append(path)
    projects: list[Project] = []
    notices: list[str] = []
    for folder in sorted(found):
        manifests = sorted(found[folder], key=lambda path: MANIFESTS.index(name(path)))
        title = ""
        lone = len(manifests) == 1 and name(manifests[0]) == "setup.cfg"
        for manifest in manifests:
            stated, notice = _stated_name(manifest, read)
            if notice:
                notices.append(notice)
            title = title or stated
        if lone and folder and not title:
            continue
        title = title or name(folder) or "root"
        projects.append(Project(folder, title, tuple(manifests)))
    return tuple(projects), tuple(notices)


def owner(path: RepoPath, projects: Iterable[Project]) -> Project | None:
    """The innermost project that holds `path`; None when none does."""
    by_path = {project.path: project for project in projects}
    while True:
        found = by_path.get(path)
        if found is not None or not path:
            return found
        path = parent(path)


def _stated_name(manifest: RepoPath, read: Read) -> tuple[str, str]:
    """The name a manifest gives its project ("" for none), and a notice."""
    last = name(manifest)
    stated: object = ""
    notice = ""
    if last in ("pyproject.toml", "Cargo.toml"):
        content, notice = parse_toml(manifest, read)
        stated = (
            table(content, "project").get("name")
            or table(content, "tool", "poetry").get("name")
            or table(content, "package").get("name")
        )
    elif last == "setup.cfg":
        sections, notice = parse_ini(manifest, read)
        stated = sections.get("metadata", {}).get("name") or (
            not sections.keys().isdisjoint(("metadata", "options")) and name(parent(manifest))
        )
    elif last == "setup.py":
        return "", ""
    else:
        try:
            text = read(manifest).decode("utf-8")
            if last == "go.mod":
                module = _GO_MODULE.search(text)
                stated = module[1] if module else ""
            else:
                stated = table(json.loads(text)).get("name")
        except OSError as error:
            notice = f"{manifest}: cannot be read ({error.strerror}); taken as empty"
        except ValueError as error:
            notice = f"{manifest}: not valid ({error}); taken as empty"
    return (stated if isinstance(stated, str) else ""), notice
