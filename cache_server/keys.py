"""Digests and resource names, as the interface writes them. Unaware of any message or storage.

Formats are those of the Remote Execution API v2: a digest is SHA-256 in lower-case hex with the
size in bytes; a resource is `[INSTANCE/]blobs/HASH/SIZE` for reading and
`[INSTANCE/]uploads/UUID/blobs/HASH/SIZE[/anything]` for writing, with `compressed-blobs/zstd` in
the place of `blobs` for compressed streams. Hash and size are always those of the plain bytes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

HASH: Final = re.compile(r"[0-9a-f]{64}")
SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
# What most names look like; all others are taken apart with care.
READ: Final = re.compile(r"blobs/([0-9a-f]{64})/(0|[1-9][0-9]{0,17})")
WRITE: Final = re.compile(r"uploads/([0-9a-f-]+)/blobs/([0-9a-f]{64})/(0|[1-9][0-9]{0,17})")
RESERVED: Final = frozenset(
    {
        "blobs", "uploads", "actions", "actionResults", "operations", "capabilities",
        "compressed-blobs",
    }
)  # fmt: skip


class Malformed(ValueError):
    """A digest or a name that the interface does not allow; the message says what is wrong."""


class BlobKey(NamedTuple):
    """The identity of a blob: `hash` in lower-case hex, `size` in bytes."""

    hash: str
    size: int


EMPTY: Final = BlobKey(hashlib.sha256(b"").hexdigest(), 0)


@dataclass(frozen=True, slots=True)
class Resource:
    """One stream's name, taken apart. `upload` is the client's own id, "" for reading."""

    instance: str
    blob: BlobKey
    compressed: bool
    upload: str = ""


def blob_key(hash_text: str, size: int) -> BlobKey:
    """The key of a digest as received; Malformed when it is none of SHA-256."""
    if HASH.fullmatch(hash_text) is None:
        raise Malformed(f"{hash_text[:80]!r} is not a SHA-256 hash in lower-case hex")
    if size < 0:
        raise Malformed(f"a digest's size cannot be {size}")
    return BlobKey(hash_text, size)


def checked_instance(name: str) -> str:
    """`name` without slashes around it; Malformed when a segment of it is a reserved word."""
    name = name.strip("/")
    if name and not RESERVED.isdisjoint(name.split("/")):
        raise Malformed(f"the instance name {name[:80]!r} holds a reserved word")
    return name


def action_name(instance: str, action: BlobKey) -> str:
    """The name, 64 hex digits, under which an instance keeps the result of `action`."""
    text = f"{instance}\0{action.hash}/{action.size}"
    return hashlib.sha256(text.encode()).hexdigest()


def read_resource(name: str) -> Resource:
    """What a read asks for; Malformed when the name is none. A leading slash does no harm."""
    if usual := READ.fullmatch(name):
        return Resource("", BlobKey(usual[1], int(usual[2])), compressed=False)
    parts = name.removeprefix("/").split("/")
    place = next((at for at, part in enumerate(parts) if part.endswith("blobs")), -1)
    if place < 0:
        raise Malformed(f"{name[:200]!r} names no blob")
    blob, compressed, rest = _blob(parts[place:], name)
    if rest:
        raise Malformed(f"{name[:200]!r} goes on after the size")
    return Resource(checked_instance("/".join(parts[:place])), blob, compressed)


def write_resource(name: str) -> Resource:
    """What a write sends; Malformed when the name is none. Anything may follow the size."""
    if usual := WRITE.fullmatch(name):
        blob = BlobKey(usual[2], int(usual[3]))
        return Resource("", blob, compressed=False, upload=usual[1])
    parts = name.removeprefix("/").split("/")
    if "uploads" not in parts:
        raise Malformed(f"{name[:200]!r} names no upload")
    place = parts.index("uploads")
    if len(parts) < place + 2 or not parts[place + 1]:
        raise Malformed(f"{name[:200]!r} has no upload id")
    blob, compressed, _ = _blob(parts[place + 2 :], name)
    instance = checked_instance("/".join(parts[:place]))
    return Resource(instance, blob, compressed, parts[place + 1])


def _blob(parts: list[str], name: str) -> tuple[BlobKey, bool, list[str]]:
    """`blobs/HASH/SIZE…` → key, whether it is compressed, what follows."""
    compressed = parts[:1] == ["compressed-blobs"]
    if compressed:
        if parts[1:2] != ["zstd"]:
            raise Malformed(f"{name[:200]!r}: the only compressor here is zstd")
        rest = parts[2:]
    elif parts[:1] == ["blobs"]:
        rest = parts[1:]
    else:
        raise Malformed(f"{name[:200]!r} names no blob")
    if len(rest) < 2 or SIZE.fullmatch(rest[1]) is None:  # noqa: PLR2004  (hash and size)
        raise Malformed(f"{name[:200]!r} has no SHA-256 hash and size")
    return blob_key(rest[0], int(rest[1])), compressed, rest[2:]
