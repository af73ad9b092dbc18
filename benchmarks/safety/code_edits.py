"""Edits of one Python file, by kind: bodies, and everything that runs at import.

Unaware of projects. Each takes a file and a source of randomness, and gives the edited file or None
where it finds nothing to edit.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from random import Random

from benchmarks.safety.mutations import BODY, VALUE, Mutation, any_mutation
from benchmarks.safety.source import Function, Scope, Source, body_nodes, docstring, functions

CodeEdit = Callable[[Source, Random], Mutation | None]
_SPECIAL = (
    "def __bool__(self):\n    return False",
    "def __eq__(self, other):\n    return False",
    "def __len__(self):\n    return 0",
    "def __getattr__(self, name):\n    raise AttributeError(name)",
    "def __repr__(self):\n    return '<edited>'",
)


def _named(mutation: Mutation | None, where: str) -> Mutation | None:
    return None if mutation is None else Mutation(mutation.raw, f"{mutation.what}, in {where}")


def body(source: Source, rng: Random) -> Mutation | None:
    """Something that runs when a function is called."""
    found = list(functions(source.tree))
    for function in rng.sample(found, len(found)):
        mutation = any_mutation(source, body_nodes(function), BODY, rng)
        if mutation is not None:
            return _named(mutation, function.name)
    return None


def _values(statements: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in statements:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield getattr(target, "id", "?"), node.value


def _inside(value: ast.AST) -> Iterator[ast.AST]:
    """The parts of an expression, not those of f-strings and lambdas."""
    yield value
    if not isinstance(value, ast.JoinedStr | ast.Lambda):
        for child in ast.iter_child_nodes(value):
            yield from _inside(child)


def _other_value(
    source: Source, values: list[tuple[str, ast.expr]], rng: Random
) -> Mutation | None:
    for name, value in rng.sample(values, len(values)):
        mutation = any_mutation(source, _inside(value), VALUE, rng)
        if mutation is not None:
            return _named(mutation, name)
    return None


def constant(source: Source, rng: Random) -> Mutation | None:
    """The value of a name of the module."""
    return _other_value(source, list(_values(source.tree.body)), rng)


def class_attribute(source: Source, rng: Random) -> Mutation | None:
    """The value of a name of a class."""
    classes = [node for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]
    values = [pair for node in classes for pair in _values(node.body)]
    return _other_value(source, values, rng)


def default(source: Source, rng: Random) -> Mutation | None:
    """The default of a parameter."""
    values: list[tuple[str, ast.expr]] = []
    for node in functions(source.tree):
        found = [*node.args.defaults, *(item for item in node.args.kw_defaults if item)]
        values += [(node.name, item) for item in found]
    return _other_value(source, values, rng)


def decorator(source: Source, rng: Random) -> Mutation | None:
    """A decorator is removed, or one that returns what it is given is added."""
    nodes = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    decorated = [node for node in nodes if node.decorator_list]
    if decorated and rng.random() < 0.6:
        node = rng.choice(decorated)
        gone = rng.choice(node.decorator_list)
        first, last = source.span(gone)
        start = source.raw.rindex(b"@", 0, first)
        text = f"decorator {source.text(gone)[:40]} of {node.name} removed"
        return Mutation(source.replaced((start, last, "@(lambda it: it)")), text)
    if not nodes:
        return None
    node = rng.choice(nodes)
    start = source.line_start(node.lineno)
    added = source.indent(node) + "@(lambda it: it)\n"
    return Mutation(source.replaced((start, start, added)), f"{node.name} decorated with nothing")


def _appended(source: Source, scope: Scope, lines: str) -> bytes:
    """The file with a statement added at the end of a body."""
    last = scope.body[-1]
    place = source.span(last)[1]
    end = source.raw.find(b"\n", place)
    indent = source.indent(scope.body[0] if not isinstance(scope, ast.Module) else last)
    text = "".join(f"\n{indent}{line}" for line in lines.split("\n"))
    at = len(source.raw) if end < 0 else end
    return source.replaced((at, at, "\n" + text))


def added_function(source: Source, rng: Random) -> Mutation | None:
    """A function or method that was not there."""
    classes = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and node.body[0].lineno != node.lineno
    ]
    choice = rng.random()
    if classes and choice < 0.6:
        owner = rng.choice(classes)
        plain = "def added_by_edit(self):\n    return 1"
        lines = rng.choice(_SPECIAL) if choice < 0.3 else plain
        name = lines.split("(")[0].removeprefix("def ")
        return Mutation(_appended(source, owner, lines), f"method {name} added to {owner.name}")
    if not source.tree.body:
        return None
    taken = [node.name for node in functions(source.tree)]
    name = rng.choice(taken) if taken and choice > 0.9 else "added_by_edit"
    lines = f"def {name}(*args, **options):\n    return None"
    return Mutation(_appended(source, source.tree, lines), f"function {name} added")


def other_docstring(source: Source, rng: Random) -> Mutation | None:
    """The words of a docstring."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    scopes = [node for node in ast.walk(source.tree) if isinstance(node, kinds)]
    found = [(scope, doc) for scope in scopes if (doc := docstring(scope)) is not None]
    if not found:
        return None
    scope, doc = rng.choice(found)
    first, last = source.span(doc)
    raw = source.replaced((first, last, repr("Edited. " + ast.literal_eval(doc.value))))
    return Mutation(raw, f"docstring of {getattr(scope, 'name', 'the module')}")


def imports(source: Source, rng: Random) -> Mutation | None:
    """An import is removed, moved to the end, or added."""
    nodes = [
        node
        for node in source.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and getattr(node, "module", "") != "__future__"
    ]
    choice = rng.random()
    if not nodes or choice < 0.4:
        lines = rng.choice(("import colorsys", "from json import dumps as dumps_by_edit"))
        after = [node for node in source.tree.body if isinstance(node, ast.ImportFrom)]
        if after:
            return Mutation(_appended_after(source, after[-1], lines), f"added {lines}")
        return Mutation(_appended(source, source.tree, lines), f"added {lines}")
    node = rng.choice(nodes)
    text = source.text(node)
    gone = (*source.span(node), "pass")
    if choice < 0.7 or len(node.names) == 1:
        return Mutation(source.replaced(gone), f"removed {text[:60]}")
    kept = list(node.names)
    out = kept.pop(rng.randrange(len(kept)))
    names = ", ".join(f"{a.name} as {a.asname}" if a.asname else a.name for a in kept)
    head = (
        f"from {'.' * node.level}{node.module or ''} " if isinstance(node, ast.ImportFrom) else ""
    )
    return Mutation(source.instead(node, f"{head}import {names}"), f"import of {out.name} removed")


def _appended_after(source: Source, node: ast.stmt, line: str) -> bytes:
    end = source.span(node)[1]
    return source.replaced((end, end, f"\n{source.indent(node)}{line}"))


def remark(source: Source, rng: Random) -> Mutation | None:
    """Comments and blank lines: nothing that the interpreter sees."""
    nodes: list[ast.stmt] = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.stmt)
        and not source.raw[source.line_start(node.lineno) :][: node.col_offset].strip()
    ]
    if not nodes:
        return None
    node = rng.choice(nodes)
    start = source.line_start(node.lineno)
    decorators = getattr(node, "decorator_list", [])
    if decorators:
        start = min(source.line_start(item.lineno) for item in decorators)
    lines = rng.choice(("\n\n", f"{source.indent(node)}# a remark\n", "# a remark at the margin\n"))
    raw = source.replaced((start, start, lines))
    return Mutation(raw, f"remark ahead of line {node.lineno}")


# --- in test files


def _is_test(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")


def test(source: Source, rng: Random) -> Mutation | None:
    """A test is changed, added or removed."""
    tests: list[Function] = [node for node in functions(source.tree) if _is_test(node)]
    choice = rng.random()
    if choice < 0.2:
        lines = "def test_added_by_edit():\n    assert True"
        return Mutation(_appended(source, source.tree, lines), "test added")
    if not tests:
        return None
    node = rng.choice(tests)
    if choice < 0.3:
        start = source.line_start(min([node.lineno, *(d.lineno for d in node.decorator_list)]))
        first = start + len(source.indent(node))
        raw = source.replaced((first, source.span(node)[1], "pass"))
        return Mutation(raw, f"test {node.name} removed")
    return _named(any_mutation(source, body_nodes(node), BODY, rng), node.name)


def parametrisation(source: Source, rng: Random) -> Mutation | None:
    """The arguments of a `parametrize`."""
    calls = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "parametrize"
        and len(node.args) > 1
    ]
    for node in rng.sample(calls, len(calls)):
        mutation = any_mutation(source, _inside(node.args[1]), VALUE, rng)
        if mutation is not None:
            return _named(mutation, f"parametrize at line {node.lineno}")
    return None
