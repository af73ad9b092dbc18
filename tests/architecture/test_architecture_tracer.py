"""The tracer can be a guest in any test process: standard library, pytest, Python 3.9."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

TRACER = Path(__file__).resolve().parents[2] / "src" / "affected" / "tracer"
MODULES = sorted(TRACER.rglob("*.py"))
ALLOWED = sys.stdlib_module_names | {"pytest", "_pytest"}


def named(path):
    return str(path.relative_to(TRACER))


def imported(path):
    """The name that each import statement of a module gives, as written."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_there_is_a_tracer_to_look_at():
    """The tests below look at something."""
    assert len(MODULES) > 5


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_the_tracer_imports_the_standard_library_and_pytest_only(path):
    """It must run in any interpreter that runs the user's tests, whatever is installed there."""
    foreign = {
        name
        for name in imported(path)
        if not name.startswith((".", "affected.tracer")) and name.partition(".")[0] not in ALLOWED
    }
    assert foreign == set()


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_the_tracer_is_written_in_the_syntax_of_python_3_9(path):
    """No `match`, no `except*`, no later syntax."""
    ast.parse(path.read_text(), feature_version=(3, 9))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_annotations_of_the_tracer_are_not_evaluated(path):
    """`X | None` in an annotation is an error of Python 3.9 unless annotations stay text."""
    tree = ast.parse(path.read_text())
    annotations = [
        found
        for node in ast.walk(tree)
        for found in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if found is not None
    ]
    unions = [
        part for note in annotations for part in ast.walk(note) if isinstance(part, ast.BinOp)
    ]
    as_text = any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body
    )
    assert as_text or not unions
