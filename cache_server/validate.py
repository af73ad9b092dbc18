"""What a call may ask for, and the refusals. Unaware of messages, storage and gRPC.

Codes are the interface's (gRPC's) names, as text: the services turn them into gRPC's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MIB: Final = 1024 * 1024
BATCH_LIMIT: Final = 4 * MIB - 64 * 1024  # clients refuse messages over 4 MiB by default
RECEIVE_LIMIT: Final = 16 * MIB  # so that a batch over the limit is answered, not cut off
PIECE: Final = MIB // 2  # of a streamed blob, in one message; larger ones fall out of caches
INLINE_LIMIT: Final = MIB  # inlined into one action result
SHA256: Final = 1
IDENTITY: Final = 0
ZSTD: Final = 1


class Refusal(Exception):
    """The call cannot be served: `code` is gRPC's name for why, `message` the sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def digest_function(value: int) -> None:
    """0 (told by the hash's length) and SHA-256 are served."""
    if value not in {0, SHA256}:
        raise Refusal("INVALID_ARGUMENT", "the only digest function here is SHA256")


def batch(sizes: Iterable[int]) -> None:
    """The blobs of one batch, in bytes, must not be over the limit that is advertised."""
    total = sum(max(size, 0) for size in sizes)
    if total > BATCH_LIMIT:
        raise Refusal(
            "INVALID_ARGUMENT", f"a batch of {total} bytes is over the limit of {BATCH_LIMIT}"
        )


def compressors(values: Iterable[int]) -> bool:
    """True when zstd is acceptable; unknown compressors a client could live with do no harm."""
    return ZSTD in values


def span(size: int, offset: int, limit: int, *, compressed: bool) -> tuple[int, int]:
    """Start and end of what is to be read of a blob of `size` bytes, from 0."""
    if compressed and limit:
        raise Refusal("INVALID_ARGUMENT", "a compressed read cannot have a limit")
    if limit < 0:
        raise Refusal("INVALID_ARGUMENT", f"the limit {limit} is negative")
    if not 0 <= offset <= size:
        raise Refusal("OUT_OF_RANGE", f"the offset {offset} is outside of 0 to {size}")
    return offset, min(size, offset + limit) if limit else size
