"""How long does a decision take? One file changed, `affected run --dry-run`, less git's status.

    python -m benchmarks.decision --files 100000 [--prepare] [--edit EDIT]

In a leaf and in the module most needed, the body of a function is edited; "-added" puts a function
there that was not, so that pytest is asked what imports come to. The file has other bytes in every
run, so that no answer of an earlier run helps. Peak memory is `benchmarks.memory`'s question.
Unaware of what running the tests takes.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys

from benchmarks.answer import Answer, question_parser, tell
from benchmarks.measure import Paired, affected_command, in_turn
from benchmarks.trees import Tree, edited, git_status, recorded

_LIMIT_MS = 300.0
EDITS = ("leaf", "core", "data", "document", "leaf-added")
ALL_EDITS = (*EDITS, "core-added")  # which collects what the module most needed reaches: minutes
_BODY = re.compile(rb"(\ndef \w+\(\) -> int:\n    return \d+)")


def ask(chosen: argparse.Namespace) -> list[Answer]:
    """Wall time of the decision without git's own, for each kind of edited file."""
    tree = recorded(chosen.files, chosen.seed)
    answers = []
    for edit in [chosen.edit] if chosen.edit else EDITS:
        paired = decide(tree, edit, chosen.rounds)
        value = (paired.first.least("wall") - paired.second.least("wall")) * 1000
        what = f"decision after one {edit} file changed, less git status"
        case = tree.case
        answers.append(Answer("decision", case, what, value, _LIMIT_MS, "ms", paired.as_json()))
    return answers


def edited_path(tree: Tree, edit: str) -> str:
    """The file of a kind of edit."""
    fact = tree.facts[edit.removesuffix("-added")]
    return str(fact if isinstance(fact, str) else fact["path"])


def decide(tree: Tree, edit: str, rounds: int) -> Paired:
    """Dry runs after that edit, in turn with git's status of the same state."""
    path = tree.root / edited_path(tree, edit)
    ours = affected_command("affected", tree.root, tree.cache, "run", "--dry-run")
    numbers = itertools.count(1)
    with edited(path) as before:

        def touch(_name: str) -> None:
            path.write_bytes(_other(before, edit, next(numbers)))

        return in_turn(ours, git_status(tree.root), rounds, touch)


def _other(before: bytes, edit: str, number: int) -> bytes:
    """The file's bytes with an edit that was not made before."""
    if edit.endswith("-added"):
        return before + f"\n\ndef added_{number}() -> int:\n    return {number}\n".encode()
    if edit in ("leaf", "core"):
        return _BODY.sub(rb"\1 + %d" % number, before, count=1)
    return before + b"\n" * number


def main(arguments: list[str] | None = None) -> int:
    """Ask and tell."""
    parser = question_parser("decision", __doc__, 100_000, 5)
    parser.add_argument("--edit", choices=ALL_EDITS)
    chosen = parser.parse_args(arguments)
    if chosen.prepare:
        recorded(chosen.files, chosen.seed)
        return 0
    return tell(ask(chosen), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
