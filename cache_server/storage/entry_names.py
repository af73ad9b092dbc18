"""What blobs and results are called in a ledger and in an index. Unaware of where they are."""

from __future__ import annotations

from typing import Final

from cache_server.keys import EMPTY
from cache_server.storage.index_log import Change, Kind

RESULT: Final = "a"  # before an action result's name


def is_blob(name: str) -> bool:
    """Whether a name is a blob's hash, not an action result's name with RESULT before it."""
    return len(name) == len(EMPTY.hash)


def key_of(name: str) -> bytes:
    """A name as the index has it."""
    return bytes.fromhex(name[-64:])


def name_of(change: Change) -> str:
    """The name that a record is about."""
    blob = change.kind in {Kind.BLOB, Kind.FILE, Kind.BLOB_GONE, Kind.BLOB_USED}
    return change.key.hex() if blob else RESULT + change.key.hex()
