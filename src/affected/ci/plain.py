"""A run's summary in Markdown, for any CI system, and the name a run writes under.

Unaware of files and of where the summary is shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from affected.ci.protocol import CI
from affected.model.path import display
from affected.model.result import TestResult
from affected.model.shard import GateVerdict

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#|~!&])")
_SHOWN_FAILURES = 20
_SHOWN_CHARACTERS = 4000
_SHOWN_LABELS = 5
COMMENT_MARK = "<!-- affected -->"  # by which a comment written before is found again


def writer_name(ci: CI, user: str, host: str) -> str:
    """Who writes an observation: the CI system's name, else "user@host"."""
    if ci.name not in ("none", "generic"):
        return ci.name
    return f"{user}@{host}" if user and host else user or host


def markdown_summary(
    headline: str,
    rows: Sequence[tuple[str, str]],
    failures: Sequence[TestResult],
    notices: Sequence[str],
) -> str:
    """A heading, a table of (what, figure) rows, folded failures, warnings.

    Everything that comes from tests is escaped: it cannot break out of its place.
    """
    lines = [f"### {_inline(headline)}", ""]
    if rows:
        lines += ["| | |", "|---|--:|"]
        lines += [f"| {_inline(what)} | {_inline(figure)} |" for what, figure in rows]
        lines.append("")
    for failure in failures[:_SHOWN_FAILURES]:
        lines += _failure_lines(failure)
    if len(failures) > _SHOWN_FAILURES:
        lines += [f"… and {len(failures) - _SHOWN_FAILURES} more failures", ""]
    for notice in notices:
        lines += [f"> **warning**: {_inline(notice)}", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def gate_markdown(verdict: GateVerdict) -> str:
    """What all machines came to, for a summary page or a comment that is written anew each time."""
    word = "passed" if verdict.good else "failed"
    lines = [COMMENT_MARK, f"### affected: {word}", ""]
    if verdict.shards == 0:
        return "\n".join([*lines, "Nothing is affected: every result was reused.", ""])
    lines += ["| | |", "|---|--:|"]
    lines += [f"| Shards passed | {verdict.passed} of {verdict.shards} |"]
    lines += [f"| Tests run | {verdict.tests} |", ""]
    for at, labels in verdict.lost:
        shown = ", ".join(f"`{_code(label)}`" for label in labels[:_SHOWN_LABELS])
        more = f" and {len(labels) - _SHOWN_LABELS} more" if len(labels) > _SHOWN_LABELS else ""
        lines += [f"**Shard {at} gave no report**, so these did not run: {shown}{more}", ""]
    failures = [failure for report in verdict.failed for failure in report.failures]
    for failure in failures[:_SHOWN_FAILURES]:
        lines.append(f"- `{_code(failure.test)}` {_inline(failure.message)}".rstrip())
    if len(failures) > _SHOWN_FAILURES:
        lines.append(f"- … and {len(failures) - _SHOWN_FAILURES} more failures")
    for report in verdict.failed:
        if not report.failures:
            first = next(iter(report.troubles), "").partition("\n")[0]
            lines.append(
                f"- shard {report.shard[0]} did not end well: {_inline(first)}".rstrip(": ")
            )
    return "\n".join(lines).rstrip("\n") + "\n"


def _code(text: str) -> str:
    return _clean(text).replace("`", "'").replace("\n", " ")


def _failure_lines(failure: TestResult) -> list[str]:
    details = _clean(failure.details or failure.message).rstrip("\n")
    if len(details) > _SHOWN_CHARACTERS:
        details = "…\n" + details[-_SHOWN_CHARACTERS:]
    longest = max((len(run) for run in re.findall("`+", details)), default=0)
    fence = "`" * max(3, longest + 1)
    title = _html(_clean(failure.id).replace("\n", " "))
    return [
        f"<details><summary><code>{title}</code> {failure.outcome.value}</summary>",
        "",
        fence,
        details,
        fence,
        "",
        "</details>",
        "",
    ]


def _clean(text: str) -> str:
    try:
        shown = display(text)
    except UnicodeEncodeError:
        shown = text.encode("utf-8", "backslashreplace").decode()
    return _CONTROLS.sub("", _ESCAPES.sub("", shown))


def _inline(text: str) -> str:
    return _MARKUP.sub(r"\\\1", _clean(text).replace("\n", " "))


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
