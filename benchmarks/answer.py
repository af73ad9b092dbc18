"""One question's answer: what was measured, the limit, and whether it holds.

Unaware of how it was measured. The limits are those of the design's table of speed and size.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """`value` and `limit` in `unit` ("ms", "ratio", "MB"): it holds while value <= limit."""

    question: str
    case: str  # what tells it from the same question's other answers: tree, edited file
    what: str  # in words, for a table
    value: float
    limit: float
    unit: str
    measured: Mapping[str, object] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """True when the limit is kept."""
        return self.value <= self.limit

    def as_json(self) -> dict[str, object]:
        """Everything, with the verdict."""
        return {
            "question": self.question,
            "case": self.case,
            "what": self.what,
            "value": self.value,
            "limit": self.limit,
            "unit": self.unit,
            "holds": self.holds,
            "measured": dict(self.measured),
        }

    def line(self) -> str:
        """One line for a person."""
        verdict = "ok  " if self.holds else "OVER"
        return (
            f"{verdict} {self.question} ({self.case}): {self.what}: "
            f"{shown(self.value, self.unit)}, at most {shown(self.limit, self.unit)}"
        )


def shown(value: float, unit: str) -> str:
    """A figure with its unit: "1.23 x", "45 ms", "210 MB"."""
    if unit == "ratio":
        return f"{value:.2f} x"
    return f"{value:.3f} s" if unit == "s" else f"{value:.0f} {unit}"


def markdown_table(answers: Sequence[Mapping[str, object]]) -> str:
    """A Markdown table of answers as `as_json` gives them."""
    lines = ["| question | case | measured | at most | |", "|---|---|--:|--:|---|"]
    for answer in answers:
        unit = str(answer["unit"])
        value, limit = (shown(float(str(answer[key])), unit) for key in ("value", "limit"))
        mark = "✓" if answer["holds"] else "**over**"
        lines.append(f"| {answer['what']} | {answer['case']} | {value} | {limit} | {mark} |")
    return "\n".join(lines) + "\n"


def question_parser(
    name: str, about: str | None, files: int, rounds: int
) -> argparse.ArgumentParser:
    """The options that the questions share."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--files", type=int, default=files, help="size of the tree")
    parser.add_argument("--seed", type=int, default=1, help="of the tree")
    parser.add_argument("--rounds", type=int, default=rounds, help="runs of each command")
    parser.add_argument("--prepare", action="store_true", help="only make what is measured on")
    parser.add_argument("--json", action="store_true", help="print the runs, too")
    return parser


def tell(answers: list[Answer], *, as_json: bool) -> int:
    """Print answers; exit code 1 when a limit is not kept."""
    if as_json:
        print(json.dumps([answer.as_json() for answer in answers], indent=1))
    else:
        for answer in answers:
            print(answer.line())
    return 0 if all(answer.holds for answer in answers) else 1


Ask = Callable[[argparse.Namespace], list[Answer]]
