"""Plans of shards, reports of shards and the gate's verdict: as JSON, and as lines.

Unaware of files and of how a plan was made. A report says what one machine did with its part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from affected.errors import UserError
from affected.model.shard import Failure, GateVerdict, ShardPlan, ShardReport
from affected.report.jsonl import SCHEMA, JsonObject
from affected.report.protocol import RunSummary
from affected.report.style import Style, duration, number, plural, printable

SHOWN = 5


def plan_object(plan: ShardPlan, head: str) -> JsonObject:
    """The object of `affected shards --format json`; machines without work are left out."""
    return {
        "schema": SCHEMA,
        "head": head,
        "selection": "some" if any(plan.parts) else "none",
        "count": plan.count,
        "imbalance": round(plan.imbalance, 4),
        "seconds": round(sum(plan.seconds), 3),
        "shards": [
            {"number": at, "seconds": round(taken, 3), "targets": list(part)}
            for at, (part, taken) in enumerate(zip(plan.parts, plan.seconds, strict=True), 1)
            if part
        ],
    }


def report_object(summary: RunSummary, head: str, exit_code: int) -> JsonObject:
    """What `affected run --report FILE` writes for the gate."""
    place, count = summary.shard or (1, 1)
    return {
        "schema": SCHEMA,
        "shard": {"number": place, "count": count},
        "head": head,
        "exit_code": exit_code,
        "interrupted": summary.interrupted,
        "tests": summary.counts.total,
        "seconds": round(summary.seconds_wall, 3),
        "failures": [{"test": f.id, "message": f.message} for f in summary.failures],
        "troubles": list(summary.troubles),
    }


def read_plan(text: str, name: str) -> tuple[str, ShardPlan]:
    """The commit and the plan of `plan_object`'s text; UserError names what is not one."""
    try:
        document = json.loads(text)
        count = document["count"]
        parts: list[tuple[str, ...]] = [()] * count
        seconds = [0.0] * count
        for shard in document["shards"]:
            at = shard["number"] - 1
            parts[at], seconds[at] = tuple(shard["targets"]), float(shard["seconds"])
        return document["head"], ShardPlan(tuple(parts), tuple(seconds))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise UserError(
            f"{name} is no plan of shards", "write one with `affected shards --out FILE`"
        ) from error


def read_report(text: str, name: str) -> ShardReport:
    """What `report_object` wrote; UserError names what is not one."""
    try:
        return _report(json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{name} is no report of a shard", "write one with `affected run --report FILE`"
        ) from error


def _report(document: Mapping[str, Any]) -> ShardReport:
    return ShardReport(
        shard=(int(document["shard"]["number"]), int(document["shard"]["count"])),
        head=str(document["head"]),
        exit_code=int(document["exit_code"]),
        tests=int(document["tests"]),
        failures=tuple(Failure(str(f["test"]), str(f["message"])) for f in document["failures"]),
        troubles=tuple(map(str, document["troubles"])),
        seconds=float(document["seconds"]),
        interrupted=bool(document["interrupted"]),
    )


def judge(head: str, plan: ShardPlan, reports: Sequence[ShardReport]) -> GateVerdict:
    """Every machine with work must have reported on this very plan's commit and passed.

    Of several reports of one machine (a job that was run again) one that passed will do.
    """
    by_number: dict[int, ShardReport] = {}
    for report in sorted(reports, key=lambda report: report.exit_code == 0):
        if report.shard[1] == plan.count and report.head == head:
            by_number[report.shard[0]] = report
    working = [at for at, part in enumerate(plan.parts, 1) if part]
    found = [by_number[at] for at in working if at in by_number]
    failed = tuple(report for report in found if report.exit_code or report.interrupted)
    return GateVerdict(
        shards=len(working),
        lost=tuple((at, plan.parts[at - 1]) for at in working if at not in by_number),
        failed=failed,
        passed=len(found) - len(failed),
        tests=sum(report.tests for report in found),
        seconds=max((report.seconds for report in found), default=0.0),
    )


def plan_lines(plan: ShardPlan, style: Style) -> list[str]:
    """The plan in words: one line a machine, then the sum."""
    if not any(plan.parts):
        return [style.paint("no shards", "green", "bold") + ": nothing is affected"]
    lines = [
        f"{at}/{plan.count}  {duration(taken):>8}  {plural(len(part), 'test file')}"
        for at, (part, taken) in enumerate(zip(plan.parts, plan.seconds, strict=True), 1)
        if part
    ]
    files = sum(map(len, plan.parts))
    words = f"{plural(len(lines), 'shard')} for {plural(files, 'test file')}"
    lines.append(
        f"{style.paint(words, 'bold')}, {duration(sum(plan.seconds))} of tests, "
        f"the longest {plan.imbalance:.2f} of the mean"
    )
    longest = max(zip(plan.seconds, plan.parts, strict=True))
    if plan.imbalance > 1.1 and len(longest[1]) == 1:  # noqa: PLR2004  # the promised bound
        lines.append(f"bound by {printable(longest[1][0])}, which is not taken apart")
    return lines


def gate_lines(verdict: GateVerdict, style: Style) -> list[str]:
    """Lost machines and what they left undone, failed tests, then the verdict."""
    lines = []
    for at, labels in verdict.lost:
        lead = style.paint(f"LOST   shard {at}", "red", "bold")
        lines.append(f"{lead} gave no report: {plural(len(labels), 'test file')} did not run")
        lines += [f"       {printable(label)}" for label in labels[:SHOWN]]
        if len(labels) > SHOWN:
            lines.append(f"       {style.ellipsis} and {number(len(labels) - SHOWN)} more")
    for report in verdict.failed:
        lines += _failed_lines(report, style)
    if verdict.shards == 0:
        return [style.paint("passed", "green", "bold") + ": nothing is affected"]
    counted = f"{verdict.passed} of {plural(verdict.shards, 'shard')} passed"
    ran = f"{plural(verdict.tests, 'test')} ran, the longest shard took {duration(verdict.seconds)}"
    word = style.paint("passed", "green", "bold") if verdict.good else style.paint(
        "failed", "red", "bold"
    )  # fmt: skip
    return [*lines, f"{word}: {counted}; {ran}"]


def _failed_lines(report: ShardReport, style: Style) -> list[str]:
    lead = style.paint("FAILED", "red", "bold")
    if report.failures:
        return [
            f"{lead} {printable(f.test)}  {style.paint(printable(f.message), 'dim')}"
            for f in report.failures
        ]
    why = "was interrupted" if report.interrupted else f"ended with exit code {report.exit_code}"
    first = next(iter(report.troubles), "").splitlines()
    return [f"{lead} shard {report.shard[0]} {why}{': ' + printable(first[0]) if first else ''}"]
