"""Each CI system's runs, in real clones, with environment and event files as its manual has them.

The questions are always the same: which commit is compared with, and what differs from it.
"""

from __future__ import annotations

import json

import pytest
from support.repositories import GitTree

from affected.app.ci_system import hints_of, this_ci
from affected.git.base_revision import resolve_base
from affected.git.repository import Repository

ZEROS = "0" * 40
GITHUB = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "team/mono"}
GITLAB = {"CI": "true", "GITLAB_CI": "true", "CI_DEFAULT_BRANCH": "main"}
KITE = {"CI": "true", "BUILDKITE": "true", "BUILDKITE_PIPELINE_DEFAULT_BRANCH": "main"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hosted repository: main at `m0`, then `m1`; the branch topic left it at `m0`."""
    tree = GitTree.init(tmp_path_factory.mktemp("ci") / "hub")
    for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        tree.git("config", setting, "true")
    tree.commit_files({"a.py": "1\n", "README.md": "words\n"})
    tree.git("tag", "m0")
    tree.branch("topic")
    tree.commit_files({"t.py": "1\n"})
    tree.commit_files({"t.py": "2\n"})
    tree.git("tag", "t2")
    tree.checkout("main")
    tree.commit_files({"m.py": "main\n"})
    tree.git("tag", "m1")
    return tree


@pytest.fixture
def checkout(hub, tmp_path):
    """Clones one ref of the hub as CI systems do; `commit` is pushed to the ref first."""

    def clone(ref, commit, depth=1):
        hub.git("update-ref", ref, commit)
        made = GitTree.init(tmp_path / "clone")
        made.git("remote", "add", "origin", f"file://{hub.root}")
        limit = (f"--depth={depth}",) if depth else ()
        made.git("fetch", "-q", "--no-tags", *limit, "origin", f"+{ref}:refs/remotes/pull/it")
        made.git("checkout", "-q", "--detach", "refs/remotes/pull/it")
        return made

    return clone


@pytest.fixture
def event(tmp_path):
    """Writes GitHub's event file; the variable that names it."""

    def write(**document):
        path = tmp_path / "event.json"
        document["repository"] = {"full_name": "team/mono", "default_branch": "main"}
        path.write_text(json.dumps(document))
        return {"GITHUB_EVENT_PATH": str(path)}

    return write


def commit(hub, name):
    return hub.git("rev-parse", f"{name}^{{commit}}")


def merged(hub, target, work):
    """The merge of two commits as CI systems make it, the target first; not on any branch."""
    hub.git("checkout", "-q", "--detach", target)
    made = hub.merge(work)
    hub.checkout("main")
    return made


def made_on(hub, parent, files, message="change"):
    """A commit with one parent, not on any branch."""
    hub.git("checkout", "-q", "--detach", parent)
    made = hub.commit_files(files, message)
    hub.checkout("main")
    return made


def decision(tree, environ, last=None):
    """(commit compared with, how, reason, what differs) of a run in this environment."""
    repository = Repository.discover(tree.root, tree.environ)
    assert repository is not None
    hints = hints_of(this_ci(environ))
    base = resolve_base(repository, None, environ, hints, last, strict=False)
    changes = repository.tree_changes(base.commit, "HEAD") if base.commit else None
    differing = None if changes is None else {change.path for change in changes}
    return base.commit, base.how, base.reason, differing


def test_a_pull_request_on_github_at_depth_1(hub, checkout, event):
    """The merge commit's first parent: what the pull request adds to main as it is now."""
    tree = checkout("refs/pull/7/merge", merged(hub, "m1", "t2"))
    pull = {"head": {"repo": {"full_name": "team/mono"}}, "base": {"sha": commit(hub, "m0")}}
    environ = {**GITHUB, "GITHUB_REF": "refs/pull/7/merge", "GITHUB_BASE_REF": "main"}
    environ |= {"GITHUB_SHA": tree.head(), **event(pull_request=pull)}
    found = decision(tree, environ)
    assert found == (
        commit(hub, "m1"),
        "first parent of the pull request's merge commit",
        "",
        {"t.py"},
    )


def test_a_pull_request_from_a_fork_is_told_apart(hub, checkout, event):
    """The decision is the same; that it is a fork is known, for what may be written."""
    tree = checkout("refs/pull/8/merge", merged(hub, "m1", "t2"))
    pull = {"head": {"repo": {"full_name": "someone/mono"}}}
    environ = {**GITHUB, "GITHUB_REF": "refs/pull/8/merge", "GITHUB_BASE_REF": "main"}
    environ |= {"GITHUB_SHA": tree.head(), **event(pull_request=pull)}
    assert this_ci(environ).is_fork is True
    assert decision(tree, environ)[3] == {"t.py"}


def test_a_pull_requests_own_head_that_is_a_merge_is_not_taken_for_its_merge(hub, checkout, event):
    """A workflow may check out the work itself; its first parent would hide all before it."""
    head = merged(hub, "t2", "m1")  # main was merged into the work
    tree = checkout("refs/pull/9/head", head)
    environ = {**GITHUB, "GITHUB_REF": "refs/pull/9/merge", "GITHUB_BASE_REF": "main"}
    environ |= {"GITHUB_SHA": "1" * 40, **event(pull_request={})}
    found = decision(tree, environ)
    assert (found[0], found[3]) == (commit(hub, "m1"), {"t.py"})


def test_a_merge_queue_on_github(hub, checkout, event):
    """Compared with what the queue built on, though that is on no branch yet."""
    ahead = made_on(hub, "m1", {"other.py": "1\n"})
    mine = made_on(hub, ahead, {"t.py": "2\n"})
    hub.git("update-ref", "refs/heads/gh-readonly-queue/main/pr-6-x", ahead)
    tree = checkout(f"refs/heads/gh-readonly-queue/main/pr-7-{ahead}", mine)
    environ = {**GITHUB, "GITHUB_REF": f"refs/heads/gh-readonly-queue/main/pr-7-{ahead}"}
    environ |= {"GITHUB_SHA": mine, **event(merge_group={"base_sha": ahead})}
    found = decision(tree, environ)
    assert (found[0], found[1], found[3]) == (ahead, "what the merge queue built on", {"t.py"})


@pytest.mark.parametrize("kind", ["squash", "two commits", "revert"])
def test_a_push_to_the_default_branch_on_github(hub, checkout, event, kind):
    """Compared with where the branch was before the push, however many commits that was."""
    if kind == "squash":
        after, expected = made_on(hub, "m1", {"t.py": "2\n"}, "topic (#7)"), {"t.py"}
    elif kind == "two commits":
        after = made_on(hub, made_on(hub, "m1", {"t.py": "1\n"}), {"u.py": "1\n"})
        expected = {"t.py", "u.py"}
    else:
        hub.git("checkout", "-q", "--detach", "m1")
        hub.git("revert", "--no-edit", "HEAD")
        after, expected = hub.head(), {"m.py"}
        hub.checkout("main")
    tree = checkout("refs/heads/pushed", after)
    tree.git("update-ref", "refs/remotes/origin/main", after)
    environ = {**GITHUB, "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": after}
    environ |= event(ref="refs/heads/main", before=commit(hub, "m1"), after=after)
    hub.git("update-ref", "refs/heads/main", after)
    try:
        found = decision(tree, environ)
    finally:
        hub.git("update-ref", "refs/heads/main", "m1")
    assert (found[0], found[3]) == (commit(hub, "m1"), expected)


def test_a_force_push_is_compared_with_the_branch_that_it_replaced(hub, checkout, event):
    """The commit before is on no branch any more, and still answers if the server has it."""
    old, new = made_on(hub, "m1", {"x.py": "1\n"}), made_on(hub, "m1", {"y.py": "1\n"})
    tree = checkout("refs/heads/rewritten", new)
    tree.git("update-ref", "refs/remotes/origin/main", new)
    environ = {**GITHUB, "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": new}
    environ |= event(ref="refs/heads/main", before=old, after=new, forced=True)
    assert decision(tree, environ)[3] == {"x.py", "y.py"}


def test_a_force_push_over_a_commit_that_is_gone_is_everything_with_a_reason(hub, checkout, event):
    """Never the commit before HEAD, never "no changes"."""
    tree = checkout("refs/heads/alone", commit(hub, "m1"))
    environ = {**GITHUB, "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": tree.head()}
    environ |= event(ref="refs/heads/main", before="1" * 40, forced=True)
    found = decision(tree, environ)
    assert (found[0], found[1]) == (None, "everything")
    assert "is not here" in found[2]


@pytest.mark.parametrize("rebased", [False, True])
def test_the_first_push_of_a_branch_is_compared_with_where_it_left_the_default(
    hub, checkout, event, rebased
):
    """The commit before is all zeros (or, rebased, one of another history): main decides."""
    head = made_on(hub, "m1", {"t.py": "2\n"}) if rebased else commit(hub, "t2")
    tree = checkout("refs/heads/feature", head)
    environ = {**GITHUB, "GITHUB_REF": "refs/heads/feature", "GITHUB_SHA": head}
    before = commit(hub, "t2") if rebased else ZEROS
    environ |= event(ref="refs/heads/feature", before=before, after=head, created=not rebased)
    found = decision(tree, environ)
    assert (found[0], found[3]) == (commit(hub, "m1" if rebased else "m0"), {"t.py"})


@pytest.mark.parametrize("ref", ["refs/tags/v1", "refs/heads/main"])
def test_a_tag_or_a_schedule_on_the_default_branch_is_everything_with_a_reason(
    hub, checkout, event, ref
):
    """Nothing says what it should be compared with; with a state on record, that one."""
    tree = checkout("refs/heads/tagged", commit(hub, "m1"))
    environ = {**GITHUB, "GITHUB_REF": ref, "GITHUB_SHA": tree.head()}
    environ |= event(ref=ref, before=ZEROS) if "tags" in ref else event(schedule="0 3 * * *")
    found = decision(tree, environ)
    assert (found[0], found[1], found[2].partition(":")[0]) == (None, "everything", "on-target")
    tree.git("fetch", "-q", "--depth=5", "origin", "main")
    assert decision(tree, environ, commit(hub, "m0"))[3] == {"m.py"}


def test_a_pull_request_whose_target_was_deleted(hub, checkout, event):
    """The event still tells a commit of it."""
    tree = checkout("refs/pull/10/head", commit(hub, "t2"))
    pull = {"base": {"sha": commit(hub, "m0"), "ref": "gone"}}
    environ = {**GITHUB, "GITHUB_REF": "refs/pull/10/merge", "GITHUB_BASE_REF": "gone"}
    environ |= {"GITHUB_SHA": "1" * 40, **event(pull_request=pull)}
    found = decision(tree, environ)
    assert (found[0], found[3]) == (commit(hub, "m0"), {"t.py"})
    assert "the target branch gone is not here" in found[2]
    nothing = decision(tree, {**environ, **event(pull_request={})})
    assert nothing[0] is None


def test_a_clone_in_ci_is_deepened_without_the_contents_of_files(hub, checkout):
    """It becomes a partial clone; the base is found in it all the same."""
    tree = checkout("refs/heads/mr", commit(hub, "t2"))
    environ = {**GITLAB, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    assert decision(tree, environ)[3] == {"t.py"}
    assert tree.git("config", "remote.origin.partialclonefilter") == "blob:none"
    assert tree.git("rev-list", "--objects", "--all", "--missing=print").count("\n?") >= 1


def test_merge_requests_on_gitlab(hub, checkout):
    """Detached: where the branch left its target. Merged results: the first parent."""
    environ = {**GITLAB, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    environ |= {"CI_MERGE_REQUEST_DIFF_BASE_SHA": commit(hub, "m0"), "CI_COMMIT_BEFORE_SHA": ZEROS}
    tree = checkout("refs/merge-requests/1/merge", merged(hub, "m1", "t2"), depth=20)
    found = decision(tree, {**environ, "CI_MERGE_REQUEST_EVENT_TYPE": "merged_result"})
    assert (found[0], found[3]) == (commit(hub, "m1"), {"t.py"})
    tree.git("fetch", "-q", "--depth=20", "origin", "topic")
    tree.git("checkout", "-q", "--detach", "FETCH_HEAD")
    found = decision(tree, {**environ, "CI_MERGE_REQUEST_EVENT_TYPE": "detached"})
    assert (found[0], found[3]) == (commit(hub, "m0"), {"t.py"})
    gone = {**environ, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "gone"}
    assert decision(tree, gone)[0] == commit(hub, "m0")


def test_a_push_to_the_default_branch_on_gitlab(hub, checkout):
    """The commit before the push."""
    tree = checkout("refs/heads/onmain", commit(hub, "m1"))
    environ = {**GITLAB, "CI_COMMIT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": commit(hub, "m0")}
    assert decision(tree, environ)[3] == {"m.py"}


def test_pull_requests_and_branches_on_buildkite(hub, checkout):
    """The pull request's target, else the pipeline's default branch."""
    tree = checkout("refs/heads/kite", commit(hub, "t2"))
    pull = {**KITE, "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main", "BUILDKITE_COMMIT": "HEAD"}
    assert decision(tree, pull)[3] == {"t.py"}
    assert decision(tree, {**KITE, "BUILDKITE_BRANCH": "topic"})[3] == {"t.py"}
    nothing = decision(tree, {**KITE, "BUILDKITE_BRANCH": "main"}, last=None)
    assert nothing[3] == {"t.py"}  # the remote's default branch, which the work is not on


def test_circleci_says_nothing_of_a_target_so_the_remote_is_asked(hub, checkout):
    """Its HEAD names the default branch."""
    tree = checkout("refs/heads/circle", commit(hub, "t2"), depth=0)
    found = decision(tree, {"CI": "true", "CIRCLECI": "true"})
    assert (found[1], found[3]) == ("merge base with origin/main", {"t.py"})


@pytest.mark.parametrize("first", ["target", "work"])
def test_jenkins_merges_a_change_request_in_either_order(hub, checkout, first):
    """The target's newest commit in HEAD, whichever parent that is."""
    head = merged(hub, "m1", "t2") if first == "target" else merged(hub, "t2", "m1")
    tree = checkout("refs/heads/jenkins", head)
    environ = {"CI": "true", "JENKINS_URL": "https://j", "CHANGE_TARGET": "main"}
    environ |= {"BRANCH_NAME": "PR-7", "GIT_COMMIT": head}
    found = decision(tree, environ)
    assert (found[0], found[3]) == (commit(hub, "m1"), {"t.py"})


def test_a_branch_on_jenkins_that_is_built_again(hub, checkout):
    """On the default branch: what last succeeded."""
    tree = checkout("refs/heads/again", commit(hub, "m1"))
    environ = {"CI": "true", "JENKINS_URL": "https://j"}
    environ |= {"GIT_PREVIOUS_SUCCESSFUL_COMMIT": commit(hub, "m0")}
    assert decision(tree, environ)[3] == {"m.py"}


def test_a_pull_request_on_azure(hub, checkout):
    """The merge commit, as on GitHub."""
    tree = checkout("refs/pull/3/merge", merged(hub, "m1", "t2"))
    environ = {"CI": "", "TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/pull/3/merge"}
    environ |= {"SYSTEM_PULLREQUEST_TARGETBRANCH": "main", "BUILD_SOURCEVERSION": tree.head()}
    assert decision(tree, environ)[3] == {"t.py"}


def test_an_event_file_that_cannot_be_read_says_nothing(tmp_path):
    """A missing file, a folder, words that are no JSON."""
    (tmp_path / "words").write_text("words")
    for name in ("missing", ".", "words"):
        environ = {**GITHUB, "GITHUB_EVENT_PATH": str(tmp_path / name)}
        assert this_ci(environ).previous == ""
