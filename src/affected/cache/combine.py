"""Two records of one key made into one: what this machine saw, and what another one did.

Unaware of where they come from.
"""

from __future__ import annotations

from affected.cache.command_result import is_result, read_result_record
from affected.cache.record import Record, merge, named_blobs, read_record, write_record


def combine(ours: bytes, theirs: bytes) -> bytes:
    """The observations of both, newest first, as many as a record keeps.

    The very same inputs with two outcomes are a flake, proven, whoever saw them. A record that
    cannot be read counts for nothing; `theirs` itself when ours adds nothing to it.
    """
    if is_result(ours) or is_result(theirs):  # the same action has one result
        return ours if is_result(ours) else theirs
    mine, others = read_record(ours), read_record(theirs)
    if others is None or (mine is not None and mine.label != others.label):
        return ours
    if mine is None:
        return theirs
    both: Record | None = None
    observations = (*others.observations, *mine.observations)
    for observation in sorted(observations, key=lambda seen: seen.provenance.written):
        both = merge(mine.label, observation, both)
    return theirs if both is None or both == others else write_record(both)


def blobs_of(record: bytes) -> list[str]:
    """The SHA-256 of each blob that a record names; none for one that cannot be read."""
    if is_result(record):
        try:
            return read_result_record(record)[1]
        except ValueError:
            return []
    found = read_record(record)
    return sorted(named_blobs(found)) if found is not None else []
