"""The figures as Markdown, and the misses in full.

Unaware of how they were measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.safety.archives import SUBJECTS
from benchmarks.safety.summary import Figures, Summary

_HEAD = "edits | tests selected | time selected | really changed | unsafe edits | missed outcomes"
_LINE = "--:|--:|--:|--:|--:|--:"


def report(found: Sequence[Summary]) -> str:
    """One section a tool, then the costs of watching."""
    parts = [_comparison(found)]
    for summary in found:
        parts += [f"### {summary.tool}: by project", _table("project", summary.projects)]
        parts += [f"### {summary.tool}: by kind of edit", _table("kind", summary.kinds)]
        if summary.causes:
            causes = sorted(summary.causes.items(), key=lambda pair: -pair[1])
            words = ", ".join(f"{kind} {count:,}" for kind, count in causes)
            parts.append(f"Tests selected, by cause: {words}.")
        parts.append(_remarks(summary))
    return "\n\n".join(parts) + "\n"


def _row(name: str, figures: Figures) -> str:
    return (
        f"| {name} | {figures.edits} | {figures.share:.1%} | {figures.time_share:.1%} "
        f"| {figures.truth:.1%} | {figures.unsafe} "
        f"| {figures.missed} of {figures.changed:,} |"
    )


def _table(what: str, groups: Mapping[str, Figures]) -> str:
    lines = [f"| {what} | {_HEAD} |", f"|---|{_LINE}|"]
    return "\n".join([*lines, *(_row(name, figures) for name, figures in groups.items())])


def _comparison(found: Sequence[Summary]) -> str:
    head = f"| tool, on the mix of edits | {_HEAD} | 95 % bound of unsafe edits |"
    lines = [head, f"|---|{_LINE}|--:|"]
    for summary in found:
        for words, figures in (("core projects", summary.core), ("all projects", summary.mix)):
            bound = f" {figures.bound:.2%} |"
            lines.append(_row(f"{summary.tool}, {words}", figures) + bound)
        every = summary.everything
        lines.append(_row(f"{summary.tool}, every kind, pooled", every) + f" {every.bound:.2%} |")
    names = sorted({name for summary in found for name in summary.costs})
    if names:
        head = " | ".join(summary.tool for summary in found)
        lines += ["", f"| CPU time of a recording run over plain pytest | {head} |"]
        lines.append("|---|" + "--:|" * len(found))
        for name in names:
            costs = (summary.costs.get(name) for summary in found)
            words = " | ".join("" if cost is None else f"{cost:.2f}" for cost in costs)
            lines.append(f"| {name} | {words} |")
    return "\n".join(lines)


def _remarks(summary: Summary) -> str:
    every = summary.everything
    awkward = [f"{n} ({SUBJECTS[n].awkward})" for n in summary.projects if SUBJECTS[n].awkward]
    text = (
        f"{every.edits} edits, {every.changing} of which change an outcome. Set aside: "
        f"{summary.hung} edits that end no run, {summary.unsteady} outcomes that differ between "
        f"identical runs, {summary.polluted} that change only behind other tests. On "
        f"{summary.failed} edits the tool itself ended with an error."
    )
    return text + ("\nAwkward: " + "; ".join(awkward) + "." if awkward else "")


def missed(summary: Summary) -> str:
    """Every miss with its edit as a diff and its tests."""
    if not summary.misses:
        return f"{summary.tool}: no changed outcome was missed."
    parts = []
    for case in summary.misses:
        tests = [f"  {test}: {was} -> {now}" for test, (was, now) in case.judgement.missed.items()]
        shown = tests[:20] + ([f"  and {len(tests) - 20} more"] if len(tests) > 20 else [])
        parts.append(f"MISSED {case.truth.key}: {case.truth.what}\n{case.truth.diff}")
        parts.append("\n".join(shown))
    return "\n".join(parts)
