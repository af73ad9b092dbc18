"""Tables of targets: what is right and wrong in them, by the loader and by the published schema."""

from __future__ import annotations

import jsonschema
import pytest

from affected.config.load import check
from affected.config.schema import json_schema
from affected.config.target_tables import TARGET_KEYS, Form, TargetTable, read_targets
from affected.errors import UserError

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
GOOD = {
    Form.COMMAND: ["make", "a && b", ["make"], ["make", ""]],
    Form.TEXT: ["x", " "],
    Form.TEXTS: [[], ["a"], ["a", "!b"]],
    Form.TIME: [1, 1.5, "90s", "5m", " 1.5 h ", "20ms"],
    Form.SWITCH: [True, False],
    Form.COUNT: [1, 9],
}
BAD = {
    Form.COMMAND: ["", "  ", [], [1], [""], 1, True],
    Form.TEXT: ["", 1, []],
    Form.TEXTS: ["a", [""], [1], {}],
    Form.TIME: [0, -1, "0s", "5", "5 parsecs", True, "1.2345s", "s"],
    Form.SWITCH: ["true", 1, 0],
    Form.COUNT: [0, -1, True, "1", 1.5],
}


def accepted(targets):
    """True when the loader takes the table as a workspace's targets."""
    try:
        check({"targets": targets}, "pyproject.toml", project=False)
    except UserError:
        return False
    return True


def refusal(targets, *, project=False):
    """Message and hint of the refusal."""
    with pytest.raises(UserError) as caught:
        read_targets(targets, "pyproject.toml [tool.affected]", project=project)
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize("key", TARGET_KEYS, ids=lambda key: key.name)
def test_schema_and_loader_take_and_refuse_the_same_examples(key):
    """For every key of a target: an editor and the tool judge it alike."""
    for value in GOOD[key.form]:
        table = {"build": {key.name: value}}
        assert (VALIDATOR.is_valid({"targets": table}), accepted(table)) == (True, True), value
    for value in BAD[key.form]:
        table = {"build": {key.name: value}}
        assert (VALIDATOR.is_valid({"targets": table}), accepted(table)) == (False, False), value


@pytest.mark.parametrize("name", ["build", "build.wheel", "a-b_1", "9"])
def test_names_that_can_be_part_of_a_label(name):
    """Letters, digits and a few signs."""
    assert accepted({name: {"command": "x"}})
    assert VALIDATOR.is_valid({"targets": {name: {"command": "x"}}})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "^a", "a/b", ".a"])
def test_names_that_cannot_be_part_of_a_label(name):
    """A colon, a slash or a blank would make a label ambiguous."""
    assert not accepted({name: {"command": "x"}})
    assert not VALIDATOR.is_valid({"targets": {name: {"command": "x"}}})


def test_an_unknown_key_names_the_nearest():
    """The table and the key are named, and what was probably meant."""
    message, hint = refusal({"build": {"comand": "make"}})
    assert message == "pyproject.toml [tool.affected.targets.build]: unknown key `comand`"
    assert hint == "did you mean `command`?"


def test_a_wrong_value_says_what_is_expected():
    """The value is shown as it was written."""
    message, hint = refusal({"build": {"timeout": "soon"}})
    assert "`timeout` must be seconds, or a time" in message
    assert "'soon'" in message
    assert hint == "How long it may take."


def test_patterns_of_projects_belong_to_the_root():
    """A project cannot give its targets to others."""
    message, _ = refusal({"build": {"projects": ["*"]}}, project=True)
    assert "at the root only" in message


def test_what_is_no_table_is_refused():
    """Both the whole and each target must be tables."""
    assert "must hold tables" in refusal(["build"])[0]
    assert "must be a table" in refusal({"build": "make"})[0]


def test_a_refined_table_keeps_what_it_does_not_say_itself():
    """A project's own keys lie over those that the root gave to many."""
    shared = TargetTable("build", "root", {"command": "make", "tags": ("a",)})
    own = TargetTable("build", "project", {"tags": ("b",)})
    assert own.over(shared).values == {"command": "make", "tags": ("b",)}
    assert own.over(None) is own


def test_times_are_read_as_seconds():
    """Whatever the unit."""
    times = ["1500ms", "90s", "1.5m", "2h"]
    tables = read_targets({f"t{t}": {"timeout": t} for t in times}, "x", project=False)
    assert [table.values["timeout"] for table in tables] == [1.5, 90, 90, 7200]
