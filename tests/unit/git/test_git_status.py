"""The status of a working tree, asked of real repositories."""

from __future__ import annotations

import os

import pytest
from support.repositories import GitTree

from affected.errors import UserError
from affected.git.output import StatusKind
from affected.git.repository import Repository

MODIFIED, DELETED = StatusKind.MODIFIED, StatusKind.DELETED
UNTRACKED, CONFLICTED = StatusKind.UNTRACKED, StatusKind.CONFLICTED


@pytest.fixture
def tree(tmp_path):
    made = GitTree.init(tmp_path / "repo")
    made.commit_files({"a.py": "a\n", "b.py": "b\n", "pkg/c.py": "c\n"})
    return made


def status(tree):
    repository = Repository.discover(tree.root, tree.environ)
    assert repository is not None
    return repository.start_status().result()


def test_a_clean_tree_has_no_changes_and_names_commit_and_branch(tree):
    """A clean tree has no changes; commit and branch are told."""
    found = status(tree)
    assert found.changes == {}
    assert (found.head, found.branch, found.submodules) == (tree.head(), "main", ())


def test_edits_deletions_and_new_files_are_told_apart(tree):
    """A file edited, one deleted, one new, one new in a new folder."""
    tree.write("a.py", "other\n")
    tree.delete("b.py")
    tree.write("new.py")
    tree.write("deep/er/x.txt")
    assert status(tree).changes == {
        "a.py": MODIFIED,
        "b.py": DELETED,
        "new.py": UNTRACKED,
        "deep/er/x.txt": UNTRACKED,
    }


def test_staged_changes_count(tree):
    """What is only staged differs from HEAD, so it is a change."""
    tree.write("a.py", "other\n")
    tree.write("new.py", "n\n")
    tree.git("add", "-A")
    tree.git("rm", "-q", "b.py")
    assert status(tree).changes == {"a.py": MODIFIED, "new.py": MODIFIED, "b.py": DELETED}


def test_a_file_staged_and_then_put_back_counts(tree):
    """Its bytes equal HEAD's but not the index's, which the listing shows."""
    tree.write("a.py", "other\n")
    tree.git("add", "-A")
    tree.write("a.py", "a\n")
    assert status(tree).changes == {"a.py": MODIFIED}


def test_a_file_out_of_the_index_but_still_on_disk_is_untracked(tree):
    """`git rm --cached` leaves a file that git no longer knows."""
    tree.git("rm", "-q", "--cached", "a.py")
    assert status(tree).changes == {"a.py": UNTRACKED}


def test_a_rename_is_a_deletion_and_a_new_file(tree):
    """Staged or not, and whatever diff.renames says."""
    tree.git("config", "status.renames", "copies")
    tree.git("mv", "a.py", "moved.py")
    assert status(tree).changes == {"a.py": DELETED, "moved.py": MODIFIED}


def test_an_intent_to_add_is_a_change(tree):
    """`git add -N` records a name without content."""
    tree.write("soon.py", "s\n")
    tree.git("add", "-N", "soon.py")
    assert status(tree).changes == {"soon.py": MODIFIED}


def test_a_file_that_became_a_link(tree):
    """A type change is a modification."""
    tree.delete("a.py")
    tree.link("a.py", "b.py")
    assert status(tree).changes == {"a.py": MODIFIED}


def test_a_file_that_became_a_folder(tree):
    """The file is gone; what is in the folder is new."""
    tree.delete("a.py")
    tree.write("a.py/inside.py")
    assert status(tree).changes == {"a.py": DELETED, "a.py/inside.py": UNTRACKED}


def test_a_folder_that_became_a_file(tree):
    """The folder's files are gone; the file is new."""
    tree.delete("pkg/c.py")
    (tree.root / "pkg").rmdir()
    tree.write("pkg", "p\n")
    assert status(tree).changes == {"pkg/c.py": DELETED, "pkg": UNTRACKED}


def test_an_executable_bit_is_a_change(tree):
    """Mode changes change digests."""
    (tree.root / "a.py").chmod(0o755)
    assert status(tree).changes == {"a.py": MODIFIED}


def test_ignored_files_are_not_told(tree):
    """Whatever git ignores is no change."""
    tree.commit_files({".gitignore": "*.log\nbuild/\n"})
    tree.write("x.log")
    tree.write("build/out.txt")
    assert status(tree).changes == {}


@pytest.mark.parametrize(
    "name",
    [b"new\nline", b'quo"te', b"ta\tb", b"back\\slash", b"\xff\xfe", b" lead", b"tail ", b"-dash",
     b":magic", b"*", b"a -> b", "gr\u00fcn/\u00e9".encode(), b"? q", b"# h"],
)  # fmt: skip
def test_any_name_survives(tree, name):
    """Names are never quoted, cut or decoded wrongly, new, tracked or edited."""
    decoded = os.fsdecode(name)
    tree.write(decoded, "1")
    assert status(tree).changes == {decoded: UNTRACKED}
    tree.commit()
    assert status(tree).changes == {}
    tree.write(decoded, "22")
    assert status(tree).changes == {decoded: MODIFIED}
    tree.delete(decoded)
    assert status(tree).changes == {decoded: DELETED}


def test_a_repository_without_a_commit_has_an_empty_head(tmp_path):
    """An unborn branch: files are new or staged."""
    tree = GitTree.init(tmp_path / "repo")
    tree.write("a.py", "a")
    tree.write("b.py", "b")
    tree.git("add", "b.py")
    found = status(tree)
    assert (found.head, found.branch) == ("", "main")
    assert found.changes == {"a.py": UNTRACKED, "b.py": MODIFIED}


def test_a_detached_head_has_no_branch(tree):
    """The commit is told, the branch is empty."""
    tree.git("checkout", "-q", "--detach")
    found = status(tree)
    assert (found.head, found.branch) == (tree.head(), "")


def test_conflicts_are_told(tree):
    """An unfinished merge leaves conflicted paths, on disk or not."""
    tree.branch("side")
    tree.commit_files({"a.py": "side\n", "b.py": "side\n"})
    tree.checkout("main")
    tree.write("a.py", "main\n")
    tree.delete("b.py")
    tree.commit()
    tree.git("merge", "-q", "side", accept=(1,))
    found = status(tree)
    assert found.changes["a.py"] is CONFLICTED
    assert found.changes["b.py"] is CONFLICTED


def test_a_sparse_checkouts_absent_files_are_no_change(tree):
    """What a sparse checkout leaves out is not deleted."""
    tree.git("sparse-checkout", "set", "--no-cone", "/a.py")
    assert not (tree.root / "b.py").exists()
    assert status(tree).changes == {}


def test_a_worktree_has_its_own_status(tree, tmp_path):
    """A linked worktree is a checkout like any other."""
    linked = tree.worktree(tmp_path / "linked", "side")
    linked.write("a.py", "linked\n")
    assert status(linked).changes == {"a.py": MODIFIED}
    assert status(linked).branch == "side"
    assert status(tree).changes == {}


def test_a_worktree_inside_the_tree_is_not_part_of_it(tree):
    """Another checkout of the same repository is no untracked content."""
    tree.worktree(tree.root / "wt", "side")
    assert status(tree).changes == {}


def test_a_nested_clone_is_told_file_by_file(tree):
    """A repository that git only calls `nested/` is looked into."""
    nested = GitTree.init(tree.root / "nested")
    nested.commit_files({"x.py": "x\n", "sub/y.py": "y\n"})
    nested.write("z.py")
    nested.delete("x.py")
    assert status(tree).changes == {
        "nested/x.py": DELETED,
        "nested/sub/y.py": UNTRACKED,
        "nested/z.py": UNTRACKED,
    }


def test_the_answer_is_the_same_when_asked_again(tree):
    """`result` may be called twice, and `close` at any time."""
    repository = Repository.discover(tree.root, tree.environ)
    pending = repository.start_status()
    assert pending.result() is pending.result()
    pending.close()


def test_a_status_that_nobody_wants_is_ended(tree):
    """Closing early leaves no process behind."""
    pending = Repository.discover(tree.root, tree.environ).start_status()
    pending.close()
    with pytest.raises(UserError):
        pending.result()


def test_a_failed_status_is_never_nothing_changed(tree):
    """A damaged index is an error in git's words, with a way out."""
    (tree.root / ".git/index").write_bytes(b"garbage")
    with pytest.raises(UserError, match="git status") as caught:
        status(tree)
    assert "index" in caught.value.message
    assert "git reset" in caught.value.hint


def test_a_touched_file_counts_when_stats_are_asked_for(tree):
    """`stat_changes` tells files whose stat moved, although git calls them clean."""
    os.utime(tree.root / "a.py", ns=(1, 1))
    repository = Repository.discover(tree.root, tree.environ)
    assert repository.start_status().result().changes == {}
    assert repository.start_status(stat_changes=True).result().changes == {"a.py": MODIFIED}
    repository.refresh()
    assert repository.start_status(stat_changes=True).result().changes == {}


def test_the_index_is_left_alone(tree):
    """A status takes no lock and writes nothing, even where git would like to refresh."""
    os.utime(tree.root / "a.py", ns=(1, 1))
    before = (tree.root / ".git/index").stat().st_mtime_ns
    status(tree)
    assert (tree.root / ".git/index").stat().st_mtime_ns == before


def test_a_held_lock_does_not_matter(tree):
    """Another git at work (index.lock) does not make a status fail."""
    tree.write(".git/index.lock")
    tree.write("a.py", "other\n")
    assert status(tree).changes == {"a.py": MODIFIED}
