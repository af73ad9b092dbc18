"""Describes code, functions and classes: by identity where they have a home. Unaware of instances.

A function that a `def` statement of a first-party file bound to its own name is a block: its body
is judged by who entered it. Lambdas and functions made by functions are told with their code.
"""

from __future__ import annotations

import os
import sys
import types
from typing import Any, Callable, Dict, Iterator, List, Tuple

from .values_homes import METHODS, Homes, lineage, namespace, parents
from .values_inside import reaches
from .values_tokens import Atoms, joined, names, node, text

_KINDS = 0x04 | 0x08 | 0x20 | 0x80 | 0x100 | 0x200  # *args, **kwargs, generator, coroutine, …
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_SMALL = 256
_LAZY_ANNOTATIONS = sys.version_info >= (3, 14)
# What `functools.singledispatch` keeps beside its registry: a cache, and a count of the process.
_UNSTEADY_CELLS = frozenset(("dispatch_cache", "cache_token"))
_UNNAMED = frozenset(
    (
        "__dict__",
        "__weakref__",
        "__module__",
        "__qualname__",
        "__doc__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotations_cache__",
        "__non_callable_proto_members__",
        "_abc_impl",
        "_member_map_",
        "_member_names_",
        "_value2member_map_",
        "_hashable_values_",
        "_unhashable_values_",
        "_unhashable_values_map_",
    )
)
if _LAZY_ANNOTATIONS:
    _UNNAMED |= {"__annotations__"}
_abc: Any = sys.modules.get("_abc")
Token = Callable[[Any], bytes]


class Definitions:
    """Tokens of code objects, functions and classes."""

    def __init__(
        self, homes: Homes, atoms: Atoms, token: Token, refer: Callable[[str], None]
    ) -> None:
        self.homes = homes
        self._atoms = atoms
        self._token = token
        self._refer = refer

    # --- code

    def code(self, code: types.CodeType) -> bytes:
        """What a code does, wherever it stands: no file name, no line."""
        consts: List[Any] = list(code.co_consts)
        raw = code.co_code
        if "__firstlineno__" in code.co_names:  # a class body
            consts, raw = _without_line(code, consts, raw)
        return node(
            text("code"),
            names((code.co_name, *code.co_names)),
            names(code.co_varnames),
            names(code.co_freevars),
            names(code.co_cellvars),
            b"i%x;i%x;i%x;i%x;"
            % (code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
            self._atoms.raw(raw),
            self._atoms.raw(getattr(code, "co_exceptiontable", b"")),
            self._atoms.many(consts, self._token),
        )

    # --- functions

    def function(self, function: Any) -> bytes:
        """A function that some value holds."""
        code = function.__code__
        path = self.homes.locate(code.co_filename)
        if path is None:
            return self._foreign(function, code)
        name, placed = self.homes.function_name(function)
        block = self.homes.block(path, name, code)
        if placed:
            if self.homes.is_bound(path, name, function):
                self._refer(block)
                return text("def " + block)
            if any(reaches(found, function) for found in self.homes.bound(path, name)):
                self._refer(block)
                return node(text("wrapped"), text(block), self.signature(function))
        return node(text("local"), text(block), self._token(code), self.signature(function))

    def own_function(self, path: str, name: str, value: Any) -> Any:
        """The function behind `value` when a `def` bound it to this very name; None otherwise."""
        function = value.__func__ if id(type(value)) in METHODS else value
        if type(function) is not types.FunctionType:
            return None
        if self.homes.locate(function.__code__.co_filename) != path:
            return None
        found, placed = self.homes.function_name(function)
        return function if placed and found == name else None

    def signature(self, function: Any, attributes: bool = True) -> bytes:
        """All that a call sees before the body runs, and what is attached to the function."""
        code = function.__code__
        flags = code.co_flags & _KINDS
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(flags & 0x04) + bool(flags & 0x08)
        notes = function.__annotate__ if _LAZY_ANNOTATIONS else function.__annotations__
        return b"i%x;i%x;i%x;i%x;%s%s%s" % (
            flags,
            code.co_argcount,
            code.co_posonlyargcount,
            code.co_kwonlyargcount,
            names(code.co_varnames[:count]),
            self._state(function, code, attributes),
            self._token(notes) if notes else b"N;",
        )

    def _state(self, function: Any, code: types.CodeType, attributes: bool = True) -> bytes:
        held = [function.__defaults__, function.__kwdefaults__]
        held.append(function.__dict__ if attributes and function.__dict__ else None)
        if function.__closure__:
            unsteady: Any = ()
            if code.co_filename[-12:] == "functools.py":
                unsteady = _UNSTEADY_CELLS
            for name, cell in zip(code.co_freevars, function.__closure__):  # noqa: B905 - Python 3.9
                if name not in unsteady:
                    held += (name, cell)
        return self._atoms.many(held, self._token)

    def _foreign(self, function: Any, code: types.CodeType) -> bytes:
        filename = code.co_filename
        if filename.startswith((_OURS, "<frozen")):
            # One of our own wrappers stands for what it wraps.
            return text("lib %s:%s" % (function.__module__, function.__qualname__))
        if filename[:1] == "<":
            return node(text("generated"), self._token(code), self.signature(function))
        name = self.homes.function_name(function)[0]
        whole = text("lib %s:%s" % (function.__globals__.get("__name__"), name))
        if "<" not in name and not function.__closure__:
            return whole
        return node(whole, self._state(function, code))

    # --- classes

    def class_(self, kind: Any) -> bytes:
        """A class that some value holds, or that a value is an instance of."""
        path, name, found = self.homes.class_home(kind)
        if path is None:
            return text("lib " + name) if found else self.class_parts(kind, name, whole=True)
        whole = "%s:%s" % (path, name)
        if not found:
            return self.class_parts(kind, whole, whole=True)
        self._refer(whole)
        return text("class " + whole)

    def class_parts(self, kind: Any, name: str, whole: bool) -> bytes:
        """What a class statement makes, its attributes' values aside unless `whole`.

        Values that are used without being named (what Python calls by itself) are told here, except
        functions with a block of their own.
        """
        token, string = self._token, self._atoms.string
        parts = [text("class parts"), text(name), token(type(kind))]
        parts.append(joined([token(parent) for parent in parents(kind)]))
        for attribute, value in attributes_of(kind):
            parts.append(string(attribute))
            if whole or (_is_special(attribute) and not self._is_block(value)):
                parts.append(token(value))
        for member, value in members_of(kind):
            parts += (string(member), self.member(value))
        if _abc is not None and "_abc_impl" in namespace(kind):
            parts.append(joined(sorted(self._registered(kind))))
        return node(*parts)

    def _is_block(self, value: Any) -> bool:
        function = value.__func__ if id(type(value)) in METHODS else value
        if type(function) is not types.FunctionType:
            return False
        located = self.homes.locate(function.__code__.co_filename)
        return located is not None and self.homes.function_name(function)[1]

    def _registered(self, kind: Any) -> Iterator[bytes]:
        for reference in _abc._get_dump(kind)[0]:  # noqa: SLF001
            registered = reference()
            if registered is not None:
                yield self._token(registered)

    def member(self, value: Any) -> bytes:
        """What an enumeration gave one of its names."""
        state: Dict[str, Any] = object.__getattribute__(value, "__dict__")
        parts = [self._token(state.get("_value_"))]
        for name, held in state.items():
            if name not in ("_value_", "_name_", "__objclass__", "_sort_order_"):
                parts += (self._atoms.string(name), self._token(held))
        return joined(parts)


def attributes_of(kind: Any) -> Iterator[Tuple[str, Any]]:
    """The attributes of a class that its source decides, members of enumerations aside."""
    names = namespace(kind)
    members = names.get("_member_map_")
    members = members if type(members) is dict and is_enumeration(kind) else ()
    for name, value in list(names.items()):
        if type(name) is str and name not in _UNNAMED and name not in members:
            yield name, value


def members_of(kind: Any) -> List[Tuple[str, Any]]:
    """The names of an enumeration, aliases too, and their members."""
    if not is_enumeration(kind):
        return []
    members = namespace(kind).get("_member_map_")
    return list(members.items()) if type(members) is dict else []


def is_enumeration(kind: Any) -> bool:
    """Whether a class is one of `enum`'s."""
    enum: Any = sys.modules.get("enum")
    return enum is not None and any(one is enum.Enum for one in lineage(kind))


def _is_special(name: str) -> bool:
    return name[:2] == "__" and name[-2:] == "__"


def _without_line(code: types.CodeType, consts: List[Any], raw: bytes) -> Tuple[List[Any], bytes]:
    """A class body stores the line it begins at, and its attributes' names in no certain order."""
    line = code.co_firstlineno
    kept: List[Any] = []
    for const in consts:
        if type(const) is int and const == line:
            kept.append(...)
        elif type(const) is tuple and all(type(one) is str for one in const):
            kept.append(tuple(sorted(const)))
        else:
            kept.append(const)
    if _LAZY_ANNOTATIONS and line < _SMALL:  # a small number stands in the instruction itself
        place = raw.find(bytes((line,)), 1, 24)
        if place % 2:
            raw = raw[:place] + b"\0" + raw[place + 1 :]
    return kept, raw
