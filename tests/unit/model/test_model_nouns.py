"""The nouns: frozen values whose meaning is stored, so it cannot drift."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil

import pytest

import affected.model
from affected.model.digest import ABSENT, FOLDER, SUBMODULE, UNREADABLE, is_link, with_mode
from affected.model.edge import EdgeKind
from affected.model.observation import Input, InputKind
from affected.model.result import Outcome
from affected.model.selection import Cause, CauseKind
from affected.model.target import TargetKind

MODULES = [
    importlib.import_module(f"affected.model.{module.name}")
    for module in pkgutil.iter_modules(affected.model.__path__)
]
VALUES = [
    value
    for module in MODULES
    for value in vars(module).values()
    if dataclasses.is_dataclass(value) and value.__module__ == module.__name__
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_every_noun_is_frozen_and_has_slots(value):
    """Complete at birth: nobody changes it later or adds to it."""
    assert value.__dataclass_params__.frozen
    assert "__slots__" in vars(value)


def test_kinds_that_are_stored_keep_their_numbers_and_names():
    """Edges, inputs, outcomes and causes lie in indexes and records: only ever append."""
    assert [(kind.name, kind.value) for kind in EdgeKind][:9] == [
        ("IMPORT", 0), ("LAZY", 1), ("TYPING", 2), ("PARENT", 3), ("STAR", 4), ("STRING", 5),
        ("CONFTEST", 6), ("OBSERVED", 7), ("PROJECT", 8),
    ]  # fmt: skip
    assert [kind.value for kind in InputKind][:7] == [
        "file", "probe", "listing", "module", "distribution", "installed", "environment",
    ]  # fmt: skip
    assert [outcome.value for outcome in Outcome] == [
        "passed", "failed", "error", "skipped", "xfailed", "xpassed",
    ]  # fmt: skip
    assert {kind.value for kind in TargetKind} >= {"test", "command"}


def test_only_failures_and_errors_are_bad():
    """A skip and an expected failure count as a pass; so does an unexpected pass that pytest lets."""
    assert {outcome for outcome in Outcome if not outcome.good} == {Outcome.FAILED, Outcome.ERROR}


@pytest.mark.parametrize(
    ("mode", "digest", "link"),
    [("100644", "ab", False), ("100755", "abx", False), ("120000", "abl", True)],
)
def test_the_kind_of_a_file_is_part_of_its_digest(mode, digest, link):
    """Plain, executable and link are told apart by what git calls their mode."""
    assert with_mode("ab", mode) == digest
    assert is_link(digest) is link


def test_no_word_for_a_digest_can_be_taken_for_another():
    """Neither for one another nor for a link."""
    words = [ABSENT, FOLDER, SUBMODULE, UNREADABLE]
    assert len(set(words)) == 4
    assert not any(len(word) in {40, 41, 64, 65} for word in words)


def test_inputs_are_ordered_by_kind_then_key():
    """The order in which an observation lists them, the same everywhere."""
    found = [
        Input(InputKind.PROBE, "a", "1"),
        Input(InputKind.FILE, "b", "1"),
        Input(InputKind.FILE, "a", "2"),
    ]
    assert [(i.kind.value, i.key) for i in sorted(found)] == [
        ("file", "a"),
        ("file", "b"),
        ("probe", "a"),
    ]


def test_a_cause_needs_no_more_than_its_kind():
    """Path, chain and words are there when they are known."""
    assert Cause(CauseKind.FORCED) == Cause(CauseKind.FORCED, "", (), "")
