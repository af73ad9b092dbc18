"""What a command loads: names of modules, not milliseconds, so that the test cannot flake."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.children import SOURCES, ask
from support.repositories import GitTree, isolated_environ

from affected.cli.program import COMMANDS

NEVER = (
    "asyncio",
    "boto3",
    "google.protobuf",
    "grpc",
    "importlib.metadata",
    "multiprocessing",
    "networkx",
    "pytest",
    "_pytest",
    "unittest",
)
WITHOUT_WORK = (
    "affected.app.compose",
    "affected.app.knowledge",
    "affected.app.run",
    "affected.app.survey",
    "affected.cache.lookup",
    "affected.cache.record",
    "affected.graph",
    "affected.hashing",
    "affected.lang.python.resolve",
    "affected.lang.python.scan",
    "affected.report.junit",
    "affected.report.jsonl",
    "affected.report.progress",
    "affected.run.execute",
    "affected.run.plan",
    "affected.selection",
    "affected.state",
    "affected.tracer",
    "click",
    "concurrent.futures",
    "dataclasses",
    "difflib",
    "email",
    "http",
    "logging",
    "socket",
    "sqlite3",
    "tempfile",
    "tomllib",
    "xml",
)


def loaded(answer, names):
    """Those of `names` that were loaded, with whatever lies below them."""
    return {
        module
        for module in answer.modules
        if any(module == name or module.startswith(name + ".") for name in names)
    }


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """A repository in which everything is proved, and the environment to ask about it."""
    top = tmp_path_factory.mktemp("startup")
    environ = isolated_environ({"AFFECTED_CACHE_DIR": str(top / "cache")})
    tree = GitTree.init(top / "repo", extra={"AFFECTED_CACHE_DIR": str(top / "cache")})
    tree.commit_files(
        {
            "one.py": "def one():\n    return 1\n",
            "test_one.py": "import one\n\n\ndef test_one():\n    assert one.one()\n",
        }
    )
    first = ask(tree.root, environ, "run")
    assert first.code == 0, first.out + first.err
    return tree, environ


def test_help_loads_no_command(settled, tmp_path):
    """`affected --help` names every command and loads none of them, whatever their cost."""
    answer = ask(tmp_path, settled[1], "--help")
    assert answer.code == 0
    assert [name for name in COMMANDS if f"  {name} " not in answer.out] == []
    assert loaded(answer, NEVER) == set()
    ours = {module for module in answer.modules if module.startswith("affected.")}
    assert ours == {
        "affected.cli",
        "affected.cli.exit_status",
        "affected.cli.main",
        "affected.cli.program",
        "affected.errors",
    }


def test_a_run_with_nothing_to_do_loads_nothing_that_work_needs(settled):
    """When everything is proved, neither graph nor scanner, tracer nor reports are loaded."""
    tree, environ = settled
    answer = ask(tree.root, environ, "run")
    assert (answer.code, answer.out.partition(":")[0]) == (0, "nothing to run")
    assert loaded(answer, NEVER) == set()
    assert loaded(answer, WITHOUT_WORK) == set()


def test_a_list_loads_nothing_that_runs_tests(settled):
    """`affected list` has the graph, and neither what executes nor what is heavy."""
    tree, environ = settled
    answer = ask(tree.root, environ, "list", "--base", "HEAD")
    assert answer.code == 0, answer.err
    assert loaded(answer, NEVER) == set()
    assert loaded(answer, ["affected.run.execute", "affected.report.junit", "affected.tracer"]) == (
        set()
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_loads_nothing_heavy(settled, tmp_path, command):
    """`affected COMMAND --help` is as quick as its module."""
    answer = ask(tmp_path, settled[1], command, "--help")
    assert answer.code == 0
    assert loaded(answer, NEVER) == set()


IMPORT_ALL = """
import importlib, pkgutil, signal, sys, threading
WATCHED = {"os.mkdir", "os.putenv", "os.remove", "os.rename", "socket.connect", "sqlite3.connect",
           "subprocess.Popen"}
happened = []
sys.addaudithook(lambda event, args: event in WATCHED and happened.append((event, args)))
import affected
before = signal.getsignal(signal.SIGINT)
for module in pkgutil.walk_packages(affected.__path__, "affected."):
    if module.name == "affected.__main__":
        continue
    try:
        importlib.import_module(module.name)
    except ImportError as missing:  # an optional package that is not installed here
        assert not (missing.name or "").startswith("affected"), missing
assert happened == [], happened
assert threading.active_count() == 1
assert signal.getsignal(signal.SIGINT) is before
"""


def test_importing_any_module_does_nothing(tmp_path):
    """No module writes, prints, starts a process or thread, or takes a signal by being imported."""
    answer = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT_ALL],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
