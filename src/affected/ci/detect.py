"""Which CI system this is and what it says about the run, read from the environment.

Unaware of git: branches and commits are names for others to resolve.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from affected.ci.protocol import CI, CIName, Shard
from affected.errors import UserError

_MERGE_QUEUE = re.compile(r"refs/heads/gh-readonly-queue/(.+)/pr-\d+-([0-9a-f]{40,64})")
_PULL_MERGE = re.compile(r"refs/pull/\d+/merge")
SHARDS = "AFFECTED_SHARDS"  # how many there are, where the system only numbers them (Kubernetes)
_FALSE = ("", "0", "false", "no", "off")


def detect(environ: Mapping[str, str]) -> CI:
    """What the environment says; never an error, whatever it holds."""
    for name, mark, describe in _SYSTEMS:
        if _truthy(environ.get(mark, "")):
            return describe(name, environ)
    return CI("generic" if _truthy(environ.get("CI", "")) else "none")


def find_shard(environ: Mapping[str, str]) -> Shard | None:
    """The part of the run that the CI system gave this machine; None when it does not split.

    UserError when its variables contradict each other: a wrong part would skip tests silently.
    """
    for mark, index, total, first in _SHARD_VARIABLES:
        if (not mark or _truthy(environ.get(mark, ""))) and environ.get(index, ""):
            if _is_matrix(environ):
                return None
            return _shard(environ, index, total, first)
    return None


def _is_matrix(environ: Mapping[str, str]) -> bool:
    """True for a job of GitLab's `parallel:matrix`, which counts jobs that do different things.

    Those of a plain `parallel` are named "NAME I/N", says its manual.
    """
    ends = f"{environ.get('CI_NODE_INDEX')}/{environ.get('CI_NODE_TOTAL')}"
    job = environ.get("CI_JOB_NAME", "")
    return _truthy(environ.get("GITLAB_CI", "")) and bool(job) and not job.endswith(ends)


def _shard(environ: Mapping[str, str], index: str, total: str, first: int) -> Shard | None:
    position = _count(environ, index) - first
    if not environ.get(total, "") and total == SHARDS:
        return Shard(position, None)
    if not environ.get(total, ""):
        raise UserError(
            f"{index} is set to {environ[index]} but {total} is not",
            f"set {total} to the number of parallel jobs, or unset {index}",
        )
    machines = _count(environ, total)
    if not 0 <= position < machines:
        raise UserError(
            f"{index}={environ[index]} is not a part of {total}={environ[total]}",
            f"{index} counts from {first} to {machines - 1 + first}",
        )
    return Shard(position, machines) if machines > 1 else None


def _count(environ: Mapping[str, str], name: str) -> int:
    value = environ[name].strip()
    if not (value.isascii() and value.isdigit()):
        raise UserError(f"{name}={environ[name]} is not a number", f"unset {name} or correct it")
    return int(value)


def known_commit(value: str) -> str:
    """`value`, "" for the zeros by which CI systems say that there was no commit before."""
    return value if value.strip("0") else ""


def _truthy(value: str) -> bool:
    return value.strip().lower() not in _FALSE


def _github(name: CIName, environ: Mapping[str, str]) -> CI:
    ref = environ.get("GITHUB_REF", "")
    queued = _MERGE_QUEUE.fullmatch(ref)
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    run = environ.get("GITHUB_RUN_ID", "")
    url = f"{server}/{repository}/actions/runs/{run}" if server and repository and run else run
    return CI(
        name,
        target_branch=queued.group(1) if queued else environ.get("GITHUB_BASE_REF") or None,
        merge_commit=_PULL_MERGE.fullmatch(ref) is not None,
        commit=environ.get("GITHUB_SHA", ""),
        run=url,
        queue_commit=queued.group(2) if queued else "",
        group=run,
    )


def _gitlab(name: CIName, environ: Mapping[str, str]) -> CI:
    target = environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or environ.get(
        "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"
    )
    default = environ.get("CI_DEFAULT_BRANCH", "")
    if not target and default and environ.get("CI_COMMIT_BRANCH", "") not in ("", default):
        target = default
    source = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "")
    fork = source != environ.get("CI_MERGE_REQUEST_PROJECT_ID", "") if source else None
    return CI(
        name,
        target_branch=target or None,
        merge_commit=environ.get("CI_MERGE_REQUEST_EVENT_TYPE", "")
        in ("merged_result", "merge_train"),
        commit=environ.get("CI_COMMIT_SHA", ""),
        run=environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL", ""),
        is_fork=fork,
        target_commit=environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", ""),
        previous=known_commit(environ.get("CI_COMMIT_BEFORE_SHA", "")),
        group=environ.get("CI_PIPELINE_ID", ""),
    )


def _buildkite(name: CIName, environ: Mapping[str, str]) -> CI:
    branch = environ.get("BUILDKITE_BRANCH", "")
    default = environ.get("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "")
    target = environ.get("BUILDKITE_PULL_REQUEST_BASE_BRANCH") or None
    if target is None and default and branch not in ("", default):
        target = default
    commit = environ.get("BUILDKITE_COMMIT", "")
    theirs, ours = environ.get("BUILDKITE_PULL_REQUEST_REPO"), environ.get("BUILDKITE_REPO")
    return CI(
        name,
        target_branch=target,
        merge_commit=_truthy(environ.get("BUILDKITE_PULL_REQUEST_USING_MERGE_REFSPEC", "")),
        commit="" if commit == "HEAD" else commit,
        run=environ.get("BUILDKITE_BUILD_URL") or environ.get("BUILDKITE_BUILD_ID", ""),
        is_fork=_repository(theirs) != _repository(ours) if theirs and ours else None,
        group=environ.get("BUILDKITE_BUILD_ID", ""),
    )


def _repository(url: str) -> str:
    """The tail OWNER/NAME of a repository's address, in whatever protocol it is written."""
    tail = re.split(r"[/:]", url.strip().removesuffix("/").removesuffix(".git").lower())
    return "/".join(tail[-2:])


def _circleci(name: CIName, environ: Mapping[str, str]) -> CI:
    forked = environ.get("CIRCLE_PR_REPONAME") or environ.get("CIRCLE_PR_USERNAME")
    return CI(
        name,
        commit=environ.get("CIRCLE_SHA1", ""),
        run=environ.get("CIRCLE_BUILD_URL", ""),
        is_fork=True if forked else None,
        group=environ.get("CIRCLE_WORKFLOW_ID", ""),
    )


def _jenkins(name: CIName, environ: Mapping[str, str]) -> CI:
    target = environ.get("CHANGE_TARGET") or None
    before = environ.get("GIT_PREVIOUS_SUCCESSFUL_COMMIT") or environ.get("GIT_PREVIOUS_COMMIT")
    # It merges on the agent, work or target first: no parent's place says anything.
    return CI(
        name,
        target_branch=target,
        commit=environ.get("GIT_COMMIT", ""),
        run=environ.get("BUILD_URL") or environ.get("BUILD_TAG", ""),
        is_fork=bool(environ.get("CHANGE_FORK")) if target else None,
        previous=known_commit(before or "") if target is None else "",
        group=environ.get("BUILD_TAG", ""),
    )


def _azure(name: CIName, environ: Mapping[str, str]) -> CI:
    target = environ.get("SYSTEM_PULLREQUEST_TARGETBRANCH", "").removeprefix("refs/heads/")
    server, project = environ.get("SYSTEM_COLLECTIONURI", ""), environ.get("SYSTEM_TEAMPROJECT", "")
    build = environ.get("BUILD_BUILDID", "")
    url = f"{server.rstrip('/')}/{project}/_build/results?buildId={build}"
    fork = environ.get("SYSTEM_PULLREQUEST_ISFORK", "")
    return CI(
        name,
        target_branch=target or None,
        merge_commit=_PULL_MERGE.fullmatch(environ.get("BUILD_SOURCEBRANCH", "")) is not None,
        commit=environ.get("BUILD_SOURCEVERSION", ""),
        run=url if server and project and build else build,
        is_fork=_truthy(fork) if fork else None,
        group=build,
    )


# Each system with the variable that tells it apart; the variables are those their manuals list.
_SYSTEMS: tuple[tuple[CIName, str, Callable[[CIName, Mapping[str, str]], CI]], ...] = (
    ("github", "GITHUB_ACTIONS", _github),
    ("gitlab", "GITLAB_CI", _gitlab),
    ("buildkite", "BUILDKITE", _buildkite),
    ("circleci", "CIRCLECI", _circleci),
    ("jenkins", "JENKINS_URL", _jenkins),
    ("azure", "TF_BUILD", _azure),
)
# The variable that must be set too ("" for none), index, total, and from where the index counts.
_SHARD_VARIABLES: tuple[tuple[str, str, str, int], ...] = (
    ("BUILDKITE", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0),
    ("CIRCLECI", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0),
    ("", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    ("", "JOB_COMPLETION_INDEX", SHARDS, 0),
)
