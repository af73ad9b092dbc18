"""Outline: one Python source into its blocks and the statements that run at its import.

Unaware of the file's path and of what others import from it. Two sources that the interpreter sees
alike, but for line numbers and docstrings, have the same digests, on every version of Python.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from typing import Final, cast

from affected.lang.python.outline_compare import OutlineChange, compare
from affected.lang.python.outline_mentions import mangled
from affected.lang.python.outline_packed import pack, unpack
from affected.lang.python.outline_parts import (
    OWN,
    VERSION,
    Block,
    Outline,
    Statement,
    block_at,
    computes,
    mentions_any,
    spells_any,
)
from affected.lang.python.outline_statements import bound_names, kind_of, may_do_more, only_script
from affected.lang.python.outline_tokens import digest, effective, heading, parameters
from affected.lang.python.outline_walk import Found, Region, Walk

__all__ = [
    "VERSION",
    "Block",
    "Outline",
    "OutlineChange",
    "Statement",
    "block_at",
    "compare",
    "computes",
    "mentions_any",
    "outline",
    "pack",
    "spells_any",
    "unpack",
]

_SHORT: Final = 60
"""Characters of a statement that are shown."""


def outline(source: bytes) -> Outline | None:
    """The outline of a source; None where it does not parse, or nests deeper than can be walked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            flags = ast.PyCF_ONLY_AST
            module = compile(source, "<source>", "exec", flags, dont_inherit=True, optimize=0)
        return _Builder(source).build(cast("ast.Module", module))
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None


class _Builder:
    """Builds one file's outline."""

    __slots__ = ("_blocks", "_lines", "_source", "_statements", "_walk")

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._lines: list[bytes] = []
        self._walk = Walk()
        self._blocks: list[Block] = []
        self._statements: list[Statement] = []

    def build(self, module: ast.Module) -> Outline:
        self._walk.document("", module.body)
        self._body(module.body, "", "", "")
        blocks = sorted(self._blocks, key=lambda block: block.first)
        return Outline(tuple(blocks), tuple(self._statements), self._walk.docs)

    def _body(self, body: Sequence[ast.stmt], owner: str, prefix: str, private: str) -> None:
        """The statements of a module's or a class's body."""
        for node in effective(body):
            region = Region(private)
            if isinstance(node, ast.ClassDef):
                self._walk.into(region, heading(node), prefix, private)
                self._statement(node, owner, region, private)
                path = self._walk.path(prefix, node.name)
                self._walk.document(path, node.body)
                self._body(node.body, path, path + ".", node.name)
            else:
                self._walk.into(region, (node,), prefix, private)
                self._statement(node, owner, region, private)

    def _statement(self, node: ast.stmt, owner: str, region: Region, private: str) -> None:
        """One statement and the blocks that it defines."""
        bound, inline = (*bound_names(node), *region.walrus), region.inline
        region.tokens += self._functions(region, ())
        script = only_script(node)
        effect = not isinstance(node, ast.ClassDef) and may_do_more(node)
        self._statements.append(
            Statement(
                owner=owner,
                names=tuple(dict.fromkeys(mangled(name, private) for name in bound)),
                kind=kind_of(node),
                digest=digest(region.tokens),
                effect=effect,
                inline=inline,
                script=script,
                line=node.lineno,
                text=self._beginning(node.lineno) if effect else "",
                mentions=region.looked_up(marked=True),
            )
        )

    def _functions(self, region: Region, enclosing: tuple[set[str], ...]) -> list[str]:
        """Blocks for the functions met in a region; the definition of each."""
        return [self._function(one, enclosing) for one in region.functions]

    def _function(self, found: Found, enclosing: tuple[set[str], ...]) -> str:
        node, prefix, private, evaluated = found
        walk, region = self._walk, Region(private)
        path = walk.path(prefix, node.name)
        walk.document(path, node.body)
        walk.into(region, effective(node.body), path + ".<locals>.", private)
        arguments = parameters(node.args)
        given = {one.lstrip("/=*") for one in arguments}
        region.mentions |= given
        if prefix and node.name in {"__getattr__", "__getattribute__"}:
            region.mentions.add(OWN)  # of a class: what it has not may be asked for by anyone
        declared = {name for _, name in region.declared}
        own = (region.bound | given) - declared
        region.tokens += self._functions(region, (*enclosing, own))
        kind = node.__class__.__name__ + (" yields" if region.yields else "")
        definition = digest((evaluated, kind, *arguments))
        scopes = sorted(f"{word} {name}" for word, name in region.declared)
        scopes += sorted(_free(region.names - own, enclosing))
        shape = digest((kind, *arguments, "+scopes", *scopes))
        self._blocks.append(
            Block(
                key=path,
                first=_first_line(node),
                body=_first_line(node.body[0]),
                last=node.end_lineno or node.lineno,
                digest=digest(region.tokens),
                shape=shape,
                definition=definition,
                mentions=region.looked_up(frozenset(own)),
            )
        )
        return definition

    def _beginning(self, line: int) -> str:
        """The beginning of a statement's first line, to be shown."""
        if not self._lines:
            self._lines = self._source.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        text = self._lines[line - 1].decode("utf-8", "replace").strip()
        return text if len(text) <= _SHORT else text[: _SHORT - 3] + "..."


def _first_line(node: ast.stmt) -> int:
    """Where a statement begins for CPython: at its first decorator."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else node.lineno


def _free(used: set[str], enclosing: tuple[set[str], ...]) -> Iterator[str]:
    """Which of the names used belong to an enclosing function, and to which, counted outwards."""
    for name in used:
        for distance, bound in enumerate(reversed(enclosing)):
            if name in bound:
                yield f"{name} {distance}"
                break
