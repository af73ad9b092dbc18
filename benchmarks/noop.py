"""What does a run cost when nothing has changed? `affected run` against `git status -uall`.

    python -m benchmarks.noop --files 36000 [--prepare]

The first time, every test of the tree is run once to be recorded. Unaware of edits.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.answer import Answer, question_parser, tell
from benchmarks.measure import affected_command, in_turn
from benchmarks.trees import git_status, recorded

_FACTOR = 1.5
_EXTRA_MS = 60.0


def ask(chosen: argparse.Namespace) -> list[Answer]:
    """Wall time of a run with nothing to do; the limit is 1.5 times git's status and 60 ms."""
    tree = recorded(chosen.files, chosen.seed)
    ours = affected_command("affected", tree.root, tree.cache, "run")
    paired = in_turn(ours, git_status(tree.root), chosen.rounds)
    value = paired.first.least("wall") * 1000
    limit = paired.second.least("wall") * 1000 * _FACTOR + _EXTRA_MS
    what = "`affected run` with nothing changed (1.5 x git status + 60 ms)"
    return [Answer("noop", tree.case, what, value, limit, "ms", paired.as_json())]


def main(arguments: list[str] | None = None) -> int:
    """Ask and tell."""
    chosen = question_parser("noop", __doc__, 36_000, 7).parse_args(arguments)
    if chosen.prepare:
        recorded(chosen.files, chosen.seed)
        return 0
    return tell(ask(chosen), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
