"""What `affected list` leaves out has the outcome it had, on random monorepos and edits.

The oracle is plain pytest over everything at the base commit and after the edit. With records the
list knows what tests were seen to use; without any it goes by the graph and by who owns a file, so
it cannot know of modules whose names are made at run time: such worlds are for the records alone.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from support.repositories import GitTree
from support.wild_edits import COMMITTING, EDITS
from support.wild_monorepo import make_world
from support.wild_oracle import plain_pytest
from support.wild_place import Place
from support.workspaces import Checkout

FULL = bool(os.environ.get("AFFECTED_FULL"))
FIRST = int(os.environ.get("AFFECTED_SEED", "0"))
SEEDS = range(FIRST, FIRST + (int(os.environ.get("AFFECTED_SEEDS", "60")) if FULL else 2))
STEPS = 16 if FULL else 5


@pytest.mark.parametrize("seed", SEEDS)
def test_what_changed_is_listed(seed: int, tmp_path: Path) -> None:
    """Every test file with a new outcome or value is listed, with records and without."""
    rng = random.Random(f"list {seed}")
    computed = seed % 2 == 0
    place = Place(make_world(rng, computed=computed), GitTree.init(tmp_path / "one"), rng)
    for path, text in place.world.files.items():
        place.write(path, text)
    base = place.tree.commit()
    seen = Checkout(place.root, tmp_path / "seen")
    seen.run(accept=(0, 1))
    environ = {k: v for k, v in seen.environ().items() if not k.startswith("AFFECTED")}

    def truth() -> dict[str, tuple[str, str]]:
        return plain_pytest(place.root, place.world.batches(), tmp_path / "oracle", environ)

    before = truth()
    chosen = [edit for edit in EDITS if edit[1] not in COMMITTING]
    weights, edits = zip(*chosen, strict=True)
    for number in range(STEPS):
        words = rng.choices(edits, weights)[0](place)
        if not words or ".local" in words:  # git ignores such files: they differ from no commit
            _reset(place, base)
            continue
        place.tidy()
        fresh = Checkout(place.root, tmp_path / f"fresh-{number}")
        after = truth()
        changed = {
            test.partition("::")[0]
            for test in before.keys() | after.keys()
            if before.get(test) != after.get(test)
        }
        for checkout in (seen,) if computed else (seen, fresh):
            missing = changed - _labels(checkout, "--base", base)
            if missing:  # test files that are gone need no mention
                missing &= _labels(checkout, "--all")
            assert not missing, f"{seed}: {words}: {missing} is not listed ({checkout.cache})"
        _reset(place, base)
        seen.run(accept=(0, 1))


def _reset(place: Place, base: str) -> None:
    place.tree.git("reset", "-q", "--hard", base)
    place.tree.git("clean", "-q", "-fdx")


def _labels(checkout: Checkout, *arguments: str) -> set[str]:
    answer = checkout.affected("list", *arguments, "--json").json
    return {target["label"] for target in answer["targets"]}
