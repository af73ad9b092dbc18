"""Fingerprints what import and collection produced, binding by binding. Unaware of their use.

Equal values have equal fingerprints in every process on every machine: no address, hash order,
line number, checkout folder or import order is in them. Nothing is called that the user wrote,
nothing is imported, nothing is changed, nothing is raised.
"""

from __future__ import annotations

import types
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from .values_code import attributes_of, members_of
from .values_describer import Describer, TooLarge
from .values_homes import METHODS, Homes, isinstance_of_type, module_names, namespace
from .values_items import Items
from .values_tokens import node, text

Values = Dict[str, Dict[str, List[Any]]]
Locate = Callable[[str], Optional[str]]
_NOT_THE_USERS = frozenset(
    (
        "__annotate__",
        "__builtins__",
        "__cached__",
        "__conditional_annotations__",
        "__file__",
        "__loader__",
        "__name__",
        "__package__",
        "__path__",
        "__spec__",
        "__warningregistry__",
        "@py_builtins",
        "@pytest_ar",
    )
)
_PYTEST_ADDS = ("__pytest_", "_Module__pytest_", "_Class__pytest_", "_UnitTestCase__pytest_")
_UNCHANGEABLE = METHODS | {id(kind) for kind in (tuple, frozenset, types.FunctionType)}


class Survey:
    """One look at the bindings of all modules, and at the items that came of them."""

    def __init__(
        self,
        modules: Iterable[Tuple[str, Any]],
        locate: Locate,
        roots: Tuple[str, ...] = (),
        name_code: Optional[Callable[[types.CodeType], str]] = None,
    ) -> None:
        self._homes = Homes(modules, locate, name_code)
        self.describer = Describer(self._homes, roots)
        self._found: Dict[str, List[Any]] = {}
        self._first_names: Dict[int, str] = {}  # of changeable values of one module

    def modules(self) -> Values:
        """Repo path → binding → its entry; see `module_values`."""
        found: Values = {}
        for path, module in self._homes.modules:
            self._found = found.setdefault(path, {})
            self._first_names = {}
            if type(module) is not types.ModuleType:
                self._add("__class__", self._lazy, module)
            for name, value in list(module_names(module).items()):
                if type(name) is str and name not in _NOT_THE_USERS:
                    self._bind(path, name, value)
        return found

    def _lazy(self, module: Any) -> Tuple[str, bytes]:
        self.describer.doubt("lazy-module")
        return "module", self.describer.token(type(module))

    def _bind(self, path: str, name: str, value: Any) -> None:
        if name.startswith(_PYTEST_ADDS, name.rfind(".") + 1) or "@py" in name:
            return
        if name == "__doc__":
            if value is not None:
                self._add(name, self._doc, value)
            return
        describer = self.describer
        try:
            function = describer.definitions.own_function(path, name, value)
            is_home = function is None and self._is_home(path, name, value)
        except Exception as error:
            self._found[name] = ["", "opaque:" + type(error).__name__, []]
            return
        if function is not None:
            self._add(name, self._own_function, path, name, function, type(value))
            self._found[name].append(function.__code__.co_firstlineno)
            for attribute, held in list(function.__dict__.items()):
                whole = "%s.%s" % (name, attribute)
                self._add(whole, self._other, whole, held)
        elif is_home:
            self._add(name, self._own_class, path, name, value)
            self._add_attributes(path, name, value)
        else:
            self._add(name, self._other, name, value)
        self._document(name, value if function is None else function, is_home)

    def _add(self, name: str, describe: Callable[..., Tuple[str, bytes]], *args: Any) -> None:
        self.describer.begin()
        try:
            kind, token = describe(*args)
            fingerprint, refs, reason = self.describer.end(token)
        except TooLarge as error:
            fingerprint, refs, reason, kind = "", [], str(error), ""
            self.describer.give_up(reason)
        except Exception as error:
            fingerprint, refs, reason, kind = "", [], type(error).__name__, ""
        entry = [fingerprint, "opaque:" + reason if reason else kind, refs]
        twin = self._found.get(name)
        if twin is not None and twin[:3] != entry:  # one file, loaded under two names
            both = sorted((twin[0], fingerprint))
            entry[0] = node(text(both[0]), text(both[1]))[1:].hex()
            entry[2] = sorted({*twin[2], *refs})
        self._found[name] = entry

    def _is_home(self, path: str, name: str, value: Any) -> bool:
        if not isinstance_of_type(value):
            return False
        return self._homes.class_home(value) == (path, name, True)

    def _own_function(self, path: str, name: str, function: Any, kind: Any) -> Tuple[str, bytes]:
        block = self._homes.block(path, name, function.__code__)
        signature = self.describer.definitions.signature(function, attributes=False)
        return "function", node(text(kind.__name__), text(block), signature)

    def _own_class(self, path: str, name: str, value: Any) -> Tuple[str, bytes]:
        whole = "%s:%s" % (path, name)
        kind = "class" if self._homes.only_known(value) else "class:library"
        return kind, self.describer.definitions.class_parts(value, whole, whole=False)

    def _add_attributes(self, path: str, name: str, value: Any) -> None:
        for attribute, held in attributes_of(value):
            self._bind(path, "%s.%s" % (name, attribute), held)
        for member, held in members_of(value):
            self._add("%s.%s" % (name, member), self._member, held)

    def _doc(self, words: Any) -> Tuple[str, bytes]:
        return "doc", self.describer.token(words)

    def _member(self, value: Any) -> Tuple[str, bytes]:
        return "plain", self.describer.definitions.member(value)

    def _other(self, name: str, value: Any) -> Tuple[str, bytes]:
        kind = type(value)
        token = self.describer.token(value)
        if isinstance_of_type(value):
            return "class", token
        if kind is types.ModuleType:
            return "module", token
        if id(kind) not in _UNCHANGEABLE and id(kind) not in self.describer.atoms.makers:
            first = self._first_names.setdefault(id(value), name)
            if first != name:  # two names of one object are not two equal objects
                token = node(token, text(first))
        return "plain", token

    def _document(self, name: str, value: Any, is_home: bool) -> None:
        if type(value) is types.FunctionType:
            words = value.__doc__
        elif is_home:
            words = namespace(value).get("__doc__")
        else:
            return
        if type(words) is str:
            self._add(name + ".__doc__", self._doc, words)

    def items(self, items: Iterable[Any], name_of: Callable[[Any], str]) -> Dict[str, str]:
        """Id → fingerprint; see `item_values`."""
        looked = Items(self.describer)
        found: Dict[str, str] = {}
        for item in items:
            name, fingerprint = name_of(item), looked.fingerprint(item)
            found[name] = found[name] + fingerprint if name in found else fingerprint
        return found


def module_values(
    modules: Iterable[Tuple[str, Any]],
    locate: Locate,
    roots: Tuple[str, ...] = (),
    name_code: Optional[Callable[[types.CodeType], str]] = None,
) -> Values:
    """What each first-party module's names stand for.

    `modules` are (repo path, module) pairs; `locate` gives the repo path of a first-party file's
    absolute name; `roots` are the workspace's absolute folders, which strings may mention;
    `name_code` names a code object among the blocks of its file, its qualified name where it is
    not given.

    Repo path → binding → [fingerprint, kind, refs], and the first line after those of a function
    that `def` bound to that name. A binding is "NAME", or "CLASS.NAME" for the attributes of the
    module's own classes, or either with ".__doc__" or the name of what hangs on a function. A
    fingerprint has 16 hexadecimal digits, or none when nothing could be told. Kinds: function,
    class, "class:library" where an ancestor or the metaclass is a library's, which may go through
    its attributes, module, plain, doc, or "opaque:" and why the value cannot be told (then equal
    fingerprints prove nothing). Refs are what the value holds by identity alone, sorted:
    "PATH:QUALNAME", or a module's path.
    """
    return Survey(modules, locate, roots, name_code).modules()


def item_values(
    items: Iterable[Any],
    name_of: Callable[[Any], str],
    locate: Locate,
    modules: Iterable[Tuple[str, Any]] = (),
    roots: Tuple[str, ...] = (),
) -> Dict[str, str]:
    """What each collected item is given: parameters, marks, fixtures, function, doctest's text.

    `name_of` gives an item's id; `modules` are the first-party ones that were loaded. Id → 16
    hexadecimal digits, with "?" and a reason behind them when not all of it can be told (then
    equal fingerprints prove nothing).
    """
    return Survey(modules, locate, roots).items(items, name_of)
