"""Where a class, function or module is at home: found under its own name. Unaware of values.

Nothing here runs the user's code: namespaces are read as dictionaries, classes through `type`.
"""

from __future__ import annotations

import sys
import types
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

_namespace_of = type.__dict__["__dict__"].__get__
_mro_of = type.__dict__["__mro__"].__get__
_bases_of = type.__dict__["__bases__"].__get__
_flags_of = type.__dict__["__flags__"].__get__
_size_of = type.__dict__["__basicsize__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_name_of = type.__dict__["__name__"].__get__
_module_dict_of = _namespace_of(types.ModuleType)["__dict__"].__get__
_HEAP_TYPE = 1 << 9
_CLASS_OF_CLASSES = 1 << 31
_POINTER = 8
_HAS_CODE_NAMES = hasattr(types.CodeType, "co_qualname")
_OWN_FREE = frozenset(("__class__", "__classdict__"))
# Libraries whose classes read only attributes that their sources spell.
_PASSIVE = frozenset(("builtins", "abc", "typing", "_thread", "collections.abc", "types"))
# Types are compared by identity: a metaclass of the user's may have its own idea of equality.
METHODS = frozenset(map(id, (staticmethod, classmethod)))
_C_MADE = frozenset(
    map(
        id,
        (
            types.WrapperDescriptorType,
            types.MethodDescriptorType,
            types.GetSetDescriptorType,
            types.ClassMethodDescriptorType,
        ),
    )
)
Code = types.CodeType


def namespace(kind: Any) -> Any:
    """The names that a class defines itself (a mapping proxy)."""
    return _namespace_of(kind)


def lineage(kind: Any) -> Tuple[Any, ...]:
    """The class and what it inherits from, in order of look-up."""
    found: Tuple[Any, ...] = _mro_of(kind)
    return found


def parents(kind: Any) -> Tuple[Any, ...]:
    """The bases of a class, as written."""
    found: Tuple[Any, ...] = _bases_of(kind)
    return found


def place_of(kind: Any) -> Tuple[str, str]:
    """The module and the name that a class says it has."""
    module = namespace(kind).get("__module__")
    return (module if type(module) is str else "builtins"), _name_of(kind)


def module_names(module: Any) -> Dict[str, Any]:
    """The namespace of a module, whatever its type makes of attribute access."""
    found: Dict[str, Any] = _module_dict_of(module)
    return found


def _module_of(kind: Any) -> str:
    return place_of(kind)[0]


def is_native(kind: Any) -> bool:
    """Whether instances of a class have parts that only C code knows."""
    if not _flags_of(kind) & _HEAP_TYPE:
        return True
    members = 0
    for value in namespace(kind).values():
        made = type(value)
        if made is types.MemberDescriptorType:
            members += 1
        elif id(made) in _C_MADE and value.__objclass__ is kind:
            if value.__name__ not in ("__dict__", "__weakref__"):
                return True
        elif made is types.BuiltinFunctionType and value.__self__ is kind:
            return True
    widest = max([_size_of(parent) for parent in parents(kind)], default=0)
    return bool(_size_of(kind) > widest + _POINTER * (members + 2))


class Homes:
    """The first-party modules, and whether a definition is the one its name stands for."""

    def __init__(
        self,
        modules: Iterable[Tuple[str, Any]],
        locate: Callable[[str], Optional[str]],
        name_code: Optional[Callable[[Code], str]] = None,
    ) -> None:
        self.modules: List[Tuple[str, Any]] = []
        self._by_path: Dict[str, List[Dict[str, Any]]] = {}
        self._by_name: Dict[str, List[Tuple[str, Dict[str, Any]]]] = {}
        self.paths: Dict[int, str] = {}  # of modules, by identity
        self._locate = locate
        self._located: Dict[str, Optional[str]] = {}
        self._name_code = name_code
        for path, module in modules:
            try:
                names = module_names(module)
            except TypeError:
                continue  # something else was put into `sys.modules`
            self.modules.append((path, module))
            self.paths[id(module)] = path
            self._by_path.setdefault(path, []).append(names)
            name = names.get("__name__")
            if type(name) is str:
                self._by_name.setdefault(name, []).append((path, names))

    def locate(self, filename: str) -> Optional[str]:
        """The repo path of a code's file; None for what is not first-party."""
        try:
            return self._located[filename]
        except KeyError:
            found = None if filename[:1] == "<" else self._locate(filename)
            self._located[filename] = found
            return found

    # --- functions

    def function_name(self, function: Any) -> Tuple[str, bool]:
        """The qualified name of a function's code, and whether that is a place of its own."""
        code = function.__code__
        if _HAS_CODE_NAMES:
            name = code.co_qualname
        else:
            name = function.__qualname__
            if name.rpartition(".")[2] != code.co_name or "__wrapped__" in function.__dict__:
                return "<locals>." + code.co_name, False
        return name, "<" not in name and _OWN_FREE.issuperset(code.co_freevars)

    def block(self, path: str, name: str, code: Code) -> str:
        """What a function is called among the blocks of its file."""
        return "%s:%s" % (path, self._name_code(code) if self._name_code else name)

    def bound(self, path: str, name: str) -> Any:
        """What each module of that file has under a dotted name."""
        return [found for names in self._by_path.get(path, ()) for found in look_up(names, name)]

    def is_bound(self, path: str, name: str, function: Any) -> bool:
        """Whether the name stands for that very function (or a method made of it)."""
        for found in self.bound(path, name):
            if found is function:
                return True
            if id(type(found)) in METHODS and found.__func__ is function:
                return True
        return False

    # --- classes

    def only_known(self, kind: Any) -> bool:
        """Whether nothing that a class is made by or of goes through its attributes unseen."""
        return all(
            _module_of(one) in _PASSIVE or _module_of(one) in self._by_name
            for one in (type(kind), *lineage(kind))
        )

    def class_home(self, kind: Any) -> Tuple[Optional[str], str, bool]:
        """(repo path or None, module and qualified name, whether the class is found there)."""
        module = namespace(kind).get("__module__")
        name: str = _qualname_of(kind)
        if type(module) is not str:
            module = "builtins"
        homes = self._by_name.get(module)
        if homes is not None:
            for path, names in homes:
                if any(found is kind for found in look_up(names, name)):
                    return path, name, True
            return homes[0][0], name, False
        whole = "%s:%s" % (module, name)
        if not _flags_of(kind) & _HEAP_TYPE:
            return None, whole, True
        loaded = sys.modules.get(module)
        if type(loaded) is not types.ModuleType:
            return None, whole, loaded is not None
        names = module_names(loaded)
        found = any(found is kind for found in look_up(names, name))
        return None, whole, found or is_native(kind)


def look_up(names: Dict[str, Any], dotted: str) -> List[Any]:
    """At most one thing: what stands under a dotted name, through classes."""
    found: Any = None
    for place, part in enumerate(dotted.split(".")):
        if place:
            if not isinstance_of_type(found):
                return []
            names = namespace(found)
        if part not in names:
            return []
        found = names[part]
    return [found]


def isinstance_of_type(value: Any) -> bool:
    """Whether it is a class; `isinstance` would believe what the object says of itself."""
    kind = type(value)
    return kind is type or bool(_flags_of(kind) & _CLASS_OF_CLASSES)
