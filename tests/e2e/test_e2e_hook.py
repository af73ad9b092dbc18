"""The pre-push hook, with real pushes: what is pushed is checked, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.repositories import GitTree
from support.workspaces import Checkout, monorepo

FILES = {
    "pyproject.toml": '[project]\nname = "root"\n[tool.pytest.ini_options]\npythonpath = ["src"]\n',
    ".gitignore": "__pycache__/\n.pytest_cache/\n",
    "src/one.py": "def one():\n    return 1\n",
    "src/two.py": "def two():\n    return 2\n",
    "tests/test_one.py": "from one import one\n\n\ndef test_one():\n    assert one() == 1\n",
    "tests/test_two.py": "from two import two\n\n\ndef test_two():\n    assert two() == 2\n",
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository, its remote that has its first commit, and the hook installed."""
    folder = tmp_path_factory.mktemp("hook")
    made = monorepo(folder / "repo", folder / "cache", FILES)
    GitTree.init(folder / "hub", "--bare")
    made.tree.git("remote", "add", "origin", "../hub")
    made.tree.git("push", "-q", "origin", "main")
    made.affected("hook", "install")
    return folder


@pytest.fixture
def cloned(original: Path, tmp_path: Path) -> Checkout:
    """A copy of it."""
    for name in ("repo", "hub"):
        shutil.copytree(original / name, tmp_path / name, symlinks=True)
    return Checkout(tmp_path / "repo", tmp_path / "cache")


def push(checkout: Checkout, *arguments: str, **variables: str) -> tuple[int, str]:
    """Push as a user does; exit code and everything said."""
    done = subprocess.run(
        ("git", "push", "-q", *(arguments or ("origin", "main"))),
        cwd=checkout.root,
        env={**checkout.environ(), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


def test_a_push_runs_what_its_commits_affect_and_a_failure_stops_it(cloned: Checkout) -> None:
    """In place while nothing lies around; the remote keeps what it had; a skip lets it through."""
    cloned.tree.commit_files({"src/two.py": "def two():\n    return 3\n"})
    code, said = push(cloned)
    assert code != 0
    assert "in place" in said
    assert "1 failed" in said
    assert "left out 1 file" in said  # test_one was never observed, and no change reaches it
    assert "push stopped: a test failed" in said
    assert cloned.tree.git("rev-parse", "origin/main") != cloned.tree.head()
    code, said = push(cloned, AFFECTED_HOOK="skip")
    assert (code, said) == (0, "")
    assert cloned.tree.git("rev-parse", "origin/main") == cloned.tree.head()


def test_what_lies_uncommitted_takes_no_part_and_is_not_touched(cloned: Checkout) -> None:
    """A broken edit and a broken new test do not stop a good commit; a good edit saves no bad one."""
    cloned.affected("run")
    cloned.tree.commit_files({"src/two.py": "def two():\n    return 1 + 1\n"})
    cloned.write("src/one.py", "broken\n")
    cloned.write("tests/test_new.py", "def test_new():\n    assert False\n")
    before = cloned.tree.git("status", "--porcelain")
    code, said = push(cloned)
    assert code == 0, said
    assert "without what lies around it" in said
    assert "ran 1 test in 1 file" in said
    assert "reused 1 test in 1 file" in said
    assert cloned.tree.git("status", "--porcelain") == before
    cloned.tree.git("add", "src/one.py")
    cloned.tree.git("checkout", "-q", "-b", "side")
    cloned.tree.commit("broken", everything=False)
    cloned.write("src/one.py", FILES["src/one.py"])
    code, said = push(cloned, "origin", "side")
    assert code != 0
    assert "(side)" in said
    assert "tests/test_one.py" in said
    assert (cloned.root / "src/one.py").read_text() == FILES["src/one.py"]


def test_a_hook_of_somebody_else_is_never_lost(cloned: Checkout, tmp_path: Path) -> None:
    """Refused; or, asked to, kept, run first with the same input, and put back in the end."""
    cloned.affected("hook", "uninstall")
    hook = cloned.root / ".git/hooks/pre-push"
    theirs = f'#!/bin/sh\necho "theirs $1" > {tmp_path}/seen\ncat >> {tmp_path}/seen\nexit 7\n'
    hook.write_text(theirs)
    hook.chmod(0o755)
    refused = cloned.affected("hook", "install", accept=(2,))
    assert "there is a pre-push hook already" in refused.err
    assert hook.read_text() == theirs
    assert "was not written by affected" in cloned.affected("hook", "uninstall", accept=(2,)).err
    cloned.affected("hook", "install", "--chain")
    cloned.affected("hook", "install", "--chain")  # once more changes nothing
    cloned.tree.commit_files({"README.md": "words\n"})
    assert push(cloned)[0] != 0
    assert (tmp_path / "seen").read_text().splitlines()[0] == "theirs origin"
    assert cloned.tree.head() in (tmp_path / "seen").read_text()
    cloned.affected("hook", "uninstall")
    assert hook.read_text() == theirs
    assert not (hook.parent / "pre-push.before-affected").exists()


def test_a_hooks_folder_that_others_may_use_is_refused(cloned: Checkout, tmp_path: Path) -> None:
    """core.hooksPath outside the repository; inside it is honoured, from a linked worktree too."""
    cloned.affected("hook", "uninstall")
    cloned.tree.git("config", "core.hooksPath", str(tmp_path / "shared"))
    assert "other repositories" in cloned.affected("hook", "install", accept=(2,)).err
    assert not (tmp_path / "shared").exists()
    cloned.tree.git("config", "core.hooksPath", ".hooks")
    cloned.affected("hook", "install")
    assert (cloned.root / ".hooks/pre-push").exists()
    cloned.tree.git("config", "--unset", "core.hooksPath")
    linked = cloned.tree.worktree(tmp_path / "linked", "other")
    Checkout(linked.root, cloned.cache).affected("hook", "install")
    assert (cloned.root / ".git/hooks/pre-push").exists()


def test_trouble_of_its_own_never_stops_a_push(cloned: Checkout) -> None:
    """It is told, and left to CI."""
    cloned.tree.commit_files({"pyproject.toml": "[tool.affected]\nnonsense = 1\n"})
    code, said = push(cloned)
    assert code == 0
    assert "was not checked, and is left to CI" in said


def test_a_budget_that_is_too_small_for_anything_names_it_all(cloned: Checkout) -> None:
    """Nothing counts as checked that was not."""
    answer = cloned.affected("run", "--budget", "0.001")
    assert "left for later: 2 test files beyond the budget" in answer.out
    assert "tests/test_one.py" in answer.out


def test_the_pre_commit_frameworks_variables_are_read(cloned: Checkout) -> None:
    """It sets them instead of passing on what git says."""
    first = cloned.tree.head()
    second = cloned.tree.commit_files({"src/one.py": "def one():\n    return 0\n"})
    told = {"PRE_COMMIT_FROM_REF": first, "PRE_COMMIT_TO_REF": second}
    answer = cloned.with_variables(**told).affected("hook", "run", accept=(1,))
    assert "1 failed" in answer.out
    hooks = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text()
    assert "entry: affected hook run" in hooks
    assert "stages: [pre-push]" in hooks
