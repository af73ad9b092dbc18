"""Does blame name the guilty commit, and how few others with it.

    python -m benchmarks.blame [--commits 200] [--regressions 20] [--modules 80] [--bisects 5]

Writes a package of modules that import each other, in a git history of seeded commits: bodies
reworded, comments, new functions, data, documents; among them regressions, each of which makes one
test fail for good. Everything is recorded at the first commit; then, at the last one, each failing
test is asked about. Held against `git bisect run` with plain pytest, for some of them, bounded.
Unaware of how the answer is found. Exit code 1 when a guilty commit is not in an answer.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Command, affected_command, run_once
from benchmarks.trees import git, make_out, run_quietly

_BODIES = ("return x + {0}", "return {0} + x", "y = x\n    return y + {0}", "return x - -{0}")
_WRONG = "return x + {0} + 1000"


@dataclass(slots=True)
class Module:
    """One module: the number that its leaf adds, the wording of both functions, what it imports."""

    number: int
    imports: tuple[int, ...]
    wording: list[int] = field(default_factory=lambda: [0, 0])
    broken: bool = False
    comments: int = 0

    def text(self) -> str:
        """Its source: `leaf` is called by its own test alone, `shared` by those who import it."""
        own = self.number + 1
        below = " + ".join(["0", *(f"m{n}.shared(0)" for n in self.imports)])
        leaf = _WRONG if self.broken else _BODIES[self.wording[0]]
        return "".join(
            [
                *(f"from pkg import m{n}\n" for n in self.imports),
                "\n\n" + "# seen by nobody\n" * self.comments,
                f"def leaf(x):\n    {leaf.format(own)}\n\n\n",
                f"def shared(x):\n    {_BODIES[self.wording[1]].format(own)}\n\n\n",
                f"def below(x):\n    return shared(x) + {below}\n",
            ]
        )

    def test(self) -> str:
        """Two tests: of the leaf, which a regression breaks, and of the rest."""
        own = self.number + 1
        total = own + sum(n + 1 for n in self.imports)
        name = f"m{self.number}"
        return (
            f"from pkg import {name}\n\n\n"
            f"def test_leaf():\n    assert {name}.leaf(1) == {own + 1}\n"
            f"\n\ndef test_below():\n    assert {name}.below(1) == {total + 1}\n"
        )


def history(root: Path, commits: int, regressions: int, modules: int, seed: int) -> dict[int, str]:
    """Writes the repository; module number → the commit that broke its leaf."""
    chance = random.Random(seed)
    made = [
        Module(n, tuple(sorted(chance.sample(range(n), min(n, chance.randrange(3))))))
        for n in range(modules)
    ]
    shutil.rmtree(root, ignore_errors=True)
    (root / "pkg").mkdir(parents=True)
    (root / "tests").mkdir()
    settings = "[tool.pytest.ini_options]\npythonpath = ['.']\n"
    (root / "pyproject.toml").write_text(settings, encoding="utf-8")
    (root / ".gitignore").write_text("__pycache__/\n.pytest_cache/\n", encoding="utf-8")
    (root / "pkg/__init__.py").touch()
    for module in made:
        _write(root, module)
        test = root / f"tests/test_m{module.number}.py"
        test.write_text(module.test(), encoding="utf-8")
    git(root, "init", "-q", "-b", "main")
    _commit(root, "beginning")
    git(root, "tag", "beginning")
    victims = dict(
        zip(
            sorted(chance.sample(range(commits), regressions)),
            chance.sample(range(modules), regressions),
            strict=True,
        )
    )
    guilty: dict[int, str] = {}
    for turn in range(commits):
        if turn in victims:
            made[victims[turn]].broken = True
            _write(root, made[victims[turn]])
            guilty[victims[turn]] = _commit(root, f"change {turn}")
        else:
            _harmless(root, made, chance, turn)
            _commit(root, f"change {turn}")
    return guilty


def _harmless(root: Path, made: Sequence[Module], chance: random.Random, turn: int) -> None:
    module = chance.choice(made)
    kind = chance.choices(("leaf", "shared", "comment", "words"), (4, 4, 1, 1))[0]
    if kind == "words":
        (root / "README.md").write_text(f"turn {turn}\n", encoding="utf-8")
        return
    if kind == "comment":
        module.comments += 1
    else:
        at = 0 if kind == "leaf" else 1
        module.wording[at] = (module.wording[at] + chance.randrange(1, 4)) % 4
    _write(root, module)


def _write(root: Path, module: Module) -> None:
    (root / f"pkg/m{module.number}.py").write_text(module.text(), encoding="utf-8")


def _commit(root: Path, message: str) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD").strip()


@dataclass(frozen=True, slots=True)
class Answer:
    """One question: how many suspects, whether the guilty one is among them, seconds of CPU."""

    module: int
    size: int
    found: bool
    cpu: float


def ask(root: Path, cache: Path, module: int, commit: str) -> Answer:
    """`affected blame` of the test that the regression broke."""
    test = f"tests/test_m{module}.py::test_leaf"
    command = affected_command("blame", root, cache, "blame", test, "--json")
    answer = json.loads(run_quietly(command))
    suspects = [one["commit"] for one in answer["suspects"]]
    return Answer(module, len(suspects), commit in suspects, run_once(command).cpu)


def bisect(root: Path, module: int, commit: str) -> float:
    """CPU seconds of `git bisect run` with plain pytest; RuntimeError when it names another."""
    test = f"tests/test_m{module}.py::test_leaf"
    git(root, "bisect", "start", "main", "beginning")
    words = ("git", "bisect", "run", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    environ = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = Command("git bisect", (*words, test), root, environ)
    usage = run_once(command)
    named = git(root, "rev-parse", "refs/bisect/bad").strip()
    git(root, "bisect", "reset")
    if named != commit:
        raise RuntimeError(f"git bisect named {named}, not {commit}")
    return usage.cpu


def main() -> int:
    """Writes, records, asks; prints one table and one verdict."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name, default in (("commits", 200), ("regressions", 20), ("modules", 80), ("bisects", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    root = make_out() / "blame" / "tree"
    cache = root.parent / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    guilty = history(root, given.commits, given.regressions, given.modules, given.seed)
    git(root, "checkout", "-q", "beginning")
    run_quietly(affected_command("record", root, cache, "run"))
    git(root, "checkout", "-q", "main")
    began = time.monotonic()
    answers = [ask(root, cache, module, commit) for module, commit in guilty.items()]
    asked = [(a.module, guilty[a.module]) for a in answers[: given.bisects]]
    bisected = [bisect(root, module, commit) for module, commit in asked]
    found = sum(answer.found for answer in answers)
    sizes = [answer.size for answer in answers]
    print(f"{given.commits} commits, {given.regressions} regressions, {given.modules} modules")
    print(f"guilty commit in {found} of {len(answers)} answers")
    print(f"answer: mean {statistics.mean(sizes):.1f} commits, most {max(sizes)}: {sorted(sizes)}")
    mean = statistics.mean(answer.cpu for answer in answers)
    print(f"CPU an answer {mean:.2f} s", end="")
    if bisected:
        against = statistics.mean(bisected)
        print(f", git bisect run {against:.2f} s: {against / mean:.1f} times as much", end="")
    print(f"\nload average {os.getloadavg()[0]:.1f}, {time.monotonic() - began:.0f} s in all")
    return 0 if found == len(answers) else 1


if __name__ == "__main__":
    sys.exit(main())
