"""The replay as a picture: CPU time commit by commit, a full run behind, `affected run` before it.

Unaware of how it was measured. The picture is SVG text; misses stand above the bars in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from benchmarks.history.replay import Step
from benchmarks.history.summary import figures

_FULL, _OURS, _CHANGED = "#c9ced3", "#2f6f4f", "#b3402f"
_LEFT, _WIDTH, _HEIGHT, _GAP = 60, 800, 110, 62
_TEXT = 'font-family="system-ui, sans-serif" fill="#333333"'


def picture(stretches: Mapping[str, Sequence[Step]]) -> str:
    """One panel a stretch, oldest commit on the left."""
    parts = [_words(20, 24, "CPU seconds a commit: full run, and affected run", 15, "bold")]
    legend = ((_FULL, "full plain pytest"), (_OURS, "affected run"), (_CHANGED, "outcomes changed"))
    for number, (colour, words) in enumerate(legend):
        parts.append(_box(20 + 160 * number, 36, 12, 12, colour))
        parts.append(_words(38 + 160 * number, 46, words, 12))
    top = 84
    for name, steps in stretches.items():
        parts.append(_panel(name, steps, top))
        top += _HEIGHT + _GAP
    size = f'width="{_LEFT + _WIDTH + 30}" height="{top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    title = "<title>CPU time of full runs and of affected run over real commits</title>"
    return f'{head}{title}<rect {size} fill="#ffffff"/>{"".join(parts)}</svg>\n'


def _panel(name: str, steps: Sequence[Step], top: int) -> str:
    found = figures(name, steps)
    rest = steps[1:]
    words = (
        f"{name}: {found.commits} commits, {found.tests:,} tests, {found.share:.1%} of them run, "
        f"{found.changed:,} outcomes changed, {found.missed} missed, "
        f"{found.our_cpu / found.plain_cpu:.2f} x the CPU"
    )
    parts = [_words(20, top - 12, words, 12, "bold")]
    most = max(max(step.plain_cpu, step.our_cpu) for step in rest) or 1.0
    bottom, pitch = top + _HEIGHT, _WIDTH / len(rest)
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * _HEIGHT
        parts.append(
            f'<line x1="{_LEFT}" y1="{y}" x2="{_LEFT + _WIDTH}" y2="{y}" stroke="#eeeeee"/>'
        )
        parts.append(_words(_LEFT - 8, y + 4, f"{most * share:.1f} s", 10, anchor="end"))
    for number, step in enumerate(rest):
        x, width = _LEFT + number * pitch, max(pitch - 1, 1)
        for colour, value, inset in ((_FULL, step.plain_cpu, 0.0), (_OURS, step.our_cpu, 0.2)):
            height = value / most * _HEIGHT
            box = (x + inset * width, bottom - height, width * (1 - 2 * inset), height)
            parts.append(_box(*box, colour))
        if step.changed:
            parts.append(_box(x, bottom + 3, width, 4, _CHANGED))
        if step.missed:
            parts.append(_words(x, top, f"{len(step.missed)} missed", 10, "bold"))
    return "".join(parts)


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"/>'


def _words(
    x: float, y: float, text: str, size: int, weight: str = "normal", anchor: str = "start"
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} {_TEXT} font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
