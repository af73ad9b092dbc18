"""What `affected run` makes of its arguments, and of how a run ended."""

from __future__ import annotations

import pytest

from affected.cli.exit_status import ExitStatus
from affected.cli.run_command import PYTEST_ARGS, command
from affected.cli.run_rest import exit_status
from affected.report.protocol import Counts, RunSummary


def parsed(*arguments):
    """The parameters and what goes to pytest."""
    context = command.make_context("run", list(arguments))
    return context.params, context.meta.get(PYTEST_ARGS, ())


@pytest.mark.parametrize(
    ("arguments", "labels", "rest"),
    [
        ((), (), ()),
        (("a", "b"), ("a", "b"), ()),
        (("a", "--", "-x"), ("a",), ("-x",)),
        (("--",), (), ()),
        (("--", "a"), (), ("a",)),
        (("--", "-k", "x or y", "--", "z"), (), ("-k", "x or y", "--", "z")),
        (("a::t[--]", "--", "--all"), ("a::t[--]",), ("--all",)),
    ],
)
def test_what_stands_after_two_dashes_goes_to_pytest_as_it_is(arguments, labels, rest):
    """Neither read as ours nor counted as a label."""
    params, given = parsed(*arguments)
    assert (params["labels"], given) == (labels, rest)
    assert not params["everything"]


def test_our_options_stand_before_the_dashes():
    """Everything, jobs, shard, reports."""
    params, given = parsed(
        "x", "--all", "-j", "3", "--shard", "1/2", "--junit", "j.xml", "--json", "--", "--all"
    )
    assert params["everything"]
    assert (params["jobs"], params["shard"]) == (3, "1/2")
    assert str(params["junit"]) == "j.xml"
    assert params["as_json"]
    assert given == ("--all",)


def summary(**more):
    """A run in figures."""
    return RunSummary("some", 1, 1, 1, 0, 0, **more)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (summary(), ExitStatus.OK),
        (summary(counts=Counts(passed=3)), ExitStatus.OK),
        (summary(counts=Counts(passed=3, failed=1)), ExitStatus.FAILED),
        (summary(counts=Counts(errors=1)), ExitStatus.FAILED),
        (summary(troubles=("pytest ended",)), ExitStatus.FAILED),
        (summary(interrupted=True, counts=Counts(failed=1)), ExitStatus.INTERRUPTED),
        (summary(notices=("careful",)), ExitStatus.OK),
    ],
)
def test_the_exit_code_tells_how_a_run_ended(found, status):
    """Interrupted before failed before fine; a target without a result is no success."""
    assert exit_status(found) is status
