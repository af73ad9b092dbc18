"""Repo paths: relative to the workspace root, POSIX, normalised; the only path in the model.

Unaware of the disk. A repo path is a `str` with undecodable bytes as surrogate escapes
(`os.fsdecode`), so it survives names that are not UTF-8. The root itself is "".
"""

from __future__ import annotations

import os
from typing import NewType

RepoPath = NewType("RepoPath", str)

ROOT = RepoPath("")


def parent(path: str) -> RepoPath:
    """The folder that holds `path`; "" for a top-level name and for the root."""
    head, _, _ = path.rpartition("/")
    return RepoPath(head)


def name(path: str) -> str:
    """The last component."""
    return path.rpartition("/")[2]


def join(folder: str, relative: str) -> RepoPath:
    """`relative` below `folder`; both already normalised."""
    if not folder:
        return RepoPath(relative)
    return RepoPath(f"{folder}/{relative}") if relative else RepoPath(folder)


def ancestors(path: str) -> list[RepoPath]:
    """Every folder above `path`, nearest first, ending with the root ""."""
    found: list[RepoPath] = []
    while path:
        path = parent(path)
        found.append(RepoPath(path))
    return found


def is_under(path: str, folder: str) -> bool:
    """True when `path` is `folder` itself or lies below it."""
    return not folder or path == folder or path.startswith(folder + "/")


def relative_to(path: str, folder: str) -> str:
    """`path` as seen from `folder`, which must hold it."""
    return path if not folder else path[len(folder) + 1 :]


def encode(path: str) -> bytes:
    """The bytes git and the disk know it by."""
    return os.fsencode(path)


def decode(raw: bytes) -> RepoPath:
    """Inverse of `encode`."""
    return RepoPath(os.fsdecode(raw))


def display(path: str) -> str:
    r"""Printable everywhere: undecodable bytes as `\xNN`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
