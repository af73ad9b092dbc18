"""Finding the repository, its worktrees, and saying clearly when there is none."""

from __future__ import annotations

import os
import subprocess

import pytest
from support.repositories import GitTree

from affected.errors import UserError
from affected.fs.workspace import find_root
from affected.git.repository import Repository


@pytest.fixture
def tree(tmp_path):
    made = GitTree.init(tmp_path / "repo")
    made.commit_files({"pkg/a.py": "a\n"})
    return made


def test_it_is_found_from_any_folder_inside_without_a_process(tree, monkeypatch):
    """Walking up is enough."""
    monkeypatch.setattr(subprocess, "Popen", None)
    for start in (tree.root, tree.root / "pkg", tree.root / "pkg/a.py", tree.root / "no/such"):
        found = Repository.discover(start, tree.environ)
        assert found is not None
        assert found.root == tree.root
        assert found.git_dir == found.common_dir == tree.root / ".git"
        assert found.object_format == "sha1"


def test_there_is_none_outside(tmp_path):
    """A plain folder has no repository."""
    assert Repository.discover(tmp_path) is None


def test_an_empty_git_folder_is_not_one(tree):
    """Git looks further up, and so do we."""
    (tree.root / "pkg/.git").mkdir()
    found = Repository.discover(tree.root / "pkg", tree.environ)
    assert found is not None
    assert found.root == tree.root


def test_a_worktree_keeps_two_folders(tree, tmp_path):
    """Its own, and the one shared by all worktrees."""
    linked = tree.worktree(tmp_path / "linked", "side")
    found = Repository.discover(linked.root, linked.environ)
    assert found is not None
    assert found.root == linked.root
    assert found.git_dir == tree.root / ".git/worktrees/linked"
    assert found.common_dir == tree.root / ".git"


def test_a_worktree_of_a_bare_repository(tree, tmp_path):
    """`git clone --bare` with worktrees beside it is a usual layout."""
    bare = tree.clone(tmp_path / "project/.bare", "--bare")
    bare.git("worktree", "add", "-q", "../main", "main")
    main = bare.at("../main")
    found = Repository.discover(tmp_path / "project/main", main.environ)
    assert found is not None
    assert set(found.listing()) == {"pkg/a.py"}


def test_a_separate_git_folder(tmp_path):
    """`git init --separate-git-dir` leaves a `.git` file."""
    tree = GitTree.init(tmp_path / "repo", f"--separate-git-dir={tmp_path / 'elsewhere'}")
    tree.commit_files({"a": ""})
    found = Repository.discover(tree.root, tree.environ)
    assert found is not None
    assert found.git_dir == tmp_path / "elsewhere"
    assert set(found.listing()) == {"a"}


def test_it_is_found_through_a_link(tree, tmp_path):
    """A link into the tree leads to the tree."""
    (tmp_path / "link").symlink_to(tree.root / "pkg")
    found = Repository.discover(tmp_path / "link", tree.environ)
    assert found is not None
    assert found.root == tree.root


def test_a_bare_repository_is_an_error(tree, tmp_path):
    """It has no files; the error says so."""
    bare = tree.clone(tmp_path / "bare.git", "--bare")
    for start in (bare.root, bare.root / "refs"):
        with pytest.raises(UserError, match="bare git repository"):
            Repository.discover(start, bare.environ)


def test_the_inside_of_a_git_folder_is_an_error(tree):
    """There are no files to test in `.git`."""
    with pytest.raises(UserError, match="no files to test"):
        Repository.discover(tree.root / ".git", tree.environ)


def test_a_worktree_whose_repository_is_gone_is_an_error(tree, tmp_path):
    """The error names where it leads, and a way out."""
    linked = tree.worktree(tmp_path / "linked", "side")
    tree.root.rename(tmp_path / "moved")
    with pytest.raises(UserError, match="does not exist") as caught:
        Repository.discover(linked.root, linked.environ)
    assert "git worktree repair" in caught.value.hint


def test_a_git_file_with_something_else_is_an_error(tmp_path):
    """Not a reference to a git folder."""
    (tmp_path / ".git").write_text("hello")
    with pytest.raises(UserError, match="neither"):
        Repository.discover(tmp_path)


def test_a_working_tree_configured_elsewhere_is_an_error(tree, tmp_path):
    """`core.worktree` would make git speak of another folder than the one walked up from."""
    (tmp_path / "other").mkdir()
    tree.git("config", "core.worktree", str(tmp_path / "other"))
    with pytest.raises(UserError, match=r"core\.worktree"):
        Repository.discover(tree.root, tree.environ)


def test_both_rooms_agree_on_the_root(tree, tmp_path):
    """The file-system room finds the same top folder by itself."""
    linked = tree.worktree(tmp_path / "linked", "side")
    (tree.root / "pkg/.git").mkdir()
    for start in (tree.root / "pkg", linked.root / "pkg"):
        found = Repository.discover(start, tree.environ)
        assert found is not None
        assert find_root(start) == found.root


def test_the_present_environment_is_the_default(tree, monkeypatch):
    """Without an explicit environment the process's own is used."""
    for name, value in tree.environ.items():
        monkeypatch.setenv(name, value)
    found = Repository.discover(tree.root)
    assert found is not None
    assert found.environ is os.environ
    assert found.start_status().result().changes == {}


def test_a_checkout_configured_as_bare_is_an_error_in_gits_words(tree):
    """Git refuses to look at its files; the hint tells a way out."""
    tree.git("config", "core.bare", "true")
    found = Repository.discover(tree.root, tree.environ)
    with pytest.raises(UserError, match="work tree") as caught:
        found.start_status().result()
    assert "checkout" in caught.value.hint


@pytest.mark.parametrize(("value", "believed"), [("true", True), ("false", False), ("0", False)])
def test_whether_executable_bits_are_to_be_believed(tree, value, believed):
    """core.fileMode, read without a process, quoted and in any case."""
    tree.git("config", "core.fileMode", value)
    assert Repository.discover(tree.root, tree.environ).file_mode is believed
    with (tree.root / ".git/config").open("a") as file:
        file.write(f'[Core] FileMode = "{value}" ; said twice\n[core "sub"]\nfilemode = x\n')
    assert Repository.discover(tree.root, tree.environ).file_mode is believed
