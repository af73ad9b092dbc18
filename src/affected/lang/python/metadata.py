"""Reading one installed distribution from its metadata folder.

Unaware of what else is installed, and of the interpreter.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from affected.model.platform import Distribution

OPTIONAL: Final = "?"
"""Ends the name of a distribution that is required under an extra only."""

_NOTES: Final = frozenset(
    ("RECORD", "RECORD.jws", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json",
     "uv_build.json")
)  # fmt: skip
"""What installers write beside the wheel's own metadata."""

_WORKSHOP: Final = frozenset((
    "all-dev", "benchmark", "benchmarks", "build", "check", "checks", "ci", "cov", "cover",
    "coverage", "dev", "develop", "development", "doc", "docs", "documentation", "lint", "linting",
    "lints", "mypy", "pre-commit", "qa", "quality", "release", "rtd", "style", "test", "testing",
    "tests", "tox", "type", "types", "typing",
))  # fmt: skip
"""Extras that serve whoever works on the distribution itself."""

_SEPARATORS: Final = re.compile(r"[-_.]+")
_REQUIRED: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA: Final = re.compile(r"""extra\s*==\s*["']([^"']*)["']""")
_SCRIPT: Final = re.compile(r'"?(?:\.\./)+(?:bin|Scripts)/')
_CODE: Final = re.compile(r"\.(?:pyd?|so)\"?(?:,|$)")
_FINDER_PATH: Final = re.compile(r"""(['"])([\w.]+)\1\s*:\s*(['"])(.+?)\3""")


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return _SEPARATORS.sub("-", name).lower()


def read_distribution(path: Path) -> Distribution | None:
    """The distribution that a `*.dist-info`, `*.egg-info` or `*.egg-link` describes; None if none.

    What cannot be read counts as empty; without a name there is no distribution.
    """
    if path.suffix == ".egg-link":
        return _egg_link(path)
    if path.suffix == ".dist-info":
        return _wheel(path)
    return _egg(path, "")


def editable_folders(site_packages: Iterable[str]) -> tuple[str, ...]:
    """The folders outside an environment that its `.pth` files and import hooks add to the path.

    Absolute, as written there, in the order found; they may not exist.
    """
    found: dict[str, None] = {}
    for folder in map(Path, site_packages):
        for path in _sorted(folder):
            if path.suffix in {".pth", ".egg-link"}:
                lines = _text(path).splitlines()
                found.update((line.strip(), None) for line in lines if line.startswith("/"))
            elif path.name.startswith("__editable__") and path.suffix == ".py":
                for _, _, _, place in _FINDER_PATH.findall(_text(path)):
                    if place.startswith("/"):
                        found[str(Path(place).parent)] = None
    return tuple(found)


def _wheel(path: Path) -> Distribution | None:
    metadata = _text(path / "METADATA")
    kept, tops = _portable(_text(path / "RECORD"), path.name)
    editable = _editable(path)
    tops.update(_text(path / "top_level.txt").split())
    if editable and not tops:
        tops = _editable_tops(path)
    return _distribution(metadata, path, _digest("\n".join(kept) or metadata), tops, editable)


def _portable(record: str, metadata_folder: str) -> tuple[list[str], set[str]]:
    """The lines of RECORD that are the same wherever the wheel is installed, and its import names.

    Left out are bytecode, scripts (they begin with the interpreter's path), installers' notes, and
    the files by which an editable installation points at its folder.
    """
    kept: list[str] = []
    tops: set[str] = set()
    for line in record.splitlines():
        if ".pyc" in line:
            continue
        top, slash, rest = (line[1:] if line[:1] == '"' else line).partition("/")
        if not slash:
            if ".pth," in line or "__editable__" in line:
                continue
            if _CODE.search(line):
                tops.add(top.partition(".")[0])
        elif top == metadata_folder:
            if rest.partition(",")[0] in _NOTES:
                continue
        elif top not in tops and _CODE.search(rest):
            tops.add(top)
        if line.startswith(("../", '"../')) and _SCRIPT.match(line):
            continue
        kept.append(line)
    return sorted(kept), tops


def _egg(path: Path, editable: str) -> Distribution | None:
    """A distribution installed the old way, by its setup.py or a system's packager."""
    if path.is_file():
        metadata = _text(path)
        return _distribution(metadata, path, _digest(metadata), set(), editable)
    metadata = _text(path / "PKG-INFO")
    seen = [metadata]
    tops = set(_text(path / "top_level.txt").split())
    for line in sorted(_text(path / "installed-files.txt").splitlines()):
        file = path / line
        if line.endswith(".pyc") or not file.is_file():
            continue
        seen.append(f"{line} {file.stat().st_size}")
        if line.startswith("../") and line.endswith((".py", ".so")) and line.count("..") == 1:
            tops.add(line[3:].partition("/")[0].partition(".")[0])
    return _distribution(metadata, path, _digest("\n".join(seen)), tops, editable)


def _egg_link(path: Path) -> Distribution | None:
    """A checkout installed by `setup.py develop`."""
    place = _text(path).partition("\n")[0].strip()
    if not place:
        return None
    for info in _sorted(Path(place)):
        if info.suffix == ".egg-info" and normalised(info.stem) == normalised(path.stem):
            return _egg(info, place)
    return None


def _distribution(
    metadata: str,
    path: Path,
    digest: str,
    tops: set[str],
    editable: str,
) -> Distribution | None:
    name = version = ""
    requires = _egg_requires(path)
    for line in metadata.partition("\n\n")[0].splitlines():
        key, _, value = line.partition(":")
        if key == "Requires-Dist":
            stated = _requirement(value)
            if stated:
                requires.add(stated)
        elif key == "Name" and not name:
            name = normalised(value.strip())
        elif key == "Version" and not version:
            version = value.strip()
    if not name:
        return None
    requires -= {name, name + OPTIONAL}
    requires -= {one + OPTIONAL for one in requires}
    return Distribution(
        name=name,
        version=version,
        digest=digest,
        tops=tuple(sorted(top for top in tops if top.isidentifier() and top != "__pycache__")),
        requires=tuple(sorted(requires)),
        editable=editable,
        pytest_plugin="[pytest11]" in _text(path / "entry_points.txt"),
    )


def _egg_requires(path: Path) -> set[str]:
    """What an egg's own list requires without an extra: the lines before its first section."""
    if path.suffix != ".egg-info":
        return set()
    lines = _text(path / "requires.txt").splitlines()
    first = next((at for at, line in enumerate(lines) if line.startswith("[")), len(lines))
    return {normalised(found[1]) for line in lines[:first] if (found := _REQUIRED.match(line))}


def _requirement(value: str) -> str:
    """The normalised name of a requirement, marked when optional; "" when only for its makers."""
    required = _REQUIRED.match(value)
    if required is None:
        return ""
    name = normalised(required[1])
    extras = _EXTRA.findall(value.partition(";")[2])
    if not extras:
        return name
    return "" if _WORKSHOP.issuperset(map(normalised, extras)) else name + OPTIONAL


def _editable(path: Path) -> str:
    """The folder of an editable installation; "" for one of copied files."""
    text = _text(path / "direct_url.json")
    if not text:
        return ""
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415  # slow, and rarely needed

    try:
        content = json.loads(text)
        if content.get("dir_info", {}).get("editable"):
            return unquote(urlsplit(content["url"]).path)
    except (ValueError, KeyError, AttributeError, TypeError):
        pass
    return ""


def _editable_tops(path: Path) -> set[str]:
    """The import names that an editable installation's own `.pth` file or import hook brings."""
    found: set[str] = set()
    for line in _text(path / "RECORD").splitlines():
        file = line.partition(",")[0]
        if "/" in file or not file.endswith((".pth", ".py")):
            continue
        text = _text(path.parent / file)
        if file.endswith(".py"):
            names = [name for _, name, _, place in _FINDER_PATH.findall(text) if "/" in place]
            found.update(name.partition(".")[0] for name in names)
            continue
        for place in text.splitlines():
            if place.startswith("/"):
                found.update(
                    inner.stem
                    for inner in _sorted(Path(place))
                    if inner.suffix == ".py" or (inner / "__init__.py").is_file()
                )
    return found - {"setup", "conftest"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _sorted(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
