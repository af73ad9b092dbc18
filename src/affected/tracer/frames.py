"""Who does something: reads the stack of a running access. Unaware of what the access is.

The nearest frame outside the standard library decides: pytest and its companions, and the import
system, act for nobody. Then the innermost running module body takes the access, be it a
first-party file's or an installed module's; without one, the current scope does.
"""

from __future__ import annotations

import os
import sysconfig
from typing import Any, Dict, List, Optional, Tuple

from .ledger import SESSION

FIRST, OTHER, LIBRARY, RUNNER, IMPORTING = 0, 1, 2, 3, 4
# hypothesis reads the source of every loaded module for constants to try; it is a pytest plugin.
_RUNNERS = frozenset(("pytest", "_pytest", "xdist", "coverage", "pytest_cov", "hypothesis"))
# Installed packages that act for whoever calls them, like the standard library does.
_TRANSPARENT = frozenset(("pluggy", "execnet", "py"))
# Parts of pytest that do what the test asks for.
_OBEYING = ("_pytest/pytester.py",)
_OBEYING_LIBRARY = ("_pytest/_py/", "_pytest/legacypath.py")
_SITES = ("/site-packages/", "/dist-packages/")
_TEST_CALLS = frozenset(("pytest_pyfunc_call", "call_fixture_func", "runtest"))
# Module bodies, and what a package's __init__.py may offer for all the test files below it.
_BODIES = frozenset(
    ("<module>", "setup_module", "teardown_module", "setUpModule", "tearDownModule")
)
# Work that these do in a folder they hold open by descriptor has no meaning as a path.
_BY_DESCRIPTOR = ("_rmtree_safe_fd", "_fwalk")
# The standard library's own order: are lines kept of a file still its lines, what does a debugger
# that nobody sees start with.
_HOUSEKEEPING = (("linecache.py", "checkcache"), ("pdb.py", "__init__"))


class Frames:
    """Classifies code by its file and finds the scope an access belongs to."""

    def __init__(self, workspace: Any, ledger: Any) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._kinds: Dict[str, int] = {}
        self._files: Dict[str, str] = {}
        paths = sysconfig.get_paths()
        self._library = tuple({paths["stdlib"] + "/", paths["platstdlib"] + "/"})
        self._packages: Dict[str, str] = {}
        self._own = os.path.dirname(os.path.abspath(__file__)) + "/"

    def add_package(self, name: str, folder: str) -> None:
        """An installed package lies in `folder`, wherever that is."""
        self._packages[folder + "/"] = name
        self._kinds.clear()

    def kind(self, filename: str) -> int:
        """FIRST … IMPORTING for a code object's file name."""
        found = self._kinds.get(filename)
        if found is None:
            found = self._kinds[filename] = self._classify(filename)
        return found

    def _classify(self, filename: str) -> int:
        if filename[:1] == "<":
            return IMPORTING if filename.startswith("<frozen importlib.") else LIBRARY
        if filename.startswith(self._own):
            return RUNNER
        for folder, name in self._packages.items():
            if filename.startswith(folder):
                return _installed(name + "/" + filename[len(folder) :])
        for site in _SITES:
            _, found, rest = filename.rpartition(site)
            if found:
                return _installed(rest)
        path = self._workspace.locate(filename)
        if path is not None:
            if path.endswith(".py"):
                self._files[filename] = path
            return FIRST
        return LIBRARY if filename.startswith(self._library) else OTHER

    def first_party(self, filename: str) -> Optional[str]:
        """The repo path of a code object's file, None when it is no module of the workspace."""
        return self._files.get(filename) if self.kind(filename) == FIRST else None

    def is_acting(self, frame: Any) -> bool:
        """Whether `frame` itself is code that counts, nothing of the standard library between."""
        return self.kind(frame.f_code.co_filename) in (FIRST, OTHER)

    def scope(self, frame: Any, trail: Optional[List[Any]] = None) -> Optional[str]:
        """The scope an access made in `frame` belongs to; None when it counts for nobody.

        `trail` receives the code objects of the standard library that were passed on the way,
        and the one that acts.
        """
        kinds = self._kinds
        while frame is not None:
            code = frame.f_code
            kind = kinds.get(code.co_filename)
            if kind is None:
                kind = self.kind(code.co_filename)
            if kind == RUNNER:
                if code.co_name in _TEST_CALLS:
                    break  # a doctest, or a callback of an event loop that the test runs
                return None
            if kind == IMPORTING and (code.co_name != "get_data" or _imports(frame.f_back)):
                return None
            if trail is not None:
                trail.append(code)
            if kind in (FIRST, OTHER):
                break
            frame = frame.f_back
        return self.running(frame)

    def running(self, frame: Any) -> str:
        """The module whose body runs at or above `frame`, else the current scope.

        What a conftest file's hooks do for the session belongs to that file.
        """
        kinds = self._kinds
        scope: str = self._ledger.scope
        while frame is not None:
            code = frame.f_code
            name = code.co_name
            if name in _BODIES:
                owner = self._owner(frame, code)
                if owner is not None:
                    return owner
            elif scope == SESSION:
                if code.co_filename.endswith("conftest.py"):
                    path = self.first_party(code.co_filename)
                    if path is not None:
                        scope = "module:" + path
            elif name in _TEST_CALLS and kinds.get(code.co_filename) == RUNNER:
                break
            frame = frame.f_back
        return scope

    def _owner(self, frame: Any, code: Any) -> Optional[str]:
        """The scope of a module's body, or of a package's set-up."""
        path = self.first_party(code.co_filename)
        if code.co_name != "<module>":
            return "module:" + path if path and path.endswith("__init__.py") else None
        if path is not None:
            return "module:" + path
        if self.kind(code.co_filename) != OTHER:
            return None
        return "external:" + str(frame.f_globals.get("__name__", "")).partition(".")[0]

    def is_plugins_own(self, scope: str, frame: Any) -> bool:
        """Whether a pytest plugin does this for the session, by itself.

        What plugins are counts for every test; their questions to git or the network are
        for their reports.
        """
        if scope != SESSION and not self._ledger.starting:
            return False
        while frame is not None:
            if self.kind(frame.f_code.co_filename) == FIRST:
                return False
            frame = frame.f_back
        return True


def _installed(path: str) -> int:
    """The kind of a file below a folder of installed packages."""
    top = path.partition("/")[0]
    if top in _TRANSPARENT or path.startswith(_OBEYING_LIBRARY):
        return LIBRARY
    return RUNNER if top in _RUNNERS and path not in _OBEYING else OTHER


def _imports(frame: Any) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith("<frozen importlib.")


def is_meaningless(trail: List[Any]) -> bool:
    """Whether the standard library did it for itself, or in an open folder by descriptor."""
    for code in trail:
        name = code.co_name
        if name.startswith(_BY_DESCRIPTOR):
            return True
        for file, function in _HOUSEKEEPING:
            if name == function and code.co_filename.endswith(file):
                return True
    return False


def package_folder(module: Any) -> Optional[Tuple[str, str]]:
    """(name, folder) of an imported package, None when it has no file."""
    filename = getattr(module, "__file__", None)
    if not isinstance(filename, str):
        return None
    return module.__name__, os.path.dirname(os.path.abspath(filename))
