"""XXH3-128 checksums of bytes, for this machine only. Unaware of what the bytes mean.

Not cryptographic: what leaves the machine is identified by SHA-256 instead.
"""

from __future__ import annotations

import xxhash


def checksum(content: bytes) -> str:
    """XXH3-128 of `content`: 32 hexadecimal digits."""
    return xxhash.xxh3_128_hexdigest(content)


def checksum_bytes(content: bytes) -> bytes:
    """XXH3-128 of `content`: 16 bytes, most significant first."""
    return xxhash.xxh3_128_digest(content)
