"""A cheap token for what git's index and rules hold, made of file stamps alone.

Unaware of what the files say, except for where submodules are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from affected.git.discovery import Layout, locate_at

_SUBMODULE_PATH: Final = r"(?m)^[^\S\n]*path[^\S\n]*=[^\S\n]*(.+?)[^\S\n]*$"


def witness(layout: Layout, environ: Mapping[str, str]) -> str:
    """One line of stamps: indexes (submodules' too), configuration, ignore and attribute files."""
    return ";".join(_stamp(file) for file in witness_files(layout, environ))


def witness_files(layout: Layout, environ: Mapping[str, str]) -> list[Path]:
    """The files that the token is made of, there or not."""
    return [*_of_checkout(layout), *_of_user(environ)]


def _of_checkout(layout: Layout) -> Iterator[Path]:
    yield layout.git_dir / "index"
    yield layout.git_dir / "info" / "sparse-checkout"
    yield layout.git_dir / "config.worktree"
    yield layout.common_dir / "config"
    yield layout.common_dir / "info" / "attributes"
    yield layout.common_dir / "info" / "exclude"
    if not (layout.root / ".gitmodules").exists() and not (layout.git_dir / "modules").exists():
        return
    for path in submodule_paths(layout.root):
        entry = layout.root / path / ".git"
        yield entry
        inner = locate_at(layout.root / path)
        if inner is not None:
            yield from _of_checkout(inner)


def submodule_paths(root: Path) -> list[str]:
    """Where .gitmodules says that submodules are, sorted; starts no process."""
    try:
        text = (root / ".gitmodules").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    return sorted({match.strip('"') for match in re.findall(_SUBMODULE_PATH, text)})


def _of_user(environ: Mapping[str, str]) -> Iterator[Path]:
    home = environ.get("HOME", "")
    settings = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    if settings:
        for name in ("config", "ignore", "attributes"):
            yield Path(settings, "git", name)
    if home:
        yield Path(home, ".gitconfig")
    for name, usual in (("GIT_CONFIG_GLOBAL", ""), ("GIT_CONFIG_SYSTEM", "/etc/gitconfig")):
        chosen = environ.get(name, usual)
        if chosen:
            yield Path(chosen)


def _stamp(file: Path) -> str:
    try:
        found = os.lstat(file)
    except OSError:
        return "-"
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"
