"""The walk over a syntax tree: what the interpreter sees of it as tokens, and names it looks up.

Unaware of modules and files: it is given nodes of one function's body or of one statement.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from affected.lang.python import outline_mentions as mentioned
from affected.lang.python.outline_tokens import (
    PLANS,
    FunctionNode,
    annotated,
    constant,
    defaults,
    digest,
    effective,
    heading,
    parameters,
)

__all__ = ["Found", "Region", "Walk"]

Found: TypeAlias = tuple[FunctionNode, str, str, str]
"""A function met on the way: its node, its path's prefix, its class's name, its definition."""

_Node: TypeAlias = Any
_VISITS: Final = {
    "_call": "Call",
    "_operation": "BinOp",
    "_unary": "UnaryOp",
    "_boolean": "BoolOp",
    "_comparison": "Compare",
    "_augmented": "AugAssign",
    "_joined": "JoinedStr TemplateStr",
    "_comprehension": "ListComp SetComp DictComp GeneratorExp",
    "_lambda": "Lambda",
    "_yield": "Yield YieldFrom",
    "_named": "NamedExpr",
    "_declared": "Global Nonlocal",
    "_import": "Import ImportFrom",
    "_capture": "ExceptHandler MatchAs MatchStar MatchMapping MatchClass "
    "TypeVar ParamSpec TypeVarTuple",
    "_singleton": "MatchSingleton",
    "_keyword": "keyword",
    "_function": "FunctionDef AsyncFunctionDef",
    "_class": "ClassDef",
}
_OWN, _COMPREHENSION, _CLASS, _LAMBDA = range(4)


class Region:
    """What the walk finds in one block or one statement; filled by `Walk`."""

    __slots__ = (
        "attributes",
        "bound",
        "declared",
        "functions",
        "inline",
        "mentions",
        "names",
        "privates",
        "texts",
        "tokens",
        "walrus",
        "yields",
    )

    def __init__(self, private: str) -> None:
        self.tokens: list[str] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.mentions: set[str] = set()
        self.texts: set[str] = set()
        self.bound: set[str] = set()
        self.declared: set[tuple[str, str]] = set()
        self.walrus: list[str] = []
        self.functions: list[Found] = []
        self.privates: set[str] = {private} if private else set()
        self.inline = False
        self.yields = False

    def looked_up(
        self, local: frozenset[str] = frozenset(), *, marked: bool = False
    ) -> frozenset[str]:
        """Every name that the region may look up; `local` are its own variables."""
        parts = (self.names, self.attributes, self.mentions, self.texts, self.privates)
        return mentioned.looked_up(*parts, local, marked=marked)


class Walk:
    """Walks nodes into a region; keeps the docstrings and the class paths of the whole file."""

    __slots__ = ("_prefix", "_private", "_region", "_scope", "_stack", "_tokens", "docs", "paths")

    def __init__(self) -> None:
        self.docs: dict[str, str] = {}
        self.paths: dict[str, int] = {}
        self._region = Region("")
        self._stack: list[_Node] = []
        self._tokens: list[str] = []
        self._prefix = ""
        self._private = ""
        self._scope = _OWN

    def path(self, prefix: str, name: str) -> str:
        """A path of its own for a function or class: "#2" at the second of that name."""
        path = prefix + name
        count = self.paths[path] = self.paths.get(path, 0) + 1
        return path if count == 1 else f"{path}#{count}"

    def document(self, path: str, body: Sequence[ast.stmt]) -> None:
        """Keep the digest of a body's docstring."""
        first = body[0] if body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            text = first.value.value
            if isinstance(text, str):
                self.docs[path] = digest((text,))

    def into(self, region: Region, nodes: Sequence[_Node], prefix: str, private: str) -> None:
        """Walk nodes that run in one scope into `region`; strings among them become tokens."""
        self._region, self._tokens = region, region.tokens
        self._prefix, self._private, self._scope = prefix, private, _OWN
        self._run(nodes)

    def _run(self, nodes: Sequence[_Node]) -> None:
        region = self._region
        add, names, own = self._tokens.append, region.names, self._scope == _OWN
        attributes, texts, bound = region.attributes, region.texts, region.bound
        outer, stack = self._stack, list(reversed(nodes))
        self._stack = stack
        pop, push = stack.pop, stack.append
        load, visits = ast.Load, _VISITORS
        a_name, an_attribute, a_constant = ast.Name, ast.Attribute, ast.Constant
        while stack:
            node = pop()
            kind = node.__class__
            if kind is a_name:
                name = node.id
                add(name)
                names.add(name)
                if own and node.ctx.__class__ is not load:
                    bound.add(name)
            elif kind is an_attribute:
                add("+.")
                add(node.attr)
                if node.attr == "__dict__" and mentioned.is_own(node.value):
                    region.mentions.add(mentioned.OWN)
                else:
                    attributes.add(node.attr)
                push(node.value)
            elif kind is a_constant:
                value = node.value
                if value.__class__ is str:
                    add(f"+'{len(value)}")
                    add(value)
                    texts.add(value)
                else:
                    add(constant(value))
            else:
                visits[kind](self, node)
        self._stack = outer

    def _plain(self, node: ast.AST) -> None:
        """A node that is nothing but its fields."""
        add, stack = self._tokens.append, self._stack
        tag, fields = PLANS[node.__class__]
        add(tag)
        for field, body in fields:
            value = getattr(node, field)
            if value.__class__ is list:
                if body and value:
                    value = effective(value)
                if value:
                    add(f"+{field}{len(value)}")
                    stack.extend(reversed(value))
            elif value is not None:
                add("+" + field)
                stack.append(value)

    def _within(self, scope: int, nodes: Sequence[_Node]) -> None:
        """Walk at once what has a scope of its own."""
        outer, self._scope = self._scope, max(scope, self._scope)
        self._run(nodes)
        self._scope = outer

    def _text(self, node: str | int | None) -> None:
        self._tokens.append(node if isinstance(node, str) else f"+{node}")

    def _call(self, node: ast.Call) -> None:
        region, add, stack = self._region, self._tokens.append, self._stack
        add(f"+Call{len(node.args)}")
        for keyword in node.keywords:
            if keyword.arg is None:
                add("+**")
            else:
                add("+=" + keyword.arg)
                region.mentions.add(keyword.arg)
        if node.keywords:
            stack.extend([keyword.value for keyword in reversed(node.keywords)])
        stack.extend(reversed(node.args))
        function: _Node = node.func
        kind = function.__class__
        if kind is ast.Name and function.id in mentioned.REFLECTION:
            region.mentions |= mentioned.reflected(function.id, node)
            add(function.id)
        elif kind is ast.Attribute and function.attr in mentioned.REFLECTION:
            region.mentions |= mentioned.reflected(function.attr, node)
            add("+.")
            add(function.attr)
            stack.append(function.value)
        elif kind is ast.Name and function.id in mentioned.WHOLE_CALLS:
            known = mentioned.of_whole(function.id, node)
            region.mentions |= known
            add(function.id)
            if mentioned.OWN not in known:
                region.names.add(function.id)
        else:
            stack.append(function)

    def _operation(self, node: _Node) -> None:
        self._tokens.append("+" + node.op.__class__.__name__)
        self._stack += (node.right, node.left)

    def _unary(self, node: ast.UnaryOp) -> None:
        self._tokens.append("+" + node.op.__class__.__name__)
        self._stack.append(node.operand)

    def _boolean(self, node: ast.BoolOp) -> None:
        self._tokens.append(f"+{node.op.__class__.__name__}{len(node.values)}")
        self._stack.extend(reversed(node.values))

    def _comparison(self, node: ast.Compare) -> None:
        self._tokens.append(f"+Compare{len(node.ops)}")
        self._tokens += ["+" + one.__class__.__name__ for one in node.ops]
        self._stack.extend(reversed(node.comparators))
        self._stack.append(node.left)

    def _augmented(self, node: ast.AugAssign) -> None:
        self._tokens.append("+augmented " + node.op.__class__.__name__)
        self._stack += (node.value, node.target)

    def _joined(self, node: _Node) -> None:
        """A formatted string: versions differ in how they cut its constant parts."""
        parts: list[_Node] = []
        for text, group in itertools.groupby(node.values, ast.Constant.__instancecheck__):
            if not text:
                parts += group
            elif whole := "".join(one.value for one in group):
                parts += (f"+text{len(whole)}", whole)
                self._region.texts.add(whole)
        self._tokens.append(f"+{node.__class__.__name__}{len(parts)}")
        self._stack.extend(reversed(parts))

    def _comprehension(self, node: _Node) -> None:
        self._region.inline = True
        self._tokens.append(f"+{node.__class__.__name__}{len(node.generators)}")
        results = (node.key, node.value) if node.__class__ is ast.DictComp else (node.elt,)
        self._within(_COMPREHENSION, (*node.generators, *results))

    def _lambda(self, node: ast.Lambda) -> None:
        self._region.inline = True
        tokens = parameters(node.args)
        self._tokens.append(f"+lambda{len(tokens)}")
        self._tokens += tokens
        self._within(_LAMBDA, (*defaults(node.args), node.body))

    def _yield(self, node: _Node) -> None:
        if self._scope == _OWN:
            self._region.yields = True
        self._tokens.append("+" + node.__class__.__name__)
        self._stack.append(node.value)

    def _named(self, node: ast.NamedExpr) -> None:
        name = node.target.id
        self._tokens += ("+:=", name)
        self._region.names.add(name)
        if self._scope in {_OWN, _COMPREHENSION}:
            self._region.bound.add(name)
            self._region.walrus.append(name)
        self._stack.append(node.value)

    def _declared(self, node: ast.Global | ast.Nonlocal) -> None:
        """Where a name lives is part of the tokens and of the shape."""
        word = node.__class__.__name__
        self._tokens += (f"+{word}{len(node.names)}", *node.names)
        self._region.declared |= {(word, name) for name in node.names}
        self._region.names |= set(node.names)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        region, module = self._region, ""
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            region.mentions |= {"@" + part for part in module.split(".") if part}
        self._tokens += (f"+import{len(node.names)}", module)
        for alias in node.names:
            self._tokens += (alias.name, "+as " + (alias.asname or ""))
            region.mentions |= set(alias.name.split("."))
            if self._scope == _OWN:
                region.bound.add(alias.asname or alias.name.partition(".")[0])
            if alias.asname:
                region.mentions.add(alias.asname)

    def _capture(self, node: _Node) -> None:
        """A clause or pattern that may bind a name given as text."""
        tag, fields = PLANS[node.__class__]
        self._tokens.append(tag)
        for field, body in fields:
            value: Any = getattr(node, field)
            if isinstance(value, str):
                self._tokens.append(f"+{field} {value}")
                self._region.names.add(value)
                if self._scope == _OWN:
                    self._region.bound.add(value)
            elif isinstance(value, list):
                value = effective(value) if body else value
                self._tokens.append(f"+{field}{len(value)}")
                if field == "kwd_attrs":
                    self._region.attributes.update(value)
                self._stack.extend(reversed(value))
            elif value is not None:
                self._tokens.append("+" + field)
                self._stack.append(value)

    def _singleton(self, node: ast.MatchSingleton) -> None:
        self._tokens.append(f"+MatchSingleton {node.value!r}")

    def _keyword(self, node: ast.keyword) -> None:
        self._tokens.append("+=" + (node.arg or "*"))
        if node.arg:
            self._region.mentions.add(node.arg)
        self._stack.append(node.value)

    def _function(self, node: FunctionNode) -> None:
        """Of a nested function the enclosing body evaluates the definition, and binds the name."""
        if self._scope == _OWN:
            self._region.bound.add(node.name)
        outer, self._tokens = self._tokens, []
        self._run(
            [
                f"+decorators{len(node.decorator_list)}",
                *node.decorator_list,
                *getattr(node, "type_params", ()),
                *defaults(node.args),
                *annotated(node),
            ]
        )
        definition, self._tokens = digest(self._tokens), outer
        self._tokens += ("+def", node.name, definition)
        self._region.functions.append((node, self._prefix, self._private, definition))

    def _class(self, node: ast.ClassDef) -> None:
        """A class body that is no module's own statement: all of it, but for its functions."""
        if self._scope == _OWN:
            self._region.bound.add(node.name)
        self._run(heading(node))
        path = self.path(self._prefix, node.name)
        self.document(path, node.body)
        outer = self._prefix, self._private
        self._prefix, self._private = path + ".", node.name
        self._region.privates.add(node.name)
        body = effective(node.body)
        self._within(_CLASS, (f"+body{len(body)}", *body))
        self._prefix, self._private = outer


def _visits() -> Mapping[type, Callable[[Walk, Any], None]]:
    """How each kind of node is walked; most are nothing but their fields."""
    kinds: dict[str, tuple[type, ...]] = {
        "_plain": tuple(PLANS),
        "_text": (str, int, type(None)),
    }
    kinds |= {
        visit: tuple(getattr(ast, name) for name in names.split() if hasattr(ast, name))
        for visit, names in _VISITS.items()
    }
    return {kind: getattr(Walk, visit) for visit, every in kinds.items() for kind in every}


_VISITORS: Final = _visits()
