"""Manifests of any language, read once and as plain tables.

Unaware of the disk: whatever it reads comes through the `read` it is given. A manifest that cannot
be parsed says nothing here; who lists the projects tells of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from affected.lang.python.manifests import Read, parse_toml, table
from affected.model.path import RepoPath, join

_GO_LINE: Final = re.compile(r"^(?:require\s+)?([^\s()]+)\s+v\S+", re.MULTILINE)
_GO_REPLACE: Final = re.compile(r"^(?:replace\s+)?(\S+)(?:\s+v\S+)?\s+=>\s+(\.\S*)", re.MULTILINE)
_GO_MODULE: Final = re.compile(r"^module\s+(\S+)", re.MULTILINE)
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


class ManifestFiles:
    """Parsed manifests by path, each parsed once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: dict[RepoPath, dict[str, Any]] = {}

    def toml(self, path: RepoPath) -> dict[str, Any]:
        """The tables of a TOML file."""
        if path not in self._known:
            self._known[path] = parse_toml(path, self._read)[0]
        return self._known[path]

    def json(self, path: RepoPath) -> dict[str, Any]:
        """The object of a JSON file."""
        if path not in self._known:
            try:
                found = json.loads(self._read(path).decode("utf-8"))
            except (OSError, ValueError):
                found = {}
            self._known[path] = table(found)
        return self._known[path]

    def text(self, path: RepoPath) -> str:
        """The text of a file, "" for one that cannot be read."""
        try:
            return self._read(path).decode("utf-8", "replace")
        except OSError:
            return ""


def normalised(distribution: str) -> str:
    """A Python distribution's name as the package index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def requirement_names(value: object) -> list[str]:
    """The distributions that a list of requirements names, normalised."""
    texts = value if isinstance(value, list) else []
    found = [_REQUIREMENT.match(text) for text in texts if isinstance(text, str)]
    return [normalised(match[1]) for match in found if match]


def python_requirements(content: dict[str, Any]) -> list[str]:
    """Every distribution that a pyproject.toml names, whatever for, normalised."""
    project, tool = table(content, "project"), table(content, "tool")
    names = requirement_names(project.get("dependencies"))
    names += requirement_names(table(content, "build-system").get("requires"))
    groups = (table(project, "optional-dependencies"), table(content, "dependency-groups"))
    for group in groups:
        for requirements in group.values():
            names += requirement_names(requirements)
    poetry = table(tool, "poetry")
    tables = [table(poetry, "dependencies"), table(poetry, "dev-dependencies")]
    tables += [table(poetry, "group", name, "dependencies") for name in table(poetry, "group")]
    names += [normalised(name) for one in tables for name in one]
    names += requirement_names(table(tool, "uv").get("dev-dependencies"))
    return list(dict.fromkeys(names))


def python_name(content: dict[str, Any]) -> str:
    """The distribution that a pyproject.toml describes, normalised; "" for none."""
    name = table(content, "project").get("name") or table(content, "tool", "poetry").get("name")
    return normalised(name) if isinstance(name, str) else ""


NPM_TABLES: Final = (
    "dependencies", "devDependencies", "peerDependencies", "optionalDependencies",
)  # fmt: skip


def npm_requirements(content: dict[str, Any]) -> dict[str, str]:
    """Every package that a package.json names, with what it says of its version."""
    return {
        name: version if isinstance(version, str) else ""
        for key in NPM_TABLES
        for name, version in table(content, key).items()
    }


CARGO_TABLES: Final = ("dependencies", "dev-dependencies", "build-dependencies")


def cargo_requirements(content: dict[str, Any]) -> dict[str, object]:
    """Every crate that a Cargo.toml names, with its entry."""
    holders = [content, *(t for t in table(content, "target").values() if isinstance(t, dict))]
    tables = [table(one, key) for one in holders for key in CARGO_TABLES]
    return {name: entry for one in tables for name, entry in one.items()}


def go_module(text: str) -> str:
    """The module that a go.mod describes, "" for none."""
    found = _GO_MODULE.search(text)
    return found[1] if found else ""


def go_requirements(text: str) -> tuple[list[str], list[str]]:
    """The modules that a go.mod names, and the folders that it puts in the place of some."""
    lines = "\n".join(line.strip() for line in text.splitlines())
    return _GO_LINE.findall(lines), [folder for _, folder in _GO_REPLACE.findall(lines)]


def below(folder: RepoPath, relative: str) -> RepoPath | None:
    """`relative` seen from `folder`, normalised; None when it leaves the workspace."""
    parts = folder.split("/") if folder else []
    for part in relative.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return RepoPath("/".join(parts))


def manifest_of(project: RepoPath, name: str, manifests: Iterable[RepoPath]) -> RepoPath | None:
    """The project's manifest of that name, None when it has none."""
    path = join(project, name)
    return path if path in manifests else None
