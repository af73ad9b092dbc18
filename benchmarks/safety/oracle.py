"""The truth about an edit: plain pytest on everything, with it and without.

Unaware of any tool that selects. Outcomes are by test id, made independent of the checkout's folder
and of the time of day.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.real_projects import portable
from benchmarks.safety.place import Place, bounded
from benchmarks.trees import git

_PLUGINS = str(Path(__file__).resolve().parent.parent)
_ROUNDS = 3  # identical runs before the first edit


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What one plain run said."""

    by_test: Mapping[str, str]
    seconds: Mapping[str, float]  # by test
    wall: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """What plain runs say without an edit, and the tests on which they do not agree."""

    outcomes: Outcomes
    unsteady: frozenset[str]


def plain(place: Place, environ: Mapping[str, str], seconds: float, *tests: str) -> Outcomes:
    """Run all tests, or those named; Hung when that takes too long."""
    target = place.home / "outcomes.json"
    target.unlink(missing_ok=True)
    variables = {"PYTHONPATH": _PLUGINS, "OUTCOME_FILE": str(target), **environ}
    options = ("-p", "outcome_plugin", "--continue-on-collection-errors", "--tb=no")
    command = place.pytest(*options, *tests, environ=variables)
    if tests:
        words = tuple(word for word in command.words if word not in place.subject.arguments)
        command = type(command)(command.name, words, command.folder, command.environ, (0,))
    began = time.monotonic()
    bounded(command, seconds)
    wall = time.monotonic() - began
    said = json.loads(target.read_text("utf-8")) if target.exists() else {}
    root = str(place.tree)
    outcomes = portable(said.get("outcomes", {}), root)
    spent: dict[str, float] = {}
    for test, value in said.get("seconds", {}).items():
        (name,) = portable({test: ""}, root)
        spent[name] = spent.get(name, 0.0) + value
    return Outcomes(outcomes, spent, wall)


def baseline(place: Place) -> Baseline:
    """Some identical runs on the clean tree; kept for the next time."""
    kept = place.home / "baseline.json"
    tree = git(place.tree, "rev-parse", "HEAD^{tree}").strip()
    key = [tree, list(place.subject.arguments), _ROUNDS]
    if kept.exists():
        said = json.loads(kept.read_text("utf-8"))
        if said["key"] == key:
            outcomes = Outcomes(said["outcomes"], said["seconds"], said["wall"])
            return Baseline(outcomes, frozenset(said["unsteady"]))
    runs = []
    for _ in range(_ROUNDS):
        runs.append(plain(place, {}, 900))
        place.clean()
    unsteady = {test for run in runs for test in changed_tests(runs[0].by_test, run.by_test)}
    best = min(runs, key=lambda run: run.wall)
    wall = max(run.wall for run in runs)
    said = {
        "key": key,
        "outcomes": dict(runs[0].by_test),
        "seconds": dict(best.seconds),
        "wall": wall,
        "unsteady": sorted(unsteady),
    }
    kept.write_text(json.dumps(said), encoding="utf-8")
    return Baseline(Outcomes(runs[0].by_test, best.seconds, wall), frozenset(unsteady))


def changed_tests(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """[before, after] of each test whose outcome an edit changes; "none" where there is none.

    A test that is not there any more is no change, unless its file cannot be collected.
    """
    changed: dict[str, list[str]] = {}
    for test in after.keys() - before.keys():
        if "::" in test:
            changed[test] = ["none", after[test]]
    for test, outcome in before.items():
        now = after.get(test)
        if now is None and "::" in test:
            broken = not after or after.get(test.partition("::")[0]) in ("error", "skipped")
            now = "uncollected" if broken else outcome
        if now is not None and now != outcome:
            changed[test] = [outcome, now]
    return changed
