"""The stored form of a record: what goes in comes out, damage is a miss, flakes are proven."""

from __future__ import annotations

import hashlib
import json
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affected.cache.record import (
    FLAKY,
    FORMAT,
    GROUP,
    KEPT,
    Record,
    StoredObservation,
    merge,
    read_record,
    read_table,
    strong_fingerprint,
    tables_of,
    write_record,
    write_tables,
)
from affected.model.observation import BlindSpot, Input, InputKind, Observation, Provenance
from affected.model.result import Outcome
from affected.model.result import TestResult as Result

quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
BY = Provenance(1700000000.5, "user@host", "c0ffee", dirty=True, run="")

texts = st.text('aé/\udcff\0" \n', max_size=6)
seconds = st.integers(0, 10**9).map(lambda micro: micro / 10**6)
inputs = st.builds(Input, st.sampled_from(list(InputKind)), texts, texts)
results = st.builds(
    Result, texts, st.sampled_from(list(Outcome)), seconds, message=texts, rerun=st.booleans()
)
observations = st.builds(
    Observation,
    label=texts,
    inputs=st.lists(inputs, max_size=8, unique=True).map(lambda found: tuple(sorted(found))),
    results=st.lists(results, max_size=4).map(tuple),
    blind_spots=st.lists(st.builds(BlindSpot, texts, texts), max_size=2).map(tuple),
    provenance=st.builds(Provenance, seconds, texts, texts, st.booleans(), texts),
    seconds=seconds,
)


def observation(*files, outcome=Outcome.PASSED, spots=(), digest="1", **more):
    """One test that depends on these files, all with the same digest."""
    return Observation(
        label="t.py",
        inputs=tuple(Input(InputKind.FILE, name, digest) for name in sorted(files)),
        results=(Result("t.py::t", outcome, 0.5, **more),),
        blind_spots=tuple(spots),
        provenance=BY,
        seconds=1.0,
    )


def stored(*files, **more):
    """The same as it is stored."""
    return write_tables([observation(*files, **more)])[1][0]


def inputs_of(blobs, one):
    """The inputs behind a stored observation's positions."""
    entries = [entry for name in one.tables for entry in read_table(blobs[name])]
    found = []
    for start, length in zip(one.runs[::2], one.runs[1::2], strict=True):
        found += entries[start : start + length]
    return tuple(found)


@quick
@given(st.lists(observations, max_size=5))
def test_observations_come_back_as_they_were(made):
    """Inputs, outcomes, blind spots, provenance: whatever their names hold."""
    blobs, kept = write_tables(made)
    back = read_record(write_record(Record("l", tuple(kept)))).observations
    assert back == tuple(kept)
    for before, after in zip(made, back, strict=True):
        assert inputs_of(blobs, after) == before.inputs
        assert after.results == before.results
        assert after.blind_spots == before.blind_spots
        assert after.provenance == before.provenance
        assert after.seconds == before.seconds
        assert after.usable == before.usable
        assert after.strong == strong_fingerprint(before.inputs)


def test_the_details_of_a_failure_are_not_stored():
    """Long texts are for the run that shows them; the last line stays as the message."""
    failed = stored("a", outcome=Outcome.FAILED, message="assert 1", details="long")
    back = read_record(write_record(Record("t.py", (failed,)))).observations[0].results[0]
    assert (back.message, back.details) == ("assert 1", "")


def test_targets_observed_together_share_a_table_named_by_its_content():
    """What many test files depend on is stored once; its name proves its bytes."""
    blobs, kept = write_tables([observation("a", "lib"), observation("b", "lib")])
    assert [hashlib.sha256(blob).hexdigest() for blob in blobs.values()] == list(blobs)
    assert kept[0].tables == kept[1].tables == tuple(blobs)
    assert [entry.key for entry in read_table(*blobs.values())] == ["a", "b", "lib"]


def test_a_table_is_shared_by_a_bounded_number_of_targets():
    """Whoever looks up one target of a huge run loads a small part of it."""
    blobs, kept = write_tables([observation(f"f{number}") for number in range(GROUP + 1)])
    assert len(blobs) == 2
    assert len({one.tables for one in kept}) == 2


def test_equal_observations_make_equal_bytes():
    """What two machines prove alike is stored once."""
    made = [observation("a", "b"), observation("b", "c")]
    assert write_tables(made) == write_tables([observation("b", "a"), observation("c", "b")])


@quick
@given(st.lists(observations, min_size=1, max_size=2), st.data())
def test_a_damaged_record_or_table_is_none_never_another(made, draw):
    """Cut, flipped or replaced bytes: no exception, and nothing that was not written."""
    blobs, kept = write_tables(made)
    record = Record("l", tuple(kept))
    table = next(iter(blobs.values()))
    for whole, read, meant in (
        (write_record(record), read_record, record),
        (table, read_table, read_table(table)),
    ):
        where = draw.draw(st.integers(0, len(whole) - 1))
        assert read(whole[:where]) is None
        flipped = (
            whole[:where]
            + bytes([whole[where] ^ draw.draw(st.integers(1, 255))])
            + whole[where + 1 :]
        )
        assert read(flipped) in (None, meant)


TREE = json.loads(zlib.decompress(write_record(Record("l", (stored("a"),)))))
WRONG = {
    "another format": {"v": FORMAT + 1},
    "no label": {"label": ...},
    "observations that are none": {"observations": [1]},
    "a table's name that leads elsewhere": {"tables": ["../../../etc/passwd"]},
    "a table's name that is a number": {"tables": [7]},
    "a table's name in a string": {"tables": "0" * 64},
    "runs that are cut": {"inputs": [0]},
    "a negative run": {"inputs": [-1, 2]},
    "a run of text": {"inputs": ["0", "1"]},
    "an outcome nobody knows": {"tests": [["t", "vanished", 0, "", False]]},
    "a test without outcome": {"tests": [["t"]]},
    "a time that is none": {"seconds": "long"},
    "a provenance that is cut": {"by": [1, "w"]},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_record_that_says_what_none_can_say_is_none(wrong):
    """Sound bytes from a writer of another mind are a miss, not a crash."""
    tree = json.loads(json.dumps(TREE))
    for name, value in WRONG[wrong].items():
        place = tree if name in tree else tree["observations"][0]
        if value is ...:
            del place[name]
        else:
            place[name] = value
    assert read_record(zlib.compress(json.dumps(TREE).encode())) is not None
    assert read_record(zlib.compress(json.dumps(tree).encode())) is None


@pytest.mark.parametrize(
    "text", [b"", b"1", b"null", b"[]", b"{}", b"[" * 100_000, b"\xff", b'[["file", "a"]]']
)
def test_json_of_another_shape_is_none(text):
    """Whatever it holds, however deep it is nested."""
    assert read_record(zlib.compress(text)) is None
    if text not in (b"[]", b"{}"):  # nothing is an empty table
        assert read_table(zlib.compress(text)) is None


def test_the_newest_observation_comes_first():
    """A look-up meets the likeliest one first."""
    record = None
    for name in "abc":
        record = merge("t.py", stored(name), record)
    assert [one.strong for one in record.observations] == [stored(n).strong for n in "cba"]


def test_a_record_keeps_the_last_observations_only():
    """It does not grow with the history of a busy file."""
    record = None
    for number in range(KEPT + 3):
        record = merge("t.py", stored("a", digest=str(number)), record)
    assert len(record.observations) == KEPT
    assert record.observations[0] == stored("a", digest=str(KEPT + 2))


def test_the_same_inputs_again_replace_what_was_known_of_them():
    """Two machines that prove the same leave one observation, the newer."""
    older = merge("t.py", stored("b"), merge("t.py", stored("a"), None))
    newer = stored("a", message="again")
    assert merge("t.py", newer, older).observations == (newer, stored("b"))


def test_observations_of_different_inputs_live_side_by_side():
    """What one branch and another proved are both known after the merge."""
    one, two = stored("a", digest="1"), stored("a", digest="2")
    assert merge("t.py", two, merge("t.py", one, None)).observations == (two, one)


@pytest.mark.parametrize(
    ("first", "second"), [("passed", "failed"), ("failed", "passed"), ("error", "skipped")]
)
def test_the_same_inputs_with_two_outcomes_are_a_flake_and_prove_nothing(first, second):
    """In either order: the observation stays, with a blind spot that says so."""
    record = merge("t.py", stored("a", outcome=Outcome(first)), None)
    record = merge("t.py", stored("a", outcome=Outcome(second)), record)
    assert len(record.observations) == 1
    assert record.observations[0].blind_spots == (BlindSpot(FLAKY, "t.py::t"),)
    assert not record.observations[0].usable


def test_a_flake_stays_one_however_often_it_passes():
    """Until an input changes: then it is judged anew."""
    record = merge("t.py", stored("a", outcome=Outcome.FAILED), None)
    for _ in range(3):
        record = merge("t.py", stored("a"), record)
        assert not record.observations[0].usable
    record = merge("t.py", stored("a", digest="2"), record)
    assert record.observations[0].usable


def test_a_flake_keeps_the_other_blind_spots():
    """They are told beside it."""
    spot = BlindSpot("network", "example.org:80")
    record = merge("t.py", stored("a", outcome=Outcome.FAILED), None)
    record = merge("t.py", stored("a", spots=[spot]), record)
    assert record.observations[0].blind_spots == (BlindSpot(FLAKY, "t.py::t"), spot)


def test_two_good_outcomes_of_the_same_inputs_are_no_flake():
    """A skip instead of a pass is a pass."""
    record = merge("t.py", stored("a", outcome=Outcome.SKIPPED), None)
    assert merge("t.py", stored("a"), record).observations[0].usable


@pytest.mark.parametrize(
    ("made", "usable"),
    [
        ({}, True),
        ({"outcome": Outcome.SKIPPED}, True),
        ({"outcome": Outcome.XFAILED}, True),
        ({"outcome": Outcome.FAILED}, False),
        ({"outcome": Outcome.ERROR}, False),
        ({"rerun": True}, False),
        ({"spots": [BlindSpot("network", "x")]}, False),
    ],
)
def test_only_a_clean_pass_is_usable(made, usable):
    """Not a failure, not a pass got by retrying, nothing with a blind spot; stored or not."""
    assert stored("a", **made).usable is observation("a", **made).usable is usable


def test_a_record_names_every_table_that_it_needs():
    """A look-up fetches them all at once."""
    one, two = stored("a"), stored("b")
    assert tables_of(Record("t.py", (one, two))) == {*one.tables, *two.tables}


@quick
@given(st.lists(inputs, max_size=6), st.randoms())
def test_the_strong_fingerprint_is_of_the_set_of_inputs(found, chance):
    """Neither order nor repetition counts; any other digest does."""
    shuffled = [*found, *found[:1]]
    chance.shuffle(shuffled)
    assert strong_fingerprint(shuffled) == strong_fingerprint(found)
    if found:
        other = [Input(found[0].kind, found[0].key, found[0].digest + "x"), *found[1:]]
        assert strong_fingerprint(other) != strong_fingerprint(found)


def test_a_stored_observation_is_a_plain_value():
    """Frozen: what was read cannot be changed by the one who looks at it."""
    with pytest.raises(AttributeError):
        stored("a").seconds = 2.0
    assert isinstance(stored("a"), StoredObservation)
