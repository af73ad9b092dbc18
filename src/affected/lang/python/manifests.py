"""Manifests: what pyproject.toml, setup.cfg and their kin say about a project's folders.

Unaware of the disk: whatever it reads comes through the `read` it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from affected.model.path import RepoPath, name
from affected.model.target import Project

Read = Callable[[RepoPath], bytes]


def parse_toml(path: RepoPath, read: Read) -> tuple[dict[str, Any], str]:
    """The tables of a TOML file, and a notice: empty, or why the file says nothing."""
    import tomllib  # noqa: PLC0415  # slow, and this room is also used where nothing is parsed

    try:
        return tomllib.loads(read(path).decode("utf-8").removeprefix("\ufeff")), ""
    except OSError as error:
        return {}, f"{path}: cannot be read ({error.strerror}); taken as empty"
    except ValueError as error:
        return {}, f"{path}: not valid TOML ({error}); taken as empty"


def parse_ini(path: RepoPath, read: Read) -> tuple[dict[str, dict[str, str]], str]:
    """The sections of an INI file as pytest reads them, and a notice as in `parse_toml`.

    A line that starts with `#` or `;` is a comment, an indented one continues the value above,
    and a comment behind a value belongs to the value.
    """
    try:
        return _sections(read(path).decode("utf-8").removeprefix("\ufeff")), ""
    except OSError as error:
        return {}, f"{path}: cannot be read ({error.strerror}); taken as empty"
    except ValueError as error:
        return {}, f"{path}: not valid ({error}); taken as empty"


def _sections(text: str) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] | None = None
    key = ""
    for number, full in enumerate(text.splitlines(), 1):
        line = full.rstrip()
        if not line or line.lstrip()[0] in "#;":
            continue
        bare = re.split("[#;]", line)[0].rstrip()
        if line[0] == "[" and bare[-1] == "]":
            section = sections.setdefault(bare[1:-1], {})
            key = ""
            continue
        if section is None:
            raise ValueError(f"line {number} stands before any section")
        if line[0].isspace() or line[0] == "[":
            if not key:
                raise ValueError(f"line {number} continues nothing")
            section[key] += "\n" + line.strip()
            continue
        name_, equals, value = line.partition("=")
        if not equals or ":" in name_:
            name_, equals, value = line.partition(":")
        if not equals:
            raise ValueError(f"line {number} is neither a section nor a key")
        key = name_.strip()
        section[key] = value.strip()
    return sections


def table(value: object, *keys: str) -> dict[str, Any]:
    """The table below `keys`; empty when anything on the way is no table."""
    for key in keys:
        if not isinstance(value, dict):
            return {}
        value = value.get(key)
    return value if isinstance(value, dict) else {}


def source_folders(project: Project, read: Read) -> tuple[RepoPath, ...]:
    """The folders that packaging puts on the path for a project, whether they exist or not."""
    found: dict[RepoPath, None] = {}
    for manifest in project.manifests:
        last = name(manifest)
        if last == "pyproject.toml":
            folders = _of_pyproject(parse_toml(manifest, read)[0])
        elif last == "setup.cfg":
            folders = _of_setup_cfg(parse_ini(manifest, read)[0])
        elif last == "setup.py":
            folders = _of_setup_py(manifest, read)
        else:
            continue
        for folder in folders:
            clean = _below(project.path, folder)
            if clean is not None:
                found[clean] = None
    return tuple(found)


def _below(folder: str, relative: str) -> RepoPath | None:
    """`relative` below `folder`, normalised; None when it leaves the workspace."""
    parts = folder.split("/") if folder else []
    for part in relative.replace("\\", "/").split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return RepoPath("/".join(parts))


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _of_pyproject(content: dict[str, Any]) -> Iterable[str]:
    tool = table(content, "tool")
    setuptools = table(tool, "setuptools")
    yield from _package_dirs(table(setuptools, "package-dir"))
    yield from _texts(table(setuptools, "packages", "find").get("where"))
    for wheel in (table(tool, "hatch", "build"), table(tool, "hatch", "build", "targets", "wheel")):
        for package in _texts(wheel.get("packages")):
            yield package.strip("/").rpartition("/")[0]
        sources = wheel.get("sources")
        yield from sources if isinstance(sources, dict) else _texts(sources)
        yield from _texts(wheel.get("dev-mode-dirs"))
    packages = table(tool, "poetry").get("packages")
    for package in packages if isinstance(packages, list) else ():
        if isinstance(package, dict):
            yield from _texts(package.get("from"))
    yield from _texts(table(tool, "uv", "build-backend").get("module-root", "src"))
    yield from _texts(table(tool, "pdm", "build").get("package-dir"))
    yield from _texts(table(tool, "maturin").get("python-source"))
    module = table(tool, "flit", "module").get("name")
    if isinstance(module, str):
        yield "src"
    scikit = table(tool, "scikit-build", "wheel").get("packages")
    for package in _texts(scikit):
        yield package.strip("/").rpartition("/")[0]


def _package_dirs(mapping: dict[str, Any]) -> Iterable[str]:
    """Roots from setuptools' package_dir: `"" = "src"` and `pkg = "lib/pkg"`."""
    for package, folder in mapping.items():
        if not isinstance(folder, str):
            continue
        if not package:
            yield folder
            continue
        inner = folder.strip("/")
        tail = package.replace(".", "/")
        if inner == tail or inner.endswith("/" + tail):
            yield inner[: len(inner) - len(tail)]


def _of_setup_cfg(sections: dict[str, dict[str, str]]) -> Iterable[str]:
    for line in sections.get("options", {}).get("package_dir", "").replace(",", "\n").split("\n"):
        package, equals, folder = line.partition("=")
        if equals:
            yield from _package_dirs({package.strip(): folder.strip()})
    yield from (
        one.strip()
        for one in sections.get("options.packages.find", {}).get("where", "").split("\n")
    )


_PACKAGE_DIR = re.compile(r"package_dir\s*=\s*\{([^}]*)\}")
_PAIR = re.compile(r"""["']([^"']*)["']\s*:\s*["']([^"']*)["']""")
_WHERE = re.compile(r"""find(?:_namespace)?_packages\(\s*(?:where\s*=\s*)?["']([^"']+)["']""")


def _of_setup_py(path: RepoPath, read: Read) -> Iterable[str]:
    """The folders that a setup.py names as literals."""
    try:
        text = read(path).decode("utf-8", "replace")
    except OSError:
        return
    for match in _PACKAGE_DIR.finditer(text):
        yield from _package_dirs(dict(_PAIR.findall(match[1])))
    yield from _WHERE.findall(text)
