"""Which names a piece of code may look up, reflection included.

Unaware of syntax but for the calls that compute a name. "*" stands for every name, ".*" for every
attribute of an object that is no module, "visit_*" for names that start so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Final

from affected.lang.python.outline_parts import ANY, OWN

__all__ = [
    "OWN",
    "REFLECTION",
    "WHOLE_CALLS",
    "is_own",
    "looked_up",
    "mangled",
    "of_whole",
    "reflected",
]

_NAME_AT: Final = {
    "getattr": 1,
    "hasattr": 1,
    "setattr": 1,
    "delattr": 1,
    "getattr_static": 1,
    "methodcaller": 0,
}
_BOUND_OR_NOT: Final = frozenset(("__getattribute__", "__getattr__", "__setattr__", "__delattr__"))
"""Methods whose name argument stands first or, called on the class, second."""
REFLECTION: Final = frozenset(_NAME_AT) | _BOUND_OR_NOT | {"attrgetter"}
"""What looks up a name that an argument gives; anything but a call of it may look up any.

`import_module` is none: which modules are loaded by name is seen when that happens.
"""

WHOLE_CALLS: Final = frozenset(("vars", "dir", "exec", "eval", "help"))
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
_ATTRIBUTE_OF: Final = frozenset(("getattr", "hasattr", "setattr", "delattr", "getattr_static"))
_OWNS: Final = frozenset(("self", "cls"))
_LONGEST: Final = 300
"""Characters; a text longer than this is prose, not a name."""
_LONGEST_TEMPLATE: Final = 20_000
_TEMPLATES: Final = ("{", "%(", "$")
_PATH: Final = re.compile(r"[^\W\d]\w*(?:[.:][^\W\d]\w*)*")
_TYPE: Final = re.compile(r"[\w.\[\]|,'\" ]*[\[|][\w.\[\]|,'\" ]*")
_IDENTIFIER: Final = re.compile(r"[^\W\d]\w*")


def looked_up(
    names: set[str],
    attributes: set[str],
    others: set[str],
    texts: Iterable[str],
    privates: Iterable[str],
    local: frozenset[str] = frozenset(),
    *,
    marked: bool = False,
) -> frozenset[str]:
    """All mentions of a region: plain names, attributes, names given as text, mangled ones.

    `local` are names that the region binds, so that they are no builtins; `marked`: what a text
    spells is a mention with a quote ahead, too.
    """
    found = names | attributes | others
    found.discard("")
    free = names - local
    if not (
        REFLECTION.isdisjoint(free)
        and _WHOLE.isdisjoint(free)
        and REFLECTION.isdisjoint(attributes)
        and _WHOLE_ATTRIBUTES.isdisjoint(free)
        and _WHOLE_ATTRIBUTES.isdisjoint(attributes)
        and _WHOLE_TEXTS.isdisjoint(texts)
    ):
        found.add(ANY)
    for text in texts:
        if _names_things(text):
            spelled = _IDENTIFIER.findall(text)
            found.update(spelled)
            if marked:
                found.update(["'" + name for name in spelled])
    for private in privates:
        found |= {mangled(name, private) for name in found if name.startswith("__")}
    return frozenset(found)


def _names_things(text: str) -> bool:
    """Whether a text may be what names are looked up by: a path, a type, a template."""
    if len(text) <= _LONGEST and (
        _PATH.fullmatch(text) is not None
        or (("[" in text or "|" in text) and _TYPE.fullmatch(text) is not None)
    ):
        return True
    return len(text) <= _LONGEST_TEMPLATE and any(sign in text for sign in _TEMPLATES)


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
    if ANY in found and _is_on_own(function, call):
        found.remove(ANY)
        found.add(OWN)
    return found


def _is_on_own(function: str, call: ast.Call) -> bool:
    """Whether the name is looked up on what is certainly no module."""
    if function in _ATTRIBUTE_OF:
        return bool(call.args) and is_own(call.args[0])
    return (
        function in _BOUND_OR_NOT
        and isinstance(call.func, ast.Attribute)
        and (is_own(call.func.value) or _is_name(call.func.value, "object"))
    )


def is_own(node: ast.AST) -> bool:
    """Whether an expression is a method's own instance or class, or its `super()`."""
    if isinstance(node, ast.Name):
        return node.id in _OWNS
    if isinstance(node, ast.Attribute):
        return node.attr == "__class__" and is_own(node.value)
    if not isinstance(node, ast.Call):
        return False
    whose = node.args[0] if node.args else None
    return _is_name(node.func, "super") or (
        _is_name(node.func, "type") and whose is not None and is_own(whose)
    )


def of_whole(function: str, call: ast.Call) -> set[str]:
    """What such a builtin mentions instead of any name; nothing where it may read any."""
    if function in ("vars", "dir") and len(call.args) == 1 and is_own(call.args[0]):
        return {function, OWN}
    if function in ("exec", "eval") and len(call.args) > 1:
        return {function, OWN}  # in a namespace that is given
    return {"help()"} if function == "help" else set()


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


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
