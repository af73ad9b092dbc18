"""Sees which modules are asked for, loaded already or not. Unaware of pytest and of other accesses.

An import statement of a first-party file is a pair (importer, imported), told once a process;
anything else that gets a first-party module is a dynamic load and counts for its scope.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import opcode
import os
import sys
import types
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from . import ledger as kinds
from .files import replace
from .frames import FIRST, IMPORTING, LIBRARY, OTHER, RUNNER

_IMPORT_NAME = opcode.opmap["IMPORT_NAME"]
# A file name that `warnings` and the import system itself count as internal to imports.
_INTERNAL = "<frozen importlib._bootstrap>"
_WRAPPERS = """
def make_import(original, known, asked, missing, getframe):
    def __import__(known, name, globals=None, locals=None, fromlist=(), level=0):
        __tracebackhide__ = True
        try:
            asked_before = (globals.get("__file__"), name, fromlist, level) in known
        except (AttributeError, TypeError):
            asked_before = False
        if asked_before:
            return original(name, globals, locals, fromlist, level)
        try:
            module = original(name, globals, locals, fromlist, level)
        except ImportError:
            missing(name, globals, level, getframe(1))
            raise
        asked(name, globals, fromlist, level, getframe(1))
        return module
    return __import__

def make_import_module(original, asked, missing, getframe):
    def import_module(name, package=None):
        __tracebackhide__ = True
        try:
            module = original(name, package)
        except ImportError:
            missing(name, package, getframe(1))
            raise
        asked(name, package, getframe(1))
        return module
    return import_module

def make_find_spec(original, looked_up, getframe):
    def find_spec(name, package=None):
        __tracebackhide__ = True
        spec = original(name, package)
        looked_up(name, package, spec, getframe(1))
        return spec
    return find_spec
"""


class Pairs:
    """Who imported whom, each pair told once."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.known: Set[Tuple[str, str]] = set()
        self.fresh: List[Tuple[str, str]] = []


class Imports:
    """The wrappers of `__import__`, `import_module` and `find_spec`, and what they learn."""

    def __init__(self, workspace: Any, frames: Any, ledger: Any, trouble: Any) -> None:
        self._workspace = workspace
        self._frames = frames
        self._ledger = ledger
        self._trouble = trouble
        self._known: Set[Tuple[Any, str, Any, int]] = set()
        self._pairs = Pairs("pairs")
        self._asks = Pairs("asks")
        self._external_pairs = Pairs("external-pairs")
        self._library = _library_names()

    def install(self) -> None:
        """Put the wrappers in place."""
        made: Dict[str, Any] = {}
        exec(compile(_WRAPPERS, _INTERNAL, "exec"), made)  # noqa: S102
        original = builtins.__import__
        function = made["make_import"](
            original, self._known, self._guard(self._asked), self._guard(self._missing), _getframe
        )
        function.__doc__ = original.__doc__
        function.__module__ = "builtins"
        replace("__import__", original, types.MethodType(function, self._known))
        for owner, name, args in (
            (importlib, "import_module", (self._asked_dynamically, self._missing_dynamically)),
            (importlib.util, "find_spec", (self._looked_up,)),
        ):
            wrapped = getattr(owner, name)
            function = made["make_" + name](wrapped, *map(self._guard, args), _getframe)
            function.__doc__, function.__module__ = wrapped.__doc__, wrapped.__module__
            function.__qualname__ = name
            replace(name, wrapped, function)

    def _guard(self, function: Any) -> Any:
        def guarded(*args: Any) -> None:
            try:
                function(*args)
            except Exception as error:
                self._trouble(error)

        return guarded

    def drain(self, spool: Any) -> None:
        """Queue new pairs on the spool."""
        for pairs in (self._pairs, self._asks, self._external_pairs):
            if pairs.fresh:
                spool.add([pairs.tag, pairs.fresh])
                pairs.fresh = []

    def note_loaded(self, skip: str) -> List[str]:
        """First-party modules loaded before anything was watched count for everyone."""
        found: List[str] = []
        for name, module in list(sys.modules.items()):
            if not name.startswith(skip) and name != "__main__":
                path = self._file_of(module)
                if path is not None:
                    self._ledger.note(kinds.SESSION, kinds.LOADED, path)
                    found.append(path)
        return found

    # --- what the wrappers call

    def _asked(self, name: str, names: Any, fromlist: Any, level: int, frame: Any) -> None:
        full = _absolute(name, names, level)
        key = (names.get("__file__") if isinstance(names, dict) else None, name, fromlist, level)
        if full.partition(".")[0] in self._library:
            self._remember(key)
            return
        kind, where = self._importer(names)
        files = list(self._files(full, fromlist))
        if kind == FIRST:
            if not files:
                self._pair(self._asks, where, full.partition(".")[0])
            for path in files:
                self._pair(self._pairs, where, path)
            self._remember(key)
        elif files or kind != OTHER:
            self._note_dynamic(full, files, frame, fromlist)
        else:
            self._pair(self._external_pairs, where, full.partition(".")[0])
            self._remember(key)

    def _remember(self, key: Tuple[Any, str, Any, int]) -> None:
        if key[2] is None or isinstance(key[2], tuple):
            self._known.add(key)

    @staticmethod
    def _pair(pairs: Pairs, importer: str, imported: str) -> None:
        if importer != imported and (importer, imported) not in pairs.known:
            pairs.known.add((importer, imported))
            pairs.fresh.append((importer, imported))

    def _missing(self, name: str, names: Any, level: int, frame: Any) -> None:
        if self._importer(names)[0] != FIRST:
            full = _absolute(name, names, level)
            if full.partition(".")[0] not in self._library:
                self._note_dynamic(full, [], frame)

    def _asked_dynamically(self, name: str, package: Any, frame: Any) -> None:
        full = importlib.util.resolve_name(name, package) if name.startswith(".") else name
        if full.partition(".")[0] not in self._library:
            self._note_dynamic(full, list(self._files(full, ())), frame)

    def _missing_dynamically(self, name: str, package: Any, frame: Any) -> None:
        self._asked_dynamically(name, package, frame)

    def _looked_up(self, name: str, package: Any, spec: Any, frame: Any) -> None:
        full = importlib.util.resolve_name(name, package) if name.startswith(".") else name
        scope = self.acting(frame)
        if scope is None or full.partition(".")[0] in self._library:
            return
        if self._frames.is_plugins_own(scope, frame):
            return
        origin = getattr(spec, "origin", None)
        path = self._workspace.locate(origin) if origin and "/" in origin else None
        if path is not None:
            self._ledger.note(scope, kinds.PROBE, path)
        else:
            self._ledger.note(scope, kinds.EXTERNAL, full.partition(".")[0])
        self._note_candidates(scope, full, path)

    def executed(self, args: Tuple[Any, ...], frame: Any) -> Optional[str]:
        """A code object is about to run; the repo path when it is a first-party module's body."""
        code = args[0]
        if getattr(code, "co_name", "") != "<module>":
            return None
        path: Optional[str] = self._frames.first_party(code.co_filename)
        if path is None:
            return None
        scope = self.acting(frame, path)
        if scope is not None:
            if _is_by_statement(frame):
                self._ledger.note(scope, kinds.NAMED, path + ":")
            else:
                self._ledger.note(scope, kinds.LOADED, path)
        elif self._ledger.testing:
            self._ledger.note(self._ledger.scope, kinds.BODY, path)
        return path

    # --- the parts

    def acting(self, frame: Any, executed: str = "") -> Optional[str]:
        """The scope a dynamic import counts for: None for pytest's own way to load its files.

        `executed` is a file whose body is about to run; a statement's importer is paired with it.
        """
        while frame is not None:
            code = frame.f_code
            kind = self._frames.kind(code.co_filename)
            if kind == IMPORTING and code.co_name == "__import__":
                importer, where = self._importer(frame.f_locals.get("globals"))
                if importer == FIRST:
                    if executed:
                        self._pair(self._pairs, where, executed)
                    return None  # a statement; told as a pair
            elif kind == RUNNER:
                name = os.path.basename(code.co_filename)
                if name == "pathlib.py":
                    return None
                if name != "rewrite.py":
                    break
            elif kind in (FIRST, OTHER):
                break
            frame = frame.f_back
        scope: str = self._frames.running(frame)
        return scope

    def _note_dynamic(self, full: str, files: List[str], frame: Any, fromlist: Any = ()) -> None:
        scope = self.acting(frame)
        if scope is None or (not files and self._frames.is_plugins_own(scope, frame)):
            return
        if fromlist and "*" not in fromlist and _is_statement(frame):
            self._note_named(scope, full, files, fromlist)
        else:
            for path in files:
                self._ledger.note(scope, kinds.LOADED, path)
        if not files:
            if self._is_runner(frame):
                return  # pytest and its plugins count for every test anyway
            self._ledger.note(scope, kinds.EXTERNAL, full.partition(".")[0])
        self._note_candidates(scope, full, files[-1] if files else None)

    def _note_named(self, scope: str, full: str, files: List[str], fromlist: Any) -> None:
        """`from full import …` of code that is no file: no other name of the module is read."""
        own = self._file_of(sys.modules.get(full))
        submodules = {self._file_of(sys.modules.get(full + "." + name)) for name in fromlist}
        for path in files:
            if path == own:
                self._ledger.note(scope, kinds.NAMED, path + ":" + ",".join(fromlist))
            elif path in submodules:
                self._ledger.note(scope, kinds.LOADED, path)
            else:
                self._ledger.note(scope, kinds.NAMED, path + ":")

    def _is_runner(self, frame: Any) -> bool:
        while frame is not None:
            kind = self._frames.kind(frame.f_code.co_filename)
            if kind not in (LIBRARY, IMPORTING):
                return bool(kind == RUNNER and frame.f_code.co_name != "importorskip")
            frame = frame.f_back
        return False

    def _note_candidates(self, scope: str, full: str, found: Optional[str]) -> None:
        """Files that would answer the name instead of `found`, were they there."""
        parent, _, leaf = full.rpartition(".")
        if parent and parent not in sys.modules:
            self._note_candidates(scope, parent, None)
            return
        folders = getattr(sys.modules[parent], "__path__", ()) if parent else sys.path
        for folder in list(folders):
            located = self._workspace.locate(folder or ".") if isinstance(folder, str) else None
            if located is None:
                continue
            stem = located + "/" + leaf if located else leaf
            for candidate in (stem + "/__init__.py", stem + ".py"):
                if candidate == found:
                    return
                self._ledger.note(scope, kinds.PROBE, candidate)
            if found is not None and found.startswith(stem):
                return

    def _importer(self, names: Any) -> Tuple[int, str]:
        """(FIRST, path) | (OTHER, top-level name) | (LIBRARY, "") of an importing namespace."""
        if not isinstance(names, dict):
            return LIBRARY, ""
        filename = names.get("__file__")
        if isinstance(filename, str):
            path = self._workspace.locate(filename)
            if path is not None:
                return FIRST, path
        top = str(names.get("__name__", "")).partition(".")[0]
        if not top or top in self._library:
            return LIBRARY, ""
        return (OTHER, top) if isinstance(filename, str) else (LIBRARY, "")

    def _files(self, full: str, fromlist: Any) -> Iterator[str]:
        """First-party files behind a dotted name: its parents, itself, submodules asked for."""
        end = 0
        while end >= 0:
            end = full.find(".", end + 1)
            path = self._file_of(sys.modules.get(full if end < 0 else full[:end]))
            if path is not None:
                yield path
        for name in fromlist or ():
            if isinstance(name, str):
                path = self._file_of(sys.modules.get(full + "." + name))
                if path is not None:
                    yield path

    def _file_of(self, module: Any) -> Optional[str]:
        filename = getattr(module, "__file__", None)
        if not isinstance(filename, str):
            return None
        found: Optional[str] = self._workspace.locate(filename)
        return found


def _is_statement(frame: Any) -> bool:
    """Whether a frame that asks for a module does so by a statement, not by calling a function."""
    code, place = frame.f_code.co_code, frame.f_lasti
    return bool(0 <= place < len(code) and code[place] == _IMPORT_NAME)


def _is_by_statement(frame: Any) -> bool:
    """Whether the module whose body is about to run was asked for by a statement."""
    while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib."):
        if frame.f_code.co_name == "__import__":
            return frame.f_back is not None and _is_statement(frame.f_back)
        frame = frame.f_back
    return False


def _absolute(name: str, names: Any, level: int) -> str:
    if not level or not isinstance(names, dict):
        return name
    package = names.get("__package__")
    if not isinstance(package, str):
        package = str(names.get("__name__", ""))
        if "__path__" not in names:
            package = package.rpartition(".")[0]
    for _ in range(level - 1):
        package = package.rpartition(".")[0]
    return package + "." + name if name else package


def _library_names() -> Set[str]:
    names = getattr(sys, "stdlib_module_names", None)
    if names is None:
        names = set(sys.builtin_module_names)
        names.update(_listed(os.path.dirname(os.__file__)))
    found = set(names)
    found.update(("pytest", "_pytest", "pluggy", "_affected_tracer", "affected_tracer"))
    found.add("__main__")
    return found


def _listed(folder: str) -> Iterator[str]:
    for entry in os.listdir(folder) + os.listdir(os.path.join(folder, "lib-dynload")):
        yield entry.partition(".")[0]


_getframe = sys._getframe  # noqa: SLF001
