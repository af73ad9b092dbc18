"""Which paths belong to the workspace, and their repo paths. Unaware of who asks.

A repo path is relative to the workspace root, with "/" between its parts; "" is the root.
"""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from typing import Any, Dict, List, Optional, Set, Tuple

_NOISE_PARTS = frozenset(
    (
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".coverage",
        ".git",
        ".tox",
        ".nox",
        ".venv",
        "node_modules",
        ".affected-cache",
    )
)
_CACHE_LIMIT = 50_000
_lstat = os.lstat
_readlink = os.readlink


class Workspace:
    """Locates paths; keeps the answers of absolute ones."""

    def __init__(self, root: str) -> None:
        self.root = root
        real = os.path.realpath(root)
        self.roots = (root + "/",) if real == root else (root + "/", real + "/")
        self._outside = tuple(
            folder + "/" for folder in _interpreter_folders() if folder.startswith(self.roots)
        )
        self._located: Dict[str, Optional[str]] = {}
        self._virtual: Dict[str, bool] = {}
        self._folders: Dict[str, str] = {}
        self.aliases: Dict[str, str] = {}  # symbolic links outside → what they lead to inside

    def locate(self, path: Any) -> Optional[str]:
        """The repo path of `path` (str, bytes or path-like), None for noise and what is outside."""
        if path.__class__ is not str:
            path = as_text(path)
            if path is None:
                return None
        if path[:1] != "/":
            if path[:1] == "<" and path[-1:] == ">":
                return None  # the name of code without a file
            try:
                path = os.path.join(os.getcwd(), path)
            except OSError:
                return None
        try:
            return self._located[path]
        except KeyError:
            pass
        found = self._find(path)
        if len(self._located) > _CACHE_LIMIT:
            self._located.clear()
        self._located[path] = found
        return found

    def _find(self, path: str) -> Optional[str]:
        if "\0" in path:
            return None
        whole = os.path.normpath(path) + "/"
        if whole.startswith("//"):
            whole = whole[1:]
        for alias, target in self.aliases.items():
            if whole.startswith(alias + "/"):
                whole = target + whole[len(alias) :]
                break
        for root in self.roots:
            if whole.startswith(root):
                break
        else:
            return None
        if self._outside and whole.startswith(self._outside):
            return None
        found = whole[len(root) : -1]
        return None if self._is_noise(found) else found

    def _is_noise(self, path: str) -> bool:
        if path.endswith(".pyc"):
            return True
        parts = path.split("/")
        if not _NOISE_PARTS.isdisjoint(parts):
            return True
        if parts[-1].startswith(".coverage."):
            return True
        return "venv" in parts and self._in_virtual(parts)

    def _in_virtual(self, parts: List[str]) -> bool:
        folder = "/".join(parts[: parts.index("venv") + 1])
        if folder not in self._virtual:
            self._virtual[folder] = mode_of(self.absolute(folder + "/pyvenv.cfg")) != 0
        return self._virtual[folder]

    def absolute(self, path: str) -> str:
        """The path on disk of a repo path."""
        return self.roots[0] + path if path else self.root

    def look(self, path: str) -> Tuple[int, List[str]]:
        """The mode of `path` itself (0: absent) and the links on the way to what it leads to.

        The list holds repo paths: each symbolic link above `path`, and the target in the end.
        """
        folder = path.rpartition("/")[0]
        whole = self.absolute(path)
        mode = mode_of(whole)
        found: List[str] = []
        if self._real_folder(folder) != self.absolute(folder):
            found.extend(self._links_above(path))
        if found or stat.S_ISLNK(mode):
            target = self.locate(os.path.realpath(whole))
            if target is not None and target != path:
                found.append(target)
        return mode, found

    def _real_folder(self, folder: str) -> str:
        real = self._folders.get(folder)
        if real is None:
            whole = self.absolute(folder)
            real = os.path.realpath(whole)
            if len(self.roots) > 1 and (real + "/").startswith(self.roots[1]):
                real = (self.roots[0] + (real + "/")[len(self.roots[1]) :])[:-1]
            self._folders[folder] = real
        return real

    def _links_above(self, path: str) -> List[str]:
        found = []
        head = path.rpartition("/")[0]
        while head:
            if stat.S_ISLNK(mode_of(self.absolute(head))):
                found.append(head)
            head = head.rpartition("/")[0]
        return found

    def forget_links(self) -> None:
        """A link was made or removed: look again."""
        self._folders.clear()
        self._located.clear()


def _interpreter_folders() -> Set[str]:
    found = {sys.prefix, sys.exec_prefix, sys.base_prefix}
    found.update(sysconfig.get_paths().values())
    return {os.path.abspath(folder) for folder in found if folder}


def as_text(path: Any) -> Optional[str]:
    """`path` as str, None when it is a file descriptor or nonsense."""
    try:
        path = os.fspath(path)
        return os.fsdecode(path) if path.__class__ is not str else path
    except Exception:
        return None


def of_descriptor(descriptor: int) -> Optional[str]:
    """The path an open folder's descriptor stands for, where the system tells."""
    try:
        return _readlink("/proc/self/fd/%d" % descriptor)
    except OSError:
        pass
    try:
        fcntl: Any = __import__("fcntl")
        raw: bytes = fcntl.fcntl(descriptor, fcntl.F_GETPATH, b"\0" * 1024)
        return os.fsdecode(raw.rstrip(b"\0"))
    except (ImportError, AttributeError, OSError):
        return None


def mode_of(path: str) -> int:
    """The mode of what has that name, links not followed; 0 for nothing. Unseen by the tracer."""
    try:
        return _lstat(path).st_mode
    except (OSError, ValueError):
        return 0


def is_folder(path: str) -> bool:
    """Whether it is a folder and no link; unseen by the tracer."""
    return stat.S_ISDIR(mode_of(path))
