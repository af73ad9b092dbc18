"""JUnit XML of a whole run: what ran, and what was reused, marked as such.

Unaware of files and clocks. The layout is the one pytest calls xunit2; one test suite a target,
sorted by label. A reused test carries its recorded seconds and says where they come from.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from affected.model.observation import Provenance
from affected.model.result import Outcome, TestResult
from affected.report.protocol import count
from affected.report.style import displayed, without_escapes

# Characters that XML 1.0 cannot hold, even escaped (section 2.2 of its specification).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_QUOTED = {**_SPECIAL, '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


@dataclass(frozen=True, slots=True)
class Suite:
    """One target's tests. `reused` is the observation they come from, None when they ran."""

    label: str
    results: Sequence[TestResult]
    reused: Provenance | None = None


def junit_xml(suites: Iterable[Suite], *, started: float, wall: float) -> str:
    """The whole document; `started` in seconds since the epoch, `wall` of the run in seconds."""
    ordered = sorted(suites, key=lambda suite: (suite.label, suite.reused is not None))
    everything = count(result for suite in ordered for result in suite.results)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        _open(
            "testsuites",
            name="affected",
            tests=str(everything.total),
            failures=str(everything.failed),
            errors=str(everything.errors),
            skipped=str(everything.skipped + everything.xfailed),
            time=_seconds(wall),
        ),
    ]
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(started))
    for suite in ordered:
        lines += _suite_lines(suite, stamp)
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


def _suite_lines(suite: Suite, stamp: str) -> list[str]:
    counts = count(suite.results)
    lines = [
        _open(
            "testsuite",
            name=suite.label,
            tests=str(counts.total),
            failures=str(counts.failed),
            errors=str(counts.errors),
            skipped=str(counts.skipped + counts.xfailed),
            time=_seconds(sum(result.seconds for result in suite.results)),
            timestamp=stamp,
        )
    ]
    if suite.reused is not None:
        lines += _reused_properties(suite.reused)
    for result in suite.results:
        lines += _case_lines(suite, result)
    lines.append("</testsuite>")
    return lines


def _reused_properties(provenance: Provenance) -> list[str]:
    written = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(provenance.written))
    pairs = [
        ("affected:state", "reused"),
        ("affected:observed", written),
        ("affected:commit", provenance.commit),
        ("affected:writer", provenance.writer),
        ("affected:run", provenance.run),
    ]
    lines = ["<properties>"]
    lines += [_empty("property", name=name, value=value) for name, value in pairs if value]
    lines.append("</properties>")
    return lines


def _case_lines(suite: Suite, result: TestResult) -> list[str]:
    classname, name = split_id(result.id, suite.label)
    inside: list[str] = []
    if suite.reused is not None:
        inside += _reused_properties(suite.reused)
    inside += _outcome_lines(result)
    attributes = {"classname": classname, "name": name, "time": _seconds(result.seconds)}
    if not inside:
        return [_empty("testcase", **attributes)]
    return [_open("testcase", **attributes), *inside, "</testcase>"]


def _outcome_lines(result: TestResult) -> list[str]:
    outcome = result.outcome
    if outcome in (Outcome.FAILED, Outcome.ERROR):
        tag = "failure" if outcome is Outcome.FAILED else "error"
        message = without_escapes(result.message)
        details = without_escapes(result.details or result.message)
        return [f"{_open(tag, message=message)}{_text(details)}</{tag}>"]
    if outcome in (Outcome.SKIPPED, Outcome.XFAILED):
        kind = "pytest.skip" if outcome is Outcome.SKIPPED else "pytest.xfail"
        return [_empty("skipped", type=kind, message=without_escapes(result.message))]
    return []


def split_id(node_id: str, label: str) -> tuple[str, str]:
    """Class name and name as pytest makes them: "a/b.py::C::t[x]" → ("a.b.C", "t[x]").

    `label` is the test file's path; an id that does not start with it is split at its first "::".
    """
    path, rest = label, ""
    if node_id.startswith(label + "::"):
        rest = node_id[len(label) + 2 :]
    elif node_id != label:
        path, _, rest = node_id.partition("::")
    module = path.removesuffix(".py").replace("/", ".")
    if not rest:
        return "", module
    head, bracket, parameters = rest.partition("[")
    *classes, name = head.split("::")
    return ".".join([module, *classes]), name + bracket + parameters


def _open(tag: str, **attributes: str) -> str:
    said = "".join(f' {name}="{_attribute(value)}"' for name, value in attributes.items())
    return f"<{tag}{said}>"


def _empty(tag: str, **attributes: str) -> str:
    return _open(tag, **attributes)[:-1] + " />"


def _legal(value: str) -> str:
    return _FORBIDDEN.sub(lambda found: f"#x{ord(found.group()):02X}", displayed(value))


def _text(value: str) -> str:
    return "".join(_SPECIAL.get(char, char) for char in _legal(value))


def _attribute(value: str) -> str:
    return "".join(_QUOTED.get(char, char) for char in _legal(value))


def _seconds(value: float) -> str:
    return f"{max(value, 0.0):.3f}"
