"""Random target graphs and random edits: what is reused is, byte for byte, what a clean build makes.

Each target writes its sources and what its needs wrote, one after the other; the oracle says the
same in five lines.
"""

from __future__ import annotations

import random
import shutil

import pytest
from support.command_runs import CommandWorkspace
from support.repositories import GitTree

SCRIPT = """\
set -e
mkdir -p dist
for one in src/*; do [ -f "$one" ] && cat "$one" >> dist/out; done
for need in "$@"; do [ -f "../$need/dist/out" ] && cat "../$need/dist/out" >> dist/out; done
"""
HEAD = '[project]\nname = "root"\n\n'


class World:
    """Projects with sources and the needs between their builds."""

    def __init__(self, rng):
        self.needs = {}
        self.sources = {}
        for number in range(rng.randint(2, 6)):
            name = f"p{number}"
            self.needs[name] = [m for m in self.needs if rng.random() < 0.5]
            self.sources[name] = {f"s{k}": rng.choice("abc") for k in range(rng.randint(1, 2))}


def oracle(world, name):
    """What a clean build of `name` writes."""
    made = "".join(world.sources[name][one] for one in sorted(world.sources[name]))
    return made + "".join(oracle(world, need) for need in world.needs[name])


def lay_out(world, tree):
    """The files of the world, written where they differ."""
    tables = [HEAD]
    for name, needs in world.needs.items():
        words = ["sh", "../build.sh", *needs]
        tables.append(
            f"[tool.affected.targets.make-{name}]\nprojects = ['{name}']\n"
            f"command = {words}\ninputs = ['src/**', '/build.sh']\noutputs = ['dist']\n"
            f"dependencies = {[f'{need}:make-{need}' for need in needs]}\n\n"
        )
        shutil.rmtree(tree.root / name / "src", ignore_errors=True)
        for source, content in world.sources[name].items():
            tree.write(f"{name}/src/{source}", content)
        tree.write(f"{name}/package.json", f'{{"name": "{name}"}}')
    tree.write("pyproject.toml", "".join(tables))
    tree.write("build.sh", SCRIPT)
    tree.write(".gitignore", "dist/\n")


def edit(world, tree, rng):
    """One random change of a source, a graph, or an output."""
    name = rng.choice(list(world.needs))
    what = rng.choice(["change", "change", "add", "remove", "need", "output", "delete", "nothing"])
    sources = world.sources[name]
    if what == "change":
        sources[rng.choice(list(sources))] = rng.choice("abcdef")
    elif what == "add":
        sources[f"s{rng.randint(0, 5)}"] = rng.choice("abc")
    elif what == "remove" and len(sources) > 1:
        del sources[rng.choice(list(sources))]
    elif what == "need":
        earlier = list(world.needs)[: list(world.needs).index(name)]
        world.needs[name] = [m for m in earlier if rng.random() < 0.5]
    elif what == "output":
        (tree.root / name / "dist").mkdir(exist_ok=True)
        (tree.root / name / "dist" / rng.choice(["out", "more"])).write_text("by hand")
    elif what == "delete":
        shutil.rmtree(tree.root / name / "dist", ignore_errors=True)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_reused_is_what_a_clean_build_makes(tmp_path, seed):
    """After each of several edits, in the first checkout and in a second with the same cache."""
    rng = random.Random(seed)
    world = World(rng)
    tree = GitTree.init(tmp_path / "one")
    lay_out(world, tree)
    tree.commit()
    first = CommandWorkspace(tree, tmp_path / "cache")
    for _ in range(5):
        edit(world, tree, rng)
        lay_out(world, tree)
        outcome = first.run()
        assert not outcome.those("failed"), outcome
        expected = {name: {"out": oracle(world, name)} for name in world.needs}
        assert written(tree, world) == expected
        again = first.run()
        assert again.idle or set(again.states.values()) == {"reused"}
        assert written(tree, world) == expected
    tree.commit()
    second = CommandWorkspace(tree.clone(tmp_path / "two"), tmp_path / "cache")
    assert set(second.run().states.values()) == {"restored"}
    assert written(second.tree, world) == expected


def written(tree, world):
    """What is in each project's output folder."""
    return {
        name: {p.name: p.read_text() for p in (tree.root / name / "dist").iterdir()}
        for name in world.needs
    }
