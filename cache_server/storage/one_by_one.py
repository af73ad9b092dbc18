"""Batches for storages that gain nothing from them. Unaware of any storage."""

from __future__ import annotations

from collections.abc import Sequence

from cache_server.keys import BlobKey
from cache_server.storage.protocol import ActionStorage, BlobStorage, Mismatch, NoRoom


def keep_all(
    storage: BlobStorage, contents: Sequence[tuple[BlobKey, bytes]]
) -> list[Exception | None]:
    """As `BlobStorage.keep_all` promises, an upload each."""
    answers: list[Exception | None] = []
    for blob, content in contents:
        try:
            upload = storage.create(blob)
            try:
                upload.append(content)
                upload.commit()
            finally:
                upload.discard()
        except (Mismatch, NoRoom, OSError) as error:
            answers.append(error)
        else:
            answers.append(None)
    return answers


def save_all(
    storage: ActionStorage, results: Sequence[tuple[str, bytes]]
) -> list[Exception | None]:
    """As `ActionStorage.save_all` promises, one after the other."""
    answers: list[Exception | None] = []
    for name, payload in results:
        try:
            storage.save(name, payload)
        except (NoRoom, OSError) as error:
            answers.append(error)
        else:
            answers.append(None)
    return answers
