"""An audit in words. Unaware of how it was made."""

from __future__ import annotations

import time

from affected.report.protocol import AuditReport
from affected.report.style import Style, number, plural, printable


def audit_lines(report: AuditReport, style: Style) -> list[str]:
    """Misses and flakes, then the rate with its bound, of this audit and of all that are kept."""
    lines = [f"{style.paint('MISSED', 'red', 'bold')} {printable(t)}" for t in report.misses]
    lines += [f"{style.paint('FLAKY ', 'yellow', 'bold')} {printable(t)}" for t in report.flakes]
    share = report.files / report.skipped if report.skipped else 0.0
    lines.append(
        f"audited {number(report.files)} of {plural(report.skipped, 'skipped test file')} "
        f"({share:.1%}), {plural(report.tests, 'test')}; seed {report.seed}"
    )
    if report.misses:
        verdict = style.paint(plural(len(report.misses), "test") + " missed", "red", "bold")
        lines.append(f"{verdict}: `affected explain TEST` names what it was seen to use")
    else:
        lead = style.paint("nothing missed", "green", "bold")
        lines.append(f"{lead}: at most {_rate(report.bound)} of skipped files, at 95% confidence")
    if report.audits > 1:
        day = time.strftime("%Y-%m-%d", time.gmtime(report.since))
        missed = f"{number(report.all_missed)} missed of {plural(report.all_files, 'file')}"
        lines.append(
            f"over {plural(report.audits, 'audit')} since {day}: {missed}, "
            f"at most {_rate(report.all_bound)}"
        )
    if report.widened:
        lead = style.paint("precision is widened", "yellow", "bold")
        lines.append(f"{lead}: {printable(report.widened)}")
        lines.append("  from now on what the import graph reaches runs, proved or not")
        lines.append("  `affected audit --reset` ends that, once the cause is known")
    return lines


def _rate(share: float) -> str:
    return f"{share:.2%}" if share < 0.1 else f"{share:.0%}"  # noqa: PLR2004
