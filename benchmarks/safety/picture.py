"""The figures as a picture: bars of the share selected, by kind of edit, one tool beside another.

Unaware of how they were measured. The picture is SVG text; a reader without colours tells the
tools by their order, which the legend repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from benchmarks.safety.summary import Figures, Summary

_COLOURS = ("#2f6f4f", "#c98b2e", "#7a6fae")
_TRUTH = "#222222"
_LEFT, _WIDTH, _BAR, _GAP = 170, 520, 11, 9
_TEXT = 'font-family="system-ui, sans-serif" fill="#333333"'


def picture(found: Sequence[Summary]) -> str:
    """Two groups of bars: by project, then by kind of edit."""
    rows = [("mean of core projects", [summary.core for summary in found])]
    rows += [(name, [s.projects[name] for s in found]) for name in found[0].projects]
    split = len(rows)
    rows += [(kind, [s.kinds[kind] for s in found]) for kind in found[0].kinds]
    parts, top = [_legend(found)], 70
    for number, (name, figures) in enumerate(rows):
        if number == split:
            top += 24
            parts.append(_words(20, top - 8, "by kind of edit, all projects", 12, "bold"))
        parts.append(_bars(name, figures, top))
        top += _BAR * len(found) + _GAP
    scale = "".join(_tick(percent, top) for percent in (0, 25, 50, 75, 100))
    body = scale + "".join(parts)
    size = f'width="{_LEFT + _WIDTH + 90}" height="{top + 30}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    title = "<title>Share of tests selected after an edit, and missed outcomes</title>"
    paper = f'<rect {size} fill="#ffffff"/>'
    return head + title + paper + body + "</svg>\n"


def _legend(found: Sequence[Summary]) -> str:
    title = "Tests selected after an edit (mean), and outcomes missed"
    parts = [_words(20, 24, title, 15, "bold")]
    left = 20
    for colour, summary in zip(_COLOURS, found, strict=False):
        name = summary.tool.split(" ")[0]
        parts.append(f'<rect x="{left}" y="36" width="12" height="12" fill="{colour}"/>')
        parts.append(_words(left + 18, 46, name, 12))
        left += 110
    parts.append(f'<rect x="{left}" y="36" width="3" height="12" fill="{_TRUTH}"/>')
    parts.append(_words(left + 10, 46, "really changed", 12))
    return "".join(parts)


def _bars(name: str, figures: Sequence[Figures], top: int) -> str:
    height = _BAR * len(figures)
    parts = [_words(_LEFT - 8, top + height / 2 + 4, name, 11, anchor="end")]
    for number, (colour, figure) in enumerate(zip(_COLOURS, figures, strict=False)):
        width, y = figure.share * _WIDTH, top + number * _BAR
        parts.append(
            f'<rect x="{_LEFT}" y="{y}" width="{max(width, 0.5):.1f}" height="{_BAR - 1}" '
            f'fill="{colour}"/>'
        )
        note = f"{figure.share:.1%}" + (f", {figure.missed} missed" if figure.missed else "")
        parts.append(_words(_LEFT + width + 5, y + _BAR - 2, note, 10))
    x = _LEFT + figures[0].truth * _WIDTH if figures else _LEFT
    mark = f'<rect x="{x:.1f}" y="{top - 1}" width="2" height="{height + 1}" fill="{_TRUTH}"/>'
    return "".join(parts) + mark


def _tick(percent: int, bottom: int) -> str:
    x = _LEFT + _WIDTH * percent / 100
    line = f'<line x1="{x}" y1="60" x2="{x}" y2="{bottom}" stroke="#e4e4e4"/>'
    return line + _words(x, bottom + 14, f"{percent} %", 10, anchor="middle")


def _words(
    x: float, y: float, text: str, size: int, weight: str = "normal", anchor: str = "start"
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} {_TEXT} font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
