"""Writes a seeded monorepo: same arguments, same bytes, same commit id.

    python -m benchmarks.generate --files 2000 --seed 1 DEST

Unaware of what is measured on it. DEST becomes a git repository with one commit on `main`; what a
benchmark must know (a leaf module, the module most needed, a data file with its readers, …) is
printed as JSON and kept in DEST/.git/affected-benchmark.json, where no tool looks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.blueprint import Blueprint, Module, draw
from benchmarks.sources import texts

FACTS = "affected-benchmark.json"
SIZES = {"demo": 300, "small": 2_000, "medium": 36_000, "large": 100_000}


def generate(destination: Path, files: int, seed: int) -> dict[str, Any]:
    """Write the tree, commit it, and give its facts; FileExistsError when something is there."""
    destination.mkdir(parents=True, exist_ok=True)
    if any(destination.iterdir()):
        raise FileExistsError(f"{destination} is not empty")
    blueprint = draw(files, seed)
    _write(destination, texts(blueprint, seed))
    commit = _commit(destination)
    facts: dict[str, Any] = {"files": files, "seed": seed, "commit": commit}
    facts |= tree_facts(blueprint)
    text = json.dumps(facts, indent=1) + "\n"
    (destination / ".git" / FACTS).write_text(text, encoding="utf-8")
    return facts


def read_facts(tree: Path) -> dict[str, Any]:
    """The facts of a tree that was generated before."""
    loaded: dict[str, Any] = json.loads((tree / ".git" / FACTS).read_text(encoding="utf-8"))
    return loaded


def _write(destination: Path, files: Iterable[tuple[str, str]]) -> None:
    made: set[str] = set()
    top = str(destination)
    for path, text in files:
        folder = path.rpartition("/")[0]
        if folder not in made:
            os.makedirs(f"{top}/{folder}", exist_ok=True)  # noqa: PTH103  # 100,000 times
            made.add(folder)
        with open(f"{top}/{path}", "wb") as stream:  # noqa: PTH123
            stream.write(text.encode())


def _commit(destination: Path) -> str:
    """Commit everything with a fixed name and date, whatever the user's own git settings are."""
    fixed = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_DEFAULT_HASH": "sha1",
        **{
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (
                ("NAME", "benchmark"),
                ("EMAIL", "benchmark@example.invalid"),
                ("DATE", "2024-01-01T00:00:00+00:00"),
            )
        },
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environ = kept | fixed

    def git(*words: str) -> str:
        command = ["git", "-C", str(destination), "-c", "core.autocrlf=false", *words]
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("-c", "init.defaultBranch=main", "init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "A made-up monorepo")
    git("status", "--porcelain")  # refreshes the stamps of files as young as the index itself
    return git("rev-parse", "HEAD")


def tree_facts(blueprint: Blueprint) -> dict[str, Any]:
    """What the plan says of itself; "tests" beside a path: the test files that reach it."""
    modules = [module for project in blueprint.projects for module in project.modules]
    tests = [test for project in blueprint.projects for test in project.tests]
    importers = _importers(blueprint)
    unused = [module for module in modules if not _modules_in(importers, module)]
    leaf = next(module for module in unused if importers.get(module.dotted))
    core = max(modules, key=lambda module: (len(importers.get(module.dotted, ())), module.path))
    readers: dict[str, list[str]] = {}
    for test in tests:
        for path in test.reads:
            readers.setdefault(path, []).append(test.path)
    data = min(readers, key=lambda path: (-len(readers[path]), path))
    first = blueprint.projects[0]
    return {
        "projects": len(blueprint.projects),
        "modules": len(modules),
        "test_files": len(tests),
        "leaf": {"path": leaf.path, "tests": _reach(importers, leaf)},
        "core": {"path": core.path, "tests": _reach(importers, core)},
        "data": {"path": data, "readers": sorted(readers[data])},
        "conftest": {"path": f"{first.folder}/tests/conftest.py", "tests": len(first.tests)},
        "document": f"{first.folder}/README.md",
        "test": tests[-1].path,
    }


def _importers(blueprint: Blueprint) -> dict[str, set[str]]:
    """Who imports each dotted name: dotted names of modules, paths of test files."""
    importers: dict[str, set[str]] = {}
    for project in blueprint.projects:
        first = project.modules[0].dotted
        for module in project.modules:
            for needed, _ in module.imports:
                importers.setdefault(needed.dotted, set()).add(module.dotted)
            if project.exported not in (None, module):
                importers.setdefault(first, set()).add(module.dotted)  # by the package's __init__
        for test in project.tests:
            for dotted in (first, *(module.dotted for module in test.modules)):
                importers.setdefault(dotted, set()).add(test.path)
    return importers


def _modules_in(importers: dict[str, set[str]], module: Module) -> list[str]:
    return [name for name in importers.get(module.dotted, ()) if "/" not in name]


def _reach(importers: dict[str, set[str]], module: Module) -> int:
    """How many test files need `module`, in however many steps."""
    seen = {module.dotted}
    waiting = [module.dotted]
    while waiting:
        for name in importers.get(waiting.pop(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return sum("/" in name for name in seen)


def main(arguments: list[str] | None = None) -> int:
    """Write a tree and print its facts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=__doc__)
    parser.add_argument("destination", type=Path, metavar="DEST")
    sizes = ", ".join(f"{name} {count}" for name, count in SIZES.items())
    parser.add_argument("--files", default="small", help=f"a number, or: {sizes}")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    try:
        files = SIZES[chosen.files] if chosen.files in SIZES else int(chosen.files)
        facts = generate(chosen.destination, files, chosen.seed)
    except (ValueError, FileExistsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(facts, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
