"""Installed distributions, read from the metadata folders beside them, by content.

Unaware of the interpreter they belong to: it is given folders.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from affected.model.digest import ABSENT
from affected.model.platform import Distribution

_VOLATILE: Final = frozenset(
    ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
)
_SEPARATORS: Final = re.compile(r"[-_.]+")
_REQUIRED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MODULE: Final = re.compile(r"[^\W\d]\w*")
_FINDER: Final = re.compile(r"^MAPPING[^=]*=\s*(\{.*?\})", re.MULTILINE | re.DOTALL)
_PAIR: Final = re.compile(r"""(['"])(.*?)\1\s*:\s*(['"])(.*?)\3""")


def read_installed(site_packages: Iterable[str]) -> dict[str, Distribution]:
    """Every distribution installed in `site_packages`, by normalised name.

    Where two folders hold the same name, the first wins, as on `sys.path`. What cannot be read is
    left out.
    """
    found: dict[str, Distribution] = {}
    for folder in site_packages:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info", ".egg-link")):
                one = _read(folder, name)
                if one is not None:
                    found.setdefault(one.name, one)
    return found


def installed_witness(site_packages: Iterable[str]) -> str:
    """A token that changes when something is installed or removed; costs a few `stat` calls.

    A reinstallation of the same version rewrites its metadata folder, which the token shows too.
    """
    seen = hashlib.sha256()
    for folder in site_packages:
        try:
            stat = os.stat(folder)
            entries = sorted(
                (entry.name, entry.stat().st_mtime_ns, entry.stat().st_size)
                for entry in os.scandir(folder)
                if entry.name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth"))
            )
            seen.update(repr((folder, stat.st_mtime_ns, stat.st_ino, entries)).encode())
        except OSError:
            seen.update(repr((folder, None)).encode())
    return seen.hexdigest()


def external_digest(top: str, distributions: Mapping[str, Distribution]) -> str:
    """The digest of what provides the import name `top`, and of all that this requires.

    ABSENT when no distribution provides it. Editable installations count by their requirements
    alone: their files are the workspace's.
    """
    return ExternalDigests(distributions).digest(top)


class ExternalDigests:
    """Digests of import names over one set of distributions; remembers what it has computed."""

    __slots__ = ("_by_name", "_by_top", "_known")

    def __init__(self, distributions: Mapping[str, Distribution]) -> None:
        self._by_name = distributions
        self._by_top: dict[str, list[str]] = {}
        for one in distributions.values():
            for top in one.tops:
                self._by_top.setdefault(top, []).append(one.name)
        self._known: dict[str, str] = {}

    def providers(self, top: str) -> tuple[str, ...]:
        """The normalised names of the distributions that provide the import name `top`."""
        return tuple(sorted(self._by_top.get(top, ())))

    def digest(self, top: str) -> str:
        """As `external_digest`."""
        known = self._known.get(top)
        if known is None:
            known = self._known[top] = self._digest(top)
        return known

    def _digest(self, top: str) -> str:
        todo = list(self.providers(top))
        if not todo:
            return ABSENT
        reached: set[str] = set()
        while todo:
            name = todo.pop()
            if name in reached:
                continue
            reached.add(name)
            one = self._by_name.get(name)
            if one is not None:
                todo += one.requires
        lines = []
        for name in sorted(reached):
            one = self._by_name.get(name)
            lines.append(
                f"{name} {'-' if one is None else 'editable' if one.editable else one.digest}"
            )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def installed_digest(distributions: Mapping[str, Distribution]) -> str:
    """The digest of everything installed, editable installations by name and version alone."""
    lines = [
        f"{one.name} {one.version} {'editable' if one.editable else one.digest}"
        for one in distributions.values()
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return _SEPARATORS.sub("-", name).lower()


def _read(folder: str, name: str) -> Distribution | None:
    path = os.path.join(folder, name)
    if name.endswith(".egg-link"):
        return _egg_link(path, name)
    if os.path.isfile(path):
        return _from_metadata(_text(path), "", "", path)
    if name.endswith(".dist-info"):
        metadata = _text(os.path.join(path, "METADATA"))
        record = _text(os.path.join(path, "RECORD"))
        return _from_metadata(metadata, record, _editable(folder, path, record), path)
    metadata = _text(os.path.join(path, "PKG-INFO"))
    listed = _text(os.path.join(path, "installed-files.txt"))
    return _from_metadata(metadata, listed, "", path)


def _from_metadata(metadata: str, record: str, editable: str, path: str) -> Distribution | None:
    head = metadata.partition("\n\n")[0]
    name = version = ""
    requires: set[str] = set()
    for line in head.splitlines():
        key, _, value = line.partition(":")
        if key == "Name" and not name:
            name = normalised(value.strip())
        elif key == "Version" and not version:
            version = value.strip()
        elif key == "Requires-Dist":
            required = _REQUIRED.match(value.strip())
            if required:
                requires.add(normalised(required[0]))
    if not name:
        return None
    if path.endswith(".egg-info"):
        requires |= _egg_requires(path)
        digest = _egg_digest(metadata, record, path)
    else:
        digest = _record_digest(metadata, record, path)
    entry_points = _text(os.path.join(path, "entry_points.txt"))
    return Distribution(
        name=name,
        version=version,
        digest=digest,
        tops=_tops(path, record, editable),
        requires=tuple(sorted(requires - {name})),
        editable=editable,
        pytest_plugin="[pytest11]" in entry_points,
    )


def _record_digest(metadata: str, record: str, path: str) -> str:
    """The digest of the portable lines of RECORD: files in the environment's library, not caches.

    Left out: scripts outside the library, bytecode, installers' notes, and the files by which an
    editable installation points at its folder.
    """
    kept = []
    for line in record.splitlines():
        file = line.split(",", 1)[0].strip('"')
        last = file.rpartition("/")[2]
        if file.startswith(("../", "/")) or last.endswith(".pyc"):
            continue
        if last in _VOLATILE and file.partition("/")[0].endswith(".dist-info"):
            continue
        if "/" not in file and last.endswith(".pth"):
            continue
        if "/" not in file and last.startswith("__editable__"):
            continue
        kept.append(line)
    if not kept:
        kept.append(metadata)
    return hashlib.sha256("\n".join(sorted(kept)).encode("utf-8", "surrogateescape")).hexdigest()


def _egg_digest(metadata: str, record: str, path: str) -> str:
    """The digest of an egg's metadata and of the sizes of the files it lists."""
    seen = [metadata]
    for line in sorted(record.splitlines()):
        file = os.path.join(path, line)
        if not line.endswith(".pyc") and os.path.isfile(file):
            seen.append(f"{line} {os.stat(file).st_size}")
    return hashlib.sha256("\n".join(seen).encode("utf-8", "surrogateescape")).hexdigest()


def _egg_requires(path: str) -> set[str]:
    found = set()
    for line in _text(os.path.join(path, "requires.txt")).splitlines():
        required = _REQUIRED.match(line.strip())
        if required and not line.startswith("["):
            found.add(normalised(required[0]))
    return found


def _tops(path: str, record: str, editable: str) -> tuple[str, ...]:
    """The top-level import names: of the files listed, of top_level.txt, of the editable finder."""
    found: set[str] = set()
    for line in record.splitlines():
        file = line.split(",", 1)[0].strip('"')
        if path.endswith(".egg-info"):
            file = file.removeprefix("../")
        top, slash, rest = file.partition("/")
        if not slash:
            if not top.endswith((".py", ".so", ".pyd")):
                continue
            top = top.partition(".")[0]
        elif rest.endswith(".pyc") or not _holds_code(rest):
            continue
        if _MODULE.fullmatch(top) and not top.startswith("__editable__"):
            found.add(top)
    found.update(_text(os.path.join(path, "top_level.txt")).split())
    if editable and not found:
        found.update(_folder_tops(editable))
    return tuple(sorted(found - {"__pycache__"}))


def _holds_code(rest: str) -> bool:
    return rest.endswith((".py", ".so", ".pyd", ".pyi", ".typed")) or "." not in rest


def _folder_tops(editable: str) -> set[str]:
    """The names of the packages and modules in an editable installation's folder."""
    found: set[str] = set()
    for folder in (editable, os.path.join(editable, "src")):
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            if os.path.isfile(os.path.join(entry.path, "__init__.py")):
                found.add(entry.name)
            elif entry.name.endswith(".py") and entry.name != "setup.py":
                found.add(entry.name[:-3])
    return found


def _editable(folder: str, path: str, record: str) -> str:
    """The folder of an editable installation; "" for one of copied files."""
    url = _text(os.path.join(path, "direct_url.json"))
    if url:
        try:
            content = json.loads(url)
            if content.get("dir_info", {}).get("editable"):
                return unquote(urlsplit(content["url"]).path)
        except (ValueError, KeyError, AttributeError, TypeError):
            return ""
        return ""
    for line in record.splitlines():
        file = line.split(",", 1)[0].strip('"')
        if file.startswith("__editable__") and file.endswith(".pth"):
            first = _text(os.path.join(folder, file)).partition("\n")[0]
            return first if os.path.isabs(first) else folder
    return ""


def _egg_link(path: str, name: str) -> Distribution | None:
    editable = _text(path).partition("\n")[0].strip()
    folder = Path(editable)
    title = name.removesuffix(".egg-link")
    for candidate in (folder, *folder.glob("*")):
        info = candidate if candidate.name.endswith(".egg-info") else None
        if info is not None and normalised(info.name[:-9]) == normalised(title):
            metadata = _text(str(info / "PKG-INFO"))
            return _from_metadata(metadata, "", editable, str(info))
    return None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
