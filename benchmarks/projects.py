"""Real projects whose source archives hold their tests: fetched, unpacked, committed, installed.

Unaware of what is checked on them. Everything lies in `benchmarks/out/real/NAME/`: `tree` is the
unconfigured project with its tests' requirements in `tree/.venv`. Fetching goes through pip and so
through whatever package index pip is set up for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from benchmarks.trees import git, make_out

_EXCLUDED = ("__pycache__/", "*.pyc", ".venv/", ".pytest_cache/", ".hypothesis/", "*.egg-info/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A source archive of the package index, and what its tests need."""

    name: str
    version: str
    requirements: tuple[str, ...]  # of its tests, pytest left out
    arguments: tuple[str, ...] = ()  # for pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Archive):
    """A project whose edits, which claims are checked on, are chosen by hand."""

    function: tuple[str, str]  # file and name of a function that tests call
    deleted: str  # a module that something imports
    document: str
    data: str = ""  # a file that tests read, "" where there is none
    hard: str = ""  # why it is checked only when it is named


Kind = TypeVar("Kind", bound=Archive)


@dataclass(frozen=True, slots=True)
class Prepared(Generic[Kind]):
    """A project ready to be tested."""

    recipe: Kind
    tree: Path
    python: Path


def prepare(recipe: Kind, purpose: str = "real") -> Prepared[Kind]:
    """Make the project ready, or find that it is; RuntimeError when a step fails.

    Each purpose has checkouts of its own.
    """
    home = make_out() / purpose / recipe.name
    tree = home / "tree"
    python = tree / ".venv" / "bin" / "python"
    mark = home / "ready.json"
    wanted = json.dumps([recipe.version, recipe.requirements, sys.version])
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        print(f"preparing {recipe.name} {recipe.version} …", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _unpack(_fetch(recipe, home), home, tree)
        _install(recipe, tree, python)
        _commit(tree)
        mark.write_text(wanted, encoding="utf-8")
    return Prepared(recipe, tree, python)


def _fetch(recipe: Archive, home: Path) -> Path:
    archives = home / "archive"
    wanted = f"{recipe.name}=={recipe.version}"
    words = ["download", "--no-deps", "--no-binary", ":all:", "--dest", str(archives), wanted]
    _run([sys.executable, "-m", "pip", *words], home)
    return next(path for path in archives.iterdir() if path.name.endswith(".tar.gz"))


def _unpack(archive: Path, home: Path, tree: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(home / "unpacked", filter="data")
    (only,) = (home / "unpacked").iterdir()
    only.rename(tree)


def _install(recipe: Archive, tree: Path, python: Path) -> None:
    _run([sys.executable, "-m", "venv", str(python.parent.parent)], tree)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "pytest", *recipe.requirements], tree)
    _run([*pip, "--editable", "."], tree)


def _commit(tree: Path) -> None:
    shutil.rmtree(tree / ".git", ignore_errors=True)
    git(tree, "-c", "init.defaultBranch=main", "init", "-q")
    (tree / ".git" / "info").mkdir(exist_ok=True)
    (tree / ".git" / "info" / "exclude").write_text("\n".join(_EXCLUDED) + "\n", encoding="utf-8")
    git(tree, "add", "--force", "--all", "--", ":!.venv", ":!*/__pycache__/*")
    git(tree, "commit", "-q", "-m", "As released")


def _run(words: list[str], folder: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        words, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        tail = (done.stdout + done.stderr)[-2000:]
        raise RuntimeError(f"{' '.join(words[-3:])} ended with {done.returncode}:\n{tail}")


_ALL = (
    Recipe(
        name="marshmallow",
        version="4.4.0",
        requirements=("simplejson",),
        function=("src/marshmallow/experimental/context.py", "get"),
        deleted="src/marshmallow/experimental/context.py",
        document="README.rst",
    ),
    Recipe(
        name="jinja2",
        version="3.1.6",
        requirements=("trio",),
        function=("src/jinja2/meta.py", "find_undeclared_variables"),
        deleted="src/jinja2/nativetypes.py",
        document="docs/index.rst",
        data="tests/res/templates/test.html",
    ),
    Recipe(
        name="werkzeug",
        version="3.1.9",
        requirements=(
            "pytest-timeout",
            "pytest-xprocess",
            "ephemeral-port-reserve",
            "cryptography",
        ),
        function=("src/werkzeug/middleware/proxy_fix.py", "_get_real_value"),
        deleted="src/werkzeug/middleware/lint.py",
        document="README.md",
        data="tests/multipart/ie7_full_path_request.http",
    ),
    Recipe(
        name="attrs",
        version="26.1.0",
        requirements=("hypothesis", "cloudpickle", "pympler"),
        function=("tests/utils.py", "simple_class"),
        deleted="tests/strategies.py",
        document="README.md",
    ),
    Recipe(
        name="tomlkit",
        version="0.15.2",
        requirements=("pyyaml",),
        function=("tomlkit/toml_file.py", "read"),
        deleted="tests/util.py",
        document="README.md",
        data="tests/examples/hard.toml",
    ),
    Recipe(
        name="babel",
        version="2.18.0",
        requirements=("freezegun", "tzdata"),
        function=("babel/units.py", "format_unit"),
        deleted="babel/lists.py",
        document="README.rst",
        data="tests/messages/data/mapping.cfg",
        hard="its conftest.py collects doctests of its own accord; its tests write into the tree",
    ),
    Recipe(
        name="networkx",
        version="3.7",
        requirements=(),
        function=("networkx/generators/atlas.py", "graph_atlas_g"),
        deleted="networkx/classes/tests/historical_tests.py",
        document="README.rst",
        data="networkx/algorithms/isomorphism/tests/iso_r01_s80.A99",
    ),
)
PROJECTS = {recipe.name: recipe for recipe in _ALL}
