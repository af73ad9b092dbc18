"""What git's index holds, what it ignores, and files under flags."""

from __future__ import annotations

import os

import pytest
from support.repositories import GitTree

from affected.fs.digests import digest_path
from affected.git.repository import IndexEntry, Repository


@pytest.fixture
def tree(tmp_path):
    return GitTree.init(tmp_path / "repo")


def repository(tree):
    found = Repository.discover(tree.root, tree.environ)
    assert found is not None
    return found


def test_digests_are_those_of_the_bytes_on_disk(tree):
    """Files, executables, links and empty files have git's digest, which is ours."""
    tree.write("plain.py", "text\n")
    tree.write("run.sh", "#!\n", executable=True)
    tree.write("empty")
    tree.link("link", "plain.py")
    tree.link("dangling", "no/such")
    tree.commit()
    listing = repository(tree).listing()
    assert set(listing) == {"plain.py", "run.sh", "empty", "link", "dangling"}
    for path, entry in listing.items():
        assert entry == IndexEntry(digest_path(tree.root, path), "")


def test_a_sha256_repository_has_longer_digests(tmp_path):
    """The object format is found without a process, and digests follow it."""
    tree = GitTree.init(tmp_path / "repo", "--object-format=sha256")
    tree.commit_files({"a.py": "a\n"})
    found = repository(tree)
    assert found.object_format == "sha256"
    entry = found.listing()["a.py"]
    assert entry.digest == digest_path(tree.root, "a.py", "sha256")
    assert len(entry.digest) == 64
    tree.commit_files({"a.py": "b\n"})
    [change] = found.tree_changes("HEAD^", "HEAD")
    assert change.old == entry.digest


def test_an_empty_repository_lists_nothing(tree):
    """Before the first `git add` there is no index at all."""
    assert repository(tree).listing() == {}


def test_hidden_files_carry_a_flag(tree):
    """Entries that git does not watch are marked."""
    tree.commit_files({"a": "", "b": "", "c": "", "d": ""})
    tree.git("update-index", "--skip-worktree", "a", "c")
    tree.git("update-index", "--assume-unchanged", "b", "c")
    flags = {path: entry.flag for path, entry in repository(tree).listing().items()}
    assert flags == {"a": "skip-worktree", "b": "assume-unchanged", "c": "skip-worktree", "d": ""}


def test_a_sparse_index_is_listed_in_full(tree):
    """Folders that a sparse index holds as one entry are expanded."""
    tree.commit_files({"in/a": "", "out/b": "", "out/deep/c": "", "top": ""})
    tree.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
    flags = {path: entry.flag for path, entry in repository(tree).listing().items()}
    assert flags == {
        "in/a": "", "top": "", "out/b": "skip-worktree", "out/deep/c": "skip-worktree",
    }  # fmt: skip


def test_conflicted_entries_are_listed_once(tree):
    """Three stages of a path are one path."""
    tree.commit_files({"a": "1\n"})
    tree.branch("side")
    tree.commit_files({"a": "2\n"})
    tree.checkout("main")
    tree.commit_files({"a": "3\n"})
    tree.git("merge", "-q", "side", accept=(1,))
    assert set(repository(tree).listing()) == {"a"}


def test_odd_names_are_listed_as_they_are(tree):
    """Newline, tab, quote, backslash and bytes that are not UTF-8."""
    names = {b"n\nl", b"t\tb", b'q"', b"b\\s", b"\xff"}
    for name in names:
        tree.write(os.fsdecode(name))
    tree.commit()
    assert {os.fsencode(path) for path in repository(tree).listing()} == names


def test_ignored_paths(tree):
    """Only what git ignores; tracked files never, absent ones by the rules."""
    tree.commit_files({".gitignore": "*.log\nout/\n/top.txt\n", "kept.py": ""})
    tree.write("forced.log")
    tree.git("add", "-f", "forced.log")
    asked = ["a.log", "forced.log", "out/x", "deep/out/y", "top.txt", "deep/top.txt", "kept.py",
             ":odd", "new\nline.log", "", "sub/*.log"]  # fmt: skip
    assert repository(tree).ignored(asked) == {
        "a.log", "out/x", "deep/out/y", "top.txt", "new\nline.log", "sub/*.log",
    }  # fmt: skip


def test_paths_behind_a_link_are_not_ignored(tree):
    """It refuses to judge them; they are simply not in the answer."""
    tree.commit_files({".gitignore": "*.log\n", "real/x": ""})
    tree.link("link", "real")
    assert repository(tree).ignored(["link/a.log", "b.log"]) == {"b.log"}


def test_ignored_by_the_private_exclude_file(tree):
    """info/exclude counts like .gitignore."""
    tree.write(".git/info/exclude", "secret\n")
    assert repository(tree).ignored(["secret", "open"]) == {"secret"}


def test_nothing_asked_nothing_ignored(tree):
    """No path, no answer."""
    assert repository(tree).ignored([]) == set()
