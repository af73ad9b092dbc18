"""The published JSON schema is the table of keys, and agrees with what the loader accepts."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.published import assert_published

import affected.config.schema
from affected.config.load import check
from affected.config.schema import KEYS, Shape, json_schema, parse_size
from affected.errors import UserError

PUBLISHED = Path(affected.config.schema.__file__).with_name("schema.json")
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def accepted(table):
    """True when the loader takes the table as a workspace's settings."""
    try:
        check(table, "pyproject.toml", project=False)
    except UserError:
        return False
    return True


def test_the_published_schema_is_made_from_the_table_of_keys():
    """Editors see every key, with the words that stand in the table."""
    assert_published(PUBLISHED, json.dumps(json_schema(), indent=2) + "\n")


def test_the_schema_is_a_schema():
    """It is valid by the rules of its own draft."""
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_every_key_says_what_it_means_in_a_sentence():
    """The meaning is what an editor shows beside the key."""
    assert [key.name for key in KEYS if not key.meaning.endswith(".")] == []
    assert len({key.name for key in KEYS}) == len(KEYS)


WARD = {"test": "t.py::t", "owner": "team", "until": "2030-01-31"}
GOOD = {
    Shape.TEXT: ["x", " ", "ü"],
    Shape.TEXTS: [[], ["a"], ["a", "*"]],
    Shape.COUNT: [1, 64],
    Shape.SIZE: ["5G", "500M", "1.5 GiB", "10", "1", " 3 tb ", 1, 5_000_000_000, "0.5G"],
    Shape.PRECISION: ["function", "file", "project"],
    Shape.XDIST: ["auto", "off", 0, 3],
    Shape.ADDRESS: [
        "grpc://127.0.0.1:8980",
        "grpcs://cache.example:443/",
        "grpc://[::1]:1/trunk/pr-7",
        "grpc://h:65535/a.b_c",
    ],
    Shape.QUARANTINE: [[], [WARD], [WARD, {**WARD, "reason": "slow network"}]],
}
BAD = {
    Shape.ADDRESS: [
        *("", "h:1", "grpc://h", "grpc://h:0", "grpc://h:65536", "grpc://h:1//a", "grpc://h:1/a b"),
        *("grpc://u:p@h:1", "http://h:1", "grpc://h:1/a/blobs", "grpc://h:1/uploads/x", 1, []),
        *("grpc://h:1\n", " grpc://h:1", "grpc://[::1:1"),
    ],
    Shape.TEXT: ["", 1, True, [], {}, ["x"]],
    Shape.TEXTS: ["a", [""], ["a", 1], {}, 1, [["a"]]],
    Shape.COUNT: [0, -1, True, "1", 1.5, []],
    Shape.SIZE: [
        "",
        "0",
        "0G",
        "-1",
        -1,
        0,
        True,
        "5X",
        "G",
        "1e9",
        "..",
        "1.2.3",
        "inf",
        "5 iB",
        2.5,
    ],
    Shape.PRECISION: ["", "line", 1, True, ["file"]],
    Shape.QUARANTINE: [
        "t.py::t",
        WARD,
        ["t.py::t"],
        [{**WARD, "until": "soon"}],
        [{**WARD, "until": 2030}],
        [{**WARD, "owner": ""}],
        [{**WARD, "ownr": "x"}],
        [{"test": "t.py::t", "until": "2030-01-31"}],
    ],
    Shape.XDIST: ["", "on", "3", -1, True, 1.5, ["auto"]],
}


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_schema_and_loader_take_and_refuse_the_same_examples(key):
    """For every key: what is right and what is wrong, by both."""
    for value in GOOD[key.shape]:
        table = {key.name: value}
        assert (VALIDATOR.is_valid(table), accepted(table)) == (True, True), value
    for value in BAD[key.shape]:
        table = {key.name: value}
        assert (VALIDATOR.is_valid(table), accepted(table)) == (False, False), value


scalars = (
    st.booleans()
    | st.integers(-2, 5)
    # TOML tells 1.0 from 1, JSON does not: whole floats are left out
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer())
    | st.sampled_from(["", "auto", "off", "on", "5G", "1.5 GiB", "0", "0.0K", "G", "12 kb", "1 2"])
    | st.text("ab5G.- \té", max_size=5)
    | st.from_regex(r"\A ?[0-9.]{0,4} ?[KMGTkmgtx]?[iI]?[bB]?\n?\Z")
)
values = (
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.sampled_from(["", "x"]), scalars)
)
names = st.sampled_from([key.name for key in KEYS] + ["nmae", "", "Name", "cache_dir"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(names, values, max_size=3))
@example({"cache-size": "5G\n"})
@example({"cache-size": "٣G"})  # digits, but not ours
@example({"cache-size": "5\u00a0G"})
def test_schema_and_loader_agree_on_any_table(table):
    """Whatever is written there, an editor and the tool judge it alike."""
    assert VALIDATOR.is_valid(table) == accepted(table)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("7b", 7),
        ("1K", 1024),
        ("1kb", 1024),
        ("1 KiB", 1024),
        ("500M", 500 * 1024**2),
        ("1.5G", 3 * 512 * 1024**2),
        ("2T", 2 * 1024**4),
        ("0.000001", 1),
        ("five", None),
        ("0M", None),
        ("5 G G", None),
        ("9" * 400, None),
    ],
)
def test_a_size_is_a_number_with_a_binary_unit(text, size):
    """Units count in powers of 1024, however they are written; nothing is rounded to zero."""
    assert parse_size(text) == size
