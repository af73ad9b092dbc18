"""Describes instances: by content where it can be told, else with a doubt. Unaware of bindings.

No code of the user's runs: attributes are read from dictionaries and slots, containers by the
methods of their exact built-in types, and C objects by what their own `__reduce__`, written in C,
takes apart.
"""

from __future__ import annotations

import collections
import contextvars
import functools
import gc
import re
import sys
import threading
import types
import typing
import weakref
from typing import Any, Callable, Dict, List, Optional, Tuple

from .values_homes import METHODS, is_native, lineage, module_names, namespace, place_of
from .values_inside import (
    contents,
    dict_of,
    dict_reader,
    filled,
    isinstance_of_dict,
    slots_of,
    state_of,
)
from .values_tokens import Atoms, joined, node, text

Shape = Callable[[Any], bytes]
_LARGEST = 1 << 16
_C_METHODS = frozenset(map(id, (types.MethodDescriptorType, types.WrapperDescriptorType)))
# Types that are told by name alone: their state says nothing that import decides.
_BY_TYPE = (
    ("os", "_Environ"),
    ("threading", "local"),
    ("_thread", "_local"),
    ("weakref", "WeakKeyDictionary"),
    ("weakref", "WeakValueDictionary"),
    ("weakref", "WeakSet"),
    ("_weakrefset", "WeakSet"),
    ("weakref", "ref"),
    ("typing", "ForwardRef"),
)


class Objects:
    """Chooses, once a type, how its instances are described."""

    def __init__(
        self,
        atoms: Atoms,
        token: Callable[[Any], bytes],
        doubt: Callable[[str], None],
        modules: Dict[int, str],
        refer: Callable[[str], None],
    ) -> None:
        self._atoms = atoms
        self._token = token
        self._doubt = doubt
        self._modules = modules
        self._refer = refer
        self.shapes: Dict[int, Shape] = {}
        self._kept: List[Any] = []  # types whose identity is a key must live as long as we
        self._contents = self._known_contents()
        self._by_name: Dict[Tuple[str, str], Shape] = {
            ("builtins", "module"): self.module,
            ("random", "Random"): self._random,
            ("enum", "Enum"): self._member,
            ("logging", "Logger"): self._logger,
            ("_pytest.mark.structures", "Mark"): self._mark,
        }
        self._by_type = {id(one) for one in map(_loaded, _BY_TYPE) if one is not None}
        self._by_type.update(map(id, (type(threading.Lock()), type(threading.RLock()))))
        self._by_type.update(map(id, (weakref.ref, weakref.ProxyType, weakref.CallableProxyType)))

    def add(self, kind: Any, shape: Shape) -> None:
        """Describe instances of exactly this type so."""
        self.shapes[id(kind)] = shape
        self._kept.append(kind)

    def shape(self, kind: Any) -> Shape:
        """How to describe an instance of `kind`."""
        found = self.shapes.get(id(kind))
        if found is None:
            found = self._choose(kind)
            self.add(kind, found)
        return found

    def _choose(self, kind: Any) -> Shape:
        line = lineage(kind)
        if any(id(one) in self._by_type for one in line):
            return self._type_only
        special = next(filter(None, map(self._special, line)), None)
        if special is not None:
            return special
        native = next((one for one in line if is_native(one)), object)
        attributes = self._attributes(kind)
        if native is object:
            return lambda value: node(self._token(kind), attributes(value))
        content = self._contents.get(id(native)) or self._foreign_content(native)
        if native is kind and ("__dict__" not in namespace(kind) or id(kind) in _COPIES):
            return lambda value: node(self._token(kind), content(value))
        return lambda value: node(self._token(kind), content(value), attributes(value))

    def _special(self, one: Any) -> Optional[Shape]:
        module, name = place_of(one)
        if name == "PurePath" and module.startswith("pathlib"):
            return lambda value: node(self._token(type(value)), self._token(one.__str__(value)))
        return self._by_name.get((module, name))

    # --- instances of classes written in Python

    def _attributes(self, kind: Any) -> Shape:
        """How to describe what instances keep in their dictionary and their slots."""
        read, slots = dict_reader(kind), slots_of(kind)

        def attributes(value: Any) -> bytes:
            state: Any = None if read is None else read(value)
            found = list(dict.items(state)) if isinstance_of_dict(state) else []
            return self._mapping(found + filled(slots, value) if slots else found)

        return attributes

    def _random(self, value: Any) -> bytes:
        loaded = sys.modules.get("random")
        if loaded is None or module_names(loaded).get("_inst") is not value:
            self._doubt("random.Random")
        return node(text("a"), self._token(type(value)))

    def _type_only(self, value: Any) -> bytes:
        return node(text("a"), self._token(type(value)))

    def _member(self, value: Any) -> bytes:
        state = dict_of(value) or {}
        name = state.get("_name_")
        told = self._token(state.get("_value_")) if name is None else self._atoms.string(str(name))
        return node(text("member"), self._token(type(value)), told)

    def _logger(self, value: Any) -> bytes:
        state = dict_of(value) or {}
        handlers = state.get("handlers")
        kinds = [type(one) for one in handlers] if type(handlers) is list else []
        return node(
            text("logger"),
            self._token(state.get("name")),
            self._token(state.get("level")),
            joined([self._token(kind) for kind in kinds]),
        )

    def _mark(self, value: Any) -> bytes:
        state = dict(state_of(value))
        return node(text("mark"), *(self._token(state.get(n)) for n in ("name", "args", "kwargs")))

    def module(self, value: Any) -> bytes:
        """By path or name; nothing that is not loaded yet is loaded."""
        if type(value) is not types.ModuleType:
            self._doubt("lazy-module")
        path = self._modules.get(id(value))
        if path is not None:
            self._refer(path)
            return text("module " + path)
        return text("lib module %s" % module_names(value).get("__name__"))

    # --- instances with parts that C code keeps

    def _known_contents(self) -> Dict[int, Shape]:
        token = self._token
        found: Dict[Any, Shape] = {
            list: lambda value: self._sequence(list.__getitem__(value, slice(None))),
            tuple: lambda value: self._sequence(tuple.__getitem__(value, slice(None))),
            collections.deque: lambda value: node(
                self._sequence(list(collections.deque.__iter__(value))),
                token(_MAXLEN.__get__(value)),
            ),
            dict: lambda value: self._mapping(list(dict.items(value))),
            collections.OrderedDict: lambda value: self._mapping(_ordered_items(value)),
            collections.defaultdict: lambda value: node(
                self._mapping(list(dict.items(value))),
                token(_FACTORY.__get__(value)),
            ),
            set: lambda value: self._set(frozenset(set.__iter__(value))),
            frozenset: lambda value: self._set(frozenset(frozenset.__iter__(value))),
            str: lambda value: token(str.__str__(value)),
            int: lambda value: token(int.__index__(value)),
            float: lambda value: token(float.__float__(value)),
            bytes: lambda value: token(bytes.__getitem__(value, slice(None))),
            bytearray: lambda value: token(bytes(bytearray.__getitem__(value, slice(None)))),
            BaseException: lambda value: token(_ARGS.__get__(value)),
            types.SimpleNamespace: lambda _: b"",
            typing.Generic: lambda _: b"",
            types.CellType: self._cell,
            types.MappingProxyType: self._proxied,
            types.BuiltinFunctionType: self._builtin,
            types.MethodType: self._method,
            types.MethodWrapperType: self._builtin,
            re.Pattern: lambda value: node(token(value.pattern), token(value.flags)),
            contextvars.ContextVar: self._variable,
            range: lambda value: token((value.start, value.stop, value.step)),
            slice: lambda value: token((value.start, value.stop, value.step)),
            staticmethod: lambda value: token(value.__func__),
            classmethod: lambda value: token(value.__func__),
            property: lambda value: joined(
                [token(part.__get__(value)) for part in (_FGET, _FSET, _FDEL)]
            ),
            _CACHED: self._cached,
        }
        found.update(dict.fromkeys(_VIEWS, self._proxied))
        found.update(dict.fromkeys(_DESCRIPTORS, self._descriptor))
        if hasattr(types, "UnionType"):
            found[types.UnionType] = lambda value: token(value.__args__)
        self._kept.extend(found)
        return {id(kind): shape for kind, shape in found.items()}

    def _sequence(self, values: Any) -> bytes:
        flat = self._atoms.flat(values)
        if flat is not None:
            return flat
        told = self._atoms.many(values, self._token)
        changeable = [id(value) for value in values if id(type(value)) in _CHANGEABLE]
        if len(set(changeable)) < len(changeable):  # one list twice is not two equal lists
            return node(told, *(b"i%x;" % changeable.index(one) for one in changeable))
        return told

    def _mapping(self, items: List[Tuple[Any, Any]]) -> bytes:
        keys = tuple([key for key, _ in items])
        return self._sequence(keys) + self._sequence(tuple([value for _, value in items]))

    def _set(self, values: Any) -> bytes:
        flat = self._atoms.flat_set(values)
        if flat is not None:
            return flat
        return joined(sorted([self._token(value) for value in values]))

    def _cell(self, value: Any) -> bytes:
        return joined([self._token(held) for held in contents(value)])

    def _proxied(self, value: Any) -> bytes:
        return joined([self._token(one) for one in gc.get_referents(value)])

    def _variable(self, value: Any) -> bytes:
        try:
            default = contextvars.Context().run(value.get)
        except LookupError:
            return node(self._token(value.name))
        return node(self._token(value.name), self._token(default))

    def _builtin(self, value: Any) -> bytes:
        owner = value.__self__
        if owner is None or type(owner) is types.ModuleType:
            module = value.__module__
            return text("%s:%s" % (module if type(module) is str else "", value.__name__))
        return node(text(value.__name__), self._token(owner))

    def _method(self, value: Any) -> bytes:
        function = value.__func__
        code = getattr(function, "__code__", None) if type(function) is types.FunctionType else None
        if code is not None and code.co_filename.startswith("<frozen"):
            return self._token(function)
        return node(self._token(function), self._token(value.__self__))

    def _descriptor(self, value: Any) -> bytes:
        return node(text(value.__name__), self._token(value.__objclass__))

    def _cached(self, value: Any) -> bytes:
        state = dict_of(value) or {}
        names = ("__wrapped__", "cache_parameters")
        return joined([self._token(state.get(name)) for name in names])

    def _foreign_content(self, native: Any) -> Shape:
        """Of a type that is not known here."""
        name = "%s.%s" % place_of(native)
        if any("__next__" in namespace(one) for one in lineage(native)):
            return lambda _: self._unknown("iterator")
        for method in ("__reduce__", "__reduce_ex__"):
            for one in lineage(native):
                found = namespace(one).get(method)
                if found is not None:
                    if one is object or id(type(found)) not in _C_METHODS:
                        break
                    args = (4,) if method == "__reduce_ex__" else ()
                    return functools.partial(self._reduced, native, found, args)
        return lambda _: self._unknown(name)

    def _reduced(self, native: Any, method: Any, args: Tuple[int, ...], value: Any) -> bytes:
        name = "%s.%s" % place_of(native)
        size = namespace(native).get("__sizeof__")
        # Called on the value, not bound to it first: some C methods need to know their class.
        try:
            if id(type(size)) in _C_METHODS and size(value) > _LARGEST:
                return self._unknown("size")
            parts = method(value, *args)
        except Exception:
            return self._unknown(name)
        if type(parts) is tuple:
            return joined([self._token(part) for part in parts[:3]])
        return self._token(parts) if type(parts) is str else self._unknown(name)

    def _unknown(self, reason: str) -> bytes:
        self._doubt(reason)
        return b"?;"


def _nothing() -> None:
    """Something to decorate."""


_CHANGEABLE = frozenset(map(id, (list, dict, set, bytearray)))
_DESCRIPTORS = (
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.ClassMethodDescriptorType,
)
_SOME: Dict[str, int] = {}
_VIEWS = (type(_SOME.keys()), type(_SOME.values()), type(_SOME.items()))
# Their dictionaries repeat what the function says of itself.
_CACHED = type(functools.lru_cache(_nothing))
_COPIES = METHODS | {id(_CACHED)}
_MAXLEN = namespace(collections.deque)["maxlen"]
_FACTORY = namespace(collections.defaultdict)["default_factory"]
_ARGS = namespace(BaseException)["args"]
_FGET, _FSET, _FDEL = (namespace(property)[name] for name in ("fget", "fset", "fdel"))


def _loaded(place: Tuple[str, str]) -> Any:
    """A class of a module that is loaded already."""
    module = sys.modules.get(place[0])
    return None if module is None else module_names(module).get(place[1])


def _ordered_items(value: Any) -> List[Tuple[Any, Any]]:
    held = {id(key): pair for key, *pair in ((k, v) for k, v in dict.items(value))}
    return [(key, held[id(key)][0]) for key in collections.OrderedDict.__iter__(value)]
