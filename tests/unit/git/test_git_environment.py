"""Environments in which git would speak of something else, or not at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from support.repositories import GitTree

import affected
from affected.errors import UserError
from affected.git.output import StatusKind
from affected.git.process import clean_environ
from affected.git.repository import Repository


@pytest.fixture
def tree(tmp_path):
    made = GitTree.init(tmp_path / "repo")
    made.commit_files({"a.py": "a\n"})
    return made


def repository(tree, **extra):
    found = Repository.discover(tree.root, {**tree.environ, **extra})
    assert found is not None
    return found


def test_variables_that_pin_another_repository_do_not_mislead(tree, tmp_path):
    """What git exports to hooks of another repository changes nothing here."""
    other = GitTree.init(tmp_path / "other")
    other.commit_files({"z.py": "z\n"})
    found = repository(
        tree,
        GIT_DIR=str(other.root / ".git"),
        GIT_WORK_TREE=str(other.root),
        GIT_INDEX_FILE=str(other.root / ".git/index"),
        GIT_OBJECT_DIRECTORY=str(other.root / ".git/objects"),
        GIT_PREFIX="sub/",
        GIT_LITERAL_PATHSPECS="1",
        GIT_CEILING_DIRECTORIES=str(tmp_path),
    )
    assert set(found.listing()) == {"a.py"}
    assert found.start_status().result().head == tree.head()


HOOK = """#!/bin/sh
exec "$PYTHON" -c '
import json, os, pathlib
from affected.git.repository import Repository
found = Repository.discover(pathlib.Path.cwd())
status = found.start_status().result()
pathlib.Path(os.environ["SAID"]).write_text(
    json.dumps([sorted(found.listing()), dict(status.changes), str(found.root)]))
'
"""


@pytest.mark.parametrize("kind", ["main", "worktree"])
def test_inside_a_hook(tree, tmp_path, kind):
    """A pre-commit hook runs with GIT_DIR and GIT_INDEX_FILE set; the right tree is seen."""
    where = tree if kind == "main" else tree.worktree(tmp_path / "linked", "side")
    source = str(Path(affected.__file__).parent.parent)
    said = tmp_path / "said"
    hooked = GitTree(
        where.root,
        {**where.environ, "PYTHON": sys.executable, "PYTHONPATH": source, "SAID": str(said)},
    )
    hook = tree.write(".git/hooks/pre-commit", HOOK, executable=True)
    assert hook.exists()
    hooked.write("a.py", "2\n")
    hooked.git("commit", "-q", "-m", "two", "a.py")
    listing, changes, root = json.loads(said.read_text())
    assert (listing, root) == (["a.py"], str(where.root))
    assert changes == {"a.py": "modified"}


def test_a_missing_git_is_a_clear_error(tree, tmp_path):
    """The error names git and PATH."""
    found = repository(tree, PATH=str(tmp_path))
    with pytest.raises(UserError, match="no `git` on PATH"):
        found.listing()
    with pytest.raises(UserError, match="no `git` on PATH"):
        found.start_status()


def test_a_git_that_cannot_be_started_is_a_clear_error(tree, tmp_path):
    """A file of that name that is no program."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("not a program")
    (tmp_path / "bin/git").chmod(0o755)
    with pytest.raises(UserError, match="cannot be started"):
        repository(tree, PATH=str(tmp_path / "bin")).listing()


def test_a_refusal_to_trust_the_owner_is_told_in_gits_words(tree):
    """`safe.directory`: git's own words, and the command that mends it."""
    found = repository(tree, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    for call in (found.listing, found.start_status().result, lambda: found.resolve("HEAD")):
        with pytest.raises(UserError, match="dubious ownership") as caught:
            call()
        assert "safe.directory" in caught.value.hint


def test_configuration_given_by_the_environment_is_kept(tree):
    """CI systems put safe.directory there."""
    found = repository(
        tree,
        GIT_TEST_ASSUME_DIFFERENT_OWNER="1",
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="safe.directory",
        GIT_CONFIG_VALUE_0="*",
    )
    assert set(found.listing()) == {"a.py"}


def test_messages_are_english_and_nothing_is_asked(tree):
    """Whatever the user's language; and a lock is only taken where the user says so."""
    environ = clean_environ({"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de", "PATH": "p"})
    assert environ["LC_ALL"] == "C"
    assert environ["GIT_TERMINAL_PROMPT"] == "0"
    assert environ["GIT_OPTIONAL_LOCKS"] == "0"
    assert clean_environ({"GIT_OPTIONAL_LOCKS": "1"})["GIT_OPTIONAL_LOCKS"] == "1"


def test_a_broken_configuration_is_told_in_gits_words(tree):
    """Git names the file and line."""
    with (tree.root / ".git/config").open("a") as file:
        file.write("[broken\n")
    with pytest.raises(UserError, match="bad config line"):
        repository(tree).listing()


def test_the_users_monitor_is_left_on(tree):
    """core.fsmonitor as a hook is the user's choice; its answer is honoured."""
    said = tree.root / ".git/asked"
    hook = tree.write(
        ".git/hooks/monitor", f"#!/bin/sh\ntouch '{said}'\nprintf 'token\\0/\\0'\n", executable=True
    )
    tree.git("config", "core.fsmonitor", str(hook))
    tree.git("config", "core.fsmonitorHookVersion", "2")
    tree.write("a.py", "other\n")
    assert repository(tree).start_status().result().changes == {"a.py": StatusKind.MODIFIED}
    assert said.exists()


def test_the_folder_vanished(tree, tmp_path):
    """A checkout removed meanwhile is named."""
    found = repository(tree)
    tree.root.rename(tmp_path / "moved")
    with pytest.raises(UserError, match="is gone"):
        found.listing()


TASTES = {
    "branch.autoSetupMerge": "always",
    "color.ui": "always",
    "column.ui": "always",
    "core.abbrev": "4",
    "core.quotePath": "true",
    "core.splitIndex": "true",
    "core.untrackedCache": "true",
    "diff.external": "false",
    "diff.ignoreSubmodules": "all",
    "diff.mnemonicPrefix": "true",
    "diff.relative": "true",
    "diff.renames": "copies",
    "diff.submodule": "log",
    "feature.manyFiles": "true",
    "index.version": "4",
    "log.showSignature": "true",
    "status.branch": "false",
    "status.relativePaths": "true",
    "status.renames": "copies",
    "status.short": "true",
    "status.showStash": "true",
    "status.showUntrackedFiles": "no",
    "submodule.recurse": "true",
}


def test_a_users_tastes_change_nothing(tree):
    """Whatever is configured for people's eyes, the answers are the same."""
    tree.write("gr\u00fcn.py", "g")
    old = tree.commit()
    for name, value in TASTES.items():
        tree.git("config", name, value)
    tree.git("mv", "a.py", "b.py")
    new = tree.commit()
    tree.write("pkg/new.py")
    tree.delete("b.py")
    found = repository(tree)
    status = found.start_status().result()
    assert (status.head, status.branch) == (new, "main")
    assert status.changes == {"pkg/new.py": StatusKind.UNTRACKED, "b.py": StatusKind.DELETED}
    assert set(found.listing()) == {"b.py", "gr\u00fcn.py"}
    assert {change.path for change in found.tree_changes(old, new)} == {"a.py", "b.py"}
    assert set(found.tree_listing("HEAD")) == {"b.py", "gr\u00fcn.py"}
    assert found.show(old, "a.py") == b"a\n"
