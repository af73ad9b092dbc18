"""Turns pytest's reports into one outcome a test. Unaware of where it goes."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional

_RETRIED = ("rerun", "retried")
_LONGEST = 200_000


class Verdict(NamedTuple):
    """What is told of one test or of one file's collection."""

    outcome: str
    seconds: float
    message: str
    details: str
    rerun: bool


def of_reports(reports: List[Any]) -> Optional[Verdict]:
    """One test's reports, in order, as pytest's terminal would count them.

    None for a test that was interrupted before its tear-down had ended.
    """
    seconds, rerun, over = 0.0, False, False
    outcome, message = "passed", ""
    errors: List[Any] = []
    for report in reports:
        how = report.outcome
        seconds += getattr(report, "duration", 0.0) or 0.0
        over = over or report.when == "teardown"
        if how in _RETRIED:
            rerun, outcome, message = True, "passed", ""
            errors.clear()
        elif how == "failed":
            errors.append(report)
        elif how == "skipped" or report.when == "call":
            reason = getattr(report, "wasxfail", None)
            if (reason is None and how != "skipped") or _is_part(report):
                continue
            if reason is None:
                outcome, message = "skipped", skip_reason(report.longrepr)
            else:
                outcome = "xfailed" if how == "skipped" else "xpassed"
                message = str(reason)
    if errors:
        outcome = "failed" if any(report.when == "call" for report in errors) else "error"
        details = "\n\n".join(long_text(report) for report in errors)
        return Verdict(outcome, seconds, crash_line(errors[0]), details[:_LONGEST], rerun)
    return Verdict(outcome, seconds, message, "", rerun) if over else None


def of_collection(report: Any) -> Verdict:
    """A collection report that failed or was skipped."""
    seconds = getattr(report, "duration", 0.0) or 0.0
    if report.failed:
        return Verdict("error", seconds, crash_line(report), long_text(report)[:_LONGEST], False)
    return Verdict("skipped", seconds, skip_reason(report.longrepr), "", False)


def _is_part(report: Any) -> bool:
    """True for the report of a subtest, which does not decide alone unless it failed."""
    return "subtest" in type(report).__name__.lower()


def skip_reason(longrepr: Any) -> str:
    """The reason in a skip's (path, line, text)."""
    text = str(longrepr[-1]) if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")


def crash_line(report: Any) -> str:
    """The first line of the exception's text; else the last line of what pytest renders."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = str(crash.message if crash is not None else _rendered(report)).strip().splitlines()
    if not lines:
        return ""
    return lines[0] if crash is not None else lines[-1]


def long_text(report: Any) -> str:
    """The failure as pytest renders it, captured output included."""
    parts = [_rendered(report)]
    for title, content in getattr(report, "sections", ()):
        parts.append((" %s " % title).center(80, "-"))
        parts.append(content.rstrip("\n"))
    return "\n".join(part for part in parts if part)


def _rendered(report: Any) -> str:
    text = getattr(report, "longreprtext", None)
    return text if isinstance(text, str) else str(report.longrepr)
