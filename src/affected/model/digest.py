r"""Content identities as plain strings. Unaware of how they are computed.

A file's digest is what git calls its blob id (SHA-1, or SHA-256 in a SHA-256 repository), of
the bytes on disk, followed by its kind: nothing for a plain file, `x` for an executable one, `l`
for a symbolic link (the blob is the link's text). Git knows these for clean tracked files, so
they cost no read. The source of the format: git's object format, "blob SIZE\0" + bytes.
"""

from __future__ import annotations

from typing import Final, NewType

Digest = NewType("Digest", str)

ABSENT: Final = Digest("absent")  # nothing has that name
FOLDER: Final = Digest("folder")  # a folder has that name
SUBMODULE: Final = Digest("submodule")  # a gitlink that is not checked out
UNREADABLE: Final = Digest("unreadable")  # it exists, its bytes cannot be had; equals nothing


def with_mode(oid: str, mode: str) -> Digest:
    """The digest of a git entry: `oid` in hex, `mode` as git prints it ("100755")."""
    if mode == "100755":
        return Digest(oid + "x")
    if mode == "120000":
        return Digest(oid + "l")
    return Digest(oid)


def is_link(digest: str) -> bool:
    """True for the digest of a symbolic link."""
    return digest.endswith("l")
