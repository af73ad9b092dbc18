"""How much memory does a decision take? Peak resident bytes of a dry run after one edit.

    python -m benchmarks.memory --files 100000

Unaware of time. git's own memory, of a process of its own, is part of the peak only if larger.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.answer import Answer, question_parser, tell
from benchmarks.decision import decide
from benchmarks.trees import recorded

_LIMIT_MB = 300.0


def ask(chosen: argparse.Namespace) -> list[Answer]:
    """The largest peak of all rounds, for the file that most tests need and for a data file."""
    tree = recorded(chosen.files, chosen.seed)
    answers = []
    for edit in ("core", "data"):
        paired = decide(tree, edit, chosen.rounds)
        peak = max(run.peak for run in paired.first.runs) / 1e6
        what = f"peak memory of the decision after one {edit} file changed"
        answers.append(Answer("memory", tree.case, what, peak, _LIMIT_MB, "MB", paired.as_json()))
    return answers


def main(arguments: list[str] | None = None) -> int:
    """Ask and tell."""
    chosen = question_parser("memory", __doc__, 100_000, 2).parse_args(arguments)
    if chosen.prepare:
        recorded(chosen.files, chosen.seed)
        return 0
    return tell(ask(chosen), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
