"""Who could need a Python file? An independent, generous answer by `ast`, to check against.

Unaware of the tool's own graph: it shares no code with it. A name that could be answered by two
files counts for both; a string that is some file's dotted name counts as an import.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path


def importers_of(root: Path, paths: Iterable[str], changed: str) -> set[str]:
    """The Python files among `paths` that may need `changed`, in however many steps, and itself."""
    python = [path for path in paths if path.endswith(".py")]
    named: dict[str, set[str]] = {}
    for path in python:
        for name in _names(path):
            named.setdefault(name, set()).add(path)
    needs = {path: _needs(root, path, named) for path in python}
    for path in python:  # a conftest.py belongs to every file below its folder
        folder = path.rpartition("/")[0]
        chain = [folder, *_above(folder)]
        needs[path] |= {f"{up}/conftest.py".lstrip("/") for up in chain} & needs.keys()
    found = {changed}
    grown = True
    while grown:
        more = {path for path in python if path not in found and needs[path] & found}
        grown = bool(more)
        found |= more
    return found


def _above(folder: str) -> list[str]:
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:count]) for count in range(len(parts))]


def _names(path: str) -> set[str]:
    """Every dotted name by which some import path could find this file."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return {".".join(parts[start:]) for start in range(len(parts))}


def _needs(root: Path, path: str, named: dict[str, set[str]]) -> set[str]:
    try:
        tree = ast.parse((root / path).read_bytes())
    except (SyntaxError, ValueError):
        return set()
    own = path.removesuffix(".py").split("/")[:-1]  # the package that relative names start from
    found: set[str] = set()
    for node in ast.walk(tree):
        for name in _imported(node, own):
            parts = name.split(".")
            for count in range(1, len(parts) + 1):
                found |= named.get(".".join(parts[:count]), set())
    return found


def _imported(node: ast.AST, own: list[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        start = own[: len(own) - node.level + 1] if node.level else []
        whole = ".".join([*start, *filter(None, [node.module])])
        yield whole
        yield from (f"{whole}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
        yield from [text] if all(part.isidentifier() for part in text.split(".")) else []
