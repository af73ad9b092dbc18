"""How fast is the first look at a tree? `affected list` without a cache against ruff.

    python -m benchmarks.scan --files 36000

`ruff analyze graph` reads the same files and makes the same kind of graph. Unaware of any record:
the cache folder is removed before every run.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from benchmarks.answer import Answer, question_parser, tell
from benchmarks.measure import Command, affected_command, in_turn
from benchmarks.trees import OUT, generated

_LIMIT = 1.5


def ask(chosen: argparse.Namespace) -> list[Answer]:
    """CPU time of the first scan against ruff's on the same tree."""
    tree = generated(chosen.files, chosen.seed)
    cache = OUT / f"cache-scan-{chosen.files}-{chosen.seed}"
    ours = affected_command("affected", tree.root, cache, "list")
    program = shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"
    theirs = Command("ruff", (program, "analyze", "graph", "--quiet"), tree.root, {})

    def forget(name: str) -> None:
        if name == "affected":
            shutil.rmtree(cache, ignore_errors=True)

    paired = in_turn(ours, theirs, chosen.rounds, forget)
    what = "first scan, CPU time against `ruff analyze graph`"
    return [Answer("scan", tree.case, what, paired.ratio("cpu"), _LIMIT, "ratio", paired.as_json())]


def main(arguments: list[str] | None = None) -> int:
    """Ask and tell."""
    chosen = question_parser("scan", __doc__, 36_000, 3).parse_args(arguments)
    if chosen.prepare:
        generated(chosen.files, chosen.seed)
        return 0
    return tell(ask(chosen), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
