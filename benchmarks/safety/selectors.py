"""What each tool would have selected after an edit, by what it recorded before any.

Unaware of the truth. Nothing that an edit shows is recorded: all have the same baseline.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.measure import Command, affected_command
from benchmarks.real_projects import portable
from benchmarks.safety.place import Place, Said, bounded
from benchmarks.trees import git, run_quietly

_HERE = Path(__file__).resolve().parent
_SOURCES = _HERE.parent.parent


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selection: tests named, files named whole, and why, where the tool says so."""

    tests: frozenset[str]
    files: frozenset[str]  # every test of these whose id is not in `left_out`
    left_out: frozenset[str]
    causes: Mapping[str, int]  # how many tests by kind of cause
    failed: bool = False  # the tool ended with an error, for everyone to see

    def has(self, test: str) -> bool:
        """Whether a test would have run, or everybody been told that something is wrong."""
        if self.failed or test in self.tests:
            return True
        return test not in self.left_out and test.partition("::")[0] in self.files


class Selector(Protocol):
    """A tool that selects tests."""

    name: str  # with its version: results of another version are not compared

    def record(self, place: Place) -> None:
        """Record everything on the clean tree, unless that was done."""

    def choose(self, place: Place, environ: Mapping[str, str], seconds: float) -> Chosen:
        """What it would run now; Hung when that takes too long."""


class Affected:
    """This checkout's `affected run --dry-run`."""

    def __init__(self) -> None:
        tree = git(_SOURCES, "rev-parse", "HEAD:src/affected").strip()
        changes = git(_SOURCES, "diff", "HEAD", "--", "src/affected")
        extra = "+" + hashlib.sha256(changes.encode()).hexdigest()[:6] if changes else ""
        self.name = f"affected {tree[:10]}{extra}"

    def record(self, place: Place) -> None:
        """One run, and one that must have hardly anything to run."""
        mark = place.home / "affected.json"
        if mark.exists() and mark.read_text("utf-8") == self.name:
            return
        shutil.rmtree(place.home / "cache", ignore_errors=True)
        said = self._ask(place, {}, 1800, "run", "--json")
        place.clean()
        if said.code not in (0, 1):
            raise RuntimeError(f"{place.subject.name} was not recorded: {said.err[-2000:]}")
        mark.write_text(self.name, encoding="utf-8")

    def choose(self, place: Place, environ: Mapping[str, str], seconds: float) -> Chosen:
        """Test by test, by a dry run."""
        said = self._ask(place, environ, seconds, "run", "--json", "--dry-run")
        answer = json.loads(said.out)
        if "error" in answer:
            return Chosen(frozenset(), frozenset(), frozenset(), {"error": 1}, failed=True)
        root, causes = str(place.tree), dict[str, int]()
        by_state: dict[str, set[str]] = {}
        for result in answer["results"]:
            (test,) = portable({result["id"]: ""}, root)
            by_state.setdefault(result["state"], set()).add(test)
            if result["state"] != "reused":
                kind = _reason(result["cause"] or {})
                causes[kind] = causes.get(kind, 0) + 1
        reused = by_state.pop("reused", set())
        files = {item["label"] for item in answer["targets"] if item["state"] != "reused"}
        chosen = frozenset().union(*by_state.values())
        return Chosen(chosen, frozenset(files), frozenset(reused), causes)

    def _ask(self, place: Place, environ: Mapping[str, str], seconds: float, *words: str) -> Said:
        arguments = place.subject.arguments
        options = ("--", *arguments) if arguments else ()
        cache = place.home / "cache"
        command = affected_command("affected", place.tree, cache, *words, "-j", "1", *options)
        everything = {**command.environ, **environ}
        return bounded(
            Command(command.name, command.words, command.folder, everything, (0, 1)), seconds
        )


def _reason(cause: Mapping[str, Any]) -> str:
    """The kind of a cause, with the code that its detail begins with: "changed: value"."""
    code, colon, _ = str(cause.get("detail", "")).partition(":")
    kind = str(cause.get("kind", "none"))
    return f"{kind}: {code}" if colon and " " not in code else kind


class Testmon:
    """pytest-testmon, in a folder of its own beside the checkout's environment."""

    version = "2.2.0"

    def __init__(self) -> None:
        self.name = f"testmon {self.version}"

    def record(self, place: Place) -> None:
        """One collecting run into a data file that is copied for each edit."""
        self._install(place)
        kept = place.home / "testmon.kept"
        if kept.exists():
            return
        fresh = self._fresh(place)
        bounded(self.collecting(place), 3600)
        place.clean()
        shutil.copy(fresh, kept)

    def collecting(self, place: Place) -> Command:
        """A run of everything that records."""
        return self._command(place, {}, "--testmon")

    def choose(self, place: Place, environ: Mapping[str, str], seconds: float) -> Chosen:
        """The tests left after its deselection, by a collection."""
        shutil.copy(place.home / "testmon.kept", self._fresh(place))
        target = place.home / "chosen.json"
        target.unlink(missing_ok=True)
        variables = {**environ, "CHOSEN_FILE": str(target)}
        options = ("--testmon-forceselect", "--testmon-nocollect", "--collect-only")
        bounded(self._command(place, variables, *options, "-p", "chosen_plugin"), seconds)
        if not target.exists():  # pytest fails as a whole, and tells
            return Chosen(frozenset(), frozenset(), frozenset(), {}, failed=True)
        answer = json.loads(target.read_text("utf-8"))
        tests = frozenset(portable(dict.fromkeys(answer["tests"], ""), str(place.tree)))
        return Chosen(tests, frozenset(answer["broken"]), frozenset(), {})

    def _fresh(self, place: Place) -> Path:
        for path in place.home.glob("testmon.db*"):
            path.unlink()
        return place.home / "testmon.db"

    def _command(self, place: Place, environ: Mapping[str, str], *options: str) -> Command:
        search = os.pathsep.join((str(place.home / "testmon"), str(_HERE.parent)))
        variables = {"PYTHONPATH": search, "TESTMON_DATAFILE": str(place.home / "testmon.db")}
        return place.pytest(*options, environ={**variables, **environ})

    def _install(self, place: Place) -> None:
        folder = place.home / "testmon"
        if folder.exists():
            return
        pip = (str(place.project.python), "-m", "pip", "install", "--quiet")
        only = ("--no-deps", "--target", str(folder))
        wanted = (f"pytest-testmon=={self.version}", "coverage")
        run_quietly(Command("pip", (*pip, *only, *wanted), place.home, {}))
