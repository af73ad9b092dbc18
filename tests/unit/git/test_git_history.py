"""Commits compared, listed, shown and related."""

from __future__ import annotations

import pytest
from support.repositories import GitTree

from affected.errors import UserError
from affected.fs.digests import digest_path
from affected.git.repository import Repository
from affected.model.digest import ABSENT
from affected.model.selection import Change

UNKNOWN = "1" * 40


@pytest.fixture
def tree(tmp_path):
    made = GitTree.init(tmp_path / "repo")
    made.commit_files({"a.py": "a\n", "pkg/b.py": "b\n"})
    return made


def repository(tree):
    found = Repository.discover(tree.root, tree.environ)
    assert found is not None
    return found


def test_two_commits_differ_by_files_with_digests(tree):
    """Edited, deleted, added, renamed, made executable, turned into a link or folder."""
    tree.commit_files({"mode": "m\n", "kind": "k\n", "spot": "s\n", "old-name": "same\n"})
    paths = ["a.py", "pkg/b.py", "mode", "kind", "spot", "old-name"]
    before = {path: digest_path(tree.root, path) for path in paths}
    old = tree.head()
    tree.write("a.py", "2\n")
    tree.delete("pkg/b.py")
    (tree.root / "mode").chmod(0o755)
    tree.delete("kind")
    tree.link("kind", "a.py")
    tree.delete("spot")
    tree.write("spot/inside", "i\n")
    tree.git("mv", "old-name", "new-name")
    new = tree.commit()
    after = {
        path: digest_path(tree.root, path)
        for path in ["a.py", "mode", "kind", "spot/inside", "new-name"]
    }
    assert set(repository(tree).tree_changes(old, new)) == {
        Change("a.py", before["a.py"], after["a.py"]),
        Change("pkg/b.py", before["pkg/b.py"], ABSENT),
        Change("mode", before["mode"], after["mode"]),
        Change("kind", before["kind"], after["kind"]),
        Change("spot", before["spot"], ABSENT),
        Change("spot/inside", ABSENT, after["spot/inside"]),
        Change("old-name", before["old-name"], ABSENT),
        Change("new-name", ABSENT, after["new-name"]),
    }


def test_a_commit_does_not_differ_from_itself(tree):
    """No change is an empty list, not None."""
    assert repository(tree).tree_changes("HEAD", "HEAD") == []


def test_an_absent_commit_is_none_not_nothing(tree):
    """A diff that cannot be made is told apart from an empty one."""
    found = repository(tree)
    assert found.tree_changes(UNKNOWN, "HEAD") is None
    assert found.tree_changes("HEAD", UNKNOWN) is None
    assert found.tree_changes("no-such-branch", "HEAD") is None
    assert found.tree_listing(UNKNOWN) is None


def test_a_damaged_store_is_an_error(tree):
    """A commit that is here, but whose tree is not, is a failure in git's words."""
    old = tree.head()
    new = tree.commit_files({"a.py": "2\n"})
    oid = tree.git("rev-parse", f"{old}^{{tree}}")
    (tree.root / ".git/objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(UserError, match="diff-tree"):
        repository(tree).tree_changes(old, new)


def test_a_tree_listing_equals_the_index_of_a_clean_checkout(tree):
    """Same paths, same digests."""
    tree.write("run", "x", executable=True)
    tree.link("l", "a.py")
    tree.commit()
    found = repository(tree)
    assert found.tree_listing("HEAD") == {p: e.digest for p, e in found.listing().items()}


@pytest.mark.parametrize("name", ["HEAD", "main", "@", "HEAD~0", "refs/heads/main"])
def test_names_are_resolved_to_commits(tree, name):
    """Whatever git calls a revision."""
    assert repository(tree).resolve(name) == tree.head()


def test_an_annotated_tag_resolves_to_its_commit(tree):
    """The tag object is looked through."""
    tree.git("tag", "-a", "-m", "t", "v1")
    assert repository(tree).resolve("v1") == tree.head()


@pytest.mark.parametrize(
    "name",
    ["nothing", UNKNOWN, "", "-h", "--all", "HEAD~99", "a.py", "HEAD:a.py", "x y", "main@{9}",
     "HEAD@{99}", "@{upstream}", "main@{push}", "a\nb", "^main", "main..main", "\0"],
)  # fmt: skip
def test_what_is_no_commit_resolves_to_none(tree, name):
    """Unknown, malformed or pointing at something else."""
    assert repository(tree).resolve(name) is None


def test_an_unborn_head_resolves_to_none(tmp_path):
    """There is no commit yet."""
    assert repository(GitTree.init(tmp_path / "repo")).resolve("HEAD") is None


def test_merge_bases_and_ancestors(tree):
    """Forked branches meet where they parted; unrelated ones do not."""
    fork = tree.head()
    tree.branch("side")
    side = tree.commit_files({"s.py": ""})
    tree.checkout("main")
    main = tree.commit_files({"m.py": ""})
    tree.git("checkout", "-q", "--orphan", "alone")
    tree.commit()
    found = repository(tree)
    assert found.merge_base(side, main) == fork
    assert found.merge_base("alone", main) is None
    assert found.is_ancestor(fork, main)
    assert not found.is_ancestor(side, main)


def test_parents_are_told_even_when_they_are_not_here(tree, tmp_path):
    """A shallow clone's commit still names its parents."""
    first = tree.head()
    tree.branch("side")
    side = tree.commit_files({"s.py": ""})
    tree.checkout("main")
    merge = tree.merge("side")
    shallow = tree.clone(tmp_path / "shallow", "--depth=1")
    found = repository(shallow)
    assert found.parents(merge) == (first, side)
    assert found.resolve("HEAD^1") is None
    assert found.is_shallow()
    assert not repository(tree).is_shallow()


def test_files_are_shown_as_of_a_commit(tree):
    """Bytes as they are; None for what is not there, is a folder, or has no commit."""
    old = tree.head()
    tree.write("a.py", b"\r\n\xff\0")
    tree.write("line\nname", "odd")
    tree.write(":x", "colon")
    tree.write("*", "star")
    tree.link("l", "a.py")
    tree.commit()
    found = repository(tree)
    assert found.show(old, "a.py") == b"a\n"
    assert found.show("HEAD", "a.py") == b"\r\n\xff\0"
    assert found.show("HEAD", "line\nname") == b"odd"
    assert found.show("HEAD", ":x") == b"colon"
    assert found.show("HEAD", "*") == b"star"
    assert found.show("HEAD", "l") == b"a.py"
    assert found.show("HEAD", "pkg/b.py") == b"b\n"
    assert found.show("HEAD", "pkg") is None
    assert found.show("HEAD", "absent") is None
    assert found.show("HEAD", "a.py/below") is None
    assert found.show(UNKNOWN, "a.py") is None


def test_configuration_values(tree):
    """Sections and keys in any case, subsections exactly; the last value wins."""
    tree.git("config", "Remote.Some.Where.URL", "one")
    tree.git("config", "--add", "core.thing", "1")
    tree.git("config", "--add", "core.thing", "2\nlines")
    found = repository(tree)
    assert found.config_value("remote.Some.Where.url") == "one"
    assert found.config_value("remote.some.where.url") is None
    assert found.config_value("CORE.Thing") == "2\nlines"
    assert found.config_value("core.absent") is None
    assert found.remotes() == ("Some.Where",)


def test_origin_is_the_first_remote(tree):
    """Others follow by name."""
    for name in ("alpha", "origin", "beta"):
        tree.git("remote", "add", name, "nowhere")
    assert repository(tree).remotes() == ("origin", "alpha", "beta")
