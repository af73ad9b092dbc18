"""The commits between two revisions, with what each alone changed."""

from __future__ import annotations

from support.repositories import GitTree

from affected.git.commit_log import commits_between, contents, states_before
from affected.git.repository import Repository


def test_commits_come_oldest_first_with_their_changes(tmp_path):
    """Added, deleted, changed; an empty one; odd names; a merge with what it alone did."""
    tree = GitTree.init(tmp_path / "repo")
    first = tree.commit_files({"a.py": "1\n", "b.py": "1\n"}, "first")
    tree.branch("side")
    side = tree.commit_files({"s\té.py": "1\n"}, "on the side")
    tree.checkout("main")
    tree.delete("b.py")
    second = tree.commit_files({"a.py": "2\n"}, "second: words")
    empty = tree.commit("nothing")
    tree.git("merge", "-q", "--no-ff", "--no-commit", "side")
    tree.write("a.py", "3\n")
    merge = tree.commit("merge")
    repository = Repository.discover(tree.root, tree.environ)
    found = {one.id: one for one in commits_between(repository.git, first, "HEAD")}
    assert set(found) == {side, second, empty, merge}
    assert list(found)[-1] == merge
    assert found[second].changed == {"a.py": "M", "b.py": "D"}
    assert found[second].subject == "second: words"
    assert found[side].changed == {"s\té.py": "A"}
    assert found[empty].changed == {}
    assert found[merge].changed == {"a.py": "M"}  # as neither parent has it
    assert found[merge].parents == (empty, side)
    assert commits_between(repository.git, "HEAD", "HEAD") == []


def test_states_lead_back_along_first_parents(tmp_path):
    """Each parent with what lies there of the paths that differ."""
    tree = GitTree.init(tmp_path / "repo")
    first = tree.commit_files({"a.py": "1\n"})
    second = tree.commit_files({"a.py": "2\n", "b.py": "1\n"})
    tree.branch("side")
    tree.commit_files({"c.py": "1\n"})
    tree.checkout("main")
    tree.merge("side")
    repository = Repository.discover(tree.root, tree.environ)
    blob = tree.git("rev-parse", f"{first}:a.py")
    assert list(states_before(repository.git, "HEAD", 9)) == [
        (second, {"c.py": "absent"}),
        (first, {"a.py": blob, "b.py": "absent"}),
    ]
    assert len(list(states_before(repository.git, "HEAD", 1))) == 1
    assert list(states_before(repository.git, first, 9)) == []


def test_contents_come_by_commit_and_path_or_by_id(tmp_path):
    """All at once; what is not there, or no file, is left out."""
    tree = GitTree.init(tmp_path / "repo")
    first = tree.commit_files({"a b.py": "1\n\n", "sub/empty.py": ""})
    tree.commit_files({"a b.py": "2"})
    repository = Repository.discover(tree.root, tree.environ)
    blob = tree.git("rev-parse", "HEAD:a b.py")
    there = {f"{first}:a b.py": b"1\n\n", blob: b"2", f"{first}:sub/empty.py": b""}
    asked = [f"{first}:sub", f"{first}:gone 7", *there, "x\ny", blob]
    assert contents(repository.git, asked) == there
    assert contents(repository.git, []) == {}
