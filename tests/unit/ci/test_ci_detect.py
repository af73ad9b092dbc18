"""Which CI system this is, and what its variables say."""

from __future__ import annotations

import pytest

from affected.ci.detect import detect, find_shard
from affected.ci.protocol import CI, Shard
from affected.errors import UserError

SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_SHA": SHA,
    "GITHUB_SERVER_URL": "https://git.example",
    "GITHUB_REPOSITORY": "team/mono",
    "GITHUB_RUN_ID": "42",
}
RUN = "https://git.example/team/mono/actions/runs/42"


@pytest.mark.parametrize("environ", [{}, {"CI": ""}, {"CI": "false"}, {"CI": "0"}])
def test_a_laptop_is_no_ci(environ):
    assert detect(environ) == CI("none")
    assert not detect(environ).present


def test_an_unknown_system_is_generic():
    assert detect({"CI": "true"}) == CI("generic")
    assert detect({"CI": "1"}).present


def test_a_pull_request_on_github_is_a_merge_commit_onto_its_target():
    environ = {**GITHUB, "GITHUB_REF": "refs/pull/7/merge", "GITHUB_BASE_REF": "release/1.x"}
    assert detect(environ) == CI("github", "release/1.x", True, SHA, RUN, group="42")


def test_a_push_on_github_names_no_target():
    environ = {**GITHUB, "GITHUB_REF": "refs/heads/main", "GITHUB_BASE_REF": ""}
    assert detect(environ) == CI("github", None, False, SHA, RUN, group="42")


def test_pull_request_target_checks_out_the_base_and_is_no_merge_commit():
    environ = {**GITHUB, "GITHUB_REF": "refs/heads/main", "GITHUB_BASE_REF": "main"}
    assert not detect(environ).merge_commit


def test_a_merge_queue_names_its_target_in_the_ref():
    environ = {**GITHUB, "GITHUB_REF": f"refs/heads/gh-readonly-queue/release/2/pr-7-{SHA}"}
    assert detect(environ) == CI(
        "github", "release/2", False, SHA, RUN, queue_commit=SHA, group="42"
    )


def test_a_merged_result_on_gitlab_is_a_merge_commit():
    environ = {
        "GITLAB_CI": "true",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_EVENT_TYPE": "merged_result",
        "CI_MERGE_REQUEST_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2",
        "CI_COMMIT_SHA": SHA,
        "CI_JOB_URL": "https://lab.example/job/1",
    }
    assert detect(environ) == CI("gitlab", "main", True, SHA, "https://lab.example/job/1", True)


def test_a_branch_on_gitlab_is_compared_with_the_default_branch_but_not_with_itself():
    environ = {"GITLAB_CI": "true", "CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BRANCH": "topic"}
    assert detect(environ).target_branch == "main"
    assert detect({**environ, "CI_COMMIT_BRANCH": "main"}).target_branch is None
    assert detect({**environ, "CI_COMMIT_BRANCH": ""}).target_branch is None


@pytest.mark.parametrize(
    ("theirs", "fork"),
    [("https://git.example/team/mono.git", False), ("git://git.example/other/mono.git", True)],
)
def test_buildkite_compares_repositories_whatever_their_protocol(theirs, fork):
    environ = {
        "BUILDKITE": "true",
        "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main",
        "BUILDKITE_PULL_REQUEST_REPO": theirs,
        "BUILDKITE_REPO": "git@git.example:team/mono.git",
        "BUILDKITE_COMMIT": "HEAD",
        "BUILDKITE_BUILD_URL": "https://kite.example/1",
    }
    assert detect(environ) == CI("buildkite", "main", False, "", "https://kite.example/1", fork)


def test_buildkite_compares_a_branch_with_the_default_branch():
    environ = {
        "BUILDKITE": "true",
        "BUILDKITE_BRANCH": "topic",
        "BUILDKITE_PIPELINE_DEFAULT_BRANCH": "trunk",
        "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "",
    }
    assert detect(environ).target_branch == "trunk"
    assert detect({**environ, "BUILDKITE_BRANCH": "trunk"}).target_branch is None


def test_circleci_tells_only_forked_pull_requests():
    environ = {
        "CIRCLECI": "true",
        "CIRCLE_SHA1": SHA,
        "CIRCLE_BUILD_URL": "https://circle.example/1",
    }
    assert detect(environ) == CI("circleci", None, False, SHA, "https://circle.example/1")
    assert detect({**environ, "CIRCLE_PR_REPONAME": "mono"}).is_fork is True


def test_jenkins_names_the_target_of_a_change_request():
    environ = {
        "JENKINS_URL": "https://jenkins.example/",
        "CHANGE_TARGET": "main",
        "BRANCH_NAME": "PR-7-merge",
        "GIT_COMMIT": SHA,
        "BUILD_URL": "https://jenkins.example/job/1",
    }
    assert detect(environ) == CI(
        "jenkins", "main", False, SHA, "https://jenkins.example/job/1", False
    )


def test_a_branch_on_jenkins_is_compared_with_what_last_succeeded():
    environ = {"JENKINS_URL": "https://j", "GIT_PREVIOUS_SUCCESSFUL_COMMIT": SHA}
    assert detect({**environ, "GIT_PREVIOUS_COMMIT": "1" * 40}).previous == SHA


def test_no_commit_before_is_told_by_zeros():
    environ = {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": "0" * 40}
    assert detect(environ).previous == ""
    assert detect({**environ, "CI_COMMIT_BEFORE_SHA": SHA}).previous == SHA


def test_azure_strips_the_ref_of_the_target_branch():
    environ = {
        "TF_BUILD": "True",
        "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
        "BUILD_SOURCEBRANCH": "refs/pull/7/merge",
        "BUILD_SOURCEVERSION": SHA,
        "SYSTEM_COLLECTIONURI": "https://azure.example/team/",
        "SYSTEM_TEAMPROJECT": "mono",
        "BUILD_BUILDID": "9",
        "SYSTEM_PULLREQUEST_ISFORK": "False",
    }
    url = "https://azure.example/team/mono/_build/results?buildId=9"
    assert detect(environ) == CI("azure", "main", True, SHA, url, False, group="9")


@pytest.mark.parametrize(
    ("environ", "shard"),
    [
        ({}, None),
        ({"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4"}, Shard(0, 4)),
        ({"CI_NODE_INDEX": "4", "CI_NODE_TOTAL": "4"}, Shard(3, 4)),
        ({"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "1"}, None),
        ({"CIRCLECI": "true", "CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "2"}, Shard(0, 2)),
        ({"CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "2"}, None),
        (
            {"BUILDKITE": "1", "BUILDKITE_PARALLEL_JOB": "2", "BUILDKITE_PARALLEL_JOB_COUNT": "3"},
            Shard(2, 3),
        ),
        ({"JOB_COMPLETION_INDEX": "5"}, Shard(5, None)),
        ({"JOB_COMPLETION_INDEX": "5", "AFFECTED_SHARDS": "6"}, Shard(5, 6)),
        (
            {"GITLAB_CI": "1", "CI_JOB_NAME": "t 1/4", "CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4"},
            Shard(0, 4),
        ),
        (
            {"GITLAB_CI": "1", "CI_JOB_NAME": "t: [a]", "CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4"},
            None,
        ),
        ({"CI_NODE_INDEX": ""}, None),
    ],
)
def test_each_system_counts_its_shards_its_own_way(environ, shard):
    assert find_shard(environ) == shard


@pytest.mark.parametrize(
    "environ",
    [
        {"CI_NODE_INDEX": "0", "CI_NODE_TOTAL": "4"},
        {"CI_NODE_INDEX": "5", "CI_NODE_TOTAL": "4"},
        {"CI_NODE_INDEX": "x", "CI_NODE_TOTAL": "4"},
        {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": ""},
        {"CI_NODE_INDEX": "1"},
        {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "-4"},
        {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "0"},
        {"CI_NODE_INDEX": "\u0661", "CI_NODE_TOTAL": "4"},
    ],
)
def test_shard_variables_that_contradict_each_other_are_an_error_not_a_guess(environ):
    with pytest.raises(UserError) as caught:
        find_shard(environ)
    assert caught.value.hint
