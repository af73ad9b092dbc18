"""Remembers how things were before tests wrote to them, and tells what that came to.

Unaware of who wrote and why.
"""

from __future__ import annotations

import stat
import zlib
from typing import Any, Dict, List, Tuple

from .paths import mode_of

_LARGEST = 1 << 20  # bytes of a file whose content is compared
_State = Tuple[int, Any]
_open = open


class Writes:
    """The state of each written path before its first write in this process."""

    def __init__(self, workspace: Any) -> None:
        self._workspace = workspace
        self._before: Dict[str, _State] = {}
        self._told: Dict[str, str] = {}

    def about_to(self, path: str) -> None:
        """`path` is going to be written, made or removed."""
        if path not in self._before:
            self._before[path] = (0, None)  # while we look ourselves
            self._before[path] = self._state(path)

    def _state(self, path: str) -> _State:
        whole = self._workspace.absolute(path)
        mode = mode_of(whole)
        content = None
        if stat.S_ISREG(mode):
            try:
                with _open(whole, "rb") as stream:
                    content = stream.read(_LARGEST + 1)
            except OSError:
                return mode, object()  # equals nothing
            if len(content) > _LARGEST:
                return mode, object()
            return mode, (len(content), zlib.crc32(content), zlib.adler32(content))
        return stat.S_IFMT(mode), content

    def drain(self, spool: Any) -> None:
        """Queue what became of every written path since it was last told."""
        fresh: List[List[str]] = []
        for path, before in self._before.items():
            after = self._state(path)
            if before == after:
                what = "same"
            elif not before[0]:
                what = "created"
            else:
                what = "changed" if after[0] else "removed"
            if self._told.get(path) != what:
                self._told[path] = what
                fresh.append([path, what])
        if fresh:
            spool.add(["net", fresh])
