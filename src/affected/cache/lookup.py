"""Looks records up and checks their observations against the workspace as it is now.

Unaware of how a digest is taken today: it asks a `Present`. An observation is a proof for a skip
only if every input it depended on has, now, the digest it had then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from affected.cache.judge import Difference, Judge, Judged, Present
from affected.cache.protocol import RecordStore
from affected.cache.record import (
    Record,
    StoredObservation,
    read_record,
    read_table,
    tables_of,
)
from affected.model.observation import BlindSpot, Input
from affected.model.path import RepoPath
from affected.model.result import TestResult

__all__ = ["Difference", "Judged", "Lookup", "Miss", "Partial", "Present", "Proof", "Reason"]


@dataclass(frozen=True, slots=True)
class Proof:
    """Usable observations in which every input of every test has the digest it had then."""

    label: str
    observation: StoredObservation  # the one that lists the tests
    results: tuple[TestResult, ...]  # in its order; some may be of other observations

    @property
    def alone(self) -> bool:
        """True when that observation proves every test by itself."""
        return self.results is self.observation.results


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one test is not proved."""

    differences: tuple[Difference, ...] = ()
    blind_spots: tuple[BlindSpot, ...] = ()  # both empty: its outcome was not a clean pass


@dataclass(frozen=True, slots=True)
class Partial:
    """Some tests of a file are proved, or may be once its imports have run."""

    label: str
    judged: Judged  # the observation that lists the tests
    results: Mapping[str, TestResult]  # what is proved, by test id
    reasons: Mapping[str, Reason]  # of the tests that must run, by id
    asked: tuple[str, ...] = ()  # tests about which the values of imports decide
    code: Mapping[RepoPath, str] = field(default_factory=dict)  # then loaded, with its digest
    texts: tuple[RepoPath, ...] = ()  # other files that its tests read
    sources: Mapping[str, Judged] = field(
        default_factory=dict
    )  # what proves each test of `results`


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

    def check(self, keys: Mapping[str, str]) -> dict[str, Proof | Partial | Miss]:
        """For each label its verdict; `keys` maps labels to weak fingerprints."""
        records = self.records(keys)
        self.load(name for record in records.values() for name in tables_of(record))
        judge = Judge(self._present, self._tables)
        for record in records.values():
            for observation in record.observations:
                judge.want(observation)
        judge.decide()
        return {label: _verdict(label, records.get(label), judge) for label in keys}

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
        return self.at(observation, observation.runs)

    def at(self, observation: StoredObservation, runs: Sequence[int]) -> tuple[Input, ...] | None:
        """The inputs at some positions of the observation's tables; None as for `inputs`."""
        self.load(observation.tables)
        entries: list[Input] = []
        for name in observation.tables:
            table = self._tables[name]
            if table is None:
                return None
            entries += table
        found: list[Input] = []
        for start, length in zip(runs[::2], runs[1::2], strict=True):
            found += entries[start : start + length]
        return tuple(found)


def _verdict(label: str, record: Record | None, judge: Judge) -> Proof | Partial | Miss:
    all_judged = [judge.judged(o) for o in (record.observations if record else ())]
    found = [one for one in all_judged if one is not None]
    able = [one for one in found if not one.hopeless]
    listing = next((one for one in able if not one.asks), None)
    if listing is not None:
        return _listed(label, listing, [one for one in able if not one.asks], found)
    if able:
        return _asked(label, able[0], judge)
    nearest = min(found, key=lambda one: len(one.every), default=None)
    if nearest is None:
        return Miss(label, None, ())
    return Miss(label, nearest.observation, nearest.every)


def _listed(
    label: str, listing: Judged, able: Sequence[Judged], found: Sequence[Judged]
) -> Proof | Partial | Miss:
    """The tests are known: each is proved by the first observation that can."""
    for judged in able:
        if not any(_reason(judged, result) for result in judged.observation.results):
            return Proof(label, judged.observation, judged.observation.results)
    results: dict[str, TestResult] = {}
    reasons: dict[str, Reason] = {}
    sources: dict[str, Judged] = {}
    for judged in able:
        for result in judged.observation.results:
            if result.id in results:
                continue
            reason = _reason(judged, result)
            if reason is None:
                results[result.id] = result
                sources[result.id] = judged
            elif judged is listing:
                reasons[result.id] = reason
    known = [result.id for result in listing.observation.results]
    proved = {id_: results[id_] for id_ in known if id_ in results}
    if len(proved) == len(known):
        return Proof(label, listing.observation, tuple(proved.values()))
    reasons = {id_: reason for id_, reason in reasons.items() if id_ not in results}
    if proved:
        return Partial(label, listing, proved, reasons, sources=sources)
    whole = {d.then.key: d for reason in reasons.values() for d in reason.differences}
    nearest = listing if whole else next(one for one in found if not one.every)
    return Miss(label, nearest.observation, tuple(whole.values()))


def _asked(label: str, judged: Judged, judge: Judge) -> Partial:
    """What the imports come to decides, for those tests that nothing else decides."""
    reasons: dict[str, Reason] = {}
    asked: list[str] = []
    for result in judged.observation.results:
        reason = _reason(judged, result)
        if reason is None:
            asked.append(result.id)
        else:
            reasons[result.id] = reason
    code, texts = judge.code(judged.observation), judge.texts(judged.observation)
    return Partial(label, judged, {}, reasons, tuple(asked), code, texts)


def _reason(judged: Judged, result: TestResult) -> Reason | None:
    """Why a test's outcome cannot be reused; None when it can."""
    differences, blind = judged.sure(result.id)
    if differences or blind or not result.outcome.good or result.rerun:
        return Reason(differences, blind)
    return None
