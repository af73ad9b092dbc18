"""The index against plain dictionaries under random operations, with reopening in between."""

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from affected.state.index import Index
from affected.state.rows import TargetRow

PATHS = st.sampled_from(["a", "a/b", "a/b/c", "a0", "é", "bad\udcff/x", "x\n", "A", "a_", "a%"])
DIGESTS = st.sampled_from(["1", "2x", "3l", "4"])
BYTES = st.binary(max_size=8)
ROWS = st.builds(
    TargetRow,
    label=PATHS,
    kind=st.just("test"),
    project=PATHS,
    path=PATHS,
    settings=PATHS,
    weak=st.just("f"),
    settled=st.booleans(),
    reason=PATHS,
    tests=st.integers(0, 9),
    seconds=st.sampled_from([0.0, 0.25, 2.5]),
    outcome=st.sampled_from(["", "passed"]),
    ran=st.sampled_from([0.0, 1.5]),
)


class IndexMachine(RuleBasedStateMachine):
    """Every operation is done to the index and to dictionaries; every answer is compared."""

    @initialize()
    def open_first(self):
        self.stack = contextlib.ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.path = Path(folder) / "index.sqlite"
        self.index = Index.open(self.path)
        self.entries, self.files, self.facts, self.stamps = {}, {}, {}, {}
        self.rows, self.observed = {}, {}
        self.saved = None

    def teardown(self):
        if hasattr(self, "stack"):
            self.index.close()
            self.stack.close()

    @precondition(lambda self: self.saved is None)
    @rule()
    def reopen(self):
        self.index.close()
        self.index = Index.open(self.path)

    @precondition(lambda self: self.saved is None)
    @rule()
    def begin(self):
        self.saved = [dict(table) for table in self.tables()]
        self.transaction = self.index.transaction()
        self.transaction.__enter__()

    @precondition(lambda self: self.saved is not None)
    @rule()
    def commit(self):
        self.transaction.__exit__(None, None, None)
        self.saved = None

    @precondition(lambda self: self.saved is not None)
    @rule()
    def fail(self):
        trouble = KeyError("on purpose")
        assert not self.raises_through(trouble)
        for table, old in zip(self.tables(), self.saved, strict=True):
            table.clear()
            table.update(old)
        self.saved = None

    def raises_through(self, trouble):
        """True when the transaction swallows `trouble`, which it must not."""
        try:
            return self.transaction.__exit__(type(trouble), trouble, None)
        except KeyError as raised:
            return raised is not trouble

    def tables(self):
        return [self.entries, self.files, self.facts, self.stamps, self.rows, self.observed]

    @rule(key=PATHS, value=BYTES)
    def put(self, key, value):
        self.index.put(key, value)
        self.entries[key] = value

    @rule(prefix=PATHS | st.just(""))
    def delete(self, prefix):
        self.index.delete(prefix)
        for key in [key for key in self.entries if key.startswith(prefix)]:
            del self.entries[key]

    @rule(files=st.dictionaries(PATHS, DIGESTS))
    def replace_files(self, files):
        self.index.replace_files(files)
        self.files.clear()
        self.files.update(files)

    @rule(files=st.dictionaries(PATHS, DIGESTS | st.just("absent")))
    def update_files(self, files):
        self.index.update_files(files)
        self.files.update(files)
        for path in [path for path, digest in files.items() if digest == "absent"]:
            self.files.pop(path)

    @rule(facts=st.dictionaries(DIGESTS, BYTES))
    def add_facts(self, facts):
        self.index.add_facts(facts)
        self.facts.update(facts)

    @rule()
    def prune_facts(self):
        gone = self.facts.keys() - set(self.files.values())
        assert self.index.prune_facts() == len(gone)
        for digest in gone:
            del self.facts[digest]

    @rule(stamps=st.dictionaries(PATHS, st.tuples(BYTES, DIGESTS)))
    def put_stamps(self, stamps):
        self.index.put_stamps(stamps)
        self.stamps.update(stamps)

    @rule(rows=st.lists(ROWS, unique_by=lambda row: row.label))
    def put_targets(self, rows):
        self.index.put_targets(iter(rows))
        self.rows.update({row.label: row for row in rows})

    @rule(label=PATHS)
    def settle(self, label):
        if label in self.rows:
            self.rows[label] = replace(self.rows[label], settled=True)
            self.index.put_targets([self.rows[label]])

    @rule(labels=st.sets(PATHS))
    def remove_targets(self, labels):
        self.index.remove_targets(labels)
        for label in labels:
            self.rows.pop(label, None)
            self.observed.pop(label, None)

    @rule(label=PATHS, paths=st.sets(PATHS))
    def put_observed(self, label, paths):
        self.index.put_observed(label, paths)
        self.observed[label] = paths

    @rule(paths=st.lists(PATHS), digests=st.lists(DIGESTS), needles=st.lists(BYTES, max_size=3))
    def ask(self, paths, digests, needles):
        index = self.index
        assert index.digests(paths) == {p: self.files[p] for p in paths if p in self.files}
        assert index.facts(digests) == {d: self.facts[d] for d in digests if d in self.facts}
        assert index.stamps(paths) == {p: self.stamps[p] for p in paths if p in self.stamps}
        assert index.files_mentioning(needles) == sorted(
            path
            for path, digest in self.files.items()
            if any(needle in self.facts.get(digest, b"") for needle in needles)
            and digest in self.facts
        )
        assert index.observed(paths) == {
            label for label, seen in self.observed.items() if seen.intersection(paths)
        }
        wanted = sorted({row.label for row in self.rows.values()}.intersection(paths))
        assert index.targets(paths) == [self.rows[label] for label in wanted]
        for path in paths:
            assert index.get(path) == self.entries.get(path)
            assert index.has_file(path) == (path in self.files)
            assert index.has_folder(path) == any(p.startswith(path + "/") for p in self.files)

    @invariant()
    def everything_is_equal(self):
        if not hasattr(self, "stack"):
            return
        index, rows = self.index, [self.rows[label] for label in sorted(self.rows)]
        assert index.notice == ""
        assert index.files() == self.files
        assert index.has_folder("") == bool(self.files)
        assert index.targets() == rows
        assert index.targets(unsettled_only=True) == [row for row in rows if not row.settled]
        settled = [row for row in rows if row.settled]
        totals = index.totals()
        assert totals.targets == len(settled)
        assert totals.tests == sum(row.tests for row in settled)
        assert totals.seconds == sum(row.seconds for row in settled)


TestIndex = IndexMachine.TestCase
TestIndex.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
