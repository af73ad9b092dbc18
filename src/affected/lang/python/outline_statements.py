"""What a statement that runs at import binds, and whether it may do more than that.

Unaware of what its expressions come to: a call in a value is judged by the value that is bound.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["bound_names", "kind_of", "may_do_more", "only_script"]

_KINDS: Final[dict[type, str]] = {
    ast.Import: "import",
    ast.ImportFrom: "import",
    ast.Assign: "assign",
    ast.AnnAssign: "assign",
    ast.AugAssign: "assign",
    ast.FunctionDef: "function",
    ast.AsyncFunctionDef: "function",
    ast.ClassDef: "class",
    ast.Expr: "expression",
    ast.If: "compound",
    ast.For: "compound",
    ast.AsyncFor: "compound",
    ast.While: "compound",
    ast.Try: "compound",
    ast.TryStar: "compound",
    ast.With: "compound",
    ast.AsyncWith: "compound",
    ast.Match: "compound",
}
_ALWAYS: Final = (ast.Delete, ast.Raise, ast.Assert, ast.With, ast.AsyncWith)
_NEVER: Final = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef)


def kind_of(node: ast.stmt) -> str:
    """The kind of a statement in one word."""
    if node.__class__.__name__ == "TypeAlias":
        return "assign"
    return _KINDS.get(node.__class__, "other")


def bound_names(node: ast.stmt) -> Iterator[str]:
    """The names that a statement binds or deletes where it stands; "*" for a star import."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        whole = isinstance(node, ast.ImportFrom)
        for alias in node.names:
            yield alias.asname or (alias.name if whole else alias.name.partition(".")[0])
    elif isinstance(node, ast.Match):
        for case in node.cases:
            yield from _captured(case.pattern)
            yield from _all(case.body)
    elif kind_of(node) == "compound":
        yield from _clauses(node)
    else:
        targets = [getattr(node, field, None) for field in ("target", "name")]
        targets += getattr(node, "targets", ())
        yield from _targets([one for one in targets if isinstance(one, ast.expr)])


def _clauses(node: ast.stmt) -> Iterator[str]:
    """The names bound by the heads and the bodies of a compound statement."""
    if isinstance(node, ast.For | ast.AsyncFor):
        yield from _targets((node.target,))
    for item in getattr(node, "items", ()):
        if item.optional_vars is not None:
            yield from _targets((item.optional_vars,))
    for field in ("body", "orelse", "finalbody"):
        yield from _all(getattr(node, field, ()))
    for clause in getattr(node, "handlers", ()):
        if clause.name:
            yield clause.name
        yield from _all(clause.body)


def _all(body: Sequence[ast.stmt]) -> Iterator[str]:
    for one in body:
        yield from bound_names(one)


def _targets(targets: Sequence[ast.expr]) -> Iterator[str]:
    for target in targets:
        if isinstance(target, ast.Name):
            yield target.id
        elif isinstance(target, ast.Tuple | ast.List):
            yield from _targets(target.elts)
        elif isinstance(target, ast.Starred):
            yield from _targets((target.value,))


def _captured(pattern: ast.pattern) -> Iterator[str]:
    for node in ast.walk(pattern):
        if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest


def only_script(node: ast.stmt) -> bool:
    """Whether a statement runs only where its file is run as `__main__`."""
    return isinstance(node, ast.If) and not node.orelse and _is_main(node.test)


def _is_main(test: ast.expr) -> bool:
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1):
        return False
    sides = (test.left, test.comparators[0])
    named = any(isinstance(one, ast.Name) and one.id == "__name__" for one in sides)
    main = any(isinstance(one, ast.Constant) and one.value == "__main__" for one in sides)
    return isinstance(test.ops[0], ast.Eq) and named and main


def _is_typing(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def may_do_more(node: ast.stmt) -> bool:
    """Whether a statement may do more than bind its names; an import from the future does."""
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    if isinstance(node, _ALWAYS):
        return True
    if isinstance(node, _NEVER):
        return isinstance(node, ast.ImportFrom) and node.module == "__future__"
    if isinstance(node, ast.If) and (_is_typing(node.test) or _is_main(node.test)):
        return _any(node.orelse)
    targets = [getattr(node, "target", None), *getattr(node, "targets", ())]
    if not all(_plain(target) for target in targets if target is not None):
        return True
    bodies = [getattr(node, field, ()) for field in ("body", "orelse", "finalbody")]
    bodies += [clause.body for clause in getattr(node, "handlers", ())]
    bodies += [case.body for case in getattr(node, "cases", ())]
    return any(_any(body) for body in bodies)


def _any(body: Sequence[ast.stmt]) -> bool:
    return any(may_do_more(one) for one in body)


def _plain(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(_plain(one) for one in target.elts)
    if isinstance(target, ast.Starred):
        return _plain(target.value)
    return isinstance(target, ast.Name)
