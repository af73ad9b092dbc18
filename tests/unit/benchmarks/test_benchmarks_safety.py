"""The safety benchmark: its edits parse, its oracle and its bounds say what they should."""

from __future__ import annotations

import ast
import math
from pathlib import Path
from random import Random

import pytest

from benchmarks.safety import code_edits
from benchmarks.safety.bounds import upper_bound
from benchmarks.safety.deck import MIX, WIDER, kind_of
from benchmarks.safety.ledger import Ledger
from benchmarks.safety.oracle import changed_tests
from benchmarks.safety.selectors import Chosen
from benchmarks.safety.source import Source, parses_anew
from benchmarks.safety.summary import summaries
from benchmarks.safety.tables import missed, report
from benchmarks.safety.verdict import Judgement, Truth

EDITS = {
    "body": code_edits.body,
    "constant": code_edits.constant,
    "class attribute": code_edits.class_attribute,
    "default": code_edits.default,
    "decorator": code_edits.decorator,
    "added function": code_edits.added_function,
    "docstring": code_edits.other_docstring,
    "import": code_edits.imports,
}
MODULE = '''"""Words — with more than ASCII."""

import os, sys
from json import dumps, loads as read

LIMIT = 4
NAMES = ["a", "b", f"{LIMIT}"]


class Box:
    """A box."""

    size: int = 1

    @property
    def area(self):
        """Its area."""
        return self.size * LIMIT if self.size > 0 else max(self.size, 0)


def told(words, loud=False, *, times=2):
    if not loud and words:
        words = words + "é"; print(words)
    return [read(word) for word in words] or None
'''


@pytest.mark.parametrize("kind", EDITS)
def test_edits_parse_and_change_something(kind: str) -> None:
    """Every edit leaves a file that parses, to something else than before."""
    source = Source.of("box.py", MODULE.encode())
    assert source is not None
    made = 0
    for seed in range(60):
        mutation = EDITS[kind](source, Random(seed))
        if mutation is not None:
            ast.parse(mutation.raw)
            made += parses_anew(source, mutation.raw)
    assert made > 40


def test_remarks_change_nothing_that_the_interpreter_sees() -> None:
    """Comments and blank lines leave the tree as it was."""
    source = Source.of("box.py", MODULE.encode())
    assert source is not None
    for seed in range(40):
        mutation = code_edits.remark(source, Random(seed))
        assert mutation is not None
        assert mutation.raw != source.raw
        assert ast.dump(ast.parse(mutation.raw)) == ast.dump(source.tree)


def test_kinds_come_as_often_as_they_should() -> None:
    """A whole hand holds every card, in an order of the seed's own."""
    cards = sum(MIX.values()) + sum(WIDER.values())
    hand = [kind_of(1, "click", number) for number in range(cards)]
    assert sum(MIX.values()) == 100
    assert {kind: hand.count(kind) for kind in set(hand)} == MIX | WIDER
    assert hand != [kind_of(2, "click", number) for number in range(cards)]


def test_bounds_of_a_rate() -> None:
    """The rule of three for no miss; the exact bound for some; nothing known without trials."""
    assert upper_bound(0, 1000) == pytest.approx(3 / 1000, rel=0.01)
    assert upper_bound(1, 10) == pytest.approx(0.3942, abs=1e-4)
    assert upper_bound(0, 0) == 1.0
    assert upper_bound(5, 5) == 1.0
    chance = sum(math.comb(40, k) * 0.3**k * 0.7 ** (40 - k) for k in range(8))
    assert upper_bound(7, 40, 1 - chance) == pytest.approx(0.3)


def test_what_counts_as_a_changed_outcome() -> None:
    """Another outcome, a new test and a file that cannot be collected do; a removed test does not."""
    before = {"t.py::a": "passed", "t.py::b": "passed", "u.py::c": "passed", "u.py::d": "failed"}
    after = {"t.py::a": "failed", "t.py::new": "passed", "u.py": "error"}
    assert changed_tests(before, after) == {
        "t.py::a": ["passed", "failed"],
        "t.py::new": ["none", "passed"],
        "u.py::c": ["passed", "uncollected"],
        "u.py::d": ["failed", "uncollected"],
    }
    assert changed_tests(before, {}).keys() == before.keys()
    assert changed_tests(before, before) == {}


def test_what_a_selection_has() -> None:
    """A file selected whole has all its tests but those said to be reused."""
    chosen = Chosen(frozenset({"t.py::a"}), frozenset({"u.py"}), frozenset({"u.py::c"}), {})
    assert [chosen.has(test) for test in ("t.py::a", "t.py::b", "u.py::c", "u.py::d")] == [
        *(True, False, False, True)
    ]


def test_misses_are_counted_and_told(tmp_path: Path) -> None:
    """A missed outcome shows in the figures, with its edit and its test; kept lines are found again."""
    ledger = Ledger(tmp_path / "measured.jsonl")
    for number in range(4):
        key = f"1/click/{number}/body"
        changed = {"t.py::a": ["passed", "failed"]} if number < 2 else {}
        truth = Truth(key, "body", "f", "d", "ok", "-old\n+new", 10, changed, 0.5, 5.0)
        ledger.add_truth(truth)
        lost = changed if number == 1 else {}
        ledger.add_judgement(Judgement(key, "d", "tool", "ok", 2, 1.0, lost, causes={"x": 2}))
    ledger.add_truth(Truth("1/click/9/body", "body", "f", "d", "hung", "", 10, {}, 0.0, 5.0))
    again = Ledger(tmp_path / "measured.jsonl")
    assert again.truth("1/click/0/body", "d") == ledger.truth("1/click/0/body", "d")
    assert again.truth("1/click/0/body", "other") is None
    (found,) = summaries({"click": again}, ["tool"])
    assert (found.everything.edits, found.everything.unsafe, found.hung) == (4, 1, 1)
    assert found.everything.missed == 1
    assert found.core.share == pytest.approx(0.2)
    assert found.core.truth == pytest.approx(0.05)
    assert "t.py::a: passed -> failed" in missed(found)
    assert "| click | 4 | 20.0% | 20.0% | 5.0% | 1 | 1 of 2 |" in report([found])
