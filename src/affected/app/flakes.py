"""Flakes, proven: the same inputs, and a test that once passed and once did not.

Unaware of how tests ran. Which observations have the same inputs is asked of today's digests, so a
failure that cut a test short, and so used less, still contradicts a pass; on whatever machine
either was seen. What an observation could not see may explain the difference: such ones prove
nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from affected.cache.lookup import Lookup, Present
from affected.cache.record import FLAKY, Record, StoredObservation
from affected.model.observation import BlindSpot, Provenance
from affected.report.protocol import Flake, Sighting


def contradictions(
    lookup: Lookup, present: Present, record: Record | None, new: StoredObservation
) -> tuple[Record | None, StoredObservation, tuple[Flake, ...]]:
    """The flakes that `new` proves against the record; both marked, so that neither proves a skip.

    `new` was just made, so its inputs are as they are today.
    """
    if record is None or _unseen(new):
        return record, new, ()
    found: list[Flake] = []
    kept: list[StoredObservation] = []
    for earlier in record.observations:
        flakes = _between(earlier, new)
        if flakes and not _unseen(earlier) and _holds(lookup, present, earlier):
            found += flakes
            kept.append(_marked(earlier, flakes))
        else:
            kept.append(earlier)
    if not found:
        return record, new, ()
    return replace(record, observations=tuple(kept)), _marked(new, found), tuple(found)


def words(flake: Flake) -> str:
    """Both runs in one line, as it is kept with the observations."""
    return f"{flake.test}: {_sighting(flake.then)}, {_sighting(flake.now)}"


def _between(earlier: StoredObservation, new: StoredObservation) -> list[Flake]:
    before = {result.id: result for result in earlier.results}
    return [
        Flake(
            result.id,
            Sighting(before[result.id].outcome, earlier.provenance),
            Sighting(result.outcome, new.provenance),
        )
        for result in new.results
        if result.id in before
        and before[result.id].outcome.good != result.outcome.good
        and not (_unseen_by(earlier, result.id) or _unseen_by(new, result.id))
    ]


def _unseen(observation: StoredObservation) -> bool:
    return any(spot.code != FLAKY for spot in observation.blind_spots)


def _unseen_by(observation: StoredObservation, test: str) -> bool:
    groups = observation.members.get(test, ())
    return any(observation.groups[number].blind_spots for number in groups)


def _holds(lookup: Lookup, present: Present, observation: StoredObservation) -> bool:
    inputs = lookup.inputs(observation)
    if inputs is None:
        return False
    return present.digests(inputs) == [entry.digest for entry in inputs]


def _marked(observation: StoredObservation, flakes: Iterable[Flake]) -> StoredObservation:
    spots = {*observation.blind_spots, *(BlindSpot(FLAKY, words(flake)) for flake in flakes)}
    ordered = sorted(spots, key=lambda spot: (spot.code, spot.what))
    return replace(observation, blind_spots=tuple(ordered))


def _sighting(seen: Sighting) -> str:
    return f"{seen.outcome.value} {_place(seen.provenance)}"


def _place(provenance: Provenance) -> str:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(provenance.written))
    commit = f" at {provenance.commit[:10]}" if provenance.commit else ""
    return f"{when} by {provenance.run or provenance.writer}{commit}"
