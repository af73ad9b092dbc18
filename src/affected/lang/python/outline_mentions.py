"""Which names a piece of code may look up, reflection included.

Unaware of syntax but for the calls that compute a name. "*" stands for every name, "visit_*" for
those that start so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Final

from affected.lang.python.outline_parts import ANY

__all__ = ["REFLECTION", "looked_up", "mangled", "reflected"]

_NAME_AT: Final = {
    "getattr": 1,
    "hasattr": 1,
    "setattr": 1,
    "delattr": 1,
    "getattr_static": 1,
    "import_module": 0,
    "__import__": 0,
    "methodcaller": 0,
}
_BOUND_OR_NOT: Final = frozenset(("__getattribute__", "__getattr__", "__setattr__", "__delattr__"))
"""Methods whose name argument stands first or, called on the class, second."""
REFLECTION: Final = frozenset(_NAME_AT) | _BOUND_OR_NOT | {"attrgetter"}
"""What looks up a name that an argument gives; anything but a call of it may look up any."""

_WHOLE: Final = frozenset(
    ("vars", "dir", "globals", "locals", "eval", "exec", "asdict", "astuple", "get_type_hints")
)
_WHOLE_ATTRIBUTES: Final = frozenset(
    (
        "__dict__",
        "__subclasses__",
        "__members__",
        "getmembers",
        "getmembers_static",
        "classify_class_attrs",
        "asdict",
        "astuple",
        "get_type_hints",
    )
)
_WHOLE_TEXTS: Final = frozenset(("__dict__", "__subclasses__", "__members__"))
_LONGEST: Final = 300
"""Characters; a text longer than this is prose, not a name."""
_PATH: Final = re.compile(r"[^\W\d]\w*(?:[.:][^\W\d]\w*)*")
_TYPE: Final = re.compile(r"[\w.\[\]|,'\" ]*[\[|][\w.\[\]|,'\" ]*")
_IDENTIFIER: Final = re.compile(r"[^\W\d]\w*")


def looked_up(
    names: set[str],
    attributes: set[str],
    others: set[str],
    texts: Iterable[str],
    privates: Iterable[str],
) -> frozenset[str]:
    """All mentions of a region: plain names, attributes, names given as text, mangled ones."""
    found = names | attributes | others
    found.discard("")
    if not (
        REFLECTION.isdisjoint(names)
        and _WHOLE.isdisjoint(names)
        and REFLECTION.isdisjoint(attributes)
        and _WHOLE_ATTRIBUTES.isdisjoint(names)
        and _WHOLE_ATTRIBUTES.isdisjoint(attributes)
        and _WHOLE_TEXTS.isdisjoint(texts)
    ):
        found.add(ANY)
    for text in texts:
        if len(text) <= _LONGEST and (
            _PATH.fullmatch(text) is not None
            or (("[" in text or "|" in text) and _TYPE.fullmatch(text) is not None)
        ):
            found.update(_IDENTIFIER.findall(text))
    for private in privates:
        found |= {mangled(name, private) for name in found if name.startswith("__")}
    return frozenset(found)


def mangled(name: str, private: str) -> str:
    """What a name stands for inside the class `private` ("": none): `_A__x` for `__x`."""
    owner = private.lstrip("_")
    if owner and name.startswith("__") and not name.endswith("__") and "." not in name:
        return f"_{owner}{name}"
    return name


def reflected(function: str, call: ast.Call) -> set[str]:
    """The mentions of a call that looks up a name: the literal, its beginning, or any."""
    found = {function}
    given: list[ast.expr] = list(call.args)
    if any(isinstance(one, ast.Starred) for one in given) or call.keywords:
        given += [one.value for one in call.keywords if one.arg == "name"]
        if any(isinstance(one, ast.Starred) for one in given):
            return found | {ANY}
    if function == "attrgetter":
        chosen = given
    elif function in _BOUND_OR_NOT:
        literal: list[ast.expr] = [one for one in given[:2] if _is_text(one)]
        chosen = literal or given[:1]
    else:
        chosen = given[_NAME_AT[function] :][:1]
    if not chosen:
        return found | {ANY}
    for one in chosen:
        _named(one, found)
    return found


def _named(node: ast.expr, found: set[str]) -> None:
    """Add what an expression that gives a name may come to."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            found.update(_IDENTIFIER.findall(node.value))
    elif isinstance(node, ast.IfExp):
        _named(node.body, found)
        _named(node.orelse, found)
    else:
        path, _, last = _beginning(node).rpartition(".")
        found.update(_IDENTIFIER.findall(path))
        found.add(last + ANY)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _beginning(node: ast.expr) -> str:
    """The constant beginning of a computed text, possibly ""."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        node = node.left
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
        return str(node.value) if isinstance(node, ast.Constant) else ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _beginning(node.left).partition("%")[0]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _beginning(node.func.value).partition("{")[0] if node.func.attr == "format" else ""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
