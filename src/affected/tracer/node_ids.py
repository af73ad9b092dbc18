"""Node ids seen from the workspace root, and the numbers that stand for them.

Unaware of outcomes.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Tuple


class NodeIds:
    """pytest's node ids are relative to its rootdir; ours to the workspace root."""

    def __init__(self, workspace: Any) -> None:
        self._workspace = workspace
        self.rootdir = workspace.root
        self._known: Dict[str, Tuple[Any, str]] = {}
        self._left: Dict[str, List[str]] = {}

    def located(self, relative: str) -> str:
        """The repo path of a node id's file part; "" for none."""
        return self._workspace.locate(os.path.join(self.rootdir, relative)) or ""

    def of_item(self, item: Any) -> Tuple[Any, str]:
        """An item's number (its name when it was not numbered) and the file it belongs to."""
        known = self._known.get(item.nodeid)
        if known is None:
            path = self._path_of(item)
            known = (self.name_of(item.nodeid, path), path)
        return known

    def id_of(self, item: Any) -> str:
        """The workspace's name of an item."""
        return self.name_of(item.nodeid, self._path_of(item))

    def count_left(self, item: Any) -> None:
        """An item that was collected and will not run."""
        path = self._path_of(item)
        self._left.setdefault(path, []).append(self.name_of(item.nodeid, path))

    def tell_left(self, spool: Any) -> None:
        """Tell the items that will not run, file by file."""
        for path, names in self._left.items():
            spool.add(["left", path, names])
        self._left.clear()

    def _path_of(self, item: Any) -> str:
        path = getattr(item, "path", None)
        found: Optional[str] = self._workspace.locate(str(path)) if path is not None else None
        return found or self.located(item.nodeid.partition("::")[0])

    def name_of(self, nodeid: str, path: str) -> str:
        """The workspace's name of a node, independent of where the workspace lies."""
        _, separator, rest = nodeid.partition("::")
        found = path + separator + rest
        for root in self._workspace.roots:
            if root in found:
                found = found.replace(root, "<workspace>/")
        return found

    def number(self, items: List[Any], spool: Any) -> None:
        """Number the session's items and tell them, file by file in running order."""
        part: List[str] = []
        last, first = "", 0
        for number, item in enumerate(items):
            path = self._path_of(item)
            if path != last and part:
                spool.add(["collected", last, first, part])
                part, first = [], number
            last = path
            self._known[item.nodeid] = (number, path)
            part.append(self.name_of(item.nodeid, path))
        if part:
            spool.add(["collected", last, first, part])
        spool.add(["ready", len(items)])
