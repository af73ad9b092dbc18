"""The main job, shown on a sample monorepo: what `make run` prints.

    python -m benchmarks.showcase [--files 300] [--seed 1]

A cold run, a run with nothing to do, runs after the edit of a function, of a document and of a data
file, then a colleague's machine: a second clone with an empty disk that reuses all of it through a
cache server on loopback; and a table of what was saved. Unaware of how `affected` does it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.generate import generate
from benchmarks.remote_lookup import served

AFFECTED = (sys.executable, "-m", "affected")


@dataclass(frozen=True, slots=True)
class Row:
    """One run: what was done before it, and what came of it; times in seconds."""

    what: str
    ran: int
    reused: int
    saved: float
    wall: float


class Show:
    """Runs `affected` with a disk cache of its own, and a shared one, and keeps the figures."""

    def __init__(self, scratch: Path, remote: str) -> None:
        self._scratch = scratch
        self._environ = {**os.environ, "AFFECTED_REMOTE": remote}
        self.rows: list[Row] = []
        self.at_machine("this-machine")

    def at_machine(self, name: str) -> None:
        """From now on on a machine of that name: with a disk cache of its own."""
        self._environ["AFFECTED_CACHE_DIR"] = str(self._scratch / f"cache-of-{name}")

    def look(self, tree: Path) -> None:
        """What `affected cache status` says."""
        print("\n$ affected cache status", flush=True)
        subprocess.run([*AFFECTED, "cache", "status"], cwd=tree, env=self._environ, check=True)

    def run(self, tree: Path, what: str) -> None:
        """One `affected run`, printed as the user sees it; ends everything if it fails."""
        print(f"\n$ affected run        # {what}", flush=True)
        began = time.monotonic()
        answer = self._json(tree, "run", shown=True)
        self._keep(what, answer, time.monotonic() - began)

    def run_quietly(self, tree: Path, what: str) -> None:
        """As `run`, for a run that should find nothing to do: timed without its report."""
        print(f"\n$ affected run        # {what}", flush=True)
        began = time.monotonic()
        subprocess.run([*AFFECTED, "run"], cwd=tree, env=self._environ, check=True)
        wall = time.monotonic() - began
        self._keep(what, self._json(tree, "run", shown=False), wall)

    def explain(self, tree: Path) -> None:
        """Why the first affected target runs, or why the first of all may be skipped."""
        answer = self._json(tree, "run", "--dry-run", shown=False)
        chosen = [t["label"] for t in answer["targets"] if t["state"] == "selected"]
        label = (chosen or [t["label"] for t in answer["targets"]])[0]
        print(f"\n$ affected explain {label}", flush=True)
        subprocess.run([*AFFECTED, "explain", label], cwd=tree, env=self._environ, check=True)

    def _json(self, tree: Path, *arguments: str, shown: bool) -> dict[str, Any]:
        done = subprocess.run(
            [*AFFECTED, *arguments, "--json"],
            cwd=tree,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=None if shown else subprocess.DEVNULL,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def _keep(self, what: str, answer: dict[str, Any], wall: float) -> None:
        states = [result["state"] for result in answer["results"]]
        saved = float(answer["tests"]["seconds_saved"])
        self.rows.append(Row(what, states.count("ran"), states.count("reused"), saved, wall))

    def table(self) -> str:
        """What each run cost and saved."""
        lines = [f"{'run':<42}{'tests run':>10}{'reused':>9}{'tests saved':>13}{'took':>8}"]
        for row in self.rows:
            figures = f"{row.ran:>10,}{row.reused:>9,}{row.saved:>12.1f}s{row.wall:>7.1f}s"
            lines.append(f"{row.what:<42}{figures}")
        return "\n".join(lines)


def show(scratch: Path, files: int, seed: int, remote: str) -> Show:
    """The whole story below `scratch`, with the cache server at `remote`."""
    tree, clone = scratch / "monorepo", scratch / "second-clone"
    facts = generate(tree, files, seed)
    print(
        f"a sample monorepo: {facts['files']} files, {facts['projects']} projects, "
        f"{facts['test_files']} test files"
    )
    told = Show(scratch, remote)
    told.run(tree, "cold: everything runs")
    told.run_quietly(tree, "nothing to do")
    _edit(tree / facts["leaf"]["path"], "\n\ndef added_for_the_show():\n    return 1\n")
    told.explain(tree)
    told.run(tree, "after an edited module")
    _edit(tree / facts["document"], "\nA new line.\n")
    told.run(tree, "after an edited document")
    _edit(tree / facts["data"]["path"], "\n")
    told.run(tree, "after an edited data file")
    _git(tree, "add", "-A")
    _git(tree, "commit", "--quiet", "-m", "the edits")
    _git(scratch, "clone", "--quiet", "--depth", "1", f"file://{tree}", str(clone))
    told.at_machine("a-colleague")
    told.run(clone, "a colleague's shallow clone, empty disk")
    told.look(clone)
    return told


def _edit(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=sample", "-c", "user.email=sample@localhost")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def main(arguments: list[str] | None = None) -> int:
    """Show it in a scratch folder that is removed afterwards."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.showcase", description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="affected-show-") as scratch:
        store, log = Path(scratch, "server"), Path(scratch, "server.log")
        with served(store, log) as remote:
            print(f"$ affected-cache serve        # listens on {remote}", flush=True)
            told = show(Path(scratch), chosen.files, chosen.seed, remote)
    print(f"\n{told.table()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
