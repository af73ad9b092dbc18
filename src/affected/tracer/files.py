"""Wraps the four `os` functions that audit events do not tell of. Unaware of pytest.

The wrappers are bound methods, because those behave like built-in functions where plain ones do
not (stored in a class they stay unbound from its instances).
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from typing import Any, Callable, Dict, List, Tuple

from . import ledger as kinds
from .frames import is_meaningless

_NAMES = ("stat", "lstat", "access", "readlink")
_SETS = ("supports_dir_fd", "supports_effective_ids", "supports_fd", "supports_follow_symlinks")
_PROBING = {
    "genericpath": ("exists", "isfile", "isdir", "islink", "lexists", "samefile", "isjunction"),
    "posixpath": ("islink", "lexists", "realpath", "_joinrealpath", "ismount", "samefile"),
    "pathlib": ("exists", "is_file", "is_dir", "is_symlink", "is_mount", "resolve", "samefile"),
    "glob": ("_lexists", "_isdir", "lexists"),
    "shutil": ("which", "_access_check"),
    "os": ("makedirs", "walk", "_walk"),
}
_getframe = sys._getframe  # noqa: SLF001


class _Owner:
    """What the wrappers are bound to; pickles as the module `os`."""

    def __reduce__(self) -> Tuple[Any, ...]:
        return (importlib.import_module, ("os",))


class Files:
    """The wrappers and their undoing."""

    def __init__(self, accesses: Any, trouble: Callable[[BaseException], None]) -> None:
        self._accesses = accesses
        self._workspace = accesses.workspace
        self._installed = accesses.installed
        self._frames = accesses.frames
        self._trouble = trouble
        self._probing = _probing_files()

    def install(self) -> None:
        """Put the wrappers in place, in `os` and where its functions were copied before."""
        owner = _Owner()
        for name in _NAMES:
            original = getattr(os, name, None)
            if original is None or not isinstance(original, types.BuiltinFunctionType):
                continue
            function = getattr(self, "_make_" + name)(original, self.saw)
            function.__name__ = function.__qualname__ = name
            function.__module__ = "os"
            function.__annotations__ = {}
            function.__doc__ = original.__doc__
            wrapper = types.MethodType(function, owner)
            replace(name, original, wrapper)
            _replace_in_classes(original, wrapper)

    def saw(self, path: Any, frame: Any, is_content: bool) -> None:
        """`path` was looked at from `frame`."""
        try:
            if path.__class__ is int:
                return
            located = self._workspace.locate(path)
            if located is None:
                if self._installed.is_site(path):
                    self._installed.looked_up(frame, is_listing=False)
                return
            trail: List[Any] = []
            scope = self._frames.scope(frame, trail)
            if scope is None or is_meaningless(trail):
                return
            if is_content and self._installed.noted(scope, trail, frame):
                return
            kind = kinds.READ if is_content and not self._is_probe(trail) else kinds.PROBE
            self._accesses.record(scope, kind, located)
        except Exception as error:
            self._trouble(error)

    def _is_probe(self, trail: List[Any]) -> bool:
        for code in trail:
            names = self._probing.get(code.co_filename)
            if names is not None and code.co_name in names:
                return True
        return False

    @staticmethod
    def _make_stat(original: Any, saw: Any) -> Any:
        def stat(
            _owner: Any, path: Any, *, dir_fd: Any = None, follow_symlinks: bool = True
        ) -> Any:
            if dir_fd is None:
                saw(path, _getframe(1), True)
            return original(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

        return stat

    @staticmethod
    def _make_lstat(original: Any, saw: Any) -> Any:
        def lstat(_owner: Any, path: Any, *, dir_fd: Any = None) -> Any:
            if dir_fd is None:
                saw(path, _getframe(1), True)
            return original(path, dir_fd=dir_fd)

        return lstat

    @staticmethod
    def _make_access(original: Any, saw: Any) -> Any:
        def access(
            _owner: Any,
            path: Any,
            mode: Any,
            *,
            dir_fd: Any = None,
            effective_ids: bool = False,
            follow_symlinks: bool = True,
        ) -> Any:
            if dir_fd is None:
                saw(path, _getframe(1), mode.__class__ is int and mode & os.X_OK)
            return original(
                path,
                mode,
                dir_fd=dir_fd,
                effective_ids=effective_ids,
                follow_symlinks=follow_symlinks,
            )

        return access

    @staticmethod
    def _make_readlink(original: Any, saw: Any) -> Any:
        def readlink(_owner: Any, path: Any, *, dir_fd: Any = None) -> Any:
            if dir_fd is None:
                saw(path, _getframe(1), True)
            return original(path, dir_fd=dir_fd)

        return readlink


def _probing_files() -> Dict[str, Tuple[str, ...]]:
    found: Dict[str, Tuple[str, ...]] = {}
    for name, functions in _PROBING.items():
        for module in _family(name):
            filename = getattr(module, "__file__", None)
            if filename:
                found[filename] = functions
        found["<frozen %s>" % name] = functions
    return found


def _family(name: str) -> List[Any]:
    parts = (name, name + "._local", name + "._abc", name + "._os")
    return [sys.modules[part] for part in parts if part in sys.modules]


def replace(name: str, original: Any, wrapper: Any) -> None:
    """Put `wrapper` wherever a loaded module knows `original` by its name, underscored or not.

    Not in the tracer itself: what it does must stay unseen by it.
    """
    names = (name, "_" + name)
    own = __name__.rpartition(".")[0]
    for module in list(sys.modules.values()):
        namespace = getattr(module, "__dict__", None)
        if namespace.__class__ is not dict or namespace.get("__name__") in ("posix", "nt"):
            continue
        if namespace.get("__package__") == own:
            continue
        for known in names:
            if namespace.get(known) is original:
                namespace[known] = wrapper


def _replace_in_classes(original: Any, wrapper: Any) -> None:
    """Classes of pathlib and glob hold copies in some versions; so do the sets of `os`."""
    for owner in _family("pathlib") + _family("glob"):
        for kind in [value for value in vars(owner).values() if isinstance(value, type)]:
            for name, value in list(vars(kind).items()):
                if value is original:
                    setattr(kind, name, wrapper)
                elif isinstance(value, staticmethod) and value.__func__ is original:
                    setattr(kind, name, staticmethod(wrapper))
    for name in _SETS:
        members = getattr(os, name, None)
        if isinstance(members, set) and original in members:
            members.add(wrapper)
