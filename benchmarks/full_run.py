"""What does a run cost in which everything must run? Against plain pytest, on a real project.

    python -m benchmarks.full_run [--project NAME]

The project must have been prepared by `benchmarks.real_projects --prepare`. Unaware of reuse: the
cache folder is removed before every run.
"""

from __future__ import annotations

import argparse
import shutil
import sys

from benchmarks.answer import Answer, question_parser, tell
from benchmarks.measure import Command, affected_command, in_turn
from benchmarks.projects import PROJECTS, prepare
from benchmarks.trees import OUT

_FACTOR = 1.02
_EXTRA_S = 0.5


def ask(chosen: argparse.Namespace) -> list[Answer]:
    """Wall time of `affected run --all` with nothing recorded; 1.02 times pytest's and 0.5 s."""
    project = prepare(PROJECTS[chosen.project])
    cache = OUT / f"cache-full-{chosen.project}"
    environ = {"PYTHONDONTWRITEBYTECODE": None, "CI": None}
    words = (str(project.python), "-m", "pytest", "-q", *project.recipe.arguments)
    plain = Command("pytest", words, project.tree, environ)
    options = ("--", *project.recipe.arguments) if project.recipe.arguments else ()
    ours = affected_command("affected", project.tree, cache, "run", "--all", "-j", "1", *options)

    def forget(name: str) -> None:
        if name == "affected":
            shutil.rmtree(cache, ignore_errors=True)

    paired = in_turn(ours, plain, chosen.rounds, forget)
    value = paired.first.least("wall")
    limit = paired.second.least("wall") * _FACTOR + _EXTRA_S
    what = "everything runs (1.02 x plain pytest + 0.5 s)"
    return [Answer("full_run", chosen.project, what, value, limit, "s", paired.as_json())]


def main(arguments: list[str] | None = None) -> int:
    """Ask and tell."""
    parser = question_parser("full_run", __doc__, 0, 3)
    parser.add_argument("--project", choices=sorted(PROJECTS), default="networkx")
    chosen = parser.parse_args(arguments)
    if chosen.prepare:
        prepare(PROJECTS[chosen.project])
        return 0
    return tell(ask(chosen), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
