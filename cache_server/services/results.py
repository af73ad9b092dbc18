"""Action results as they are kept: read whole or not at all, inlined content kept as blobs.

Unaware of calls and messages around a result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from affected.reapi.remote_execution_pb2 import ActionResult, Digest
from cache_server import validate
from cache_server.keys import EMPTY, BlobKey, action_name
from cache_server.services import references
from cache_server.storage.protocol import BlobStorage, Mismatch, Storage
from cache_server.validate import Refusal


def look_up(
    storage: Storage, instance: str, actions: Sequence[BlobKey]
) -> list[tuple[bytes, ActionResult | None]]:
    """The result of each action, as it is kept and as a message.

    None where there is none or a blob that it names is gone.
    """
    payloads = storage.load_all([action_name(instance, action) for action in actions])
    found = [None if payload is None else ActionResult.FromString(payload) for payload in payloads]
    whole = iter(references.whole(storage, [result for result in found if result is not None]))
    return [
        (payload or b"", result if result is not None and next(whole) else None)
        for payload, result in zip(payloads, found, strict=True)
    ]


def keep(storage: Storage, instance: str, action: BlobKey, result: ActionResult) -> None:
    """Keep the result. Content that came inlined with a digest is kept as a blob."""
    contents = inlined(result)
    payload = payload_of(result)
    for error in store_all(storage, contents):
        if error is not None:
            raise error
    storage.save(action_name(instance, action), payload)


def inlined(result: ActionResult) -> list[tuple[BlobKey, bytes]]:
    """Take out of the result what is inlined with a digest; Malformed when a digest is none."""
    for digest in references.direct(result):
        references.key_of(digest)
    contents: list[tuple[BlobKey, bytes]] = []
    for file in result.output_files:
        if file.contents:
            contents.append((references.key_of(file.digest), file.contents))
            file.ClearField("contents")
    if result.stdout_raw and result.stdout_digest.hash:
        contents.append((references.key_of(result.stdout_digest), result.stdout_raw))
        result.ClearField("stdout_raw")
    if result.stderr_raw and result.stderr_digest.hash:
        contents.append((references.key_of(result.stderr_digest), result.stderr_raw))
        result.ClearField("stderr_raw")
    return contents


def payload_of(result: ActionResult) -> bytes:
    """The result as it is kept; Refusal when it is too large."""
    payload = result.SerializeToString()
    if len(payload) > validate.BATCH_LIMIT:
        raise Refusal(
            "INVALID_ARGUMENT",
            f"a result of {len(payload)} bytes is over the limit of {validate.BATCH_LIMIT}",
        )
    return payload


def store_all(
    storage: BlobStorage, contents: Sequence[tuple[BlobKey, bytes]]
) -> list[Exception | None]:
    """Keep each content; for each None or why not, Mismatch when it is not the blob's."""
    if not contents:
        return []
    answers: list[Exception | None] = [None] * len(contents)
    here = storage.present([blob for blob, _ in contents])
    new: list[int] = []
    for place, ((blob, content), found) in enumerate(zip(contents, here, strict=True)):
        if not found and blob != EMPTY:
            new.append(place)
        elif BlobKey(hashlib.sha256(content).hexdigest(), len(content)) != blob:
            answers[place] = Mismatch("inlined content is not that of its digest")
    kept = storage.keep_all([contents[place] for place in new]) if new else []
    for place, error in zip(new, kept, strict=True):
        answers[place] = error
    return answers


def digest_of(content: bytes) -> Digest:
    """The digest of some bytes."""
    return Digest(hash=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
