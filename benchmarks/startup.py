"""How long does `affected` take to start? `affected --version` against `python -c pass`.

Unaware of any repository.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.answer import Answer, question_parser, tell
from benchmarks.measure import Command, affected_command, in_turn
from benchmarks.trees import OUT

_LIMIT_MS = 60.0  # the room that the design's no-op leaves beside git


def ask(chosen: argparse.Namespace) -> list[Answer]:
    """What start-up adds to a bare interpreter."""
    here = Path(__file__).resolve().parent
    bare = Command("python", (sys.executable, "-c", "pass"), here, {})
    ours = affected_command("affected", here, OUT / "cache-startup", "--version")
    paired = in_turn(ours, bare, chosen.rounds)
    added = (paired.first.least("wall") - paired.second.least("wall")) * 1000
    what = "`affected --version` over a bare interpreter"
    return [Answer("startup", "any", what, added, _LIMIT_MS, "ms", paired.as_json())]


def main(arguments: list[str] | None = None) -> int:
    """Ask and tell."""
    chosen = question_parser("startup", __doc__, 0, 15).parse_args(arguments)
    return 0 if chosen.prepare else tell(ask(chosen), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
