"""Judges stored observations against the present, in bulk: what differs, and for which tests.

Unaware of records and of how a digest is taken. A file of code that differs counts for the tests
that entered a function of it whose body differs; what its import may come to otherwise cannot be
told from here: those tests are asked about again once the imports have run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

from affected.cache.record import FLAKY, StoredObservation
from affected.lang.python.outline_compare import OutlineChange
from affected.model.observation import BlindSpot, Blocks, Input, InputKind
from affected.model.path import RepoPath


class Present(Protocol):
    """Answers what the digest of an input is now."""

    def digests(self, inputs: Sequence[Input]) -> list[str]:
        """Today's digest of each input, in order; equal to the stored one means unchanged."""

    def code_changes(self, inputs: Sequence[Input]) -> list[OutlineChange | None]:
        """What was done to each CODE input since; None where that cannot be told."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An input that has another digest now; of code, the functions that make it count."""

    then: Input
    now: str
    functions: frozenset[int] = frozenset()  # old first lines


@dataclass(frozen=True, slots=True)
class Judged:
    """An observation with what differs from it now."""

    observation: StoredObservation
    every: tuple[Difference, ...] = ()  # for every test
    of: Mapping[int, tuple[Difference, ...]] = field(default_factory=dict)  # by group
    changes: Mapping[RepoPath, OutlineChange] = field(default_factory=dict)  # of code, quiet too
    asks: bool = False  # some change may alter what an import comes to

    @property
    def blind_spots(self) -> tuple[BlindSpot, ...]:
        """Those of every test."""
        return tuple(spot for spot in self.observation.blind_spots if spot.code != FLAKY)

    @property
    def hopeless(self) -> bool:
        """True when it can prove nothing of any test."""
        return bool(self.every or self.blind_spots)

    def sure(self, id_: str) -> tuple[tuple[Difference, ...], tuple[BlindSpot, ...]]:
        """What differs for one test without a doubt, and what was not seen of it."""
        seen = self.observation
        numbers = seen.members.get(id_, ())
        found = {d.then.key: d for number in numbers for d in self.of.get(number, ())}
        blind = [spot for number in numbers for spot in seen.groups[number].blind_spots]
        blind += [s for s in seen.blind_spots if s.code == FLAKY and speaks_of(s.what, id_)]
        return tuple(found.values()), tuple(blind)


class Judge:
    """Decides table entries in bulk, only those that some observation wants."""

    def __init__(self, present: Present, tables: Mapping[str, tuple[Input, ...] | None]) -> None:
        self._present = present
        self._tables = tables
        self._wanted: dict[tuple[str, ...], bytearray] = {}
        self._entries: dict[tuple[str, ...], list[Input]] = {}
        self._changed: dict[tuple[str, ...], dict[int, str]] = {}
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._code: dict[Input, OutlineChange | None] = {}

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
        """Asks for today's digest of every wanted entry, and for what was done to code."""
        code: dict[Input, None] = {}
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
                if entries[number].kind is InputKind.CODE:
                    code[entries[number]] = None
            self._changed[names] = changed
            self._counts[names] = [0, *accumulate(flags)]
        self._code.update(zip(code, self._present.code_changes(list(code)), strict=True))

    def judged(self, observation: StoredObservation) -> Judged | None:
        """What differs now; None when a table is lost or the positions do not fit it."""
        changed = self._among(observation.tables, observation.runs)
        if changed is None:
            return None
        if not changed:
            return Judged(observation)
        of: dict[int, list[Difference]] = {}
        partly: set[int] = set()
        for number, group in enumerate(observation.groups):
            own = self._among(observation.tables, group.runs)
            if own is None:
                return None
            if own:
                partly |= own.keys()
                of[number] = [self._difference(observation, n) for n in sorted(own)]
        every: list[Difference] = []
        changes: dict[RepoPath, OutlineChange] = {}
        asks = False
        for number in sorted(changed.keys() - partly):
            difference = self._difference(observation, number)
            change = self._code.get(difference.then)
            if change is None:
                every.append(difference)
                continue
            changes[RepoPath(difference.then.key)] = change
            if not change.quiet:
                asks |= self._code_differs(observation, difference, change, every, of)
        return Judged(
            observation, tuple(every), {n: tuple(found) for n, found in of.items()}, changes, asks
        )

    def code(self, observation: StoredObservation) -> dict[RepoPath, str]:
        """The code that an observation loaded, with the digests of then."""
        return {
            RepoPath(one.key): one.digest
            for one in self._inputs(observation)
            if one.kind is InputKind.CODE
        }

    def texts(self, observation: StoredObservation) -> tuple[RepoPath, ...]:
        """The files that its tests read, code apart."""
        found = (one.key for one in self._inputs(observation) if one.kind is InputKind.FILE)
        return tuple(RepoPath(key) for key in found if not key.endswith(".py"))

    def _inputs(self, observation: StoredObservation) -> Iterator[Input]:
        entries, runs = self._entries[observation.tables], observation.runs
        for start, length in zip(runs[::2], runs[1::2], strict=True):
            yield from entries[start : start + length]

    def _code_differs(
        self,
        observation: StoredObservation,
        difference: Difference,
        change: OutlineChange,
        every: list[Difference],
        of: dict[int, list[Difference]],
    ) -> bool:
        """Sorts one file's change to those it counts for; True when imports must be asked."""
        path = RepoPath(difference.then.key)
        shared = _entered(observation.shared, path, change)
        if shared:
            every.append(Difference(difference.then, difference.now, shared))
        for number, group in enumerate(observation.groups):
            functions = _entered(group.blocks, path, change)
            if functions:
                found = Difference(difference.then, difference.now, functions)
                of.setdefault(number, []).append(found)
        imported = _entered(observation.imported, path, change)
        return bool(change.module_level or change.script or change.docs or imported)

    def _difference(self, observation: StoredObservation, number: int) -> Difference:
        names = observation.tables
        return Difference(self._entries[names][number], self._changed[names][number])

    def _among(self, names: tuple[str, ...], runs: Sequence[int]) -> dict[int, str] | None:
        """Positions and digests of what changed in some runs; None where they do not fit."""
        counts = self._counts.get(names)
        if counts is None:
            return None
        found: dict[int, str] = {}
        for start, length in zip(runs[::2], runs[1::2], strict=True):
            if start < 0 or length < 0 or start + length >= len(counts):
                return None
            if counts[start + length] != counts[start]:
                changed = self._changed[names]
                found.update(
                    (number, changed[number])
                    for number in range(start, start + length)
                    if number in changed
                )
        return found


def speaks_of(flake: str, test: str) -> bool:
    """True for a proven flake of the test, told by its id alone or followed by both of its runs."""
    return flake == test or flake.startswith(f"{test}: ")


def _entered(blocks: Blocks, path: RepoPath, change: OutlineChange) -> frozenset[int]:
    """Of the functions entered, those that differ; line 0: code outside any, told apart by none."""
    lines = blocks.get(path, frozenset())
    found = lines & change.bodies
    if 0 in lines and change.inline:
        found |= {0}
    return found
