"""The scanner never misses an import that Python's own parser finds."""

from __future__ import annotations

import ast
import os
import sysconfig
import warnings
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affected.lang.python.scan import Scanner, pack, scan, unpack

FULL = bool(os.environ.get("AFFECTED_FULL"))


def told(source: bytes) -> set[tuple[str, str]]:
    """The imports in a source by Python's parser, as (module, name) pairs."""
    pairs: set[tuple[str, str]] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            pairs |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            pairs |= {(module, alias.name) for alias in node.names}
    return pairs


def found(packed: bytes) -> set[tuple[str, str]]:
    facts = unpack(packed)
    assert sorted(pack(facts).split(b"\n")) == sorted(packed.split(b"\n"))
    return {(one.module, name) for one in facts.imports for name in (one.names or ("",))}


def sources(folder: str) -> list[Path]:
    """Every Python file below a folder; a fixed sample of them unless AFFECTED_FULL is set."""
    root = Path(folder)
    every = sorted(path for path in root.rglob("*.py") if path.is_file())
    if FULL:
        return every
    return [
        path
        for path in every
        if zlib.crc32(os.fsencode(path.relative_to(root))) % 24 == 0
        or path.name.startswith(("badsyntax", "bad_coding", "encoded_modules"))
    ]


@pytest.mark.parametrize("part", ["stdlib", "purelib"])
def test_no_import_of_real_files_is_missed(part):
    """Over the standard library and everything installed beside this test."""
    scanner = Scanner()
    missed = {}
    parsed = 0
    for path in sources(sysconfig.get_path(part)):
        source = path.read_bytes()
        packed = scanner.packed(source)
        try:
            expected = told(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        parsed += 1
        if expected - found(packed):
            missed[path.name] = expected - found(packed)
    assert not missed
    assert parsed > 10


BLANK = st.sampled_from([" ", "  ", "\t", "\x0c", " \\\n ", "\\\n", "\t \\\n\t"])
SOME = st.lists(BLANK, min_size=1, max_size=2).map("".join)
MAYBE = st.lists(BLANK, max_size=2).map("".join)
NAME = st.sampled_from(
    ["a", "b_c", "importer", "fromage", "x1", "as_", "été", "ﬁ", "важно", "_", "import_", "of"]
)
COMMENT = st.sampled_from(
    ["# x", "# from a import (b", "#)", "# import a, \\", "# from a \\", "# '''", '# "', "#\\"]
)


@st.composite
def dotted(draw):
    parts = draw(st.lists(NAME, min_size=1, max_size=3))
    text = parts[0]
    for part in parts[1:]:
        text += draw(MAYBE) + "." + draw(MAYBE) + part
    return text


@st.composite
def aliased(draw, name):
    text = draw(name)
    if draw(st.booleans()):
        text += draw(SOME) + "as" + draw(SOME) + draw(NAME)
    return text


@st.composite
def listed(draw, item, gap):
    text = draw(item)
    for _ in range(draw(st.integers(0, 2))):
        text += draw(gap) + "," + draw(gap) + draw(item)
    return text


@st.composite
def plain(draw):
    return "import" + draw(SOME) + draw(listed(aliased(dotted()), MAYBE))


@st.composite
def from_import(draw):
    level = draw(st.integers(0, 3))
    dots = "".join("." + draw(MAYBE) for _ in range(level))
    module = draw(dotted()) if not level or draw(st.booleans()) else ""
    text = "from" + (draw(MAYBE) if dots else draw(SOME)) + dots + module
    text += (draw(SOME) if module else draw(MAYBE)) + "import"
    form = draw(st.sampled_from(["names", "star", "brackets"]))
    if form == "star":
        return text + draw(MAYBE) + "*"
    if form == "names":
        return text + draw(SOME) + draw(listed(aliased(NAME), MAYBE))
    gap = st.one_of(MAYBE, st.just("\n"), COMMENT.map(lambda one: f" {one}\n"))
    names = draw(listed(aliased(NAME), gap))
    comma = draw(st.sampled_from(["", ",", " , "]))
    return f"{text}{draw(MAYBE)}({draw(gap)}{names}{comma}{draw(gap)})"


NOISE = st.sampled_from(
    [
        "x = 1",
        "f(a, b)",
        "x = 'import a'",
        "x = '#'",
        'x = "from a import ("',
        "x = (1,  # from a import (\n 2)",
        "x = [  # import a, \\\n 1]",
        "x = {'a': f'{b}'}",
        "lambda: x",
        "x = '''\nimport a\nfrom b import (\n'''",
        '"""from a import b, \\\n"""',
        "x = 'a \\\nimport b'",
        "global x",
        "...",
        "x = -1",
    ]
)
STATEMENT = st.one_of(plain(), from_import().filter(lambda one: "*" not in one), NOISE)
TOP = st.one_of(plain(), from_import(), NOISE)


@st.composite
def line(draw, statement):
    text = draw(statement)
    for _ in range(draw(st.integers(0, 2))):
        text += draw(MAYBE) + ";" + draw(MAYBE) + draw(statement)
    if draw(st.booleans()):
        text += draw(MAYBE) + ";"
    if draw(st.booleans()):
        text += " " + draw(COMMENT)
    return text


HEADS = [
    "if x:",
    "else_",
    "def f():",
    "async def f():",
    "class A:",
    "for x in y:",
    "with x:",
    "try:",
]


@st.composite
def block(draw, depth, indent):
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 4))
        statement = STATEMENT if depth else TOP
        if kind == 0 and depth < 3:
            head = draw(st.sampled_from(HEADS))
            inner = indent + draw(st.sampled_from([" ", "    ", "\t"]))
            if draw(st.booleans()):
                rows.append(f"{indent}{head}{draw(MAYBE)}{draw(line(STATEMENT))}")
            else:
                tail = draw(st.sampled_from(["", " # import a, \\"]))
                rows.append(f"{indent}{head}{tail}\n{draw(block(depth + 1, inner))}")
            if head == "try:":
                rows.append(f"{indent}except E:{draw(MAYBE)}{draw(line(STATEMENT))}")
        elif kind == 1:
            rows.append(indent + draw(COMMENT))
        else:
            rows.append(indent + draw(line(statement)))
    rows.append(indent + "pass")
    return "\n".join(rows)


@given(
    text=block(0, ""),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "koi8-r", "latin-1"]),
)
def test_no_import_of_made_up_sources_is_missed(text, newline, encoding):
    """Any spacing, nesting, comments and strings around, any line ends and encodings."""
    if encoding in {"koi8-r", "latin-1"}:
        text = f"# -*- coding: {encoding} -*-\n{text}"
    source = text.replace("\n", newline).encode(encoding, "ignore")
    try:
        expected = told(source)
    except SyntaxError:  # what was ignored, or a comment that took the rest of a line
        scan(source)
        return
    assert expected <= found(Scanner().packed(source))


@given(
    st.binary(max_size=200) | st.text("import from.()\n\\#;:\"'abc", max_size=200).map(str.encode)
)
def test_any_bytes_can_be_scanned(source):
    """No input raises, and its facts can be stored."""
    facts = scan(source)
    assert unpack(pack(facts)) == facts
