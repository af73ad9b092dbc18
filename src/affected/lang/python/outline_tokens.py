"""What the interpreter sees of a piece of code as tokens, the same for every version of Python.

Unaware of names and scopes. Fields that are empty are left out, and so is what one version alone
knows. A token that starts with "+" opens a node and tells its parts; an identifier is a name.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

__all__ = [
    "PLANS",
    "FunctionNode",
    "annotated",
    "constant",
    "defaults",
    "digest",
    "effective",
    "heading",
    "parameters",
]

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_Node: TypeAlias = Any
_BODIES: Final = frozenset(("body", "orelse", "finalbody"))
_UNSEEN: Final = frozenset(("ctx", "type_ignores", "type_comment", "kind"))


def _plan(kind: type[ast.AST]) -> tuple[str, tuple[tuple[str, bool], ...]]:
    fields = [(name, name in _BODIES) for name in kind._fields if name not in _UNSEEN]
    return "+" + kind.__name__, tuple(reversed(fields))


PLANS: Final = {
    kind: _plan(kind)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}


def digest(tokens: Iterable[str]) -> str:
    """Sixteen hexadecimal digits for a sequence of tokens."""
    content = "\0".join(tokens).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def effective(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements that compile to something: no docstring, other bare constant, or `pass`."""
    return [
        one
        for one in body
        if not (
            one.__class__ is ast.Pass
            or (isinstance(one, ast.Expr) and one.value.__class__ is ast.Constant)
        )
    ]


def parameters(arguments: ast.arguments) -> list[str]:
    """The names and kinds of a function's parameters as tokens."""
    tokens = ["/" + one.arg for one in arguments.posonlyargs]
    tokens += [one.arg for one in arguments.args]
    tokens += ["=" + one.arg for one in arguments.kwonlyargs]
    if arguments.vararg is not None:
        tokens.append("*" + arguments.vararg.arg)
    if arguments.kwarg is not None:
        tokens.append("**" + arguments.kwarg.arg)
    return tokens


def defaults(arguments: ast.arguments) -> list[_Node]:
    """The default values of parameters, as nodes and tokens that tell whose they are."""
    found: list[_Node] = [f"+defaults{len(arguments.defaults)}", *arguments.defaults]
    for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if value is not None:
            found += ("+default " + one.arg, value)
    return found


def annotated(node: FunctionNode) -> list[_Node]:
    """The annotations of a function, as nodes and tokens that tell whose they are."""
    arguments = node.args
    found: list[_Node] = []
    for one in itertools.chain(
        arguments.posonlyargs,
        arguments.args,
        arguments.kwonlyargs,
        (arguments.vararg, arguments.kwarg),
    ):
        if one is not None and one.annotation is not None:
            found += ("+annotation " + one.arg, one.annotation)
    if node.returns is not None:
        found += ("+returns", node.returns)
    return found


def heading(node: ast.ClassDef) -> list[_Node]:
    """What a class statement evaluates beside its body."""
    found: list[_Node] = [f"+class {len(node.decorator_list)} {len(node.bases)}", node.name]
    found += node.decorator_list
    found += getattr(node, "type_params", ())
    found += node.bases
    found += node.keywords
    return found


def constant(value: object) -> str:
    """A token for a constant other than text: its kind and its value, exactly."""
    if value.__class__ is int:
        return f"+#{value:x}"
    if isinstance(value, bytes):
        return f"+b{value.hex()}"
    return f"+{value.__class__.__name__} {value!r}"
