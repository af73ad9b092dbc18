"""What casts doubt on a run's outcomes, as lines: flakes, passes by retrying, quarantined failures.

Unaware of how it was found.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from affected.report.protocol import Flake, RunSummary, Sighting
from affected.report.style import Style, plural, printable

_SHOWN = 10


def doubt_lines(summary: RunSummary, style: Style) -> list[str]:
    """Each flake with both of its runs; then what was retried, then what is held back."""
    lines: list[str] = []
    for flake in summary.flakes[:_SHOWN]:
        lines += _flake_lines(flake, style)
    if len(summary.flakes) > _SHOWN:
        lines.append(f"{style.ellipsis} and {plural(len(summary.flakes) - _SHOWN, 'more flake')}")
    lines += _named("passed only when run again, which proves nothing", summary.retried, style)
    held = [result.id for result in summary.quarantined]
    lines += _named("in quarantine failed, which does not fail the run", held, style)
    return lines


def _flake_lines(flake: Flake, style: Style) -> list[str]:
    lead = style.paint("FLAKY ", "yellow", "bold")
    return [
        f"{lead} {style.paint(printable(flake.test), 'bold')}  the same inputs, two outcomes",
        f"       {_sighting(flake.then)}",
        f"       {_sighting(flake.now)}",
    ]


def _sighting(seen: Sighting) -> str:
    by = seen.provenance
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(by.written))
    commit = f" at {by.commit[:10]}{' with uncommitted changes' if by.dirty else ''}"
    run = f" in {printable(by.run)}" if by.run else ""
    who = printable(by.writer)
    return f"{seen.outcome.value:<7} {when} by {who}{commit if by.commit else ''}{run}"


def _named(why: str, tests: Sequence[str], style: Style) -> list[str]:
    if not tests:
        return []
    lines = [style.paint(f"{plural(len(tests), 'test')} {why}", "yellow")]
    lines += [f"  {printable(test)}" for test in tests[:_SHOWN]]
    if len(tests) > _SHOWN:
        lines.append(f"  {style.ellipsis} and {len(tests) - _SHOWN} more")
    return lines
