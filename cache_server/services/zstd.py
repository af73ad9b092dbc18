"""zstd, bounded: no input makes more bytes than its digest says. Unaware of calls and storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import zstandard

from cache_server.storage.protocol import Mismatch

LEVEL: Final = 1  # the wire is to be spared, not the disk: speed first
LARGEST_WINDOW: Final = 128 * 1024 * 1024  # memory that one stream can ask for
SMALLEST: Final = 1024  # bytes that are worth compressing


class _Sink:
    """Lets the decompressor write into a function."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def write(self, piece: bytes) -> int:
        """Take the next plain bytes."""
        self._take(bytes(piece))
        return len(piece)


class Inflater:
    """Hands plain bytes to `take`, in pieces of at most 256 KiB, as compressed ones come."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        decompressor = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW)
        self._writer = decompressor.stream_writer(
            _Sink(take),  # type: ignore[arg-type]  # only `write` is used
            write_size=256 * 1024,
            closefd=False,
        )

    def feed(self, piece: bytes | memoryview) -> None:
        """Take compressed bytes; Mismatch when they are not zstd, or whatever `take` raises."""
        try:
            self._writer.write(piece)
        except zstandard.ZstdError as trouble:
            raise Mismatch(f"this is not zstd: {trouble}") from trouble


def inflated(content: bytes, size: int) -> bytes:
    """The plain bytes of `content`; Mismatch when they are more than `size` or it is not zstd."""
    pieces: list[bytes] = []
    room = size

    def take(piece: bytes) -> None:
        nonlocal room
        room -= len(piece)
        if room < 0:
            raise Mismatch(f"more than the {size} bytes of the digest")
        pieces.append(piece)

    Inflater(take).feed(content)
    return b"".join(pieces)


def deflate(content: bytes) -> bytes | None:
    """`content` compressed; None when that would not make it smaller."""
    if len(content) < SMALLEST:
        return None
    packed = zstandard.ZstdCompressor(level=LEVEL).compress(content)
    return packed if len(packed) < len(content) else None


def deflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces as one compressed stream; a whole frame also for no pieces."""
    compressor = zstandard.ZstdCompressor(level=LEVEL).compressobj()
    for piece in pieces:
        packed = compressor.compress(piece)
        if packed:
            yield packed
    yield compressor.flush()
