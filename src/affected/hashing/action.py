"""Actions, commands and their results as the Remote Execution API's messages.

Unaware of targets and of where results are kept. An action's name is a command target's key, the
same for every client that describes the same work in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from affected.hashing.tree import File, Link
from affected.hashing.wire import (
    blob_name,
    digest_message,
    duration_message,
    fields,
    joined,
    number_field,
    pair_message,
    read_bytes,
    read_digest,
    read_number,
    read_text,
    sized_field,
    text_bytes,
    text_field,
)
from affected.model.blob import EMPTY, BlobName

_NANOS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Command:
    """`Command`: what is started, where, with which variables; names sorted, as REAPI asks."""

    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    folder: str
    outputs: tuple[str, ...]  # paths from `folder`

    def encode(self) -> bytes:
        """The message."""
        return b"".join(
            (
                joined(1, map(text_bytes, self.arguments)),
                joined(2, (pair_message(*pair) for pair in sorted(self.environment))),
                text_field(6, self.folder),
                joined(7, map(text_bytes, sorted(self.outputs))),
            )
        )


@dataclass(frozen=True, slots=True)
class Action:
    """`Action`: a command and all that it may see."""

    command: BlobName
    input_root: BlobName
    platform: tuple[tuple[str, str], ...]
    timeout: float | None = None  # seconds
    salt: bytes = b""
    cached: bool = True

    def encode(self) -> bytes:
        """The message."""
        timeout = b"" if self.timeout is None else sized_field(6, duration_message(self.timeout))
        properties = joined(1, (pair_message(*pair) for pair in sorted(self.platform)))
        return b"".join(
            (
                sized_field(1, digest_message(self.command)),
                sized_field(2, digest_message(self.input_root)),
                timeout,
                number_field(7, int(not self.cached)),
                sized_field(9, self.salt) if self.salt else b"",
                sized_field(10, properties) if properties else b"",
            )
        )


@dataclass(frozen=True, slots=True)
class Folder:
    """An output folder: its `Tree`'s name and its root `Directory`'s."""

    tree: BlobName
    root: BlobName


Output = File | Folder | Link


@dataclass(frozen=True, slots=True)
class ActionResult:
    """`ActionResult`: what a command left. `outputs` by path from the command's folder."""

    outputs: tuple[tuple[str, Output], ...]
    exit_code: int = 0
    stdout: BlobName = EMPTY  # both streams, in the order in which they were written
    worker: str = ""
    seconds: float = 0.0

    def encode(self) -> bytes:
        """The message."""
        files: list[bytes] = []
        folders: list[bytes] = []
        links: list[bytes] = []
        for path, output in sorted(self.outputs):
            start = text_field(1, path)
            if isinstance(output, File):
                blob = sized_field(2, digest_message(output.blob))
                files.append(start + blob + number_field(4, int(output.executable)))
            elif isinstance(output, Folder):
                root = sized_field(5, digest_message(output.root))
                folders.append(start + sized_field(3, digest_message(output.tree)) + root)
            else:
                links.append(start + text_field(2, output.text))
        ran = text_field(1, self.worker) + sized_field(12, duration_message(self.seconds))
        return b"".join(
            (
                joined(2, files),
                joined(3, folders),
                number_field(4, self.exit_code),
                sized_field(6, digest_message(self.stdout)),
                sized_field(9, ran),
                joined(12, links),
            )
        )


def read_result(message: bytes) -> ActionResult:
    """Inverse of `ActionResult.encode`, of any client's; ValueError for what is none."""
    outputs: list[tuple[str, Output]] = []
    exit_code, stdout, worker, seconds = 0, EMPTY, "", 0.0
    for field, value in fields(message):
        if field in {2, 3, 10, 11, 12}:
            outputs.append(_read_output(field, read_bytes(value)))
        elif field == 4:  # noqa: PLR2004
            exit_code = read_number(value)
        elif field == 6:  # noqa: PLR2004
            stdout = read_digest(read_bytes(value))
        elif field == 9:  # noqa: PLR2004
            worker, seconds = _read_execution(read_bytes(value))
    return ActionResult(tuple(sorted(outputs)), exit_code, stdout, worker, seconds)


def _read_output(kind: int, message: bytes) -> tuple[str, Output]:
    found: dict[int, int | bytes] = dict(fields(message))
    path = read_text(found.get(1, b""))
    if kind in {10, 11, 12}:
        return path, Link(read_text(found.get(2, b"")))
    if kind == 2:  # noqa: PLR2004
        blob = read_digest(read_bytes(found.get(2, b"")))
        return path, File(blob, bool(read_number(found.get(4, 0))))
    tree = read_digest(read_bytes(found.get(3, b"")))
    root = read_digest(read_bytes(found[5])) if 5 in found else EMPTY  # noqa: PLR2004
    return path, Folder(tree, root)


def _read_execution(message: bytes) -> tuple[str, float]:
    found: dict[int, int | bytes] = dict(fields(message))
    lasted: dict[int, int | bytes] = dict(fields(read_bytes(found.get(12, b""))))
    nanos = read_number(lasted.get(1, 0)) * _NANOS + read_number(lasted.get(2, 0))
    return read_text(found.get(1, b"")), nanos / _NANOS


def key_of(action: Action) -> BlobName:
    """The action's name: what its result is looked up by."""
    return blob_name(action.encode())


def salt_of(parts: Sequence[str]) -> bytes:
    """What else a result depends on than the input root, as one short text."""
    if not any(parts):
        return b""
    return blob_name(b"\0".join(map(text_bytes, parts))).sha256.encode("ascii")
