"""The name of a blob as the Remote Execution API gives it. Unaware of what is in the blob."""

from __future__ import annotations

from typing import Final, NamedTuple


class BlobName(NamedTuple):
    """SHA-256 of the bytes, in hex, and how many there are; REAPI calls it a digest."""

    sha256: str
    size: int


EMPTY: Final = BlobName("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0)
