"""Leaves out test files that pytest, started without arguments, would not have looked into.

Unaware of what is in them. Files named on the command line are taken by pytest whatever
`collect_ignore`, `--ignore` and `norecursedirs` say; ours are named only because they were found.
"""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest


class LeftOut(pytest.File):
    """Stands for a test file that is not to be collected."""

    def collect(self) -> List[Any]:
        """No tests."""
        return []


class Collection:
    """Asks pytest's own hooks, folder by folder, and remembers what they said."""

    def __init__(self) -> None:
        self._folders: Dict[Path, bool] = {}
        self._starts: List[Path] = []

    def replacement(self, file_path: Path, parent: Any) -> Any:
        """A collector to take the place of `file_path`'s, None when it is to be collected."""
        session = parent.session
        if not session.isinitpath(file_path) or not self._is_ignored(session, file_path):
            return None
        return LeftOut.from_parent(parent, path=file_path)

    def _is_ignored(self, session: Any, path: Path) -> bool:
        if self._says_ignore(session, path):
            return True
        if not self._starts:
            self._starts = _starts(session.config)
        for folder in path.parents:
            if folder in self._starts or folder == session.config.rootpath:
                return False
            ignored = self._folders.get(folder)
            if ignored is None:
                ignored = self._folders[folder] = self._says_ignore(session, folder)
            if ignored:
                return True
        return False

    @staticmethod
    def _says_ignore(session: Any, path: Path) -> bool:
        hooks = session.gethookproxy(path.parent)
        return bool(hooks.pytest_ignore_collect(collection_path=path, config=session.config))


def _starts(config: Any) -> List[Path]:
    """The folders in which pytest without arguments would have begun."""
    here = config.invocation_params.dir
    if here == config.rootpath:
        named = [
            Path(os.path.abspath(found))
            for pattern in config.getini("testpaths")
            for found in glob.glob(os.path.join(str(here), pattern), recursive=True)
        ]
        if named:
            return named
    return [here]
