"""Small changes of one expression or statement that keep the file parsing.

Unaware of where in a file the node stands.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from benchmarks.safety.source import Source

_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.BitOr: "&",
    ast.BitAnd: "|",
    ast.LShift: ">>",
    ast.RShift: "<<",
}
_COMPARISON: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: ">=",
    ast.LtE: ">",
    ast.Gt: "<=",
    ast.GtE: "<",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
_REMOVABLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Assert, ast.Delete)


@dataclass(frozen=True, slots=True)
class Mutation:
    """The edited file, and what was done, in words."""

    raw: bytes
    what: str


Maker = Callable[[Source, ast.AST, Random], Mutation | None]


def operator_swap(source: Source, node: ast.AST, _rng: Random) -> Mutation | None:
    """Another operator: + for -, == for !=, and for or."""
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        sign = _ARITHMETIC[type(node.op)]
        left, right = source.text(node.left), source.text(node.right)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        sign = _COMPARISON[type(node.ops[0])]
        left, right = source.text(node.left), source.text(node.comparators[0])
    elif isinstance(node, ast.BoolOp):
        sign = "or" if isinstance(node.op, ast.And) else "and"
        joined = f" {sign} ".join(f"({source.text(value)})" for value in node.values)
        return Mutation(source.instead(node, f"({joined})"), f"operator became `{sign}`")
    else:
        return None
    text = f"(({left}) {sign} ({right}))"
    return Mutation(source.instead(node, text), f"operator became `{sign}`")


def negation(source: Source, node: ast.AST, _rng: Random) -> Mutation | None:
    """A condition is negated."""
    if isinstance(node, ast.If | ast.IfExp):
        text = f"(not ({source.text(node.test)}))"
        return Mutation(source.instead(node.test, text), "condition negated")
    return None


def other_constant(source: Source, node: ast.AST, rng: Random) -> Mutation | None:
    """Another number, text or truth value."""
    if not isinstance(node, ast.Constant):
        return None
    text = _other(node.value, rng)
    if text is None:
        return None
    was = source.text(node)[:40]
    return Mutation(source.instead(node, text), f"constant {was} became {text[:40]}")


def _other(value: object, rng: Random) -> str | None:
    if isinstance(value, bool):
        return repr(not value)
    if isinstance(value, int | float):
        return repr(value + 1) if value >= 0 else None
    if isinstance(value, str):
        return repr(value[1:] if value and rng.random() < 0.3 else value + "x")
    if isinstance(value, bytes):
        return repr(value + b"x")
    return "0" if value is None else None


def swapped_arguments(source: Source, node: ast.AST, _rng: Random) -> Mutation | None:
    """The first two arguments of a call change places."""
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return None
    first, second = node.args[:2]
    if isinstance(first, ast.Starred) or isinstance(second, ast.Starred):
        return None
    pieces = (*source.span(first), source.text(second)), (*source.span(second), source.text(first))
    return Mutation(source.replaced(*pieces), "arguments swapped")


def removed_statement(source: Source, node: ast.AST, _rng: Random) -> Mutation | None:
    """A statement is gone."""
    if isinstance(node, _REMOVABLE):
        return Mutation(source.instead(node, "pass"), "statement removed")
    return None


def raised(source: Source, node: ast.AST, _rng: Random) -> Mutation | None:
    """A statement raises instead."""
    if isinstance(node, ast.Expr | ast.Assign | ast.Return):
        return Mutation(source.instead(node, "raise ZeroDivisionError"), "statement raises")
    return None


def other_return(source: Source, node: ast.AST, _rng: Random) -> Mutation | None:
    """Nothing is returned."""
    if isinstance(node, ast.Return) and node.value is not None:
        return Mutation(source.instead(node, "return None"), "returns None")
    return None


def shorter(source: Source, node: ast.AST, rng: Random) -> Mutation | None:
    """A list, tuple, set or dictionary loses one element."""
    if isinstance(node, ast.Dict) and len(node.keys) > 1 and None not in node.keys:
        keys = [key for key in node.keys if key is not None]
        gone = rng.randrange(len(keys))
        pairs = zip(keys, node.values, strict=True)
        kept = [
            f"{source.text(key)}: {source.text(value)}"
            for number, (key, value) in enumerate(pairs)
            if number != gone
        ]
        text = "{" + ", ".join(kept) + "}"
        return Mutation(source.instead(node, text), f"entry {gone} removed")
    if isinstance(node, ast.List | ast.Tuple | ast.Set) and len(node.elts) > 1:
        gone = rng.randrange(len(node.elts))
        elements = [source.text(e) for n, e in enumerate(node.elts) if n != gone]
        brackets = {"List": "[]", "Tuple": "()", "Set": "{}"}[type(node).__name__]
        text = brackets[0] + ", ".join(elements) + "," + brackets[1]
        return Mutation(source.instead(node, text), f"element {gone} removed")
    return None


BODY: tuple[Maker, ...] = (
    *(operator_swap, operator_swap, negation, negation, other_constant, swapped_arguments),
    *(removed_statement, raised, other_return, shorter),
)
VALUE: tuple[Maker, ...] = (other_constant, shorter, operator_swap)


def any_mutation(
    source: Source, nodes: Iterable[ast.AST], makers: tuple[Maker, ...], rng: Random
) -> Mutation | None:
    """The first maker, in random order of nodes and makers, that can do something."""
    shuffled = list(nodes)
    rng.shuffle(shuffled)
    for node in shuffled:
        for maker in rng.sample(makers, len(makers)):
            mutation = maker(source, node, rng)
            if mutation is not None:
                return mutation
    return None
