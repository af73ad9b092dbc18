"""The answer of `affected blame` in words. Unaware of how it was found."""

from __future__ import annotations

import time

from affected.report.protocol import BlameReport, Confirmation
from affected.report.style import Style, plural, printable

_SHOWN = 3  # paths of one commit


def blame_lines(report: BlameReport, style: Style) -> list[str]:
    """The suspects with what they changed, oldest first; then what running them came to."""
    subject = style.paint(printable(report.test), "bold")
    span = f"{plural(report.commits, 'commit')} between {report.good[:10]} and {report.bad[:10]}"
    if not report.suspects:
        lines = [f"{subject}: none of {span} changed what it depends on"]
        lines.append("if it fails now and passed then, it is flaky, or depends on what is not seen")
        return lines
    count = len(report.suspects)
    lines = [f"{subject}: {count} of {span} changed what it depends on"]
    guilty = report.confirmation.guilty if report.confirmation else ""
    for one in report.suspects:
        day = time.strftime("%Y-%m-%d", time.gmtime(one.time))
        commit = style.paint(one.commit[:10], *(("red", "bold") if one.commit == guilty else ()))
        lines.append(f"  {commit}  {day}  {printable(one.subject)}")
        lines += [f"      {style.paint(printable(p), 'dim')}" for p in one.paths[:_SHOWN]]
        if len(one.paths) > _SHOWN:
            lines.append(f"      {style.ellipsis} and {len(one.paths) - _SHOWN} more")
    if not report.observed:
        lines.append("by its imports alone: no observation of it is on record")
    if report.confirmation is None:
        lines.append("nothing was run; --run bisects over just these")
    else:
        lines.append(_confirmed(report.confirmation, style))
    return lines


def _confirmed(found: Confirmation, style: Style) -> str:
    runs = plural(len(found.probes), "commit")
    if found.guilty:
        lead = style.paint(f"guilty: {found.guilty[:10]}", "red", "bold")
        return f"{lead}; looked at {runs}: it fails there, and passes just before"
    if found.probes and found.probes[0][1]:
        return f"it passes at the last suspect; looked at {runs}"
    return f"none of these: it fails before them as well; looked at {runs}"
