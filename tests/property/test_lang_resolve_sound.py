"""What the resolver says covers what Python's own import system does, on made-up workspaces."""

from __future__ import annotations

import builtins
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affected.lang.python.projects import discover_projects
from affected.lang.python.resolve import Resolver
from affected.lang.python.roots import find_roots
from affected.lang.python.scan import scan_packed

NAMES = ["qa", "qb", "qc", "colorsys"]
FOLDERS = ["", "src/", "tests/"]
ENTRY = "tests/test_entry.py"

name = st.sampled_from(NAMES)
dotted = st.lists(name, min_size=1, max_size=3).map(".".join)
relative = st.sampled_from([".", "..", ".qa", ".qb", "..qb", ".qc.qa"])

statement = st.one_of(
    dotted.map(lambda module: f"import {module} as x"),
    st.tuples(dotted, name).map(lambda pair: f"from {pair[0]} import {pair[1]} as x"),
    st.tuples(relative, name).map(lambda pair: f"from {pair[0]} import {pair[1]} as x"),
    dotted.map(lambda module: f"from {module} import *; x = '{module}'"),
    dotted.map(lambda module: f"x = __import__('importlib').import_module('{module}')"),
)


def body(statements: list[str], attributes: list[str], exports: list[str]) -> str:
    """A module that runs its statements, notes what each gave, and lives on when one fails."""
    lines = ["seen = __import__('builtins').affected_seen"]
    lines += [f"{one} = 'attribute {one}'" for one in attributes]
    for at, text in enumerate(statements):
        lines += [
            "try:",
            f"    {text}",
            f"    seen((__name__, {at}, x))",
            "except (ImportError, AttributeError):",
            f"    seen((__name__, {at}, None))",
        ]
    if exports:
        lines.append(f"__all__ = {exports!r}")
    return "\n".join(lines) + "\n"


few_names = st.lists(name, max_size=1)
contents = st.builds(body, st.lists(statement, max_size=3), few_names, few_names)
module_path = st.builds(
    lambda folder, parts, end: folder + "/".join(parts) + end,
    st.sampled_from(FOLDERS),
    st.lists(name, min_size=1, max_size=3),
    st.sampled_from([".py", "/__init__.py"]),
)
trees = st.dictionaries(module_path, contents, max_size=9)


@contextmanager
def importing(root: Path, order: list[str]) -> Iterator[list[object]]:
    """`root`'s folders first on sys.path; afterwards everything is as before."""
    log: list[object] = []
    kept_path, kept_modules, kept_flag = sys.path[:], set(sys.modules), sys.dont_write_bytecode
    sys.path[:0] = [str(root / folder) if folder else str(root) for folder in order]
    sys.dont_write_bytecode = True
    builtins.affected_seen = log.append
    hidden = {key: sys.modules.pop(key) for key in NAMES if key in sys.modules}
    importlib.invalidate_caches()
    try:
        yield log
    finally:
        for key in set(sys.modules) - kept_modules:
            del sys.modules[key]
        sys.modules.update(hidden)
        sys.path[:] = kept_path
        sys.dont_write_bytecode = kept_flag
        sys.path_importer_cache.clear()
        del builtins.affected_seen


def place(root: Path, thing: object) -> object:
    """Something to compare: the file of a module, the folders of a namespace, or the value."""
    file = getattr(thing, "__file__", None)
    if file:
        return os.path.relpath(file, root)
    spots = getattr(thing, "__path__", None)
    return tuple(os.path.relpath(spot, root) for spot in spots) if spots else repr(thing)


def run(files: dict[str, str], order: list[str]) -> tuple[set[str], list[object]]:
    """The files that Python loads for the entry, and what each statement gave."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        (root / "src").mkdir(exist_ok=True)
        with importing(root, order) as log:
            importlib.import_module("test_entry")
            loaded = {
                os.path.relpath(file, root)
                for module in list(sys.modules.values())
                if (file := getattr(module, "__file__", None)) and file.startswith(str(root))
            }
            return loaded, [(who, at, place(root, what)) for who, at, what in log]


def resolver(files: dict[str, str]) -> Resolver:
    paths = set(files)
    folders = {path[:at] for path in paths for at, sign in enumerate(path) if sign == "/"}
    projects, _ = discover_projects(paths, lambda path: files[path].encode())
    roots = find_roots(
        paths, projects, {}, tests=[ENTRY], read=lambda path: files[path].encode(), extra=["src"]
    )
    return Resolver(roots, paths.__contains__, folders.__contains__)


def closure(files: dict[str, str]) -> tuple[set[str], set[str]]:
    """The files that the entry's edges reach, and the keys that decide the edges."""
    ask = resolver(files)
    reached, keys, todo = {ENTRY}, set(), [ENTRY]
    while todo:
        path = todo.pop()
        found = ask.resolve_packed(path, scan_packed(files[path].encode()))
        keys |= set(found.modules)
        new = {needed for needed, _ in found.edges} - reached
        reached |= new
        todo += new
    return reached, keys


orders = st.permutations(["", "src", "tests"])
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(files=trees, entry=st.lists(statement, min_size=1, max_size=4), order=orders)
def test_every_file_that_python_loads_is_reached(files, entry, order):
    """Whatever the order of sys.path, packages, namespaces, shadowed names, failing imports."""
    files = {**files, ENTRY: body(entry, [], [])}
    loaded, _ = run(files, order)
    reached, _ = closure(files)
    assert loaded <= reached


@quick
@given(
    files=trees,
    entry=st.lists(statement, min_size=1, max_size=4),
    order=orders,
    added=st.tuples(module_path, contents),
    at=st.integers(0, 20),
)
def test_a_file_that_comes_or_goes_changes_an_answer_when_it_changes_anything(
    files, entry, order, added, at
):
    """If any statement gives something else, a reached file is gone or a key has other candidates."""
    before = {**files, ENTRY: body(entry, [], [])}
    if at < len(files):
        gone = sorted(files)[at]
        after = {path: text for path, text in before.items() if path != gone}
    else:
        after = {**dict([added]), **before}
    _, seen = run(before, order)
    _, now = run(after, order)
    if seen == now:
        return
    reached, keys = closure(before)
    then, later = resolver(before), resolver(after)
    moved = any(path not in after for path in reached)
    assert moved or any(then.candidates(key) != later.candidates(key) for key in keys)
