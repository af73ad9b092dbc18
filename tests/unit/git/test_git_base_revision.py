"""The commit to compare with: where it comes from, and what is said when it cannot be had."""

from __future__ import annotations

import time

import pytest
from support.repositories import GitTree

from affected.errors import BaseUnresolved
from affected.git.base_revision import Base, BaseHints, resolve_base
from affected.git.repository import Repository

NO_HINTS = BaseHints()
UNKNOWN = "1" * 40


@pytest.fixture
def upstream(tmp_path):
    made = GitTree.init(tmp_path / "upstream")
    made.commit_files({"a.py": "1\n"})
    return made


def grow(tree, count, name="f"):
    """`count` more commits on the present branch; the last one's id."""
    head = tree.git("rev-parse", "--abbrev-ref", "HEAD")
    stream = []
    for number in range(count):
        stream.append(
            f"commit refs/heads/{head}\ncommitter A <a@example.invalid> {1700000000 + number} +0000\n"
            f"data 1\nx\n" + (f"from refs/heads/{head}^0\n" if number == 0 else "")
            + f"M 100644 inline {name}.py\ndata {len(str(number))}\n{number}\n\n"
        )  # fmt: skip
    file = tree.root / ".git/stream"
    file.write_text("".join(stream))
    tree.git("-c", "alias.feed=!cat .git/stream | git fast-import --quiet", "feed")
    tree.git("reset", "-q", "--hard")
    return tree.head()


def find(tree, requested=None, hints=NO_HINTS, last=None, *, strict=False, seconds=30.0, **environ):
    repository = Repository.discover(tree.root, tree.environ)
    assert repository is not None
    return resolve_base(repository, requested, environ, hints, last, strict=strict, seconds=seconds)


def test_a_named_base_comes_first(upstream):
    """--base wins over the environment, hints and records; it is met where HEAD left it."""
    first = upstream.head()
    upstream.branch("side")
    side = upstream.commit_files({"s.py": ""})
    upstream.checkout("main")
    upstream.commit_files({"m.py": ""})
    upstream.checkout("side")
    upstream.commit_files({"t.py": ""})
    found = find(upstream, "main", BaseHints("nowhere"), UNKNOWN, AFFECTED_BASE=UNKNOWN)
    assert found == Base(first, "--base: merge base with main", "")
    assert find(upstream, side).commit == side
    assert find(upstream, "HEAD").commit == upstream.head()
    assert find(upstream, "HEAD", CI="true").commit == upstream.head()


def test_the_environment_comes_second(upstream):
    """AFFECTED_BASE, if it says something."""
    first = upstream.head()
    upstream.commit_files({"b.py": ""})
    assert find(upstream, AFFECTED_BASE=first) == Base(
        first, f"AFFECTED_BASE: merge base with {first}", ""
    )
    assert find(upstream, AFFECTED_BASE="").commit is None


def test_a_named_base_that_is_unknown_is_everything_with_a_reason(upstream):
    """Nothing else is tried in its place."""
    found = find(upstream, "no-such", last="HEAD")
    assert found.commit is None
    assert found.how == "everything"
    assert found.reason.startswith("base-missing: --base names no-such")


def test_strict_refuses_to_go_without_a_base(upstream):
    """The error tells the code, what happened, and a way out."""
    with pytest.raises(BaseUnresolved, match="base-missing") as caught:
        find(upstream, "no-such", strict=True)
    assert "--base" in caught.value.hint


def test_a_base_in_an_unrelated_history_is_compared_directly(upstream):
    """Without a common ancestor the commit itself is the base."""
    main = upstream.head()
    upstream.git("checkout", "-q", "--orphan", "alone")
    upstream.commit("another beginning")
    found = find(upstream, "main")
    assert (found.commit, found.how) == (main, "--base: main itself")
    assert found.reason.startswith("unrelated:")


def test_the_merge_commit_of_a_pull_request(upstream):
    """Its first parent is the target branch as CI merged it."""
    main = upstream.head()
    upstream.branch("side")
    upstream.commit_files({"s.py": ""})
    upstream.checkout("main")
    upstream.merge("side")
    found = find(upstream, hints=BaseHints("main", merge_commit=True), CI="true")
    assert found == Base(main, "first parent of the pull request's merge commit", "")


def test_a_hint_of_a_merge_commit_that_is_none_falls_through(upstream, tmp_path):
    """HEAD has one parent: the target branch decides."""
    clone = upstream.clone(tmp_path / "clone")
    clone.branch("side")
    clone.commit_files({"s.py": ""})
    found = find(clone, hints=BaseHints("main", merge_commit=True), CI="true")
    assert found == Base(upstream.head(), "merge base with origin/main", "")


def test_a_shallow_merge_commits_parent_is_fetched(upstream, tmp_path):
    """With depth 1, as CI systems clone: one commit more is enough."""
    main = grow(upstream, 30)
    upstream.branch("side")
    grow(upstream, 30, "s")
    upstream.checkout("main")
    upstream.merge("side")
    clone = upstream.clone(tmp_path / "clone", "--depth=1")
    found = find(clone, hints=BaseHints("main", merge_commit=True), CI="true")
    assert found.commit == main
    assert clone.git("rev-list", "--count", "HEAD") == "1"
    repository = Repository.discover(clone.root, clone.environ)
    assert {c.path for c in repository.tree_changes(main, "HEAD")} == {"s.py"}


def test_a_target_branch_is_met_where_head_left_it(upstream, tmp_path):
    """On a branch: the merge base with the remote's branch, by any spelling."""
    fork = upstream.head()
    clone = upstream.clone(tmp_path / "clone")
    clone.branch("side")
    clone.commit_files({"s.py": ""})
    upstream.commit_files({"m.py": ""})
    clone.git("fetch", "-q")
    for name in ("main", "origin/main", "refs/heads/main", "refs/remotes/origin/main"):
        assert find(clone, hints=BaseHints(name)) == Base(fork, "merge base with origin/main", "")


def test_the_remotes_default_branch_is_the_target_without_a_hint(upstream, tmp_path):
    """What `git clone` recorded as the remote's HEAD."""
    clone = upstream.clone(tmp_path / "clone")
    clone.branch("side")
    clone.commit_files({"s.py": ""})
    assert find(clone) == Base(upstream.head(), "merge base with origin/main", "")


def test_a_local_branch_will_do_without_a_remote(upstream):
    """No remote at all: the branch of that name here."""
    fork = upstream.head()
    upstream.branch("side")
    upstream.commit_files({"s.py": ""})
    assert find(upstream, hints=BaseHints("main")) == Base(fork, "merge base with main", "")


def test_head_on_its_target_is_a_base_on_a_laptop_only(upstream, tmp_path):
    """In CI a commit that is part of the target already would compare with itself."""
    clone = upstream.clone(tmp_path / "clone")
    head = clone.head()
    assert find(clone).commit == head
    found = find(clone, CI="true")
    assert (found.commit, found.how) == (None, "everything")
    assert found.reason.startswith("on-target:")
    first = find(clone, last=head, CI="true")
    assert (first.commit, first.how) == (head, "last recorded state of the branch")


def test_the_last_recorded_state(upstream):
    """Used when nothing else is known, if it is still here."""
    head = upstream.head()
    assert find(upstream, last=head) == Base(head, "last recorded state of the branch", "")
    found = find(upstream, last=UNKNOWN)
    assert found.commit is None
    assert found.reason.startswith("base-missing: the last recorded commit")


def test_nothing_known_is_everything(upstream):
    """A reason is always told."""
    assert find(upstream) == Base(
        None, "everything", "no-base: no base was named, found or recorded"
    )


def test_an_unborn_branch_is_everything(tmp_path):
    """There is no commit to compare."""
    found = find(GitTree.init(tmp_path / "repo"), last=UNKNOWN)
    assert found.commit is None
    assert found.reason.startswith("unborn:")


def forked(upstream, ahead, behind):
    """Branches main and side part at the returned commit, `behind` and `ahead` commits long."""
    grow(upstream, 5)
    fork = upstream.head()
    upstream.branch("side")
    grow(upstream, ahead, "s")
    upstream.checkout("main")
    grow(upstream, behind, "m")
    upstream.checkout("side")
    return fork


def test_a_shallow_clone_is_deepened_until_the_branches_meet(upstream, tmp_path):
    """One step of 50 commits does for most branches."""
    fork = forked(upstream, 10, 20)
    clone = upstream.clone(tmp_path / "clone", "--depth=1", "--single-branch")
    assert clone.git("rev-list", "--count", "HEAD") == "1"
    found = find(clone, hints=BaseHints("main"), CI="true")
    assert (found.commit, found.how) == (fork, "merge base with origin/main")
    assert found.reason == "deepened: history was deepened by 50 commits"


def test_deepening_goes_on_in_larger_steps(upstream, tmp_path):
    """120 commits on each side: 50 are not enough, 200 more are."""
    fork = forked(upstream, 120, 120)
    clone = upstream.clone(tmp_path / "clone", "--depth=1", "--no-single-branch")
    found = find(clone, hints=BaseHints("main"))
    assert found.commit == fork
    assert "200" in found.reason


def test_an_explicit_base_deepens_too(upstream, tmp_path):
    """`--base origin/main` in a shallow clone that has only its own branch."""
    fork = forked(upstream, 3, 3)
    clone = upstream.clone(tmp_path / "clone", "--depth=1", "--single-branch")
    found = find(clone, "origin/main")
    assert (found.commit, found.how) == (fork, "--base: merge base with origin/main")


def test_deepening_a_clone_of_a_local_folder(upstream, tmp_path):
    """The remote may be a plain path."""
    fork = forked(upstream, 3, 3)
    clone = upstream.clone(tmp_path / "clone", "--depth=1", "--single-branch")
    clone.git("config", "remote.origin.url", str(upstream.root))
    assert find(clone, hints=BaseHints("main")).commit == fork


def test_local_commits_on_a_shallow_clone(upstream, tmp_path):
    """HEAD is not on the remote: the branch alone is deepened."""
    fork = forked(upstream, 3, 3)
    clone = upstream.clone(tmp_path / "clone", "--depth=1", "--no-single-branch")
    clone.commit_files({"local.py": ""})
    found = find(clone, hints=BaseHints("main"))
    assert found.commit in {fork, clone.git("rev-parse", "origin/main")}


def test_deepening_never_shortens(upstream, tmp_path):
    """A clone of depth 100 keeps its hundred commits when the target is fetched."""
    forked(upstream, 110, 3)
    clone = upstream.clone(tmp_path / "clone", "--depth=100", "--single-branch")
    find(clone, hints=BaseHints("main"))
    assert int(clone.git("rev-list", "--count", "HEAD")) >= 100


def test_a_partial_clone_stays_partial_and_others_whole(upstream, tmp_path):
    """Fetching history changes no configuration, and fetches no more blobs than git must."""
    forked(upstream, 3, 3)
    clone = upstream.clone(tmp_path / "clone", "--depth=1", "--single-branch")
    before = clone.git("config", "--local", "--list")
    find(clone, hints=BaseHints("main"))
    assert clone.git("config", "--local", "--list") == before


def test_an_unreachable_remote_is_told_and_the_local_branch_used(upstream, tmp_path):
    """Offline: what is here decides, and the reason says that fetching failed."""
    fork = upstream.head()
    clone = upstream.clone(tmp_path / "clone")
    clone.branch("side")
    clone.commit_files({"s.py": ""})
    clone.git("update-ref", "-d", "refs/remotes/origin/main")
    clone.git("config", "remote.origin.url", str(tmp_path / "gone"))
    found = find(clone, hints=BaseHints("main"))
    assert (found.commit, found.how) == (fork, "merge base with main")
    assert found.reason.startswith("fetch-failed: fetching main from origin")


def test_a_shallow_clone_that_cannot_be_deepened_compares_with_the_tip(upstream, tmp_path):
    """The tip of the target is a base too, only a farther one."""
    forked(upstream, 3, 3)
    main = upstream.git("rev-parse", "main")
    clone = upstream.clone(tmp_path / "clone", "--depth=1", "--no-single-branch")
    clone.git("config", "remote.origin.url", str(tmp_path / "gone"))
    found = find(clone, hints=BaseHints("main"))
    assert (found.commit, found.how) == (main, "origin/main itself")
    assert found.reason.startswith("shallow:")


def test_a_hanging_remote_costs_no_more_than_the_time_allowed(upstream, tmp_path):
    """The fetch and what it started are ended."""
    clone = upstream.clone(tmp_path / "clone")
    clone.git("config", "protocol.ext.allow", "always")
    clone.git("config", "remote.origin.url", "ext::sleep 60")
    started = time.monotonic()
    found = find(clone, hints=BaseHints("release"), seconds=0.3)
    assert time.monotonic() - started < 10
    assert found.commit is None
    assert "no answer within" in found.reason


def test_a_commit_id_is_fetched_into_a_shallow_clone(upstream, tmp_path):
    """CI systems name the commit before a push, which a shallow clone lacks."""
    before = grow(upstream, 3)
    grow(upstream, 10, "g")
    clone = upstream.clone(tmp_path / "clone", "--depth=1")
    found = find(clone, before, CI="true")
    assert (found.commit, found.how) == (before, f"--base: merge base with {before}")


def test_a_partial_clone_needs_no_blobs_for_its_base(upstream, tmp_path):
    """Trees are enough to tell what changed; its own filter holds for what is fetched."""
    fork = forked(upstream, 3, 3)
    upstream.git("config", "uploadpack.allowFilter", "true")
    clone = upstream.clone(tmp_path / "clone", "--depth=1", "--single-branch", "--filter=blob:none")
    found = find(clone, hints=BaseHints("main"))
    assert found.commit == fork
    repository = Repository.discover(clone.root, clone.environ)
    assert {change.path for change in repository.tree_changes(fork, "HEAD")} == {"s.py"}
    missing = clone.git("rev-list", "--objects", "--all", "--missing=print")
    assert "\n?" in missing


def test_an_unknown_commit_in_an_offline_partial_clone_is_missing(upstream, tmp_path):
    """Git would ask the remote for it; that the remote is away is no error."""
    upstream.git("config", "uploadpack.allowFilter", "true")
    clone = upstream.clone(tmp_path / "clone", "--filter=blob:none")
    clone.git("config", "remote.origin.url", str(tmp_path / "gone"))
    found = find(clone, last=UNKNOWN, CI="1")
    assert found.commit is None
    assert "base-missing" in found.reason
