"""What a shard or a budget made of a run, as lines. Unaware of how either was chosen."""

from __future__ import annotations

from affected.report.protocol import RunSummary
from affected.report.style import Style, duration, number, plural, printable

_SHOWN_LEFT = 5


def left_lines(summary: RunSummary, style: Style) -> list[str]:
    """What a budget left, named as far as is useful."""
    left = plural(len(summary.left), "test file")
    lead = style.paint(f"left for later: {left}", "yellow", "bold")
    lines = [f"{lead} beyond the budget, about {duration(summary.left_seconds)}"]
    lines += [f"  {printable(label)}" for label in sorted(summary.left)[:_SHOWN_LEFT]]
    if len(summary.left) > _SHOWN_LEFT:
        lines.append(f"  {style.ellipsis} and {number(len(summary.left) - _SHOWN_LEFT)} more")
    return lines


def shard_line(shard: tuple[int, int], summary: RunSummary) -> str:
    """Which part of what must run this machine has."""
    number_of, count = shard
    every = summary.selected_targets + summary.elsewhere
    own = f"{number(summary.selected_targets)} of {plural(every, 'test file')}"
    return f"shard {number_of} of {count}: {own} to run"
