"""A fresh machine and a shared cache: the round trips and the time until nothing is to be run.

    python -m benchmarks.remote_lookup [--tests 10000] [--rounds 3] [--prepare]

A tree of small test files is run once into a cache server of ours on loopback. Then, again and
again, a fresh shallow clone with an empty cache looks all its records up, in turn with `git status`
and with the same clone whose disk has the records already. Calls are counted by the server's own
log. Unaware of how the look-up is made.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.answer import Answer, tell
from benchmarks.measure import Command, Series, Usage, affected_command, run_once
from benchmarks.trees import git, git_status, make_out, run_quietly

FOLDER = 50  # test files of one project
MOST_CALLS = 10
SECONDS = 2.0
ROOT = Path(__file__).resolve().parent.parent


def write_tree(root: Path, tests: int) -> None:
    """So many test files, fifty a project, each over a module of its project; committed."""
    files = {".gitignore": "__pycache__/\n.pytest_cache/\n"}
    for project in range(-(-tests // FOLDER)):
        folder = f"libs/lib_{project:03}"
        files[f"{folder}/pyproject.toml"] = f'[project]\nname = "lib_{project:03}"\n'
        files[f"{folder}/lib_{project:03}/__init__.py"] = ""
        for number in range(10):
            module = f"def value(n):\n    return n + {number}\n"
            files[f"{folder}/lib_{project:03}/part_{number}.py"] = module
        for number in range(min(FOLDER, tests - project * FOLDER)):
            files[f"{folder}/tests/test_{project:03}_{number:02}.py"] = (
                f"from lib_{project:03}.part_{number % 10} import value\n\n\n"
                f"def test_value():\n    assert value({number}) == {number + number % 10}\n"
            )
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "the tree")


@contextmanager
def served(store: Path, log: Path) -> Iterator[str]:
    """A cache server over `store` that logs every call; its address."""
    words = ("serve", "--dir", str(store), "--listen", "127.0.0.1:0", "--log-calls")
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "cache_server", *words],
            stderr=stream,
            env={**os.environ, "PYTHONPATH": paths},
        )
    try:
        while process.poll() is None:
            first = log.read_text(encoding="utf-8").partition("\n")
            if first[1]:
                yield f"grpc://127.0.0.1:{json.loads(first[0])['port']}"
                return
        raise RuntimeError(f"the server did not start: {log.read_text(encoding='utf-8')}")
    finally:
        process.terminate()
        process.wait(timeout=60)


def calls(log: Path) -> Counter[str]:
    """The calls so far, by method."""
    lines = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return Counter(line["method"] for line in lines if line["event"] == "call")


def recorded(tests: int) -> tuple[Path, Path]:
    """The tree, and the server's store with a record of every test file; made once.

    A making that was cut short goes on where it ended.
    """
    out = make_out()
    root, store = out / f"remote-tree-{tests}", out / f"remote-store-{tests}"
    if not (root / ".git").exists():
        write_tree(root, tests)
    if not store.exists():
        print(f"running {tests:,} test files once …", file=sys.stderr)
        part = store.with_name(f"{store.name}-part")
        cache = out / f"remote-cache-{tests}"
        with served(part, out / "remote-record.log") as address:
            command = affected_command("record", root, cache, "run")
            run_quietly(_with(command, AFFECTED_REMOTE=address))
        part.rename(store)
    return root, store


def ask(chosen: argparse.Namespace) -> list[Answer]:
    """Round trips of a fresh machine, and its wall time less git's own."""
    root, store = recorded(chosen.tests)
    log = make_out() / "remote-lookup.log"
    clone = make_out() / f"remote-clone-{chosen.tests}"
    taken: dict[str, list[Usage]] = {"git status": [], "records on disk": [], "remote": []}
    seen: Counter[str] = Counter()
    with served(store, log) as address:
        for turn in range(chosen.rounds):
            _fresh_clone(root, clone)
            taken["git status"].append(run_once(git_status(clone)))
            cache = clone.with_name("remote-clone-cache")
            shutil.rmtree(cache, ignore_errors=True)
            command = affected_command("remote", clone, cache, "run", "--dry-run", "--json")
            command = _with(command, AFFECTED_REMOTE=address)
            before = calls(log)
            plain = replace(command, words=command.words[:-2])
            taken["remote"].append(run_once(plain))
            seen = calls(log) - before
            shutil.rmtree(cache / "workspaces")
            taken["records on disk"].append(run_once(_with(plain, AFFECTED_REMOTE="off")))
            if turn == 0 and json.loads(run_quietly(command))["selection"] != "none":
                raise RuntimeError("the fresh machine would run something")
    return _answers(chosen.tests, taken, seen)


def _answers(tests: int, taken: dict[str, list[Usage]], seen: Counter[str]) -> list[Answer]:
    series = {name: Series(name, tuple(runs), runs[0]) for name, runs in taken.items()}
    figures = {
        f"{what} of {name}, s": one.least(what)
        for name, one in series.items()
        for what in ("wall", "cpu")
    }
    measured = {**figures, "calls": dict(seen), "load": os.getloadavg()[0]}
    case = f"{tests:,} test files"
    remote, git_wall = series["remote"], series["git status"].least("wall")
    return [
        Answer("remote_lookup", case, "round trips of a fresh machine", sum(seen.values()),
               MOST_CALLS, "calls", measured),
        Answer("remote_lookup", case, "its wall time (2 s + git status)", remote.least("wall"),
               SECONDS + git_wall, "s", measured),
        Answer("remote_lookup", case, "its CPU time", remote.least("cpu"), SECONDS + git_wall, "s",
               measured),
    ]  # fmt: skip


def _fresh_clone(root: Path, clone: Path) -> None:
    shutil.rmtree(clone, ignore_errors=True)
    git(root, "clone", "-q", "--depth", "1", f"file://{root}", str(clone))


def _with(command: Command, **variables: str) -> Command:
    return replace(command, environ={**command.environ, **variables})


def main(arguments: list[str] | None = None) -> int:
    """Ask and tell."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.remote_lookup",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tests", type=int, default=10_000, help="test files of the tree")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prepare", action="store_true", help="only make what is measured on")
    parser.add_argument("--json", action="store_true", help="print the runs, too")
    chosen = parser.parse_args(arguments)
    if chosen.prepare:
        recorded(chosen.tests)
        return 0
    return tell(ask(chosen), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
