"""Functions that remember their results: what they did counts for whoever mentions them.

Unaware of pytest. `lru_cache`, `cache` and `cached_property` run a function for the first test that
asks and for no later one; so a run of theirs is a scope of its own, like a fixture's set-up, and
who enters a function that mentions the name depends on all of it.
"""

from __future__ import annotations

import functools
import sys
import types
from typing import Any, Dict, Iterator, List, Set, Tuple

MOST_RUNS = 100  # of one function that are told apart: each wakes every block twice
_WRAPPER = type(functools.lru_cache(maxsize=None)(lambda: None))


class Memos:
    """The remembering functions that are known, and who mentions them."""

    def __init__(self, frames: Any) -> None:
        self._frames = frames
        self._scopes: Dict[int, str] = {}  # id of code → its scope's name
        self._leaves: Dict[str, List[str]] = {}  # name → scopes of those called so
        self._mentions: Dict[int, Tuple[str, ...]] = {}  # id of code → scopes it mentions
        self._runs: Dict[int, int] = {}
        self._looked: Set[int] = set()  # ids of module namespaces that were searched

    def find(self) -> List[Any]:
        """Search the loaded first-party modules; the code of those not known before."""
        fresh: List[Any] = []
        for module in list(sys.modules.values()):
            namespace = getattr(module, "__dict__", None)
            if namespace.__class__ is not dict or id(namespace) in self._looked:
                continue
            filename = namespace.get("__file__")
            if not isinstance(filename, str) or not self._frames.first_party(filename):
                continue
            self._looked.add(id(namespace))
            for name, code in _remembering(namespace):
                path = self._frames.first_party(code.co_filename)
                if path is None:
                    continue
                scope = "memo:%s:%d" % (path, code.co_firstlineno)
                if id(code) not in self._scopes:
                    self._scopes[id(code)] = scope
                    fresh.append(code)
                for leaf in {name, code.co_name}:
                    scopes = self._leaves.setdefault(leaf, [])
                    if scope not in scopes:
                        scopes.append(scope)
        return fresh

    def note_mentions(self, codes: Iterator[Any]) -> None:
        """Which of these code objects mention a remembering function."""
        leaves = self._leaves.keys()
        for code in codes:
            found = leaves & {*code.co_names, *code.co_freevars} if leaves else ()
            if found:
                self._mentions[id(code)] = tuple(s for leaf in found for s in self._leaves[leaf])

    def scope_of(self, key: int) -> str:
        """The scope of a code object's run by its id; "" for none, or when it ran too often."""
        scope = self._scopes.get(key, "")
        if scope:
            runs = self._runs[key] = self._runs.get(key, 0) + 1
            if runs > MOST_RUNS:
                return ""
        return scope

    def mentioned(self, keys: Set[int]) -> Set[str]:
        """The scopes that some code objects mention."""
        mentions = self._mentions
        return {scope for key in keys if key in mentions for scope in mentions[key]}


def _remembering(namespace: Dict[str, Any]) -> Iterator[Tuple[str, types.CodeType]]:
    """(name, code) of the remembering functions in a module and its classes."""
    for name, value in list(namespace.items()):
        if isinstance(value, type) and type.__getattribute__(value, "__module__") == namespace.get(
            "__name__"
        ):
            members = list(type.__getattribute__(value, "__dict__").items())
        else:
            members = [(name, value)]
        for label, member in members:
            inner = member
            if isinstance(inner, (staticmethod, classmethod)):
                inner = inner.__func__
            if type(inner) is functools.cached_property:
                inner = inner.func
            elif type(inner) is _WRAPPER:
                inner = inner.__wrapped__
            else:
                continue
            code = getattr(inner, "__code__", None)
            if isinstance(code, types.CodeType):
                yield label, code
