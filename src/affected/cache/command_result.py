"""Results of commands as records: an ActionResult behind the names of all that it needs.

Unaware of what the result says. The files of an output folder are named in a blob of their own (its
`Tree`), so a place that keeps records could not tell which blobs belong to one; here they are in
front. A record of any other kind starts otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# 1: the mark, how many blobs in four bytes, their SHA-256 of 32 bytes each, the ActionResult.
MARK: Final = b"afc1"
_SIZE: Final = 32
_COUNT: Final = 4


def write_result(result: bytes, blobs: Iterable[str]) -> bytes:
    """The record of a result; `blobs` are SHA-256 in hex."""
    names = sorted(set(blobs))
    packed = b"".join(map(bytes.fromhex, names))
    return MARK + len(names).to_bytes(_COUNT, "big") + packed + result


def is_result(record: bytes) -> bool:
    """True for the record of a command's result."""
    return record.startswith(MARK)


def read_result_record(record: bytes) -> tuple[bytes, list[str]]:
    """Inverse of `write_result`; ValueError for anything else."""
    start = len(MARK) + _COUNT
    count = int.from_bytes(record[len(MARK) : start], "big")
    end = start + count * _SIZE
    if not is_result(record) or len(record) < end:
        raise ValueError("not the record of a result")
    packed = record[start:end]
    names = [packed[at : at + _SIZE].hex() for at in range(0, len(packed), _SIZE)]
    return record[end:], names
