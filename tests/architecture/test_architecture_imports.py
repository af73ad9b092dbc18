"""The law of imports: the contracts of pyproject.toml hold, and each of them bites."""

from __future__ import annotations

import graphlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = "Rooms point one way"
GUEST = "The tracer is a guest in the user's test process"
PURE = "Pure rooms do no I/O"
HEAVY = "Heavy packages have one home each"
CYCLES = "No cycles between siblings"
LINT = "from importlinter.cli import lint_imports_command as lint; lint()"


def verdicts(root, cache):
    """KEPT or BROKEN of each contract of the tree in `root`, by import-linter itself."""
    packages = os.pathsep.join(
        str(root / folder) for folder in ("src", ".") if (root / folder).is_dir()
    )
    answer = subprocess.run(
        [sys.executable, "-c", LINT, "--config", "pyproject.toml", "--cache-dir", str(cache)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": packages, "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = dict(re.findall(r"^(\S.*\S) (KEPT|BROKEN)\b", answer.stdout, re.MULTILINE))
    assert found, answer.stdout + answer.stderr
    return found


def broken(root, cache):
    """The names of the contracts that do not hold."""
    return {name for name, verdict in verdicts(root, cache).items() if verdict == "BROKEN"}


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the sources, to do wrong in."""
    root = tmp_path_factory.mktemp("law")
    without = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
    for folder in ("src", "cache_server"):
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, root / folder, ignore=without)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def test_every_contract_holds(tmp_path):
    """The sources keep every contract of pyproject.toml, and the law is not empty."""
    found = verdicts(ROOT, tmp_path)
    assert {LAYERS, GUEST, PURE, HEAVY, CYCLES} <= found.keys()
    assert set(found.values()) == {"KEPT"}


VIOLATIONS = {
    "a room that imports a room above it": (
        "model/digest.py",
        "from affected.cli import exit_status",
        {LAYERS, CYCLES},
    ),
    "a sibling imported inside a function": (
        "git/output.py",
        "def peek() -> object:\n    from affected.fs import ignore\n    return ignore",
        {LAYERS},
    ),
    "a sibling imported for its types only": (
        "hashing/checksum.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from affected.lang import python",
        {LAYERS},
    ),
    "a room that no layer names": ("attic.py", "", {LAYERS}),
    "a tracer that imports what is ours": (
        "tracer/spool.py",
        "from affected import errors",
        {LAYERS},
    ),
    "a tracer that imports what is installed": ("tracer/spool.py", "import xxhash", {GUEST}),
    "a pure room that starts processes": ("selection/shard.py", "import subprocess", {PURE}),
    "a pure room that reads the index": (
        "report/style.py",
        "from affected.state import rows",
        {PURE},
    ),
    "a pure room that does I/O through another": (
        "graph/why.py",
        "from affected.config import load\nimport tempfile",
        {PURE},
    ),
    "networkx outside its home": ("app/query.py", "import networkx", {HEAVY}),
    "grpc outside its home": ("cache/shared.py", "import grpc", {HEAVY}),
    "two modules of a room that need each other": (
        "git/output.py",
        "from affected.git import repository",
        {CYCLES},
    ),
}


@pytest.mark.parametrize("wrong", VIOLATIONS)
def test_a_violation_breaks_the_contract_that_forbids_it(copied, tmp_path_factory, wrong):
    """What the law forbids is found, and told under the right name."""
    place, lines, expected = VIOLATIONS[wrong]
    path = copied / "src" / "affected" / place
    before = path.read_text() if path.exists() else None
    path.write_text((before or "") + "\n" + lines + "\n")
    try:
        assert broken(copied, tmp_path_factory.getbasetemp() / "lint-cache") == expected
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)


def test_no_module_needs_itself():
    """There is no import cycle at all, lazy imports and those for types included."""
    graph = grimp.build_graph("affected", exclude_type_checking_imports=False, cache_dir=None)
    needs = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(needs) > 50
    graphlib.TopologicalSorter(needs).prepare()


def test_a_package_does_not_import_its_own_modules():
    """An `__init__.py` imports nothing of its package, so that each module costs only itself."""
    graph = grimp.build_graph("affected", cache_dir=None)
    greedy = {
        package: inside
        for package in graph.modules
        if (
            inside := graph.find_modules_directly_imported_by(package)
            & graph.find_descendants(package)
        )
    }
    assert greedy == {}
