"""The survey: what differs from what the index remembers, whatever git was made to do."""

from __future__ import annotations

import os
import time

import pytest
from support.opened import Opened
from support.repositories import GitTree, isolated_environ

from affected.errors import UserError
from affected.model.observation import InputKind


def assert_as_if_new(opened, cache):
    """The file table is what a first look at the same tree would give."""
    opened.survey()
    other = opened.anew(cache)
    other.survey()
    assert opened.files() == other.files()


@pytest.fixture
def git(tmp_path):
    """A repository with three files, and nothing known of it."""
    tree = GitTree.init(tmp_path / "repo")
    tree.commit_files({"a.py": "a\n", "b.py": "b\n", "pkg/c.py": "c\n"})
    opened = Opened(tree, tmp_path / "cache")
    yield opened
    assert_as_if_new(opened, tmp_path / "anew")


@pytest.fixture
def plain(tmp_path):
    """The same files without git."""
    tree = GitTree(tmp_path / "folder", isolated_environ())
    for path in ("a.py", "b.py", "pkg/c.py"):
        tree.write(path, path)
    opened = Opened(tree, tmp_path / "cache")
    yield opened
    assert_as_if_new(opened, tmp_path / "anew")


@pytest.fixture
def known(git):
    """The repository, its files known."""
    git.survey()
    return git


def test_the_first_look_finds_everything_new(git):
    """Nothing is known, so every file is a change."""
    found = git.survey()
    assert found.first
    assert not found.quiet
    assert sorted(found.changes) == ["a.py", "b.py", "pkg/c.py"]
    assert (found.state.head, found.state.branch) == (git.tree.head(), "main")


def test_nothing_changed_is_quiet(known):
    """The hot path: nothing new, nothing gone, nothing stirred."""
    found = known.survey()
    assert (found.first, found.quiet, found.dirty) == (False, True, False)
    assert found.everything is None


def test_an_edit_is_a_change_once(known):
    """Told when it is seen; afterwards it is what is known."""
    known.tree.write("a.py", "other\n")
    assert known.moves() == {"a.py": "other"}
    found = known.survey()
    assert (found.quiet, found.dirty) == (True, True)


def test_each_further_edit_of_a_dirty_file_is_a_change(known):
    """Git says the same of it each time: modified."""
    for text in ("2\n", "3\n", "4\n"):
        known.tree.write("a.py", text)
        assert known.moves() == {"a.py": "other"}


def test_an_edit_that_keeps_size_and_time_is_a_change(known):
    """The change time gives it away, and what was written just now is read again."""
    known.tree.write("a.py", "x\n")
    known.survey()
    before = (known.tree.root / "a.py").stat()
    known.tree.write("a.py", "y\n")
    os.utime(known.tree.root / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert known.moves() == {"a.py": "other"}


def test_committing_what_is_known_changes_nothing(known):
    """Dirty, then committed: the bytes are the same."""
    known.tree.write("a.py", "other\n")
    known.tree.write("new.py", "n\n")
    known.tree.delete("b.py")
    assert known.moves() == {"a.py": "other", "new.py": "new", "b.py": "gone"}
    head = known.tree.commit()
    found = known.survey()
    assert (found.quiet, found.dirty, found.state.head) == (True, False, head)


def test_a_commit_that_was_never_seen_dirty_is_a_change(known):
    """Edited and committed between two looks."""
    known.tree.commit_files({"a.py": "other\n", "new.py": "n\n"})
    assert known.moves() == {"a.py": "other", "new.py": "new"}


def test_an_amended_commit_is_compared_with_the_one_that_was_known(known):
    """The known commit is no ancestor any more; its tree still tells."""
    known.tree.commit_files({"a.py": "second\n"})
    known.survey()
    known.tree.write("b.py", "amended\n")
    known.tree.git("commit", "-q", "-a", "--amend", "--no-verify", "-m", "amended")
    assert known.moves() == {"b.py": "other"}


def test_a_known_commit_that_is_gone_costs_a_whole_look(known):
    """Amended and collected as garbage: everything is listed again, only changes are told."""
    known.tree.commit_files({"a.py": "second\n"})
    known.survey()
    known.tree.write("b.py", "amended\n")
    known.tree.git("commit", "-q", "-a", "--amend", "--no-verify", "-m", "amended")
    known.tree.git("reflog", "expire", "--expire=now", "--all")
    known.tree.git("gc", "-q", "--prune=now")
    found = known.survey()
    assert found.everything is not None
    assert sorted(found.changes) == ["b.py"]


def test_another_branch_with_dirty_files_carried_along(known):
    """What differs between the branches, and nothing of what was carried."""
    known.tree.branch("other")
    known.tree.commit_files({"b.py": "on other\n"})
    known.tree.checkout("main")
    known.survey()
    known.tree.write("a.py", "carried\n")
    assert known.moves() == {"a.py": "other"}
    known.tree.checkout("other")
    assert known.moves() == {"b.py": "other"}


def test_discarded_edits_are_changes_back(known):
    """An edit undone by git is a change like the edit itself."""
    known.tree.write("a.py", "other\n")
    known.tree.write("new.py", "n\n")
    known.survey()
    known.tree.git("checkout", "-q", "--", "a.py")
    known.tree.delete("new.py")
    assert known.moves() == {"a.py": "other", "new.py": "gone"}


def test_a_repository_without_a_commit_is_looked_at_all_the_same(tmp_path):
    """`git init` and files: untracked, and known."""
    opened = Opened(GitTree.init(tmp_path / "repo"), tmp_path / "cache")
    opened.tree.write("a.py", "1")
    assert opened.moves() == {"a.py": "new"}
    opened.tree.write("a.py", "2")
    assert opened.moves() == {"a.py": "other"}
    opened.tree.commit()
    assert opened.survey().quiet


def test_kind_and_name_of_a_file_are_part_of_what_is_known(known):
    """A link instead of a file, another mode, names that are not UTF-8."""
    known.tree.delete("a.py")
    known.tree.link("a.py", "b.py")
    (known.tree.root / "b.py").chmod(0o755)
    odd = os.fsdecode(b"\xff.py")
    known.tree.write(odd, "odd")
    assert known.moves() == {"a.py": "other", "b.py": "other", odd: "new"}
    known.tree.delete("a.py")
    known.tree.link("a.py", "pkg/c.py")
    assert known.moves() == {"a.py": "other"}


def test_a_folder_in_the_place_of_a_file_is_that_file_gone(known):
    """What lies in the folder is new."""
    known.tree.delete("a.py")
    known.tree.write("a.py/inside.py", "i")
    assert known.moves() == {"a.py": "gone", "a.py/inside.py": "new"}


def test_noise_and_ignored_paths_are_never_changes(known):
    """Caches of tools, git's ignored files, and what the settings leave out."""
    known.tree.write(".gitignore", "*.log\n")
    known.tree.write("affected.toml", 'ignore = ["vendor"]\n')
    known.survey()
    known.tree.write("a.log", "1")
    known.tree.write("vendor/v.py", "1")
    known.tree.write("__pycache__/a.cpython-313.pyc", "1")
    known.tree.write(".pytest_cache/v", "1")
    assert known.moves() == {}


def test_what_the_settings_leave_out_leaves_the_table_and_comes_back(known):
    """Other settings, other files: with git and all clean."""
    known.tree.write("affected.toml", 'ignore = ["pkg"]\n')
    assert known.moves() == {"affected.toml": "new", "pkg/c.py": "gone"}
    known.tree.delete("affected.toml")
    assert known.moves() == {"affected.toml": "gone", "pkg/c.py": "new"}


def test_a_nested_repository_is_told_file_by_file(known):
    """Git names only its folder."""
    GitTree.init(known.tree.root / "nested").write("n.py", "1")
    assert known.moves() == {"nested/n.py": "new"}
    known.tree.write("nested/n.py", "2")
    assert known.moves() == {"nested/n.py": "other"}


def test_an_untracked_file_that_comes_to_be_ignored_leaves_the_table(known):
    """Git would never tell of its edits: it is not taken for known any more."""
    known.tree.write("local.json", "1")
    known.survey()
    known.tree.write(".gitignore", "local.json\n")
    assert known.moves() == {".gitignore": "new", "local.json": "gone"}


@pytest.mark.parametrize("looked_between", [True, False])
def test_a_tracked_file_that_comes_to_be_ignored_leaves_the_table(known, looked_between):
    """`git rm --cached` of a file that stays on disk."""
    known.tree.commit_files({"local.json": "1", ".gitignore": "local.json\n"})
    known.tree.git("add", "-f", "local.json")
    known.tree.commit(everything=False)
    known.survey()
    known.tree.git("rm", "-q", "--cached", "local.json")
    if looked_between:
        assert known.moves() == {}
    known.tree.commit(everything=False)
    assert known.moves() == {"local.json": "gone"}


def test_a_file_that_is_ignored_no_more_is_new(known):
    """With its digest: it counts from now on."""
    known.tree.write(".gitignore", "local.json\n")
    known.tree.write("local.json", "1")
    known.survey()
    known.tree.delete(".gitignore")
    assert known.moves() == {".gitignore": "gone", "local.json": "new"}


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_files_that_git_was_told_not_to_look_at_are_looked_at(known, flag):
    """Their bytes count, not git's word."""
    known.tree.git("update-index", flag, "a.py")
    known.survey()
    known.tree.write("a.py", "hidden\n")
    assert known.tree.git("status", "--porcelain") == ""
    assert known.moves() == {"a.py": "other"}
    known.tree.delete("a.py")
    assert known.moves() == {"a.py": "gone"}


def test_an_edit_hidden_by_a_flag_set_later_is_seen(known):
    """First edited, then told not to look: between two surveys."""
    known.tree.write("a.py", "hidden\n")
    known.tree.git("update-index", "--assume-unchanged", "a.py")
    assert known.moves() == {"a.py": "other"}


def test_a_flag_taken_away_leaves_nothing_unseen(known):
    """An edit made under the flag and reset with it."""
    known.tree.git("update-index", "--assume-unchanged", "a.py")
    known.tree.write("a.py", "hidden\n")
    known.survey()
    known.tree.git("update-index", "--no-assume-unchanged", "a.py")
    known.tree.git("checkout", "-q", "--", "a.py")
    assert known.moves() == {"a.py": "other"}


def test_a_sparse_checkout_holds_what_is_on_disk(known):
    """Files outside the cone are gone; brought back, they are there again."""
    known.tree.commit_files({"far/d.py": "d\n"})
    known.survey()
    known.tree.git("sparse-checkout", "set", "pkg")
    assert known.moves() == {"far/d.py": "gone"}
    known.tree.git("sparse-checkout", "disable")
    assert known.moves() == {"far/d.py": "new"}


def test_a_file_written_by_hand_outside_the_cone_is_there(known):
    """Present although git holds it to be skipped."""
    known.tree.commit_files({"far/d.py": "d\n"})
    known.tree.git("sparse-checkout", "set", "pkg")
    known.survey()
    known.tree.write("far/d.py", "by hand\n")
    assert known.moves() == {"far/d.py": "new"}


def test_line_ends_changed_behind_a_clean_status_are_a_change(known):
    """Git normalises them away; a test that reads the file does not."""
    known.tree.commit_files({".gitattributes": "*.txt text\n", "t.txt": "1\n2\n"})
    known.survey()
    known.tree.write("t.txt", "1\r\n2\r\n")
    known.tree.git("add", "--renormalize", "t.txt")
    assert known.tree.git("status", "--porcelain") == ""
    assert known.moves() == {"t.txt": "other"}
    known.tree.write("t.txt", "1\n2\r\n")
    assert known.moves() == {"t.txt": "other"}


def test_attributes_that_come_later_make_bytes_count(known):
    """A file that was clean by git's word is read once conversions are in force."""
    known.tree.commit_files({"t.txt": "1\n2\n"})
    known.survey()
    known.tree.commit_files({".gitattributes": "*.txt text eol=crlf\n"})
    known.tree.delete("t.txt")
    known.tree.git("checkout", "-q", "--", "t.txt")
    assert (known.tree.root / "t.txt").read_bytes() == b"1\r\n2\r\n"
    assert known.moves() == {".gitattributes": "new", "t.txt": "other"}


def stirred(opened):
    """The watched inputs that a stored survey finds changed."""
    return {(kind.value, path) for kind, path in opened.survey().stirred}


def test_an_ignored_file_is_seen_to_change_when_it_is_watched(known):
    """An input that git does not report on."""
    known.tree.write(".gitignore", "*.log\n")
    known.tree.write("a.log", "1")
    known.survey()
    known.watch(InputKind.FILE, "a.log")
    assert stirred(known) == set()
    known.tree.write("a.log", "2")
    assert stirred(known) == {("file", "a.log")}
    assert stirred(known) == set()
    known.tree.delete("a.log")
    assert stirred(known) == {("file", "a.log")}


def test_an_absent_path_is_seen_to_appear_when_it_is_watched(known):
    """Looked for in vain, then there; its bytes do not matter to who only asked."""
    known.tree.write(".gitignore", "*.log\n")
    known.survey()
    known.watch(InputKind.PROBE, "a.log")
    assert stirred(known) == set()
    known.tree.write("a.log", "1")
    assert stirred(known) == {("probe", "a.log")}
    known.tree.write("a.log", "2")
    assert stirred(known) == set()


def test_a_listed_folder_is_seen_to_hold_other_names(known):
    """Names count, bytes and noise do not."""
    known.watch(InputKind.LISTING, "pkg")
    known.tree.write("pkg/c.py", "other bytes")
    known.tree.write("pkg/__pycache__/c.pyc", "")
    assert stirred(known) == set()
    known.tree.write("pkg/d.py", "")
    assert stirred(known) == {("listing", "pkg")}


def test_a_watched_file_without_any_change_is_not_read_again(known):
    """Its stamp is enough once it is old enough."""
    known.tree.write(".gitignore", "*.log\n")
    file = known.tree.write("a.log", "1")
    time.sleep(0.03)  # beyond the time in which a stamp may lie
    known.survey()
    known.watch(InputKind.FILE, "a.log")
    [seen] = known.survey().watched
    assert seen.stamp not in ("", "racy")
    file.chmod(0)
    [after] = known.survey().watched
    assert after.stamp != seen.stamp


def test_without_git_every_file_is_looked_at(plain):
    """New, edited, gone, new in a new folder."""
    assert plain.moves() == {"a.py": "new", "b.py": "new", "pkg/c.py": "new"}
    assert plain.survey().quiet
    plain.tree.write("a.py", "other")
    plain.tree.delete("b.py")
    plain.tree.write("deep/er/d.txt", "d")
    plain.tree.write("__pycache__/x.pyc", "")
    assert plain.moves() == {"a.py": "other", "b.py": "gone", "deep/er/d.txt": "new"}
    assert plain.survey().quiet


def test_without_git_the_state_has_no_commit(plain):
    """Neither head nor branch, and nothing is dirty."""
    found = plain.survey()
    assert (found.state.head, found.state.branch, found.dirty) == ("", "", False)


def test_a_git_that_cannot_answer_is_an_error_not_a_quiet_workspace(tmp_path):
    """A damaged index: git's own words, never "no changes"."""
    tree = GitTree.init(tmp_path / "repo")
    tree.commit_files({"a.py": "1"})
    opened = Opened(tree, tmp_path / "cache")
    opened.survey()
    (tree.root / ".git" / "index").write_bytes(b"not an index")
    with pytest.raises(UserError, match="index"):
        opened.survey()
