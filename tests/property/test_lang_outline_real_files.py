"""Outlines of real files against what CPython compiles, and under edits that mean something or not."""

from __future__ import annotations

import ast
import io
import json
import os
import random
import subprocess
import sys
import sysconfig
import tokenize
import warnings
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.suites import other_interpreters

from affected.lang.python.outline import Outline, compare, outline, pack, unpack

SHARE = 1 if os.environ.get("AFFECTED_FULL") else 200
EDITS = 3 if SHARE == 1 else 1
LARGE = 10**9 if os.environ.get("AFFECTED_FULL") else 40_000
IMPLICIT = {"__class__", "__classdict__", ".type_params", ".defaults", ".generic_base", ""}


@cache
def sources() -> dict[str, bytes]:
    """A fixed sample of the standard library and of what is installed beside this test."""
    found = {}
    for part in ("stdlib", "purelib"):
        root = Path(sysconfig.get_path(part))
        for path in sorted(root.rglob("*.py")):
            name = str(path.relative_to(root))
            if zlib.crc32(name.encode()) % SHARE == 0 and path.is_file():
                content = path.read_bytes()
                if len(content) < LARGE and compiled(content) is not None:
                    found[name] = content
    return found


def compiled(source: bytes) -> CodeType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return compile(source, "<source>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def inside(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def functions(code: CodeType) -> Iterator[CodeType]:
    """Every code object of a function below, by CPython's flags; no lambdas and the like."""
    optimized = 1
    for one in inside(code):
        if one.co_flags & optimized and not one.co_name.startswith("<"):
            yield one
        yield from functions(one)


def typed_names(tree: ast.AST) -> set[str]:
    """Names of type parameters and aliases: CPython evaluates these in functions of their own."""
    found = set()
    for node in ast.walk(tree):
        if node.__class__.__name__ in {"TypeVar", "TypeVarTuple", "ParamSpec"}:
            found.add(node.name)
        elif node.__class__.__name__ == "TypeAlias":
            found.add(node.name.id)
    return found


def never_compiled(tree: ast.AST) -> set[int]:
    """Lines below a condition that is a constant: CPython leaves code out there."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.If | ast.While) and isinstance(node.test, ast.Constant)
        for line in range(node.lineno, node.end_lineno + 1)
    }


def own_codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code object and those of its lambdas, comprehensions and generators."""
    yield code
    for one in inside(code):
        if one.co_name.startswith("<"):
            yield from own_codes(one)


def names_of(code: CodeType) -> set[str]:
    """What a function looks up by name, as CPython tells it."""
    found: set[str] = set()
    for one in own_codes(code):
        found |= {part for name in one.co_names for part in name.split(".")}
        if not inside(one):
            found |= set(one.co_freevars)
    return found - IMPLICIT


@cache
def outlined(source: bytes) -> Outline:
    found = outline(source)
    assert found is not None
    return found


def test_blocks_are_what_cpython_compiles_and_mention_what_it_looks_up():
    """Every function's code object has its block by first line, and no block has none."""
    wrong = {}
    for name, source in sources().items():
        code, found, tree = compiled(source), outlined(source), ast.parse(source)
        assert code is not None
        typed = typed_names(tree)
        blocks = {block.first: block for block in found.blocks}
        codes = {one.co_firstlineno: one for one in functions(code) if one.co_name not in typed}
        differing = codes.keys() ^ blocks.keys()
        if differing - never_compiled(tree) or len(blocks) != len(found.blocks):
            wrong[name] = differing
        for first in codes.keys() & blocks.keys():
            mentioned = {name.removeprefix("@") for name in blocks[first].mentions}
            missed = names_of(codes[first]) - mentioned
            if missed:
                wrong[f"{name}:{first}"] = missed
    assert wrong == {}
    assert len(sources()) > 20


def test_a_stored_outline_comes_back_and_is_the_same():
    """Packing loses nothing, and nothing differs from itself."""
    for source in sources().values():
        found = outlined(source)
        again = unpack(pack(found))
        assert again == found
        assert compare(found, again).quiet


def with_comments(source: bytes, chance: random.Random) -> bytes:
    """Comments, blank lines and trailing blanks where the grammar allows them."""
    text = io.TextIOWrapper(
        io.BytesIO(source), tokenize.detect_encoding(io.BytesIO(source).readline)[0]
    ).read()
    lines = text.splitlines(keepends=True)
    ends = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NEWLINE and token.string
    }
    for row in sorted(ends, reverse=True):
        if chance.random() < 0.2:
            line = lines[row - 1].rstrip("\r\n")
            lines[row - 1] = line + chance.choice(["  # x = 1\n", "  \n\n", "\n   # def f():\n\n"])
    return "".join(lines).encode("utf-8")


def test_comments_and_formatting_change_nothing():
    """Comments and blank lines at random; and Python's own rendering of the tree."""
    chance = random.Random(11)
    for name, source in sources().items():
        if "\f" in source.decode("latin-1") or b"coding" in source[:200]:
            continue
        found = outlined(source)
        spaced = outlined(with_comments(source, chance))
        change = compare(found, spaced)
        assert change.quiet, name
        assert set(change.lines) == {block.first for block in found.blocks}
        rendered = outlined(ast.unparse(ast.parse(source)).encode("utf-8", "replace"))
        change = compare(found, rendered)
        assert not change.bodies, name
        assert not change.functions, name
        assert not change.module_level, name


def body_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's own body, without its docstring and nested functions."""
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def alter(node: ast.AST) -> bool:
    """One constant, operator or name becomes another; False where the node is none of these."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | str):
        node.value = node.value + ("x" if isinstance(node.value, str) else 1)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        node.id += "_altered"
    elif isinstance(node, ast.Attribute):
        node.attr += "_altered"
    elif isinstance(node, ast.BinOp):
        node.op = ast.Mod() if isinstance(node.op, ast.Add) else ast.Add()
    elif isinstance(node, ast.Compare):
        node.ops[0] = ast.Is() if isinstance(node.ops[0], ast.Eq) else ast.Eq()
    elif isinstance(node, ast.If):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Return) and node.value is not None:
        node.value = None
    else:
        return False
    return True


def test_an_edit_in_a_body_differs_in_that_block_alone():
    """Whatever the edit; a line that moves is no difference."""
    chance = random.Random(12)
    edits = 0
    for name, source in sources().items():
        text = ast.unparse(ast.parse(source))
        tree = ast.parse(text)
        every = [
            (node, function)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in body_nodes(function)
        ]
        chance.shuffle(every)
        before = outlined(text.encode())
        for node, function in every[:EDITS]:
            first = min([function.lineno, *(one.lineno for one in function.decorator_list)])
            altered = ast.parse(text)
            twin = next(
                b for a, b in zip(ast.walk(tree), ast.walk(altered), strict=True) if a is node
            )
            if not alter(twin) or (after := rendered(altered)) is None:
                continue
            change = compare(before, outlined(after))
            assert change.bodies == {first}, (name, first, ast.dump(node)[:200])
            assert not change.module_level, name
            assert not change.functions, name
            edits += 1
    assert edits > 10


@given(
    st.lists(st.sampled_from(["a = 1", "b = a", "c = b", "f(c)", "import d"]), max_size=6),
    st.randoms(),
)
def test_moving_statements_names_at_least_what_moved(statements, chance):
    """What is not named or told stands in the old order; what stays in order is quiet."""
    moved = list(statements)
    chance.shuffle(moved)
    change = compare(outlined("\n".join(statements).encode()), outlined("\n".join(moved).encode()))
    assert change.quiet == (moved == statements)
    told = {name for _, name in change.names} | ({"f"} if change.effects else set())

    def silent(lines: list[str]) -> list[str]:
        return [line for line in lines if line.removeprefix("import ")[0] not in told]

    assert silent(moved) == silent(statements)


def rendered(tree: ast.AST) -> bytes | None:
    """The source of an altered tree, where that is one that CPython takes."""
    try:
        text = ast.unparse(tree).encode()
    except ValueError:
        return None
    return text if compiled(text) is not None else None


ASK = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from affected.lang.python.outline import outline, pack
import hashlib
def told(path):
    found = outline(open(path, "rb").read())
    return found and hashlib.sha256(pack(found)).hexdigest()
print(json.dumps([told(path) for path in json.load(sys.stdin)]))
"""


def other_versions() -> list[str]:
    """The other Pythons here that our own code runs on."""
    return [
        path for version, path in other_interpreters().items() if version not in {"3.9", "3.10"}
    ]


def test_every_version_of_python_makes_the_same_outline(tmp_path):
    """They share a cache."""
    others = other_versions()
    if not others:
        pytest.skip("no other Python from 3.11 on here")
    paths = []
    for index, source in enumerate(sources().values()):
        paths.append(tmp_path / f"{index}.py")
        paths[-1].write_bytes(source)
    answers = []
    ours = str(Path(sys.modules["affected"].__file__).parents[1])
    for python in [sys.executable, *others]:
        finished = subprocess.run(
            [python, "-c", ASK, json.dumps([ours])],
            input=json.dumps([str(path) for path in paths]),
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        answers.append(json.loads(finished.stdout))
    for name, *told in zip(sources(), *answers, strict=True):
        assert len(set(told) - {None}) == 1, name


def test_blocks_are_in_the_order_of_their_lines():
    """So that the block of a line is found by bisection."""
    for source in sources().values():
        blocks = list(outlined(source).blocks)
        assert blocks == sorted(blocks, key=lambda block: block.first)
