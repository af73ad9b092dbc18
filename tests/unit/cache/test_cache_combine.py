"""Records of one key from two machines, made into one."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from affected.cache.combine import blobs_of, combine
from affected.cache.record import KEPT, Record, read_record, write_record, write_tables
from affected.model.observation import Input, InputKind, Observation, Provenance
from affected.model.result import Outcome
from affected.model.result import TestResult as Result


def record(*seen, label="t.py"):
    """A record of observations, each (digest of its one file, time, outcome)."""
    stored = []
    for digest, written, outcome in seen:
        by = Provenance(written, "w", "c", dirty=False, run="")
        result = Result(f"{label}::t", outcome, 0.1)
        inputs = (Input(InputKind.FILE, "f.py", digest),)
        stored += write_tables([Observation(label, inputs, (result,), (), by, 0.1)])[1]
    newest_first = sorted(stored, key=lambda one: -one.provenance.written)
    return write_record(Record(label, tuple(newest_first)))


def times(content):
    return [one.provenance.written for one in read_record(content).observations]


GOOD, BAD = Outcome.PASSED, Outcome.FAILED


def test_observations_of_both_are_kept_newest_first():
    """Whichever machine they come from, and whichever way round it is asked."""
    ours = record(("1", 1.0, GOOD), ("3", 3.0, GOOD))
    theirs = record(("2", 2.0, GOOD), ("4", 4.0, GOOD))
    assert times(combine(ours, theirs)) == times(combine(theirs, ours)) == [4.0, 3.0, 2.0, 1.0]
    assert set(blobs_of(combine(ours, theirs))) == {*blobs_of(ours), *blobs_of(theirs)}


def test_the_values_of_imports_are_named_with_the_tables():
    """A machine that gets the record without them could not judge an edited module."""
    plain = read_record(record(("1", 1.0, GOOD)))
    (seen,) = plain.observations
    content = write_record(Record("t.py", (replace(seen, values=("e" * 64,)),)))
    assert blobs_of(content) == sorted([*seen.tables, "e" * 64])


def test_nothing_new_gives_theirs_as_it_is():
    """So that it need not be written again."""
    theirs = record(("1", 1.0, GOOD), ("2", 2.0, GOOD))
    assert combine(record(("1", 1.0, GOOD)), theirs) is theirs


def test_one_input_with_two_outcomes_is_a_flake():
    """Seen on two machines, it is proven, and proves no skip."""
    found = read_record(combine(record(("1", 1.0, GOOD)), record(("1", 2.0, BAD))))
    (only,) = found.observations
    assert [spot.code for spot in only.blind_spots] == ["flaky"]
    assert not only.usable


def test_what_cannot_be_read_counts_for_nothing():
    """Damage, or another target's record, on either side."""
    good = record(("1", 1.0, GOOD))
    assert combine(good, b"damaged") == good
    assert combine(b"damaged", good) == good
    assert combine(good, record(("2", 2.0, GOOD), label="other.py")) == good
    assert blobs_of(b"damaged") == []


digests = st.lists(st.integers(0, 30), unique=True, max_size=6)


@given(digests, digests)
def test_the_newest_of_both_are_kept_whatever_they_are(ours, theirs):
    """As many as a record keeps; each set of inputs once."""
    if not ours or not theirs:
        return
    moment = itertools.count(1)
    mine = record(*((str(d), float(next(moment)), GOOD) for d in ours))
    other = record(*((str(d), float(next(moment)), GOOD) for d in theirs))
    found = read_record(combine(mine, other)).observations
    assert len(found) == min(KEPT, len({*ours, *theirs}))
    assert len({one.strong for one in found}) == len(found)
    assert {one.strong for one in read_record(other).observations} <= {o.strong for o in found}
