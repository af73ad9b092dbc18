"""What a command wrote: found, digested and removed, never beyond its declared outputs.

Unaware of caches. No link is followed on the way to an output or inside it: each folder is opened
by name in the folder above it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from affected.errors import UserError
from affected.fs.ignore import Patterns
from affected.model.blob import BlobName
from affected.model.path import RepoPath, ancestors, display, join, name, parent

MOST_BYTES: Final = 1 << 30  # of one target's outputs; more is not kept
MOST_ENTRIES: Final = 200_000
FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CHUNK: Final = 1 << 20


class OutputTrouble(UserError):
    """An output that cannot be kept or restored as it is."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file (`blob`) or a symbolic link (`link`) that a command wrote."""

    path: RepoPath
    blob: BlobName | None
    executable: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Harvest:
    """Everything found at some outputs; `folders` are those that are outputs, or inside one."""

    written: tuple[Written, ...]
    folders: tuple[RepoPath, ...]
    missing: tuple[RepoPath, ...]  # outputs that name nothing


def is_glob(output: str) -> bool:
    """True when an output names more than one path."""
    return any(sign in output for sign in "*?[")


class Cover:
    """Says which paths some outputs name or hold."""

    def __init__(self, outputs: Iterable[RepoPath]) -> None:
        every = list(outputs)
        self._plain = frozenset(output for output in every if not is_glob(output))
        globs = [f"/{output}" for output in every if is_glob(output)]
        self._globs = Patterns(globs) if globs else None

    def holds(self, path: str) -> bool:
        """True when one of the outputs is `path`, or holds it."""
        if path in self._plain:
            return True
        if self._plain and not self._plain.isdisjoint(ancestors(path)):
            return True
        return self._globs is not None and self._globs.matches(path)


@contextlib.contextmanager
def opened(root: Path, folder: str) -> Iterator[int]:
    """The open folder; FileNotFoundError without it, OutputTrouble where a link is on the way."""
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folder.split("/") if folder else ():
            try:
                inner = os.open(part, FOLDER, dir_fd=here)
            except OSError as error:
                if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                    raise _no_folder(folder) from error
                raise
            os.close(here)
            here = inner
        yield here
    finally:
        os.close(here)


def _no_folder(folder: str) -> OutputTrouble:
    return OutputTrouble(
        f"{display(folder)} is a link or a file where outputs belong in a folder",
        "remove it, or declare other outputs",
    )


def harvest(root: Path, outputs: Sequence[RepoPath]) -> Harvest:
    """What is there, digested. OutputTrouble for devices, pipes and what is far too large."""
    found: dict[RepoPath, Written] = {}
    folders: dict[RepoPath, None] = {}
    missing: list[RepoPath] = []
    room = MOST_BYTES
    for output in outputs:
        before = len(found) + len(folders)
        for path, status in entries(root, output):
            if stat.S_ISDIR(status.st_mode):
                folders[path] = None
                continue
            if path not in found:
                found[path] = _written(root, path, status, room)
                room -= status.st_size
        if len(found) + len(folders) > MOST_ENTRIES:
            raise OutputTrouble(
                f"{display(output)} holds more than {MOST_ENTRIES:,} files", "declare fewer outputs"
            )
        if len(found) + len(folders) == before:
            missing.append(output)
    return Harvest(
        tuple(found[path] for path in sorted(found)), tuple(sorted(folders)), tuple(missing)
    )


def entries(root: Path, output: RepoPath) -> Iterator[tuple[RepoPath, os.stat_result]]:
    """Every file, link and folder that an output names or holds; folders of globs left out."""
    start, chosen = output, None
    if is_glob(output):
        chosen = Patterns([f"/{output}"])
        while is_glob(start):
            start = parent(start)
    try:
        with opened(root, parent(start)) as above:
            found = os.stat(name(start) or ".", dir_fd=above, follow_symlinks=False)
    except FileNotFoundError:
        return
    pending = [(start, found)]
    while pending:
        path, status = pending.pop()
        if stat.S_ISDIR(status.st_mode):
            if chosen is None:
                yield path, status
            pending += _inside(root, path)
        elif chosen is None or chosen.matches(path):
            yield path, status


def _inside(root: Path, folder: RepoPath) -> list[tuple[RepoPath, os.stat_result]]:
    with opened(root, folder) as number, os.scandir(number) as found:
        return [
            (join(folder, entry.name), entry.stat(follow_symlinks=False))
            for entry in sorted(found, key=lambda entry: entry.name)
            if not (folder == "" and entry.name == ".git")
        ]


def _written(root: Path, path: RepoPath, status: os.stat_result, room: int) -> Written:
    with opened(root, parent(path)) as above:
        if stat.S_ISLNK(status.st_mode):
            text = os.readlink(name(path), dir_fd=above)
            if not stays_inside(path, text):
                raise OutputTrouble(
                    f"the output {display(path)} is a link to {display(text)}, which leaves"
                    " the workspace",
                    "write a relative link that stays inside, or a copy",
                )
            return Written(path, None, link=text)
        if not stat.S_ISREG(status.st_mode):
            raise OutputTrouble(
                f"the output {display(path)} is a device, a pipe or a socket",
                "write files, folders and links only",
            )
        if status.st_size > room:
            raise OutputTrouble(
                f"the outputs around {display(path)} are larger than {MOST_BYTES >> 20:,} MiB",
                "declare fewer outputs, or set cache = false",
            )
        return Written(path, _digest(name(path), above), bool(status.st_mode & stat.S_IXUSR))


def _digest(file: str, above: int) -> BlobName:
    number = os.open(file, _READ, dir_fd=above)
    try:
        state, size = hashlib.sha256(), 0
        while chunk := os.read(number, _CHUNK):
            state.update(chunk)
            size += len(chunk)
    finally:
        os.close(number)
    return BlobName(state.hexdigest(), size)


def content(root: Path, path: RepoPath) -> bytes:
    """A written file's bytes; OSError when it is gone or is no file any more."""
    with opened(root, parent(path)) as above:
        number = os.open(name(path), _READ, dir_fd=above)
        with open(number, "rb") as stream:  # noqa: PTH123  (a descriptor)
            return stream.read()


def stays_inside(path: str, text: str) -> bool:
    """True when a link at `path` that says `text` leads to a place in the workspace.

    Steps up come first: behind a name, which may itself be a link, `..` could lead anywhere.
    """
    if text.startswith("/") or "\0" in text or not text:
        return False
    parts = [part for part in text.split("/") if part not in {"", "."}]
    ups = 0
    while ups < len(parts) and parts[ups] == "..":
        ups += 1
    return ".." not in parts[ups:] and ups <= path.count("/") and ".git" not in parts


def remove(root: Path, outputs: Iterable[RepoPath]) -> None:
    """Takes away whatever is at the outputs. OutputTrouble when something resists."""
    for output in outputs:
        named = [output]
        if is_glob(output):
            named = [path for path, _ in entries(root, output)]
        for path in named:
            try:
                with opened(root, parent(path)) as above:
                    discard(name(path), above)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise OutputTrouble(
                    f"the output {display(path)} cannot be removed: {error.strerror}",
                    "make it writable, or remove it by hand",
                ) from error


def discard(entry: str, above: int) -> None:
    """Removes a file, link or folder in an open folder."""
    found = os.stat(entry, dir_fd=above, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        shutil.rmtree(entry, dir_fd=above)
    else:
        os.unlink(entry, dir_fd=above)
