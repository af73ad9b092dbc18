"""The blobs that an action result names, Trees and what they name included. Unaware of calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from google.protobuf.message import DecodeError

from affected.reapi.remote_execution_pb2 import ActionResult, Digest, Directory, Tree
from cache_server.keys import EMPTY, BlobKey, blob_key
from cache_server.storage.protocol import BlobStorage

LARGEST_FOLDER: Final = 64 * 1024 * 1024  # bytes of a Tree or Directory; it is read into memory
Kind = TypeVar("Kind", Tree, Directory)


class Incomplete(Exception):
    """A blob that is named is not here, or is not the message that it is said to be."""


def key_of(digest: Digest) -> BlobKey:
    """The key of a digest as received; Malformed when it is none of SHA-256."""
    return blob_key(digest.hash, digest.size_bytes)


def fetch(storage: BlobStorage, blob: BlobKey) -> bytes | None:
    """The blob; the empty one always exists."""
    return b"" if blob == EMPTY else storage.fetch(blob)


def direct(result: ActionResult) -> Iterator[Digest]:
    """The digests that stand in the result itself; what is not set is none."""
    for file in result.output_files:
        yield file.digest
    for folder in result.output_directories:
        if folder.tree_digest.hash:
            yield folder.tree_digest
        if folder.root_directory_digest.hash:
            yield folder.root_directory_digest
    for digest in (result.stdout_digest, result.stderr_digest):
        if digest.hash:
            yield digest


def whole(storage: BlobStorage, results: Sequence[ActionResult]) -> list[bool]:
    """Which of the results name only blobs that are here; those count as used now.

    Their digests were checked when the results came.
    """
    named = [[(d.hash, d.size_bytes) for d in direct(result)] for result in results]
    asked = [blob for blobs in named for blob in blobs]
    here = iter(storage.present(asked) if asked else [])
    answers = []
    for result, blobs in zip(results, named, strict=True):
        found = [next(here) or blob == EMPTY for blob in blobs]
        folders = bool(result.output_directories)
        answers.append(all(found) and (not folders or has_folders(storage, result)))
    return answers


def has_folders(storage: BlobStorage, result: ActionResult) -> bool:
    """Whether all that the result's folders hold is here."""
    try:
        require_folders(storage, result)
    except Incomplete:
        return False
    return True


def require_folders(storage: BlobStorage, result: ActionResult) -> None:
    """Incomplete unless every blob below the result's folders is here."""
    for folder in result.output_directories:
        if folder.tree_digest.hash:
            tree = message_of(storage, folder.tree_digest, Tree)
            present(storage, files_of((tree.root, *tree.children)))
        if folder.root_directory_digest.hash:
            below = list(directories(storage, folder.root_directory_digest, whole=True))
            present(storage, files_of(below))


def present(storage: BlobStorage, digests: Iterable[Digest]) -> None:
    """Incomplete unless all of them are here."""
    asked = [key_of(digest) for digest in digests]
    asked = [blob for blob in asked if blob != EMPTY]
    if asked and not all(storage.present(asked)):
        raise Incomplete


def files_of(folders: Iterable[Directory]) -> Iterator[Digest]:
    """The digests of all files in the folders."""
    for folder in folders:
        for file in folder.files:
            yield file.digest


def directories(storage: BlobStorage, root: Digest, *, whole: bool) -> Iterator[Directory]:
    """`root` and all folders below it, each once, breadth first.

    A folder that is not here is Incomplete when it is the root or `whole` is asked for; else it
    is left out with what is below it.
    """
    seen = {root.hash}
    level = [root]
    while level:
        found: list[Digest] = []
        for digest in level:
            try:
                folder = message_of(storage, digest, Directory)
            except Incomplete:
                if whole or digest is root:
                    raise
                continue
            yield folder
            found += [below.digest for below in folder.directories]
        level = []
        for digest in found:
            if digest.hash not in seen:
                seen.add(digest.hash)
                level.append(digest)


def message_of(storage: BlobStorage, digest: Digest, kind: type[Kind]) -> Kind:
    """The blob as a message; Incomplete when it is not here or no such message."""
    blob = key_of(digest)
    content = fetch(storage, blob) if blob.size <= LARGEST_FOLDER else None
    if content is None:
        raise Incomplete
    try:
        return kind.FromString(content)
    except DecodeError as trouble:
        raise Incomplete from trouble
