"""Finding the workspace's root, and walking it where there is no git to ask.

Unaware of git's commands: a `.git` entry is only a sign.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from affected.fs.ignore import is_noise
from affected.model.path import RepoPath

_TABLE: Final = rb"(?m)^\s*\[\s*tool\s*\.\s*[\"']?affected[\"']?\s*[\].]"


def find_root(start: Path) -> Path:
    """The workspace that holds `start`, absolute, links resolved.

    git's top folder (a `.git` file counts: worktree, submodule); else the highest folder above
    with affected.toml, or with a pyproject.toml that has [tool.affected]; else `start` itself,
    or its folder when it is a file.
    """
    here = start.resolve()
    if not here.is_dir():
        here = here.parent
    configured: Path | None = None
    for folder in (here, *here.parents):
        if _is_checkout(folder):
            return folder
        if _is_configured(folder):
            configured = folder
    return configured or here


def _is_checkout(folder: Path) -> bool:
    entry = folder / ".git"
    if entry.is_file():
        return True
    return (entry / "HEAD").is_file() or (entry / "HEAD").is_symlink()


def _is_configured(folder: Path) -> bool:
    if (folder / "affected.toml").is_file():
        return True
    try:
        return re.search(_TABLE, (folder / "pyproject.toml").read_bytes()) is not None
    except OSError:
        return False


def walk(
    root: Path, extra_ignored: Callable[[str], bool] | None = None
) -> Iterator[tuple[RepoPath, os.stat_result]]:
    """Every file and link below `root`, with its `lstat`; sorted within each folder.

    Left out: noise, virtual environments (a folder with pyvenv.cfg), whatever `extra_ignored`
    says of a file's or folder's path, and what is neither file nor link. Links are not
    followed, so circles of them are harmless. A folder that cannot be read is passed over.
    """
    pending = [""]
    top = os.fspath(root)
    while pending:
        folder = pending.pop()
        below: list[str] = []
        for path, entry in _entries(top, folder):
            if extra_ignored is not None and extra_ignored(path):
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:  # gone since
                continue
            if stat.S_ISDIR(found.st_mode):
                below.append(path)
            elif stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
                yield RepoPath(path), found
        pending.extend(reversed(below))


def _entries(top: str, folder: str) -> list[tuple[str, os.DirEntry[str]]]:
    """The entries of a folder that are not noise, by name; none of a virtual environment."""
    try:
        with os.scandir(f"{top}/{folder}" if folder else top) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
    if folder and any(entry.name == "pyvenv.cfg" for entry in found):
        return []
    prefix = f"{folder}/" if folder else ""
    return [(prefix + entry.name, entry) for entry in found if not is_noise(entry.name)]
