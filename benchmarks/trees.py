"""The trees that are measured on, kept in `benchmarks/out/`: generated once, recorded once.

Unaware of what is asked. A recorded tree is one on which `affected run` has run every test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.generate import generate, read_facts
from benchmarks.measure import Command, affected_command, environment_of

OUT = Path(os.environ.get("AFFECTED_BENCHMARK_OUT", Path(__file__).parent / "out")).resolve()


@dataclass(frozen=True, slots=True)
class Tree:
    """A generated tree, the folder of its cache, and what the generator says of it."""

    root: Path
    cache: Path
    facts: dict[str, Any]

    @property
    def case(self) -> str:
        """For tables: "36,000 files"."""
        return f"{self.facts['files']:,} files"


def make_out() -> Path:
    """The folder for everything that is made; pytest looks for settings no higher than there."""
    OUT.mkdir(parents=True, exist_ok=True)
    barrier = OUT / "pytest.ini"
    if not barrier.exists():
        barrier.write_text("[pytest]\n", encoding="utf-8")
    return OUT


def generated(files: int, seed: int) -> Tree:
    """The tree of that size and seed, made when it is not there."""
    root = make_out() / f"tree-{files}-{seed}"
    if not (root / ".git" / "affected-benchmark.json").exists():
        print(f"generating {files:,} files …", file=sys.stderr)
        generate(root, files, seed)
    return Tree(root, OUT / f"cache-{files}-{seed}", dict(read_facts(root)))


def recorded(files: int, seed: int) -> Tree:
    """The same, with every test recorded: cheap when it was recorded before."""
    tree = generated(files, seed)
    git(tree.root, "checkout", "-q", "--", ".")
    print(f"recording {tree.case} (minutes the first time) …", file=sys.stderr)
    command = affected_command("record", tree.root, tree.cache, "run")
    run_quietly(command)
    again = json.loads(
        run_quietly(affected_command("check", tree.root, tree.cache, "run", "--json"))
    )
    if again["selection"] != "none":
        raise RuntimeError("a second run on the recorded tree still runs something")
    return tree


def run_quietly(command: Command) -> str:
    """Standard output of a command; RuntimeError with both ends of its output when it fails."""
    done = subprocess.run(
        command.words,
        cwd=command.folder,
        env=environment_of(command),
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        check=False,
    )
    if done.returncode not in command.accepted:
        tail = (done.stdout + done.stderr)[-3000:]
        raise RuntimeError(f"{' '.join(command.words)} ended with {done.returncode}:\n{tail}")
    return done.stdout


_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "benchmark"), ("EMAIL", "benchmark@example.invalid"))
}


def git(root: Path, *words: str) -> str:
    """Output of a git command in `root`, which may commit; RuntimeError when it fails."""
    command = Command("git", ("git", "-c", "commit.gpgsign=false", *words), root, _IDENTITY)
    return run_quietly(command)


def git_status(root: Path) -> Command:
    """What the speed of a decision is held against."""
    words = ("git", "status", "--porcelain", "-uall")
    return Command("git status", words, root, {})


@contextmanager
def edited(path: Path) -> Iterator[bytes]:
    """The bytes of a file that may be overwritten; they are put back at the end."""
    before = path.read_bytes()
    try:
        yield before
    finally:
        path.write_bytes(before)
