"""Random edits of a small workspace: refreshed step by step or made at once, it is the same."""

from __future__ import annotations

import itertools
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.opened import Opened
from support.repositories import GitTree, isolated_environ

EXAMPLES = 15
MODULES = [
    "a.py", "m.py", "plug.py", "conftest.py", "test_top.py",
    "pkg/__init__.py", "pkg/m.py", "pkg/sub/__init__.py", "pkg/sub/m.py",
    "src/a.py", "src/pkg/m.py",
    "tests/__init__.py", "tests/conftest.py", "tests/test_a.py", "tests/m.py",
    "lib/conftest.py", "lib/src/pkg/__init__.py", "lib/src/pkg/m.py", "lib/src/own.py",
    "lib/tests/test_l.py", "lib/tests/m.py", "lib/check_c.py",
]  # fmt: skip
STATEMENTS = [
    "import a", "import m", "import own", "import pkg", "import pkg.m", "import pkg.sub.m as x",
    "from pkg import m", "from pkg import *", "from pkg.sub import m, other", "from a import m",
    "from . import m", "from .m import x", "from .. import m", "from .sub import m", "import lib",
    "import tests.m", "from tests import conftest", "import numpy", "def f():\n    import a",
    "if TYPE_CHECKING:\n    import pkg.m", "import_module('pkg.sub.m')", "patch('pkg.m.x')",
    "pytest_plugins = 'plug'", "pytest_plugins = ['pkg.m']", "x = 1", "import (",
]  # fmt: skip
SETTINGS = {
    "pyproject.toml": [
        "[project]\nname = 'root'\n",
        "[tool.pytest.ini_options]\npythonpath = ['src']\n",
        "[tool.pytest.ini_options]\ntestpaths = ['tests']\naddopts = '-p plug'\n",
        "[tool.setuptools.packages.find]\nwhere = ['lib/src']\n",
        "[tool.pytest.ini_options]\naddopts = '--doctest-modules'\n",
        "[tool.pytest.ini_options]\naddopts = '--doctest-glob=*.txt'\n",
        "not = = toml",
    ],
    "pytest.ini": ["[pytest]\npython_files = check_*.py test_*.py\n", "[pytest]\n"],
    "lib/pyproject.toml": [
        "[project]\nname = 'lib'\n",
        "[project]\nname = 'lib'\n[tool.pytest.ini_options]\npythonpath = ['src']\n",
    ],
    "lib/setup.cfg": ["[tool:pytest]\npython_files = check_*.py\n", "[metadata]\nname = lib\n"],
    "affected.toml": ["source-roots = ['lib/src']\n", "ignore = ['lib']\n", "env = []\n"],
    "notes.txt": [">>> import a\n", ">>> from pkg import m\n", "nothing"],
    "lib/notes.txt": [">>> import own\n", ""],
}

sources = st.lists(st.sampled_from(STATEMENTS), max_size=3).map(
    lambda lines: "\n".join(lines) + "\n"
)
modules = st.sampled_from(MODULES)
EDITS = st.one_of(
    st.tuples(st.just("write"), modules, sources),
    st.tuples(st.just("write"), modules, sources),
    st.tuples(st.just("delete"), st.sampled_from([*MODULES, *SETTINGS])),
    st.tuples(st.just("move"), modules, modules),
    st.tuples(st.just("delete"), st.sampled_from(["pkg", "lib", "tests", "src"])),
    st.sampled_from([("write", path, text) for path, texts in SETTINGS.items() for text in texts]),
)
STEPS = st.lists(st.lists(EDITS, min_size=1, max_size=4), min_size=1, max_size=5)
STARTS = st.lists(st.tuples(modules, sources), max_size=15)
numbers = itertools.count()


def take(tree, edit):
    """One edit; one that makes no sense in this state does nothing."""
    match edit:
        case ("write", path, text):
            tree.write(path, text)
        case ("delete", path):
            file = tree.root / path
            if file.is_dir():
                shutil.rmtree(file)
            else:
                file.unlink(missing_ok=True)
        case ("move", old, new):
            if (tree.root / old).exists():
                tree.write(new, (tree.root / old).read_bytes())
                if old != new:
                    tree.delete(old)


def as_values(opened):
    """Everything a catalogue says, in a form to compare."""
    catalogue, targets = opened.catalogue()
    graph = catalogue.graph
    edges = {path: set(graph.edges(path)) for path in graph.nodes()}
    return {
        "edges": {path: needed for path, needed in edges.items() if needed},
        "targets": targets,
        "projects": catalogue.shape.projects,
        "settings": dict(catalogue.shape.settings),
        "notices": catalogue.shape.notices,
        "roots": catalogue.roots,
    }


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    return tmp_path_factory.mktemp("random")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(STARTS, STEPS)
def test_refreshing_step_by_step_gives_what_making_it_anew_gives(top, starts, steps):
    """Imports, packages, captures, settings, projects: after every step graph and targets agree."""
    folder = top / str(next(numbers))
    opened = Opened(GitTree(folder / "tree", isolated_environ()), folder / "cache")
    opened.tree.root.mkdir(parents=True)
    opened.tree.write("affected.toml", "")
    for path, text in starts:
        opened.tree.write(path, text)
    opened.catalogue()
    for number, step in enumerate(steps):
        for edit in step:
            take(opened.tree, edit)
        assert as_values(opened) == as_values(opened.anew(folder / f"anew-{number}"))
