"""Sees that the list of installed distributions is read, and for which question.

Unaware of what is installed.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Optional, Set

from . import ledger as kinds

# Folders of the libraries that read what is installed; in 3.9 it is one file of that name.
_READERS = ("metadata", "importlib_metadata", "pkg_resources")


class Installed:
    """Turns look-ups of site-packages into externals named by question, or into "all of it"."""

    def __init__(self, frames: Any, ledger: Any) -> None:
        self._frames = frames
        self._ledger = ledger
        self._sites: Set[str] = {
            folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))
        }
        self._readers: Dict[str, bool] = {}

    def is_site(self, path: Any) -> bool:
        """Whether a path outside the workspace is a folder that holds distributions."""
        return path.__class__ is str and path in self._sites

    def looked_up(self, frame: Any, *, is_listing: bool) -> None:
        """Such a folder was listed, or asked for its time."""
        trail: List[Any] = []
        scope = self._frames.scope(frame, trail)
        if scope is not None and not self.noted(scope, trail, frame) and is_listing:
            self._note(scope, None, frame)

    def noted(self, scope: str, trail: List[Any], frame: Any) -> bool:
        """True when the library that reads metadata is on the trail; then it is told here."""
        for code in trail:
            reads = self._readers.get(code.co_filename)
            if reads is None:
                reads = self._readers[code.co_filename] = _reads_metadata(code.co_filename)
            if reads:
                self._note(scope, _question(frame), frame)
                return True
        return False

    def _note(self, scope: str, question: Optional[str], frame: Any) -> None:
        if self._frames.is_plugins_own(scope, frame):
            return  # pytest's plugins, and what they ask, count for every test anyway
        if question is None:
            self._ledger.note(scope, kinds.INSTALLED, "")
        else:
            self._ledger.note(scope, kinds.EXTERNAL, question)


def _reads_metadata(filename: str) -> bool:
    folder, name = os.path.split(filename)
    return name == "metadata.py" or os.path.basename(folder) in _READERS


def _question(frame: Any) -> Optional[str]:
    """The one distribution, or the one group of entry points, that is asked for."""
    while frame is not None:
        code = frame.f_code
        if _reads_metadata(code.co_filename):
            if code.co_name == "from_name":
                asked = frame.f_locals.get("name")
                if isinstance(asked, str):
                    return "distribution:" + asked.lower().replace("_", "-").replace(".", "-")
            elif code.co_name == "entry_points":
                params = frame.f_locals.get("params")
                group = params.get("group") if isinstance(params, dict) else None
                return "entry-points:" + (group if isinstance(group, str) else "*")
        frame = frame.f_back
    return None
