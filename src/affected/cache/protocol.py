"""What a place that keeps records must do. Unaware of what is in a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class RecordStore(Protocol):
    """Records by key, and the blobs that records name by SHA-256.

    A store is a cache: whatever goes wrong is a miss, never an error, and anything may be gone the
    next time. Keys are 3 to 200 letters, digits, "-" and "_"; ValueError for any other.
    """

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The records that are there, exactly as they were put; none that is damaged."""

    def put(self, key: str, record: bytes, blobs: Mapping[str, bytes]) -> None:
        """Keep `record` in place of an earlier one; the blobs it names, by SHA-256, first."""

    def get_blobs(self, digests: Sequence[str]) -> dict[str, bytes]:
        """The blobs that are there and have the digest they are asked by."""

    def close(self) -> None:
        """Finish what is under way; more than once is harmless."""
