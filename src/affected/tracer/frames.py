"""Who does something: reads the stack of a running access. Unaware of what the access is.

The nearest frame outside the standard library decides: pytest and its companions, and the import
system, act for nobody. Then the innermost running module body takes the access, be it a
first-party file's or an installed module's; without one, the current scope does.
"""

from __future__ import annotations

import os
import sysconfig
from typing import Any, Dict, List, Optional, Tuple

FIRST, OTHER, LIBRARY, RUNNER, IMPORTING, ZIPPED = 0, 1, 2, 3, 4, 5
_RUNNERS = ("pytest", "_pytest", "pluggy", "xdist", "execnet", "coverage", "pytest_cov", "py")
_SITES = ("/site-packages/", "/dist-packages/")
_TEST_CALLS = frozenset(("pytest_pyfunc_call", "call_fixture_func", "runtest"))
# Work that these do in a folder they hold open by descriptor has no meaning as a path.
_BY_DESCRIPTOR = ("_rmtree_safe_fd", "_fwalk")


class Frames:
    """Classifies code by its file and finds the scope an access belongs to."""

    def __init__(self, workspace: Any, ledger: Any) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._kinds: Dict[str, int] = {}
        self._files: Dict[str, str] = {}
        paths = sysconfig.get_paths()
        self._library = tuple({paths["stdlib"] + "/", paths["platstdlib"] + "/"})
        self._runners: Tuple[str, ...] = (os.path.dirname(os.path.abspath(__file__)) + "/",)

    def add_runner(self, folder: str) -> None:
        """Code below `folder` acts for nobody, wherever it is installed."""
        self._runners += (folder + "/",)
        self._kinds.clear()

    def kind(self, filename: str) -> int:
        """FIRST … IMPORTING for a code object's file name."""
        found = self._kinds.get(filename)
        if found is None:
            found = self._kinds[filename] = self._classify(filename)
        return found

    def _classify(self, filename: str) -> int:
        if filename[:1] == "<":
            if filename.startswith("<frozen importlib."):
                return IMPORTING
            return ZIPPED if filename == "<frozen zipimport>" else LIBRARY
        if filename.startswith(self._runners):
            return RUNNER
        for site in _SITES:
            before, found, rest = filename.rpartition(site)
            if found:
                return RUNNER if rest.partition("/")[0] in _RUNNERS else OTHER
        path = self._workspace.locate(filename)
        if path is not None:
            self._files[filename] = path
            return FIRST
        return LIBRARY if filename.startswith(self._library) else OTHER

    def first_party(self, filename: str) -> Optional[str]:
        """The repo path of a code object's file, None when it is not the workspace's."""
        return self._files.get(filename) if self.kind(filename) == FIRST else None

    def scope(self, frame: Any, trail: Optional[List[Any]] = None) -> Optional[str]:
        """The scope an access made in `frame` belongs to; None when it counts for nobody.

        `trail` receives the frames of the standard library that were passed on the way, and
        the one that acts.
        """
        kinds = self._kinds
        while frame is not None:
            code = frame.f_code
            kind = kinds.get(code.co_filename)
            if kind is None:
                kind = self.kind(code.co_filename)
            if kind == LIBRARY:
                if trail is not None:
                    trail.append(frame)
            elif kind == RUNNER:
                return None
            elif kind == IMPORTING:
                if code.co_name != "get_data" or _imports(frame.f_back):
                    return None
            else:
                if trail is not None:
                    trail.append(frame)
                break
            frame = frame.f_back
        return self.running(frame)

    def running(self, frame: Any) -> str:
        """The module whose body runs at or above `frame`, else the current scope."""
        kinds = self._kinds
        while frame is not None:
            code = frame.f_code
            if code.co_name == "<module>":
                kind = self.kind(code.co_filename)
                if kind == FIRST:
                    return "module:" + self._files[code.co_filename]
                if kind == OTHER:
                    top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
                    return "external:" + top
            elif code.co_name in _TEST_CALLS and kinds.get(code.co_filename) == RUNNER:
                break
            frame = frame.f_back
        scope: str = self._ledger.scope
        return scope


def _imports(frame: Any) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith("<frozen importlib.")


def by_descriptor(trail: List[Any]) -> bool:
    """Whether the standard library used relative names inside an open folder."""
    return any(frame.f_code.co_name.startswith(_BY_DESCRIPTOR) for frame in trail)
