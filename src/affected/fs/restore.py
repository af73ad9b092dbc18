"""Outputs written back from a cache: all of them or none, and nowhere but where they belong.

Unaware of caches: blobs come from a function. What a cache says is not trusted: paths, links, names
and sizes are checked before anything is written. A folder is made beside its place and moved there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from affected.fs.outputs import (
    FOLDER,
    MOST_BYTES,
    MOST_ENTRIES,
    Cover,
    OutputTrouble,
    Written,
    discard,
    entries,
    is_glob,
    remove,
    stays_inside,
)
from affected.model.blob import BlobName
from affected.model.path import RepoPath, ancestors, display, is_under, name, parent, relative_to

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def check(
    outputs: Sequence[RepoPath], written: Sequence[Written], *, folds_case: bool = False
) -> None:
    """Raises OutputTrouble unless all of `written` may be put below `outputs`.

    `folds_case`: the disk takes names that differ in case for one.
    """
    if len(written) > MOST_ENTRIES or _bytes(written) > MOST_BYTES:
        raise _refused("they are too many or too large")
    cover = Cover(outputs)
    seen: set[str] = set()
    folders: set[str] = set()
    for one in written:
        parts = one.path.split("/")
        if "\0" in one.path or not {"", ".", "..", ".git"}.isdisjoint(parts):
            raise _refused(f"{display(one.path)} is no path in the workspace")
        if not cover.holds(one.path):
            raise _refused(f"{display(one.path)} is none of the declared outputs")
        if one.blob is None and not stays_inside(one.path, one.link):
            raise _refused(f"the link {display(one.path)} leaves the workspace")
        known = one.path.casefold() if folds_case else one.path
        if known in seen:
            raise _refused(f"two of them are called {display(one.path)}")
        seen.add(known)
        folders.update(a.casefold() if folds_case else a for a in ancestors(one.path))
    both = seen & folders
    if both:
        raise _refused(f"{display(min(both))} is both a file and a folder")


def _bytes(written: Sequence[Written]) -> int:
    return sum(one.blob.size for one in written if one.blob is not None)


def _refused(why: str) -> OutputTrouble:
    return OutputTrouble(f"the cache holds outputs that cannot be restored: {why}")


def folds_case(folder: Path) -> bool:
    """True when the disk below `folder`, whose name has letters, takes Ab and aB for one name."""
    other = folder.with_name(folder.name.swapcase())
    return other != folder and other.exists() and other.samefile(folder)


def restore(
    root: Path,
    outputs: Sequence[RepoPath],
    written: Sequence[Written],
    folders: Sequence[RepoPath],
    read: Callable[[BlobName], bytes],
) -> None:
    """Makes the outputs what `written` says, empty `folders` too; `check` has been asked before.

    Raises OutputTrouble when the disk resists, or KeyError when `read` has a blob no more; then
    what was there before is still there, or is gone.
    """
    try:
        for output in outputs:
            cover = Cover((output,))
            mine = [one for one in written if cover.holds(one.path)]
            below = [folder for folder in folders if is_under(folder, output)]
            if is_glob(output) or any(one.path == output for one in mine):
                _restore_files(root, output, mine, read)
            elif mine or below:
                _restore_folder(root, output, mine, below, read)
            else:
                remove(root, (output,))
    except OSError as error:
        raise OutputTrouble(
            f"outputs cannot be restored: {error.strerror or error}",
            "make room, or make the folders of the outputs writable",
        ) from error


def _restore_files(
    root: Path, output: RepoPath, mine: Sequence[Written], read: Callable[[BlobName], bytes]
) -> None:
    wanted = {one.path for one in mine}
    for path, _ in [*entries(root, output)]:
        if path not in wanted:
            remove(root, (path,))
    for one in mine:
        with _made(root, parent(one.path)) as above:
            beside = _beside(name(one.path))
            with _tidied(beside, above):
                _write(one, beside, above, read)
                with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                    os.replace(beside, name(one.path), src_dir_fd=above, dst_dir_fd=above)
                    continue
                discard(name(one.path), above)  # a folder is in the way
                os.rename(beside, name(one.path), src_dir_fd=above, dst_dir_fd=above)


def _restore_folder(
    root: Path,
    output: RepoPath,
    mine: Sequence[Written],
    below: Sequence[RepoPath],
    read: Callable[[BlobName], bytes],
) -> None:
    with _made(root, parent(output)) as above:
        beside = _beside(name(output))
        with _tidied(beside, above):
            os.mkdir(beside, dir_fd=above)
            top = os.open(beside, FOLDER, dir_fd=above)
            try:
                _fill(top, output, mine, below, read)
            finally:
                os.close(top)
            old = _beside(name(output))
            with contextlib.suppress(FileNotFoundError):
                os.rename(name(output), old, src_dir_fd=above, dst_dir_fd=above)
            os.rename(beside, name(output), src_dir_fd=above, dst_dir_fd=above)
            with contextlib.suppress(FileNotFoundError):
                discard(old, above)


def _fill(
    top: int,
    output: RepoPath,
    mine: Sequence[Written],
    below: Sequence[RepoPath],
    read: Callable[[BlobName], bytes],
) -> None:
    """Everything into a folder that is new and ours alone."""
    known = {RepoPath(""): top}
    try:
        for folder in sorted(below):
            _open_new(known, RepoPath(relative_to(folder, output)) if folder != output else "")
        for one in mine:
            place = relative_to(one.path, output)
            _write(one, name(place), _open_new(known, parent(place)), read)
    finally:
        for path, number in known.items():
            if path:
                os.close(number)


def _open_new(known: dict[RepoPath, int], folder: str) -> int:
    path = RepoPath(folder)
    if path not in known:
        above = _open_new(known, parent(path))
        with contextlib.suppress(FileExistsError):
            os.mkdir(name(path), dir_fd=above)
        known[path] = os.open(name(path), FOLDER, dir_fd=above)
    return known[path]


def _write(one: Written, entry: str, above: int, read: Callable[[BlobName], bytes]) -> None:
    if one.blob is None:
        os.symlink(one.link, entry, dir_fd=above)
        return
    content = read(one.blob)
    if len(content) != one.blob.size:
        raise OutputTrouble(f"the cache holds something else for {display(one.path)}")
    number = os.open(entry, _NEW, 0o777 if one.executable else 0o666, dir_fd=above)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(number, rest) :]
    finally:
        os.close(number)


def _beside(entry: str) -> str:
    return f".{entry[:100]}.{os.getpid()}-{os.urandom(4).hex()}.tmp"


@contextlib.contextmanager
def _tidied(entry: str, above: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            discard(entry, above)
        raise


@contextlib.contextmanager
def _made(root: Path, folder: RepoPath) -> Iterator[int]:
    """The open folder, made if it is missing; OutputTrouble where a link is on the way."""
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folder.split("/") if folder else ():
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=here)
            try:
                inner = os.open(part, FOLDER, dir_fd=here)
            except OSError as error:
                raise OutputTrouble(
                    f"{display(folder)} is a link or a file where outputs belong in a folder",
                    "remove it, or declare other outputs",
                ) from error
            os.close(here)
            here = inner
        yield here
    finally:
        os.close(here)
