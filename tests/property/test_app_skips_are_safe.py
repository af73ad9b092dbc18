"""Whatever is reused has the outcome that running it would give, on random monorepos and edits.

The oracle is plain pytest over everything. Each test tells a number that all it used went into, as
the reason of a skip or of an expected failure, so that even an unnoticed change of a value shows.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from support.repositories import GitTree
from support.wild_edits import random_edit
from support.wild_monorepo import make_world
from support.wild_oracle import plain_pytest
from support.wild_place import Place
from support.workspaces import Answer, Checkout, junit_cases

FULL = bool(os.environ.get("AFFECTED_FULL"))
FIRST = int(os.environ.get("AFFECTED_SEED", "0"))
SEEDS = range(FIRST, FIRST + (int(os.environ.get("AFFECTED_SEEDS", "60")) if FULL else 2))
STEPS = 12 if FULL else 6
NEEDLESS = (("list",), ("run", "--dry-run"), ("graph", "--format", "json"), ("doctor",))


@pytest.mark.parametrize("seed", SEEDS)
def test_reused_outcomes_are_those_of_plain_pytest(seed: int, tmp_path: Path) -> None:
    """After every edit, tests that ran and tests that were reused agree with plain pytest."""
    rng = random.Random(seed)
    world = make_world(rng)
    place = Place(world, GitTree.init(tmp_path / "one"), rng)
    for path, text in world.files.items():
        place.write(path, text)
    place.tree.commit()
    cache = tmp_path / "cache"
    story = [f"{world.layout} {' '.join(world.packages)}"]
    _compare(place, place.root, cache, tmp_path, story)
    for _ in range(STEPS):
        story.append(random_edit(place))
        place.tidy()
        if rng.random() < 0.2:
            _something_else(place, cache, story)
        _compare(place, place.root, cache, tmp_path, story)
        if rng.random() < 0.1:
            _elsewhere(place, cache, tmp_path, story)


def _something_else(place: Place, cache: Path, story: list[str]) -> None:
    """A command in between that may learn of the edit, and must not make it forgotten."""
    checkout = Checkout(place.root, cache, place.variables)
    tests = place.paths("_0.py")
    command = place.rng.choice((*NEEDLESS, ("run", *tests[:1])))
    story.append(f"affected {' '.join(command)}")
    checkout.affected(*command, accept=(0, 1, 2))


def _elsewhere(place: Place, cache: Path, scratch: Path, story: list[str]) -> None:
    """A second checkout of the last commit that shares the cache, edited too."""
    clone = place.tree.clone(scratch / "two")
    other = Place(place.world, clone, place.rng, place.variables)
    story.append("clone")
    _compare(other, clone.root, cache, scratch, story)
    story.append(random_edit(other))
    other.tidy()
    _compare(other, clone.root, cache, scratch, story)
    place.variables = other.variables
    shutil.rmtree(clone.root)


def _compare(place: Place, root: Path, cache: Path, scratch: Path, story: list[str]) -> None:
    """A plain run looks only at what a change may reach; then one with reports, at everything."""
    checkout = Checkout(root, cache, place.variables)
    report = scratch / "junit.xml"
    plain = checkout.affected("run", accept=(0, 1))
    answer = checkout.run("--junit", str(report), accept=(0, 1))
    environ = {k: v for k, v in checkout.environ().items() if not k.startswith("AFFECTED")}
    folders = [f for f in place.world.batches() if (root / f).is_dir()]
    truth = plain_pytest(root, folders, scratch / "oracle", environ)
    told = {test: outcome for test, (_, outcome) in answer.tests().items()}
    words = "\n".join(story)
    silent = {label for label, state in answer.states().items() if state == "unfinished"}
    if silent:  # pytest says of all below a broken conftest only that it is broken
        assert "while loading conftest" in answer.json["troubles"][0], f"{words}\n{answer.out}"
        labels = answer.states().keys() - silent
        truth = {test: one for test, one in truth.items() if test.partition("::")[0] in labels}
    else:
        assert not answer.json["troubles"], f"{words}\n{answer.json['troubles']}"
    again = {label for label, state in answer.states().items() if state == "ran"}
    forgotten = {label for label in again if label not in plain.out}  # which names the unprovable
    assert not forgotten, f"{words}\n{forgotten}\n{plain.out}"
    assert told == {test: outcome for test, (outcome, _) in truth.items()}, _blame(answer, words)
    bad = any(outcome in {"failed", "error"} for outcome, _ in truth.values())
    assert answer.code == int(bad or bool(silent)), f"{words}\n{answer.out}"
    reasons = _reasons(report)
    wrong = {
        test: (reasons.get(_case(test)), reason, answer.tests()[test])
        for test, (_, reason) in truth.items()
        if reason and reasons.get(_case(test)) != reason
    }
    assert not wrong, f"{words}\n{wrong}"


def _blame(answer: Answer, words: str) -> str:
    return f"{words}\nreused: {sorted(answer.reused())}\n{answer.err}"


def _reasons(report: Path) -> dict[tuple[str, str], str]:
    found = {}
    for key, case in junit_cases(report).items():
        skipped = case.find("skipped")
        if skipped is not None:
            found[key] = skipped.get("message", "")
    return found


def _case(test: str) -> tuple[str, str]:
    path, _, rest = test.partition("::")
    module = path.removesuffix(".py").replace("/", ".")
    *classes, name = rest.split("::")
    return (".".join([module, *classes]), name) if rest else ("", module)
