"""What GitHub Actions wants to be told: a step summary, and a step's outputs.

Unaware of the files that GITHUB_STEP_SUMMARY and GITHUB_OUTPUT name; the caller appends to them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from affected.ci.detect import known_commit
from affected.ci.protocol import CI, working_shards
from affected.errors import UserError
from affected.model.path import ancestors, display, join
from affected.model.result import TestResult
from affected.model.shard import ShardPlan

_PLACE = re.compile(r"^([^\s:][^:\n]*\.py):([0-9]{1,9}): ", re.MULTILINE)
_SUMMARY_BYTES = 1024 * 1024  # a step summary may hold 1 MiB, says GitHub's manual
_CUT = "\n\n… the rest is in the log\n"


def step_summary(markdown: str) -> str:
    """`markdown`, cut at a line's end to what a step summary may hold."""
    raw = markdown.encode("utf-8", "backslashreplace")
    if len(raw) <= _SUMMARY_BYTES:
        return raw.decode()
    kept = raw[: _SUMMARY_BYTES - len(_CUT.encode())].decode("utf-8", "ignore")
    return kept.rpartition("\n")[0] + _CUT


def output_lines(values: Mapping[str, str]) -> str:
    """Lines for GITHUB_OUTPUT: `name=value`, or a delimited block for a value of several lines."""
    lines = []
    for name, value in values.items():
        if not name.replace("-", "").replace("_", "").isalnum():
            raise UserError(f"{name!r} cannot be the name of a step output")
        if "\n" not in value and "\r" not in value:
            lines.append(f"{name}={value}")
            continue
        end = "end_" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        lines += [f"{name}<<{end}", value, end]
    return "".join(line + "\n" for line in lines)


def failure_commands(failures: Sequence[TestResult], is_file: Callable[[str], bool]) -> list[str]:
    """Workflow commands that show each failure at its line; GitHub shows the first ten of a step.

    The line is where the failure was raised: the last place that pytest names which is a file of
    the workspace (`is_file` of a repo path), else the test file. The source of the format: GitHub's
    manual on workflow commands.
    """
    lines = []
    for failure in failures:
        path, line = _raised_at(failure, is_file)
        where = f"file={_property(path)}" + (f",line={line}" if line else "")
        message = failure.message or failure.details.strip().rpartition("\n")[2] or "failed"
        lines.append(f"::error {where},title={_property(failure.id)}::{_command(message)}")
    return lines


def _raised_at(failure: TestResult, is_file: Callable[[str], bool]) -> tuple[str, int]:
    test_file = failure.id.partition("::")[0]
    for found in reversed(_PLACE.findall(failure.details)):
        for folder in ["", *ancestors(test_file)]:  # pytest names paths from where it was started
            path = join(folder, found[0])
            if is_file(path):
                return path, int(found[1])
    return test_file, 0


def _command(text: str) -> str:
    return display(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _command(text).replace(":", "%3A").replace(",", "%2C")


def matrix_outputs(plan: ShardPlan) -> dict[str, str]:
    """The outputs of a job that plans shards: `any`, `count` and the `matrix` of those with work.

    GitHub fails a workflow whose matrix is empty, and a required check behind it never reports;
    so without work the matrix holds one shard, for which `any` says that it need not start.
    """
    shards = working_shards(plan)
    return {
        "any": "true" if shards else "false",
        "count": str(len(shards)),
        "matrix": json.dumps({"shard": shards or ["1/1"]}),
    }


def with_event(ci: CI, event: str) -> CI:
    """`ci` completed by the text of the file that GITHUB_EVENT_PATH names.

    It tells what the environment does not: whether the work comes from a fork; the default branch,
    which a push to another branch is compared with; where the branch was before a push; what a
    merge queue built on. A text that is not such an event changes nothing.
    """
    try:
        document = json.loads(event)
    except ValueError:
        return ci
    head = _text_at(document, "pull_request", "head", "repo", "full_name")
    ours = _text_at(document, "repository", "full_name")
    default = _text_at(document, "repository", "default_branch")
    ref = _text_at(document, "ref")
    target = ci.target_branch
    if target is None and default and ref.startswith("refs/heads/"):
        target = default if ref != f"refs/heads/{default}" else None
    return replace(
        ci,
        target_branch=target,
        is_fork=head != ours if head and ours else ci.is_fork,
        target_commit=_text_at(document, "pull_request", "base", "sha"),
        queue_commit=_text_at(document, "merge_group", "base_sha") or ci.queue_commit,
        previous=known_commit(_text_at(document, "before")) if _is_push(document) else "",
    )


def _is_push(document: object) -> bool:
    """False for a pull request, whose event also names a commit before: of the work's branch."""
    return isinstance(document, dict) and "pull_request" not in document


def _text_at(document: object, *keys: str) -> str:
    for key in keys:
        if not isinstance(document, dict):
            return ""
        document = document.get(key)
    return document if isinstance(document, str) else ""
