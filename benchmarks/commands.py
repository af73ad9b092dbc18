"""Command targets beside a peer: nothing changed, a leaf edit, a core edit, a listing; by CPU.

    python -m benchmarks.commands TREE --peer turbo=PATH_OF_ITS_BINARY [--rounds 3]

TREE is a git checkout of packages that both tools understand, with `.git/monorepo.json` naming a
leaf and a core file; its tasks do nothing, so that the tools themselves are timed. Both are run in
turns, in one run, after each has filled its cache; CPU is that of the whole process tree, in
milliseconds. Unaware of what the tools do. The tree is put back as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TABLE = """\
[targets.check]
projects = ["packages/*"]
command = "true"
inputs = ["**/*"]
dependencies = ["^check"]
"""
NO_TESTS = "[pytest]\npython_files = none_*.py\n"  # pytest's files are not what is measured
OURS = (sys.executable, "-m", "affected")


def cpu(command: Sequence[str], tree: Path, environ: Mapping[str, str]) -> float:
    """Milliseconds of CPU that a command and all it starts take; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=tree, env=dict(environ), capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


@contextmanager
def prepared(tree: Path) -> Iterator[None]:
    """The tree with our table, committed; afterwards as it was."""

    def git(*words: str) -> str:
        words = ("git", *words)
        answer = subprocess.run(words, cwd=tree, check=True, capture_output=True, text=True)
        return answer.stdout.strip()

    before = git("rev-parse", "HEAD")
    (tree / "affected.toml").write_text(TABLE, encoding="utf-8")
    (tree / "pytest.ini").write_text(NO_TESTS, encoding="utf-8")
    git("add", "affected.toml", "pytest.ini")
    git("-c", "user.name=a", "-c", "user.email=a@example.invalid", "commit", "-qm", "targets")
    try:
        yield
    finally:
        git("reset", "-q", "--hard", before)


def measure(tree: Path, tools: Mapping[str, Mapping[str, Sequence[str]]], rounds: int) -> None:
    """Prints one row a question: the median of each tool, in turns."""
    environ = {**os.environ, "AFFECTED_CACHE_DIR": str(tree.parent / "commands-cache")}
    facts = json.loads((tree / ".git/monorepo.json").read_text(encoding="utf-8"))

    def edit(kind: str) -> Callable[[], None]:
        path = tree / facts[kind]["file"]

        def change() -> None:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(f"# {time.time_ns()}\n")

        return change

    for commands in tools.values():
        for _ in range(2):
            cpu(commands["run"], tree, environ)
    questions: dict[str, tuple[str, Callable[[], None]]] = {
        "nothing changed": ("run", lambda: None),
        "a leaf edit": ("run", edit("leaf")),
        "a core edit": ("run", edit("core")),
        "what is affected": ("list", lambda: None),
    }
    print("| question | git status | " + " | ".join(tools) + " |")
    print("|---|--:|" + "--:|" * len(tools))
    for question, (what, change) in questions.items():
        found: dict[str, list[float]] = {"git": [], **{name: [] for name in tools}}
        for _ in range(rounds):
            for name, commands in tools.items():
                change()
                found[name].append(cpu(commands[what], tree, environ))
            found["git"].append(cpu(("git", "status", "--porcelain", "-uall"), tree, environ))
        cells = [f"{statistics.median(values):.0f} ms" for values in found.values()]
        print(f"| {question} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--peer", metavar="turbo=BINARY", default="")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    tree = asked.tree.resolve()
    tools: dict[str, dict[str, Sequence[str]]] = {
        "affected": {
            "run": (*OURS, "run"),
            "list": (*OURS, "list", "--base", "HEAD", "--kind", "check", "--json"),
        }
    }
    name, _, binary = asked.peer.partition("=")
    if name == "turbo":
        tools[name] = {
            "run": (binary, "run", "test", "--output-logs=none"),
            "list": (binary, "query", "affected", "--packages", "--base=HEAD", "--head=HEAD"),
        }
    with prepared(tree):
        measure(tree, tools, asked.rounds)


if __name__ == "__main__":
    main()
