"""The plan of shards, a shard's report and the gate's verdict, as JSON and in words."""

from __future__ import annotations

import json

import pytest

from affected.errors import UserError
from affected.model import result
from affected.model.shard import ShardPlan
from affected.report.jsonl import dump
from affected.report.protocol import Counts, RunSummary
from affected.report.shards import (
    gate_lines,
    judge,
    plan_lines,
    plan_object,
    read_plan,
    read_report,
    report_object,
)
from affected.report.style import Style

PLAIN = Style(color=False, unicode=True, width=0)
PLAN = ShardPlan((("a.py", "b.py"), ("c.py",), ()), (4.0, 3.5, 0.0))


def report(number, *, head="abc", exit_code=0, count=3, failures=()):
    summary = RunSummary(
        "some", 1, 1, 1, 0, 0, counts=Counts(passed=2), seconds_wall=2.0, shard=(number, count),
        failures=failures,
    )  # fmt: skip
    return read_report(dump(report_object(summary, head, exit_code)), "r.json")


def test_a_plan_survives_its_file():
    """Machines without work are left out, and are there again."""
    text = dump(plan_object(PLAN, "abc"))
    assert [shard["number"] for shard in json.loads(text)["shards"]] == [1, 2]
    assert read_plan(text, "p.json") == ("abc", PLAN)
    assert read_plan(dump(plan_object(ShardPlan((), ()), "")), "p.json") == ("", ShardPlan((), ()))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"count": 1, "shards": [{"number": 9}]}', "1"])
def test_what_is_no_plan_and_no_report_is_named(text):
    """With a way out."""
    with pytest.raises(UserError, match=r"p\.json is no plan"):
        read_plan(text, "p.json")
    with pytest.raises(UserError, match=r"r\.json is no report"):
        read_report(text, "r.json")


def test_all_shards_reported_and_passed():
    """A machine without work owes no report."""
    verdict = judge("abc", PLAN, [report(1), report(2)])
    assert verdict.good
    assert gate_lines(verdict, PLAIN) == [
        "passed: 2 of 2 shards passed; 4 tests ran, the longest shard took 2.0s"
    ]


def test_a_lost_shard_is_named_with_what_it_left_undone():
    """No report of it, or only of another commit or another plan."""
    for other in ([], [report(1, head="def")], [report(1, count=4)]):
        verdict = judge("abc", PLAN, [report(2), *other])
        assert not verdict.good
        assert verdict.lost == ((1, ("a.py", "b.py")),)
        assert "LOST   shard 1 gave no report: 2 test files did not run" in gate_lines(
            verdict, PLAIN
        )


def test_a_failed_shard_fails_the_gate_unless_it_was_run_again():
    """The failing test is named; of two reports of one shard the good one counts."""
    broken = result.TestResult("a.py::t", result.Outcome.FAILED, 0.1, "assert 1 == 2")
    bad = report(1, exit_code=1, failures=(broken,))
    verdict = judge("abc", PLAN, [bad, report(2)])
    assert not verdict.good
    assert "FAILED a.py::t  assert 1 == 2" in gate_lines(verdict, PLAIN)
    assert judge("abc", PLAN, [report(1), bad, report(2)]).good
    stopped = judge("abc", PLAN, [report(1, exit_code=130), report(2)])
    assert "FAILED shard 1 ended with exit code 130" in gate_lines(stopped, PLAIN)


def test_without_work_the_gate_passes():
    """And says why."""
    verdict = judge("abc", ShardPlan((), ()), [])
    assert verdict.good
    assert gate_lines(verdict, PLAIN) == ["passed: nothing is affected"]
    assert plan_lines(ShardPlan((), ()), PLAIN) == ["no shards: nothing is affected"]


def test_a_plan_in_words_names_what_bounds_it():
    """One line a machine; a test file longer than all others together is told."""
    lines = plan_lines(ShardPlan((("slow.py",), ("b.py", "c.py")), (60.0, 2.0)), PLAIN)
    assert lines[0].split() == ["1/2", "1m", "00s", "1", "test", "file"]
    assert "the longest 1.94 of the mean" in lines[-2]
    assert lines[-1] == "bound by slow.py, which is not taken apart"
