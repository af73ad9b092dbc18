"""Looks records up and checks their observations against the workspace as it is now.

Unaware of how a digest is taken today: it asks a `Present`. An observation is a proof for a skip
only if every input it depended on has, now, the digest it had then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from affected.cache.protocol import RecordStore
from affected.cache.record import (
    Record,
    StoredObservation,
    read_record,
    read_table,
    tables_of,
)
from affected.model.observation import Input


class Present(Protocol):
    """Answers what the digest of an input is now."""

    def digests(self, inputs: Sequence[Input]) -> list[str]:
        """Today's digest of each input, in order; equal to the stored one means unchanged."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A usable observation in which every input has the digest it had then."""

    label: str
    observation: StoredObservation


@dataclass(frozen=True, slots=True)
class Difference:
    """An input that has another digest now."""

    then: Input
    now: str


@dataclass(frozen=True, slots=True)
class Miss:
    """Why there is no proof: the observation that came nearest and what differs from it."""

    label: str
    nearest: StoredObservation | None  # None: no observation at all
    differences: tuple[Difference, ...]  # empty with `nearest` given: it is not usable


class Lookup:
    """Checks the records of many targets at once; each table entry is judged once."""

    def __init__(self, store: RecordStore, present: Present) -> None:
        self._store = store
        self._present = present
        self._tables: dict[str, tuple[Input, ...] | None] = {}

    def check(self, keys: Mapping[str, str]) -> dict[str, Proof | Miss]:
        """For each label its verdict; `keys` maps labels to weak fingerprints."""
        records = self.records(keys)
        self.load(name for record in records.values() for name in tables_of(record))
        judge = _Judge(self._present, self._tables)
        for record in records.values():
            for observation in record.observations:
                judge.want(observation)
        judge.decide()
        return {label: self._verdict(label, records.get(label), judge) for label in keys}

    def records(self, keys: Mapping[str, str]) -> dict[str, Record]:
        """The readable records by label."""
        found = self._store.get(list(keys.values()))
        records: dict[str, Record] = {}
        for label, key in keys.items():
            content = found.get(key)
            record = read_record(content) if content is not None else None
            if record is not None and record.label == label:
                records[label] = record
        return records

    def load(self, names: Iterable[str]) -> None:
        """Fetches the tables not loaded yet; a lost or damaged one makes its users a miss."""
        missing = sorted(set(names) - self._tables.keys())
        if missing:
            blobs = self._store.get_blobs(missing)
            for name in missing:
                content = blobs.get(name)
                self._tables[name] = read_table(content) if content is not None else None

    def inputs(self, observation: StoredObservation) -> tuple[Input, ...] | None:
        """The observation's inputs; None when a table of it is lost."""
        self.load(observation.tables)
        entries: list[Input] = []
        for name in observation.tables:
            table = self._tables[name]
            if table is None:
                return None
            entries += table
        runs = observation.runs
        found: list[Input] = []
        for start, length in zip(runs[::2], runs[1::2], strict=True):
            found += entries[start : start + length]
        return tuple(found)

    def _verdict(self, label: str, record: Record | None, judge: _Judge) -> Proof | Miss:
        nearest: StoredObservation | None = None
        fewest: tuple[Difference, ...] = ()
        for observation in record.observations if record else ():
            differences = judge.differences(observation)
            if differences is None:
                continue
            if not differences and observation.usable:
                return Proof(label, observation)
            if nearest is None or len(differences) < len(fewest):
                nearest, fewest = observation, differences
        return Miss(label, nearest, fewest)


class _Judge:
    """Decides table entries in bulk, only those that some observation wants."""

    def __init__(self, present: Present, tables: Mapping[str, tuple[Input, ...] | None]) -> None:
        self._present = present
        self._tables = tables
        self._wanted: dict[tuple[str, ...], bytearray] = {}
        self._entries: dict[tuple[str, ...], list[Input]] = {}
        self._changed: dict[tuple[str, ...], dict[int, str]] = {}
        self._counts: dict[tuple[str, ...], list[int]] = {}

    def want(self, observation: StoredObservation) -> None:
        """Marks the entries the observation depends on."""
        names = observation.tables
        if names not in self._wanted:
            tables = [self._tables[name] for name in names]
            if any(table is None for table in tables):
                return
            self._entries[names] = [entry for table in tables for entry in table or ()]
            self._wanted[names] = bytearray(len(self._entries[names]))
        wanted, runs = self._wanted[names], observation.runs
        for start, length in zip(runs[::2], runs[1::2], strict=True):
            if start + length <= len(wanted):
                wanted[start : start + length] = b"\x01" * length

    def decide(self) -> None:
        """Asks for today's digest of every wanted entry."""
        for names, wanted in self._wanted.items():
            entries = self._entries[names]
            positions = [number for number, flag in enumerate(wanted) if flag]
            now = self._present.digests([entries[number] for number in positions])
            changed = {
                number: digest
                for number, digest in zip(positions, now, strict=True)
                if digest != entries[number].digest
            }
            flags = bytearray(len(entries))
            for number in changed:
                flags[number] = 1
            self._changed[names] = changed
            self._counts[names] = [0, *accumulate(flags)]

    def differences(self, observation: StoredObservation) -> tuple[Difference, ...] | None:
        """What differs now; None when a table is lost or the positions do not fit it."""
        names, runs = observation.tables, observation.runs
        counts = self._counts.get(names)
        if counts is None:
            return None
        found: list[Difference] = []
        for start, length in zip(runs[::2], runs[1::2], strict=True):
            if start < 0 or length < 0 or start + length >= len(counts):
                return None
            if counts[start + length] != counts[start]:
                changed, entries = self._changed[names], self._entries[names]
                found += [
                    Difference(entries[number], changed[number])
                    for number in range(start, start + length)
                    if number in changed
                ]
        return tuple(found)
