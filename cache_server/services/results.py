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
) -> list[ActionResult | None]:
    """The result of each action; None where there is none or a blob that it names is gone."""
    payloads = storage.load_all([action_name(instance, action) for action in actions])
    found = [None if payload is None else ActionResult.FromString(payload) for payload in payloads]
    whole = iter(references.whole(storage, [result for result in found if result is not None]))
    return [result if result is not None and next(whole) else None for result in found]


def keep(
    storage: Storage, instance: str, action: BlobKey, result: ActionResult, *, whole: bool = False
) -> None:
    """Keep the result. Content that came inlined with a digest is kept as a blob.

    With `whole` a Refusal when a blob that it names is not here.
    """
    for digest in references.direct(result):
        references.key_of(digest)
    for file in result.output_files:
        if file.contents:
            store(storage, references.key_of(file.digest), file.contents)
            file.ClearField("contents")
    if result.stdout_raw and result.stdout_digest.hash:
        store(storage, references.key_of(result.stdout_digest), result.stdout_raw)
        result.ClearField("stdout_raw")
    if result.stderr_raw and result.stderr_digest.hash:
        store(storage, references.key_of(result.stderr_digest), result.stderr_raw)
        result.ClearField("stderr_raw")
    payload = result.SerializeToString()
    if len(payload) > validate.BATCH_LIMIT:
        raise Refusal(
            "INVALID_ARGUMENT",
            f"a result of {len(payload)} bytes is over the limit of {validate.BATCH_LIMIT}",
        )
    if whole and not references.whole(storage, [result])[0]:
        raise Refusal("FAILED_PRECONDITION", "a blob that the record names is not here")
    storage.save(action_name(instance, action), payload)


def store(storage: BlobStorage, blob: BlobKey, content: bytes) -> None:
    """Keep the content; Mismatch when it is not the blob's."""
    if blob == EMPTY or storage.present([blob])[0]:
        if BlobKey(hashlib.sha256(content).hexdigest(), len(content)) != blob:
            raise Mismatch("inlined content is not that of its digest")
        return
    upload = storage.create(blob)
    try:
        upload.append(content)
        upload.commit()
    finally:
        upload.discard()


def digest_of(content: bytes) -> Digest:
    """The digest of some bytes."""
    return Digest(hash=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
