"""Whom an edit of function bodies spares, without their records: only whom their records would."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affected.app.spared import Used, note, spared
from affected.cache.lookup import Lookup, Proof
from affected.cache.record import Record, write_record, write_tables
from affected.lang.python.outline import compare, outline
from affected.model.observation import Group, Input, InputKind, Observation, Provenance
from affected.model.path import RepoPath
from affected.model.result import Outcome
from affected.model.result import TestResult as Result
from affected.model.selection import Change
from affected.state.index import Index
from affected.state.rows import TargetRow

CODE, DATA = RepoPath("m.py"), RepoPath("d.txt")
FUNCTIONS = 4
EDITS = st.lists(
    st.sampled_from(["body 0", "body 1", "body 2", "body 3", "comment", "constant", "default"]),
    max_size=2,
)
LINES = st.frozensets(st.integers(0, FUNCTIONS - 1), max_size=2)
SEEN = st.fixed_dictionaries(
    {
        "group": LINES,
        "shared": st.one_of(st.just(frozenset()), LINES),
        "imported": st.one_of(st.just(frozenset()), LINES),
        "whole": st.sampled_from(["", "", "", "code", "data"]),
        "version": st.integers(0, 1),
        "good": st.sampled_from([True, True, True, False]),
    }
)


def source(bodies, comment=0, constant=0, default=0):
    """A module of functions that are told apart by a number in their body."""
    text = f"# {comment}\nRATE = {constant}\n"
    for number, body in enumerate(bodies):
        text += f"\n\ndef f{number}(a={default}):\n    return a + {body}\n"
    return text


def first_line(number):
    """Where the function with that number starts."""
    return 5 + 4 * number


def edited(state, edits, stamp):
    """The state after some edits that nobody made before."""
    bodies, other = list(state[0]), dict(state[1])
    for edit in edits:
        kind, _, number = edit.partition(" ")
        if kind == "body":
            bodies[int(number)] = stamp
        else:
            other[kind] = stamp
    return tuple(bodies), other


class Versions:
    """Outlines of the versions of one file, by digest."""

    def __init__(self, states):
        self.known = {
            f"{number}": outline(source(bodies, **other).encode())
            for number, (bodies, other) in enumerate(states)
        }

    def changes(self, inputs, now):
        """As `Outlines.changes`."""
        new = self.known[now[CODE]]
        old = [self.known.get(item.digest) for item in inputs]
        return [compare(one, new) if one is not None else None for one in old]

    def hold(self, files):
        """Everything is held anyway."""


class Today:
    """The present as records are judged against it."""

    def __init__(self, versions, digest):
        self.versions, self.digest = versions, digest

    def digests(self, inputs):
        """The newest version of the module; data files never change."""
        return [self.digest if i.key == CODE else i.digest for i in inputs]

    def code_changes(self, inputs):
        """By their outlines."""
        return self.versions.changes(inputs, {CODE: self.digest})


class Store:
    """Records and tables in memory."""

    def __init__(self):
        self.records, self.blobs = {}, {}

    def get(self, keys):
        """The records there are."""
        return {key: self.records[key] for key in keys if key in self.records}

    def get_blobs(self, digests):
        """The tables there are."""
        return {digest: self.blobs[digest] for digest in digests}


def observation(label, seen, written):
    """An observation as `seen` describes it."""
    kind = InputKind.FILE if seen["whole"] == "code" else InputKind.CODE
    inputs = {Input(kind, CODE, str(seen["version"])), Input(InputKind.FILE, DATA, "0")}

    def blocks(numbers):
        return {CODE: frozenset(map(first_line, numbers))} if numbers else {}

    result = Result(f"{label}::t", Outcome.PASSED if seen["good"] else Outcome.FAILED, 0.1)
    return Observation(
        label,
        tuple(sorted(inputs)),
        (result,),
        (),
        Provenance(written, "w", "c", dirty=False, run=""),
        0.1,
        groups=(Group(frozenset(), blocks(seen["group"])),),
        members={result.id: (0,)},
        shared=blocks(seen["shared"]),
        imported=blocks(seen["imported"]),
    )


def row(label, written, *, settled):
    """The index's row of a target."""
    path = RepoPath(label)
    return TargetRow(
        label, "test", RepoPath(""), path, RepoPath(""), "", settled, "", 1, 0.1, "passed", written
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EDITS, EDITS, EDITS, st.lists(SEEN, min_size=1, max_size=5))
def test_who_is_spared_is_proved_by_the_record_too(first, second, third, everyone):
    """Whatever was edited when, and whatever each target used of the file."""
    states = [((0,) * FUNCTIONS, {})]
    for stamp, edits in enumerate((first, second, third), 1):
        states.append(edited(states[-1], edits, stamp))
    versions, store = Versions(states), Store()
    made = [observation(f"t{n}.py", seen, 1.0 + n % 2) for n, seen in enumerate(everyone)]
    for one in made:
        blobs, stored = write_tables([one])
        store.blobs.update(blobs)
        store.records[one.label] = write_record(Record(one.label, tuple(stored)))
    keys = {one.label: one.label for one in made}
    before = Lookup(store, Today(versions, "2")).check(keys)
    rows = [
        row(one.label, one.provenance.written, settled=isinstance(before[one.label], Proof))
        for one in made
    ]
    with tempfile.TemporaryDirectory() as folder:
        index = Index.open(Path(folder) / "index.sqlite")
        note(index, [Used.by(one.label, one, one.inputs) for one in made])
        found = spared(index, versions, rows, {CODE: Change(CODE, "2", "3")})
        index.close()
    after = Lookup(store, Today(versions, "3")).check(keys)
    proved = {label for label, verdict in after.items() if isinstance(verdict, Proof)}
    settled = {one.label for one in rows if one.settled}
    assert found <= proved & settled
    told = {(seen["version"], seen["whole"] == "code") for seen in everyone}
    same = len(told) == 1  # else a batch tells too little
    if same and not {"constant", "default"} & set(third):
        assert found == proved & settled
