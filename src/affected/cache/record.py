"""The stored form of a record: the last observations of one target under one weak fingerprint.

Unaware of stores and of today's digests.

Format 2 (all numbers decimal, all text UTF-8 with surrogates passed through):
  table   zlib(JSON [[kind, key, digest], …]), sorted; shared by the targets observed together;
          named by the SHA-256 of the compressed bytes.
  record  zlib(JSON {"v": 1, "label": L, "observations": [O, …]}), newest observation first, where
          O = {"tables": [name, …], "inputs": [start, length, …], "tests": [[id, outcome,
          seconds, message, rerun, [group, …]], …], "blind": [[code, what], …], "by": [written,
          writer, commit, dirty, run], "seconds": s, "strong": fingerprint, "files": [path, …],
          "groups": [[[start, length, …], BLOCKS, [[code, what], …]], …], "shared": BLOCKS,
          "imported": BLOCKS, "values": [name, …], "dynamic": [path, …]}
          Runs are of positions in the concatenation of the tables; BLOCKS are [[position in
          "files", first line of a function, …], …].
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from affected.cache.record_blocks import pack_blocks, unpack_blocks
from affected.model.observation import (
    BlindSpot,
    Blocks,
    Input,
    InputKind,
    Observation,
    Provenance,
)
from affected.model.path import RepoPath
from affected.model.result import Outcome, TestResult

FORMAT: Final = (
    3  # 1: the first one; 2: what each test used of what its file did; 3: classes of libraries
)
FLAKY: Final = "flaky"  # code of the blind spot of a proven flake
KEPT: Final = 8  # observations of one record, from any branch or machine
GROUP: Final = 200  # targets that share one table: large enough to share, small enough to load

_NAME: Final = re.compile("[0-9a-f]{64}")
_DAMAGE: Final = (ValueError, TypeError, LookupError, RecursionError, zlib.error)


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """A group whose inputs are positions in tables not loaded yet."""

    runs: tuple[int, ...]
    blocks: Blocks
    blind_spots: tuple[BlindSpot, ...]


@dataclass(frozen=True, slots=True)
class StoredObservation:
    """An observation whose inputs are positions in tables not loaded yet."""

    tables: tuple[str, ...]
    runs: tuple[int, ...]  # start, length, start, length, …
    results: tuple[TestResult, ...]
    blind_spots: tuple[BlindSpot, ...]
    provenance: Provenance
    seconds: float
    strong: str  # digest of every input's kind, key and digest: equal means the same inputs
    groups: tuple[StoredGroup, ...] = ()
    members: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    shared: Blocks = field(default_factory=dict)
    imported: Blocks = field(default_factory=dict)
    dynamic: frozenset[RepoPath] = frozenset()
    values: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """As `Observation.usable`."""
        unseen = self.blind_spots or any(group.blind_spots for group in self.groups)
        return not unseen and all(r.outcome.good and not r.rerun for r in self.results)


@dataclass(frozen=True, slots=True)
class Record:
    """The decoded record of one target."""

    label: str
    observations: tuple[StoredObservation, ...]  # newest first


def write_tables(
    observations: Sequence[Observation],
) -> tuple[dict[str, bytes], list[StoredObservation]]:
    """Shared tables (by name) for observations made together, and the observations over them."""
    blobs: dict[str, bytes] = {}
    stored: list[StoredObservation] = []
    for start in range(0, len(observations), GROUP):
        group = observations[start : start + GROUP]
        entries = sorted({entry for observation in group for entry in observation.inputs})
        table = zlib.compress(_dump([[e.kind.value, e.key, e.digest] for e in entries]), 1)
        name = hashlib.sha256(table).hexdigest()
        blobs[name] = table
        position = {entry: number for number, entry in enumerate(entries)}
        stored += [_stored(observation, name, position) for observation in group]
    return blobs, stored


def read_table(content: bytes) -> tuple[Input, ...] | None:
    """The entries of a table; None when it is damaged."""
    try:
        rows = json.loads(zlib.decompress(content))
        return tuple(Input(InputKind(kind), key, digest) for kind, key, digest in rows)
    except _DAMAGE:
        return None


def read_record(content: bytes) -> Record | None:
    """The record; None when it is damaged or of another format."""
    try:
        tree = json.loads(zlib.decompress(content))
        if tree["v"] != FORMAT:
            return None
        return Record(tree["label"], tuple(_observation(o) for o in tree["observations"]))
    except _DAMAGE:
        return None


def merge(label: str, new: StoredObservation, old: Record | None) -> Record:
    """`new` in front of `old`'s observations, without repetition, bounded.

    When the very same inputs had another outcome before, the flake is proven: the observation is
    kept with a blind spot `flaky`, so that it proves no skip.
    """
    earlier = old.observations if old else ()
    same = next((o for o in earlier if o.strong == new.strong), None)
    if same is not None:
        new = _with_flakes(new, same)
    kept = [o for o in earlier if o.strong != new.strong]
    return Record(label, (new, *kept)[:KEPT])


def _with_flakes(new: StoredObservation, same: StoredObservation) -> StoredObservation:
    before = {r.id: r.outcome.good for r in same.results}
    flakes = {
        BlindSpot(FLAKY, r.id)
        for r in new.results
        if before.get(r.id, r.outcome.good) != r.outcome.good
    }
    flakes |= {spot for spot in same.blind_spots if spot.code == FLAKY}
    if not flakes:
        return new
    spots = sorted({*new.blind_spots, *flakes}, key=lambda spot: (spot.code, spot.what))
    return replace(new, blind_spots=tuple(spots))


def write_record(record: Record) -> bytes:
    """Inverse of `read_record`."""
    tree = {
        "v": FORMAT,
        "label": record.label,
        "observations": [_tree(o) for o in record.observations],
    }
    return zlib.compress(_dump(tree), 1)


def tables_of(record: Record) -> set[str]:
    """The names of every table the record refers to."""
    return {name for o in record.observations for name in o.tables}


def named_blobs(record: Record) -> set[str]:
    """The names of every blob the record refers to."""
    return tables_of(record).union(*(o.values for o in record.observations))


def strong_fingerprint(inputs: Iterable[Input]) -> str:
    """SHA-256 over the sorted inputs with their digests."""
    rows = [[e.kind.value, e.key, e.digest] for e in sorted(set(inputs))]
    return hashlib.sha256(_dump(rows)).hexdigest()


def _stored(
    observation: Observation, table: str, position: Mapping[Input, int]
) -> StoredObservation:
    return StoredObservation(
        tables=(table,),
        runs=_runs(sorted(position[entry] for entry in observation.inputs)),
        results=observation.results,
        blind_spots=observation.blind_spots,
        provenance=observation.provenance,
        seconds=observation.seconds,
        strong=strong_fingerprint(observation.inputs),
        groups=tuple(
            StoredGroup(_runs(sorted(map(position.__getitem__, g.inputs))), g.blocks, g.blind_spots)
            for g in observation.groups
        ),
        members=observation.members,
        shared=observation.shared,
        imported=observation.imported,
        dynamic=observation.dynamic,
        values=observation.values,
    )


def _runs(positions: Sequence[int]) -> tuple[int, ...]:
    runs: list[int] = []
    for number in positions:
        if runs and runs[-2] + runs[-1] == number:
            runs[-1] += 1
        else:
            runs += [number, 1]
    return tuple(runs)


def _dump(tree: object) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode("ascii")


def _tree(stored: StoredObservation) -> dict[str, Any]:
    by = stored.provenance
    parts = [stored.shared, stored.imported, *(group.blocks for group in stored.groups)]
    files = sorted({path for part in parts for path in part})
    number = {path: position for position, path in enumerate(files)}
    return {
        "tables": stored.tables,
        "inputs": stored.runs,
        "tests": [
            [
                r.id,
                r.outcome.value,
                round(r.seconds, 6),
                r.message,
                r.rerun,
                stored.members.get(r.id, ()),
            ]
            for r in stored.results
        ],
        "blind": [[b.code, b.what] for b in stored.blind_spots],
        "files": files,
        "groups": [
            [g.runs, pack_blocks(g.blocks, number), [[b.code, b.what] for b in g.blind_spots]]
            for g in stored.groups
        ],
        "shared": pack_blocks(stored.shared, number),
        "imported": pack_blocks(stored.imported, number),
        "values": stored.values,
        "dynamic": sorted(stored.dynamic),
        "by": [by.written, by.writer, by.commit, by.dirty, by.run],
        "seconds": round(stored.seconds, 6),
        "strong": stored.strong,
    }


def _observation(tree: Mapping[str, Any]) -> StoredObservation:
    written, writer, commit, dirty, run = tree["by"]
    tables, values = tuple(tree["tables"]), tuple(tree["values"])
    if not all(_NAME.fullmatch(name) for name in (*tables, *values)):
        raise ValueError("not the names of blobs")
    files = [RepoPath(path) for path in tree["files"]]
    groups = tuple(
        StoredGroup(_read_runs(runs), unpack_blocks(blocks, files), _read_spots(spots))
        for runs, blocks, spots in tree["groups"]
    )
    rows = [(id_, tuple(map(int, numbers))) for id_, *_, numbers in tree["tests"]]
    members = {id_: numbers for id_, numbers in rows if numbers}
    if any(not 0 <= n < len(groups) for numbers in members.values() for n in numbers):
        raise ValueError("not the numbers of groups")
    return StoredObservation(
        tables=tables,
        runs=_read_runs(tree["inputs"]),
        groups=groups,
        members=members,
        shared=unpack_blocks(tree["shared"], files),
        imported=unpack_blocks(tree["imported"], files),
        dynamic=frozenset(map(RepoPath, tree["dynamic"])),
        values=values,
        results=tuple(
            TestResult(id_, Outcome(outcome), float(seconds), message, "", bool(rerun))
            for id_, outcome, seconds, message, rerun, _ in tree["tests"]
        ),
        blind_spots=_read_spots(tree["blind"]),
        provenance=Provenance(float(written), writer, commit, bool(dirty), run),
        seconds=float(tree["seconds"]),
        strong=tree["strong"],
    )


def _read_runs(numbers: Sequence[int]) -> tuple[int, ...]:
    runs = tuple(numbers)
    if len(runs) % 2 or not all(type(number) is int and number >= 0 for number in runs):
        raise ValueError("not runs of positions")
    return runs


def _read_spots(rows: Iterable[Sequence[str]]) -> tuple[BlindSpot, ...]:
    return tuple(BlindSpot(code, what) for code, what in rows)
