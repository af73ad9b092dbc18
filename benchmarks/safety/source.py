"""One Python file as bytes and as a tree, with pieces that can be replaced by position.

Unaware of what is edited. Positions are byte offsets, as `ast` counts columns in UTF-8 bytes.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Piece = tuple[int, int, str]  # from, to, what stands there instead


@dataclass(frozen=True, slots=True)
class Source:
    """A file that parses."""

    path: str
    raw: bytes
    tree: ast.Module
    starts: tuple[int, ...]  # offset of each line

    @staticmethod
    def of(path: str, raw: bytes) -> Source | None:
        """None for what does not parse or is not UTF-8."""
        try:
            raw.decode("utf-8")
            tree = ast.parse(raw)
        except (SyntaxError, ValueError):
            return None
        lengths = (len(line) for line in raw.split(b"\n"))
        starts = (0, *itertools.accumulate(length + 1 for length in lengths))
        return Source(path, raw, tree, starts)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node stands."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        first = self.starts[node.lineno - 1] + node.col_offset
        return first, self.starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr | ast.stmt) -> str:
        """What stands there."""
        first, last = self.span(node)
        return self.raw[first:last].decode("utf-8")

    def indent(self, node: ast.stmt) -> str:
        """The white space ahead of a statement that starts its line; else as many blanks."""
        start = self.starts[node.lineno - 1]
        ahead = self.raw[start : start + node.col_offset].decode("utf-8")
        return ahead if not ahead.strip() else " " * node.col_offset

    def line_start(self, number: int) -> int:
        """Offset of the line with this number, counted from 1."""
        return self.starts[min(number - 1, len(self.starts) - 1)]

    def replaced(self, *pieces: Piece) -> bytes:
        """The file with these pieces replaced; they do not overlap."""
        raw = self.raw
        for first, last, text in sorted(pieces, reverse=True):
            raw = raw[:first] + text.encode("utf-8") + raw[last:]
        return raw

    def instead(self, node: ast.expr | ast.stmt, text: str) -> bytes:
        """The file with `text` in a node's place."""
        return self.replaced((*self.span(node), text))


def parses_anew(source: Source, raw: bytes) -> bool:
    """Whether the edited file still parses, and to something else."""
    try:
        return ast.dump(ast.parse(raw)) != ast.dump(source.tree)
    except (SyntaxError, ValueError):
        return False


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function, methods and nested ones included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def docstring(scope: Scope) -> ast.Expr | None:
    """The statement that is its docstring."""
    first = scope.body[0] if scope.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first if isinstance(first.value.value, str) else None
    return None


def body_nodes(function: Function) -> Iterator[ast.expr | ast.stmt]:
    """Statements and expressions that run when it is called; not those of nested functions."""
    skipped = docstring(function)
    waiting: list[ast.AST] = [node for node in function.body if node is not skipped]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.expr | ast.stmt):
            yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.JoinedStr):
            continue
        waiting.extend(ast.iter_child_nodes(node))
