"""Submodules: their files are part of the workspace, under their full path."""

from __future__ import annotations

import os
import shutil

import pytest
from support.repositories import GitTree

from affected.fs.digests import digest_path
from affected.git.output import StatusKind
from affected.git.repository import IndexEntry, Repository
from affected.model.digest import ABSENT, SUBMODULE
from affected.model.selection import Change

MODIFIED, DELETED, UNTRACKED = StatusKind.MODIFIED, StatusKind.DELETED, StatusKind.UNTRACKED


def repository(tree):
    found = Repository.discover(tree.root, tree.environ)
    assert found is not None
    return found


def status(tree):
    return repository(tree).start_status().result()


def digest(tree, path):
    return digest_path(tree.root, path)


@pytest.fixture
def library(tmp_path):
    made = GitTree.init(tmp_path / "library")
    made.commit_files({"x.py": "1\n", "pkg/y.py": "1\n"})
    return made


@pytest.fixture
def tree(tmp_path, library):
    made = GitTree.init(tmp_path / "repo")
    made.commit_files({"top.py": "t\n"})
    made.submodule("libs/one", library)
    made.commit()
    return made


def test_a_checked_out_submodules_files_are_listed(tree):
    """Under their full path, with their digests; the gitlink itself is not."""
    listing = repository(tree).listing()
    assert set(listing) == {".gitmodules", "top.py", "libs/one/x.py", "libs/one/pkg/y.py"}
    assert listing["libs/one/x.py"] == IndexEntry(digest(tree, "libs/one/x.py"), "")


def test_a_submodule_that_is_not_checked_out_is_one_entry(tree, tmp_path):
    """A plain clone leaves submodules empty."""
    clone = tree.clone(tmp_path / "clone")
    assert repository(clone).listing()["libs/one"] == IndexEntry(SUBMODULE, "submodule")
    assert status(clone).changes == {}


def test_a_clean_submodule_is_no_change(tree):
    """Nothing differs inside."""
    assert status(tree).changes == {}


def test_changes_inside_are_told_under_their_full_path(tree):
    """Edited, deleted and new files of the submodule's working tree."""
    inside = tree.at("libs/one")
    inside.write("x.py", "edited\n")
    inside.delete("pkg/y.py")
    inside.write("new.py")
    found = status(tree)
    assert found.submodules == ("libs/one",)
    assert found.changes == {
        "libs/one/x.py": MODIFIED,
        "libs/one/pkg/y.py": DELETED,
        "libs/one/new.py": UNTRACKED,
    }


def test_only_untracked_files_inside_are_told_whatever_the_settings_say(tree):
    """`ignore = all` in .gitmodules hides nothing from us."""
    tree.git("config", "-f", ".gitmodules", "submodule.libs/one.ignore", "all")
    tree.git("config", "diff.ignoreSubmodules", "all")
    tree.commit()
    tree.write("libs/one/new.py")
    assert status(tree).changes == {"libs/one/new.py": UNTRACKED}


@pytest.mark.parametrize("staged", [False, True])
def test_a_submodule_at_another_commit(tree, staged):
    """The difference of the two commits, joined with what differs on disk."""
    inside = tree.at("libs/one")
    inside.write("x.py", "2\n")
    inside.write("added.py")
    inside.git("rm", "-q", "pkg/y.py")
    inside.commit()
    inside.write("loose.py")
    if staged:
        tree.git("add", "-A")
    assert status(tree).changes == {
        "libs/one/x.py": MODIFIED,
        "libs/one/added.py": MODIFIED,
        "libs/one/pkg/y.py": DELETED,
        "libs/one/loose.py": UNTRACKED,
    }


def test_a_staged_bump_whose_checkout_went_back(tree):
    """HEAD, git's index and the checkout: whatever differs from one of them is told."""
    inside = tree.at("libs/one")
    old = inside.head()
    inside.write("x.py", "2\n")
    inside.commit()
    tree.git("add", "-A")
    inside.checkout(old)
    assert status(tree).changes == {"libs/one/x.py": MODIFIED}


def test_a_new_submodule_is_all_new(tree, library):
    """Added and staged, not yet committed."""
    tree.submodule("libs/two", library)
    changes = status(tree).changes
    assert changes["libs/two/x.py"] is MODIFIED
    assert changes["libs/two/pkg/y.py"] is MODIFIED
    assert changes[".gitmodules"] is MODIFIED


def test_a_removed_submodule(tree):
    """Its files are told as deleted, `git rm` or not, as far as git kept their names."""
    gone = {"libs/one": DELETED, "libs/one/x.py": DELETED, "libs/one/pkg/y.py": DELETED}
    shutil.rmtree(tree.root / "libs/one")
    assert status(tree).changes == gone
    tree.git("rm", "-q", "libs/one")
    assert status(tree).changes == {**gone, ".gitmodules": MODIFIED}
    assert "libs/one/x.py" not in repository(tree).listing()


@pytest.mark.parametrize("staged", [False, True])
def test_a_submodule_that_gave_way_to_a_file(tree, staged):
    """The file is told, and the submodule's files are gone."""
    shutil.rmtree(tree.root / "libs/one")
    tree.write("libs/one", "a file now")
    if staged:
        tree.git("add", "libs/one")
    assert status(tree).changes == {
        "libs/one": MODIFIED,
        "libs/one/x.py": DELETED,
        "libs/one/pkg/y.py": DELETED,
    }


def test_a_file_that_gave_way_to_a_staged_submodule(tree, library):
    """The submodule's files are new."""
    tree.commit_files({"spot": "file"})
    tree.git("rm", "-q", "spot")
    tree.submodule("spot", library)
    changes = status(tree).changes
    assert changes["spot/x.py"] is MODIFIED
    assert changes["spot/pkg/y.py"] is MODIFIED


def test_stat_changes_are_asked_for_inside_too(tree):
    """A touched file of a submodule counts when stats are asked for."""
    os.utime(tree.root / "libs/one/x.py", ns=(1, 1))
    assert status(tree).changes == {}
    told = repository(tree).start_status(stat_changes=True).result().changes
    assert told == {"libs/one/x.py": MODIFIED}


def test_a_bump_to_a_commit_that_is_not_here(tree):
    """Nothing can be compared: all its files count, and so does its path."""
    inside = tree.at("libs/one")
    unknown = "1" * 40
    tree.git("update-index", "--cacheinfo", f"160000,{unknown},libs/one")
    changes = status(tree).changes
    assert inside.head() != unknown
    assert set(changes) == {"libs/one", "libs/one/x.py", "libs/one/pkg/y.py"}


def test_nested_submodules(tree, library, tmp_path):
    """A submodule in a submodule: listing and status go all the way down."""
    middle = GitTree.init(tmp_path / "middle")
    middle.commit_files({"m.py": ""})
    middle.submodule("deep", library)
    middle.commit()
    tree.submodule("mid", middle)
    tree.git("submodule", "--quiet", "update", "--init", "--recursive")
    tree.commit()
    assert "mid/deep/x.py" in repository(tree).listing()
    assert status(tree).changes == {}
    tree.write("mid/deep/x.py", "edited\n")
    found = status(tree)
    assert found.changes == {"mid/deep/x.py": MODIFIED}
    assert found.submodules == ("mid", "mid/deep")


def test_ignored_paths_inside_follow_the_submodules_rules(tree):
    """Each checkout has its own ignore files."""
    tree.commit_files({".gitignore": "*.log\n"})
    tree.at("libs/one").commit_files({".gitignore": "*.tmp\n"})
    asked = ["a.log", "a.tmp", "libs/one/a.log", "libs/one/a.tmp"]
    assert repository(tree).ignored(asked) == {"a.log", "libs/one/a.tmp"}


def bumped(tree):
    """Commit a new state of the submodule; the ids before and after."""
    old = tree.head()
    inside = tree.at("libs/one")
    inside.write("x.py", "2\n")
    inside.git("rm", "-q", "pkg/y.py")
    inside.write("added.py", "a\n")
    inside.commit()
    return old, tree.commit()


def test_a_bump_between_commits_is_expanded_to_files(tree):
    """When the submodule has both commits, its files are told."""
    before = digest(tree, "libs/one/x.py")
    gone = digest(tree, "libs/one/pkg/y.py")
    old, new = bumped(tree)
    assert set(repository(tree).tree_changes(old, new)) == {
        Change("libs/one/x.py", before, digest(tree, "libs/one/x.py")),
        Change("libs/one/pkg/y.py", gone, ABSENT),
        Change("libs/one/added.py", ABSENT, digest(tree, "libs/one/added.py")),
    }


def test_a_bump_without_the_submodules_commits_is_its_path(tree, tmp_path):
    """A clone without the submodule tells one change, with the two commit ids."""
    before = tree.at("libs/one").head()
    old, new = bumped(tree)
    clone = tree.clone(tmp_path / "clone")
    after = tree.at("libs/one").head()
    assert repository(clone).tree_changes(old, new) == [Change("libs/one", before, after)]


def test_an_added_and_a_removed_submodule_are_expanded(tree):
    """What git kept of a removed submodule is enough."""
    first = tree.git("rev-list", "--max-parents=0", "HEAD")
    with_it = tree.head()
    x, y = digest(tree, "libs/one/x.py"), digest(tree, "libs/one/pkg/y.py")
    tree.git("rm", "-q", "libs/one")
    without = tree.commit()
    added = {c for c in repository(tree).tree_changes(first, with_it) if c.path != ".gitmodules"}
    removed = {
        c for c in repository(tree).tree_changes(with_it, without) if c.path != ".gitmodules"
    }
    assert added == {
        Change("libs/one/x.py", ABSENT, x),
        Change("libs/one/pkg/y.py", ABSENT, y),
    }
    assert removed == {Change(c.path, c.new, c.old) for c in added}


def test_a_file_that_gave_way_to_a_submodule(tree, library):
    """The file goes, the submodule's files come."""
    tree.commit_files({"spot": "file\n"})
    old, file_digest = tree.head(), digest(tree, "spot")
    tree.git("rm", "-q", "spot")
    tree.submodule("spot", library)
    new = tree.commit()
    found = {c for c in repository(tree).tree_changes(old, new) if c.path != ".gitmodules"}
    assert found == {
        Change("spot", file_digest, ABSENT),
        Change("spot/x.py", ABSENT, digest(tree, "spot/x.py")),
        Change("spot/pkg/y.py", ABSENT, digest(tree, "spot/pkg/y.py")),
    }


def test_a_commits_listing_holds_the_submodules_files(tree, tmp_path):
    """As the listing of git's index does; one entry where its commit is not here."""
    found = repository(tree)
    listing = {path: entry.digest for path, entry in found.listing().items()}
    assert found.tree_listing("HEAD") == listing
    clone = tree.clone(tmp_path / "clone")
    assert repository(clone).tree_listing("HEAD")["libs/one"] == SUBMODULE


def test_a_file_inside_is_shown_as_of_a_commit(tree):
    """`show` follows the gitlink of that commit, not the checkout."""
    old, new = bumped(tree)
    found = repository(tree)
    assert found.show(old, "libs/one/x.py") == b"1\n"
    assert found.show(new, "libs/one/x.py") == b"2\n"
    assert found.show(new, "libs/one/pkg/y.py") is None
    assert found.show(new, "libs/one") is None


def test_a_submodule_in_a_worktree(tree, tmp_path):
    """A linked worktree keeps its own submodule checkouts."""
    linked = tree.worktree(tmp_path / "linked", "side")
    linked.git("submodule", "--quiet", "update", "--init")
    linked.write("libs/one/x.py", "edited\n")
    assert status(linked).changes == {"libs/one/x.py": MODIFIED}
    assert status(tree).changes == {}


def test_an_embedded_repository_without_gitmodules(tree):
    """`git add` of a nested clone records a gitlink; its files are told all the same."""
    nested = GitTree.init(tree.root / "embedded")
    nested.commit_files({"e.py": "1\n"})
    tree.commit()
    assert "embedded/e.py" in repository(tree).listing()
    nested.write("e.py", "2\n")
    assert status(tree).changes == {"embedded/e.py": MODIFIED}


def test_the_witness_follows_the_submodules_own_index(tree):
    """A checkout inside moves the token, and so does a submodule that goes away."""
    found = repository(tree)
    tokens = [found.witness()]
    inside = tree.at("libs/one")
    inside.write("x.py", "2\n")
    inside.git("add", "-A")
    tokens.append(found.witness())
    tree.git("submodule", "--quiet", "deinit", "-f", "libs/one")
    tokens.append(found.witness())
    assert len(set(tokens)) == 3
