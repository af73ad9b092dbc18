"""Looking records up: against a plain oracle, with a store and a present that record access."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affected.cache.lookup import Difference, Lookup, Miss, Proof
from affected.cache.record import Record, write_record, write_tables
from affected.model.observation import BlindSpot, Input, InputKind, Observation, Provenance
from affected.model.result import Outcome
from affected.model.result import TestResult as Result

BY = Provenance(1.0, "w", "c", dirty=False, run="")
KEYS = "abcdef"


class Store:
    """Records and tables in memory; remembers what it was asked for."""

    def __init__(self):
        self.records, self.blobs, self.asked = {}, {}, []

    def get(self, keys):
        self.asked.append(("records", tuple(keys)))
        return {key: self.records[key] for key in keys if key in self.records}

    def get_blobs(self, digests):
        self.asked.append(("tables", tuple(digests)))
        return {digest: self.blobs[digest] for digest in digests if digest in self.blobs}

    def keep(self, label, observations):
        """One record, each observation over a table of its own; returns them as stored."""
        kept = []
        for one in observations:
            blobs, stored = write_tables([one])
            self.blobs.update(blobs)
            kept += stored
        self.records[f"key of {label}"] = write_record(Record(label, tuple(kept)))
        return kept


class Today:
    """Digests of today; remembers each batch of questions."""

    def __init__(self, **digests):
        self.now, self.batches = digests, []

    def digests(self, inputs):
        self.batches.append(list(inputs))
        return [self.now.get(one.key, "absent") for one in inputs]

    def code_changes(self, inputs):
        """None of these observations holds code."""
        return [None for _ in inputs]


def observation(label="t.py", outcome=Outcome.PASSED, spots=(), **digests):
    """An observation of files with these digests."""
    found = tuple(Input(InputKind.FILE, key, digest) for key, digest in sorted(digests.items()))
    result = Result(f"{label}::t", outcome, 0.1)
    return Observation(label, found, (result,), tuple(spots), BY, 0.1)


def check(store, today, *labels):
    """The verdicts on these labels."""
    return Lookup(store, today).check({label: f"key of {label}" for label in labels})


def test_without_a_record_there_is_no_proof_and_nothing_near():
    """A target never observed."""
    assert check(Store(), Today(), "t.py") == {"t.py": Miss("t.py", None, ())}


def test_inputs_that_all_have_their_old_digests_are_a_proof():
    """The reuse rule, where it says yes."""
    store = Store()
    [kept] = store.keep("t.py", [observation(a="1", b="2")])
    assert check(store, Today(a="1", b="2"), "t.py") == {"t.py": Proof("t.py", kept, kept.results)}


def test_an_input_that_differs_is_named_with_both_digests():
    """The reuse rule, where it says no, and why."""
    store = Store()
    [kept] = store.keep("t.py", [observation(a="1", b="2")])
    then = Input(InputKind.FILE, "b", "2")
    assert check(store, Today(a="1", b="9"), "t.py") == {
        "t.py": Miss("t.py", kept, (Difference(then, "9"),))
    }


def test_an_older_observation_proves_as_well_as_the_newest():
    """A revert, another branch: what was proved once is proved."""
    store = Store()
    kept = store.keep("t.py", [observation(a="3"), observation(a="2"), observation(a="1")])
    assert check(store, Today(a="1"), "t.py") == {"t.py": Proof("t.py", kept[2], kept[2].results)}


def test_the_nearest_observation_is_the_one_with_the_fewest_differences():
    """Among equals the newest: the explanation that says most."""
    store = Store()
    kept = store.keep(
        "t.py", [observation(a="9", b="9"), observation(a="1", b="9"), observation(a="9", b="2")]
    )
    assert check(store, Today(a="1", b="2"), "t.py")["t.py"].nearest == kept[1]


@pytest.mark.parametrize(
    "made", [{"outcome": Outcome.FAILED}, {"spots": [BlindSpot("network", "x")]}]
)
def test_what_cannot_prove_is_the_nearest_without_a_difference(made):
    """A failure or a blind spot with today's very inputs."""
    store = Store()
    [kept] = store.keep("t.py", [observation(a="1", **made)])
    assert check(store, Today(a="1"), "t.py") == {"t.py": Miss("t.py", kept, ())}


def test_a_usable_observation_behind_one_that_is_not_proves():
    """Each is judged by itself."""
    store = Store()
    kept = store.keep("t.py", [observation(outcome=Outcome.FAILED, a="1"), observation(b="1")])
    assert check(store, Today(a="2", b="1"), "t.py") == {
        "t.py": Proof("t.py", kept[1], kept[1].results)
    }


def test_a_record_of_another_label_under_the_key_is_no_record():
    """A record is believed only about its own target."""
    store = Store()
    store.keep("other.py", [observation("other.py", a="1")])
    store.records["key of t.py"] = store.records["key of other.py"]
    assert check(store, Today(a="1"), "t.py") == {"t.py": Miss("t.py", None, ())}


@pytest.mark.parametrize("content", [b"", b"damaged"])
def test_a_damaged_record_is_no_record(content):
    """It costs a run, never a wrong skip."""
    store = Store()
    store.records["key of t.py"] = content
    assert check(store, Today(), "t.py") == {"t.py": Miss("t.py", None, ())}


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_an_observation_whose_table_is_lost_proves_nothing(content):
    """Lost or damaged, the others of the record are judged all the same."""
    store = Store()
    kept = store.keep("t.py", [observation(a="1"), observation(b="1")])
    name = kept[0].tables[0]
    del store.blobs[name]
    if content is not None:
        store.blobs[name] = content
    assert check(store, Today(a="1", b="2"), "t.py")["t.py"].nearest == kept[1]
    assert check(store, Today(a="1", b="1"), "t.py") == {
        "t.py": Proof("t.py", kept[1], kept[1].results)
    }
    assert Lookup(store, Today()).inputs(kept[0]) is None


def test_positions_beyond_the_table_prove_nothing():
    """A record and a table that do not belong together, however far apart."""
    store = Store()
    [long] = store.keep("long.py", [observation("long.py", a="1", b="1", c="1")])
    [short] = store.keep("t.py", [observation(a="1")])
    for runs in ((0, 2), (1, 1), (7, 1), (0, 10**12)):
        wrong = type(short)(short.tables, runs, short.results, (), BY, 0.1, long.strong)
        store.records["key of t.py"] = write_record(Record("t.py", (wrong,)))
        assert check(store, Today(a="1", b="1", c="1"), "t.py") == {"t.py": Miss("t.py", None, ())}


def test_many_targets_cost_two_questions_to_the_store():
    """One for the records, one for the tables: what a remote cache is asked."""
    store = Store()
    labels = [f"t{number}.py" for number in range(20)]
    for label in labels:
        store.keep(label, [observation(label, a="1", b="1")])
    assert all(isinstance(v, Proof) for v in check(store, Today(a="1", b="1"), *labels).values())
    assert [kind for kind, _ in store.asked] == ["records", "tables"]


def test_an_entry_of_a_shared_table_is_judged_once():
    """Ten thousand targets that need one file cost one question about it."""
    store, today = Store(), Today(a="1", lib="1")
    made = [observation(f"t{n}.py", lib="1", **{f"f{n}": "absent"}) for n in range(10)]
    blobs, stored = write_tables(made)
    store.blobs.update(blobs)
    for one, kept in zip(made, stored, strict=True):
        store.records[f"key of {one.label}"] = write_record(Record(one.label, (kept,)))
    found = check(store, today, *(one.label for one in made))
    assert all(isinstance(verdict, Proof) for verdict in found.values())
    [asked] = today.batches
    assert sorted(one.key for one in asked) == sorted(["lib", *(f"f{n}" for n in range(10))])


def test_entries_that_no_asked_target_depends_on_are_not_looked_at():
    """Judging one target of a huge run costs what this target used."""
    store, today = Store(), Today(mine="1")
    made = [observation("t.py", mine="1"), observation("u.py", other="1")]
    blobs, stored = write_tables(made)
    store.blobs.update(blobs)
    store.records["key of t.py"] = write_record(Record("t.py", (stored[0],)))
    check(store, today, "t.py")
    assert [[one.key for one in batch] for batch in today.batches] == [["mine"]]


digests = st.sampled_from("12")
tables = st.dictionaries(st.sampled_from(KEYS), digests, max_size=4)
outcomes = st.sampled_from([Outcome.PASSED, Outcome.PASSED, Outcome.FAILED])
histories = st.dictionaries(
    st.sampled_from(["t.py", "u.py", "v.py"]),
    st.lists(st.tuples(tables, outcomes, st.booleans()), max_size=4),
)


def oracle(history, today):
    """The reuse rule in five lines: (index of the proof | nearest, its differences)."""
    differing = [
        {k for k, d in table.items() if today.get(k, "absent") != d} for table, _, _ in history
    ]
    for number, (_, outcome, blind) in enumerate(history):
        if not differing[number] and outcome.good and not blind:
            return "proof", number, set()
    nearest = min(range(len(history)), key=lambda n: (len(differing[n]), n), default=None)
    return "miss", nearest, differing[nearest] if history else set()


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.dictionaries(st.sampled_from(KEYS), digests), st.booleans())
def test_verdicts_agree_with_the_reuse_rule(history, now, together):
    """Any records, any present: the bulk look-up says what the rule says of each observation."""
    store, today, kept = Store(), Today(**now), {}
    made = {
        label: [
            observation(label, outcome, [BlindSpot("network", "x")] if blind else (), **table)
            for table, outcome, blind in past
        ]
        for label, past in history.items()
    }
    if together:  # all observations over one shared table
        blobs, stored = write_tables([one for past in made.values() for one in past])
        store.blobs.update(blobs)
        for label, past in made.items():
            kept[label] = [stored.pop(0) for _ in past]
            store.records[f"key of {label}"] = write_record(Record(label, tuple(kept[label])))
    else:
        kept = {label: store.keep(label, past) for label, past in made.items()}
    verdicts = check(store, today, *history)
    for label, past in history.items():
        kind, number, differing = oracle(past, now)
        verdict = verdicts[label]
        assert isinstance(verdict, Proof) == (kind == "proof")
        seen = verdict.observation if kind == "proof" else verdict.nearest
        assert seen == (None if number is None else kept[label][number])
        if kind == "miss":
            assert {d.then.key for d in verdict.differences} == differing
            assert all(d.now == now.get(d.then.key, "absent") for d in verdict.differences)
    wanted = {(k, d) for past in history.values() for table, _, _ in past for k, d in table.items()}
    for batch in today.batches:
        assert len(set(batch)) == len(batch)
        assert {(one.key, one.digest) for one in batch} <= wanted
