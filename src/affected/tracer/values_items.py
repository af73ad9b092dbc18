"""Fingerprints collected items: what each will be given and by whom. Unaware of how a test runs.

Attributes that belong to pytest's own classes are read as usual; what the user put into them is
described as any value is, so none of the user's code runs and no instance of a test class is made.
"""

from __future__ import annotations

import types
from typing import Any, Dict, Iterable, Iterator

from .values_describer import Describer, TooLarge
from .values_homes import METHODS, isinstance_of_type, lineage, module_names, namespace
from .values_inside import state_of
from .values_tokens import joined, node, text

# What pytest keeps in an item that it knows nothing special of.
_PYTESTS_OWN = frozenset(
    (
        "_nodeid",
        "_obj",
        "_report_sections",
        "_request",
        "_store",
        "config",
        "dtest",
        "extra_keyword_matches",
        "fixturenames",
        "fspath",
        "funcargs",
        "keywords",
        "name",
        "own_markers",
        "parent",
        "path",
        "session",
        "stash",
        "user_properties",
    )
)


class Items:
    """Describes items with a describer that knows the modules already."""

    def __init__(self, describer: Describer) -> None:
        self._describer = describer

    def fingerprint(self, item: Any) -> str:
        """16 hexadecimal digits; "?" and a reason behind them where not all can be told."""
        describer = self._describer
        describer.begin()
        try:
            token = node(*self._parts(item))
        except TooLarge as error:
            describer.give_up(str(error))
            return "?" + str(error)
        except Exception as error:
            return "?" + type(error).__name__
        fingerprint, _, reason = describer.end(token)
        return fingerprint + "?" + reason if reason else fingerprint

    def _parts(self, item: Any) -> Iterator[bytes]:
        token = self._describer.token
        yield token(type(item))
        callspec = getattr(item, "callspec", None)
        params = callspec.params if callspec is not None else {}
        yield token(params)
        yield joined([self._mark(mark) for mark in _marks(item)])
        fixtures = getattr(item, "_fixtureinfo", None)
        if fixtures is not None:
            yield from self._fixtures(fixtures, params)
        if hasattr(item, "originalname") or hasattr(item, "_testcase"):
            yield token(_function(item))
        dtest = getattr(item, "dtest", None)
        if dtest is not None:
            yield token(dtest.docstring)
            for example in dtest.examples:
                yield token((example.source, example.want, example.exc_msg, example.options))
        elif fixtures is None:
            yield from self._of_others(item)

    def _mark(self, mark: Any) -> bytes:
        if mark.name == "parametrize" and mark.args:
            return self._describer.token(mark.args[0])  # the item's own share is in its parameters
        return self._describer.token(mark)

    def _of_others(self, item: Any) -> Iterator[bytes]:
        for name, value in state_of(item):
            if name not in _PYTESTS_OWN and not _is_node(value):
                yield text(name)
                yield self._describer.token(value)

    # --- fixtures

    def _fixtures(self, found: Any, params: Dict[str, Any]) -> Iterator[bytes]:
        for name in found.names_closure:
            yield text(name)
            for definition in _answering(name, found.name2fixturedefs.get(name) or ()):
                yield self._definition(definition, definition.argname in params)

    def _definition(self, definition: Any, has_param: bool) -> bytes:
        function = definition.func
        if type(function) is types.MethodType:
            function = function.__func__
        parts = [
            text(str(definition.argname)),
            text(str(definition.scope)),
            self._describer.token(function),
        ]
        if not has_param:  # a test sees of the parameters only its own, which is told already
            parts.append(self._describer.token(definition.params))
        return node(*parts)


def _answering(name: str, definitions: Any) -> Iterator[Any]:
    """The definition that a name stands for, and each one that the one before asks for."""
    for definition in reversed(definitions):
        yield definition
        if name not in definition.argnames:
            return


def _marks(item: Any) -> Iterator[Any]:
    here = item
    while here is not None:
        yield from here.own_markers
        here = here.parent


def _function(item: Any) -> Any:
    """The function an item calls, as its class or module has it."""
    found = item.__dict__.get("_obj")
    if found is None:
        name = getattr(item, "originalname", None) or item.name
        holder = item.parent.obj
        spaces: Iterable[Any] = ()
        if isinstance_of_type(holder):
            spaces = map(namespace, lineage(holder))
        elif isinstance(holder, types.ModuleType):
            spaces = (module_names(holder),)
        found = next((space[name] for space in spaces if name in space), None)
    is_method = type(found) is types.MethodType or id(type(found)) in METHODS
    return found.__func__ if is_method else found


def _is_node(value: Any) -> bool:
    return any(one.__name__ == "Node" for one in lineage(type(value)))
