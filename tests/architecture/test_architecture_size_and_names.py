"""Modules and functions stay small, and their names say something."""

from __future__ import annotations

import ast
import os
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_MODULE = 400
LONGEST_FUNCTION = 50  # from `def` to its last line; decorators stand before it

# Words that fit everything name nothing.
MEANINGLESS = frozenset(
    {
        "base", "common", "context", "core", "data", "engine", "handler", "helper", "helpers",
        "info", "manager", "misc", "util", "utils",
    }
)  # fmt: skip

# "Base" alone among them is a noun of the design: the commit that a change is compared with. It may
# be used for that commit, and only by these names.
THE_BASE_COMMIT = frozenset(
    {
        "base_revision",
        "test_git_base_revision",
        "Base",
        "BaseHints",
        "BaseUnresolved",
        "resolve_base",
    }
)
# Names that others gave to their things, whole: git's merge-base, the *.dist-info of the packaging
# standards, setuptools' *.egg-info.
FOREIGN = ("merge_base", "dist_info", "egg_info")

NOT_OURS = {"out", "reapi", "__pycache__"}  # the benchmarks' trees, generated code


@cache
def python_files():
    """Every Python file that is ours, from the repository's root."""
    found = []
    for house in ("src", "cache_server", "tests", "benchmarks"):
        for folder, below, names in os.walk(ROOT / house):
            below[:] = sorted(set(below) - NOT_OURS)
            inside = Path(folder).relative_to(ROOT)
            found += [inside / name for name in sorted(names) if name.endswith(".py")]
    return found


@cache
def lines_and_tree(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    return len(text.splitlines()), ast.parse(text)


@cache
def definitions(path):
    """The classes and functions of a module, nested ones too."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node for node in ast.walk(lines_and_tree(path)[1]) if isinstance(node, kinds)]


def words(name):
    """`read_HTTPData2` → read, http, data; what is called so elsewhere counts for nothing."""
    for noun in FOREIGN:
        name = name.replace(noun, "")
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return {part.lower() for part in parts}


def test_words_are_found_in_every_way_of_writing_a_name():
    """A word counts in snake_case and in CamelCase, and only when it is a whole word."""
    assert words("BaseHints") == {"base", "hints"}
    assert words("read_HTTPData2") == {"read", "http", "data"}
    assert not words("database_information") & MEANINGLESS
    assert words("read_dist_info") == {"read"}


def test_no_module_is_longer_than_400_lines():
    """What does not fit on a few screens is split by what it knows."""
    long = {str(p): n for p in python_files() if (n := lines_and_tree(p)[0]) > LONGEST_MODULE}
    assert long == {}


def test_no_function_is_longer_than_50_lines():
    """A function is read at a glance."""
    long = {
        f"{path}:{node.lineno} {node.name}": length
        for path in python_files()
        for node in definitions(path)
        if not isinstance(node, ast.ClassDef)
        and (length := node.end_lineno - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_no_name_is_made_of_a_word_that_means_nothing():
    """Modules, folders, classes and functions are named after what they know or do.

    Parameters and variables are free, and so are words of a test function's name, which is a
    sentence.
    """
    wrong = set()
    for path in python_files():
        names = {(path.stem, str(path)), *((part, str(path)) for part in path.parts[:-1])}
        names |= {
            (node.name, f"{path}:{node.lineno}")
            for node in definitions(path)
            if not node.name.startswith("test_")
        }
        wrong |= {
            (name, where)
            for name, where in names
            if words(name) & MEANINGLESS and name not in THE_BASE_COMMIT
        }
    assert wrong == set()


def test_every_exception_from_the_naming_rule_is_in_use():
    """An exception nobody needs is taken back."""
    used = {path.stem for path in python_files()}
    used |= {node.name for path in python_files() for node in definitions(path)}
    assert used >= THE_BASE_COMMIT


def test_every_module_says_what_it_is_and_what_it_is_unaware_of():
    """A module's docstring tells what the module does not know, so that it stays so.

    A package says only what its modules are about; the tree of errors is drawn.
    """
    silent = [
        str(path)
        for path in python_files()
        if path.parts[0] != "tests"
        and path.name not in {"__init__.py", "errors.py"}
        and "unaware" not in (ast.get_docstring(lines_and_tree(path)[1]) or "").lower()
    ]
    assert silent == []
