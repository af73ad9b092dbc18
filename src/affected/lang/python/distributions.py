"""Installed distributions: which there are, by content, and what an import name depends on.

Unaware of the interpreter they belong to: it is given folders.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from affected.lang.python.metadata import OPTIONAL, read_distribution
from affected.model.digest import ABSENT
from affected.model.platform import Distribution

_METADATA: Final = (".dist-info", ".egg-info", ".egg-link")


def read_installed(site_packages: Iterable[str]) -> dict[str, Distribution]:
    """Every distribution installed in the folders `site_packages`, by normalised name.

    Where two folders hold the same name the first counts, as on `sys.path`. What cannot be read
    is left out. `requires` names optional requirements too, marked by a trailing OPTIONAL.
    """
    found: dict[str, Distribution] = {}
    for folder in site_packages:
        for name in sorted(entry.name for entry in _entries(folder)):
            if name.endswith(_METADATA):
                one = read_distribution(Path(folder, name))
                if one is not None:
                    found.setdefault(one.name, one)
    return found


def installed_witness(site_packages: Iterable[str]) -> str:
    """A token that changes when something is installed, reinstalled or removed; reads no file."""
    seen = hashlib.sha256()
    for folder in site_packages:
        rows = []
        for entry in _entries(folder):
            if entry.name.endswith((*_METADATA, ".pth")) or entry.name.startswith("__editable__"):
                try:
                    stat = entry.stat()
                except OSError:
                    continue
                rows.append((entry.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
        seen.update(repr((folder, sorted(rows))).encode("utf-8", "surrogateescape"))
    return seen.hexdigest()


def external_digest(top: str, distributions: Mapping[str, Distribution]) -> str:
    """The digest of all that provides the import name `top`, with all that this requires.

    ABSENT when nothing provides it. Requirements are followed transitively, those of extras too
    when they are installed. Of an editable installation only what it requires counts: its own
    files are seen as files.
    """
    names = [one.name for one in distributions.values() if top in one.tops]
    return _joint_digest(names, distributions, optional=True) if names else ABSENT


def required_digest(name: str, distributions: Mapping[str, Distribution]) -> str:
    """The digest of one distribution with what it cannot do without; ABSENT when it is not there.

    For pytest and its plugins, which every test loads: what they merely can work with is left out.
    """
    if name not in distributions:
        return ABSENT
    return _joint_digest([name], distributions, optional=False)


def installed_digest(distributions: Mapping[str, Distribution]) -> str:
    """The digest of everything installed; of editable installations the name and version."""
    lines = [
        f"{one.name} {one.version} {'editable' if one.editable else one.digest}"
        for one in distributions.values()
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def shadowed_tops(
    tops: Iterable[str], distributions: Mapping[str, Distribution]
) -> tuple[str, ...]:
    """Those of the workspace's top-level names that an ordinary installation provides too, sorted.

    The copy that is installed may be the one that tests import: its digest is an input of theirs.
    """
    copied = {top for one in distributions.values() if not one.editable for top in one.tops}
    return tuple(sorted(copied.intersection(tops)))


def _joint_digest(
    names: list[str], distributions: Mapping[str, Distribution], *, optional: bool
) -> str:
    todo = list(names)
    reached: dict[str, str] = {}
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        one = distributions.get(name)
        if one is None:
            reached[name] = "-"
            continue
        reached[name] = "editable" if one.editable else one.digest
        for required in one.requires:
            bare = required.removesuffix(OPTIONAL)
            if bare == required or (optional and bare in distributions):
                todo.append(bare)
    lines = [f"{name} {reached[name]}" for name in sorted(reached)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
