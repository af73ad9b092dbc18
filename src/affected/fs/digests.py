"""Digests and stamps of files, folders and links on disk.

Unaware of which paths matter. A file's digest is git's blob id of its bytes on disk (git's object
format: the word blob, the size, a zero byte, the bytes), so it equals what git's index says of a
clean tracked file.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from affected.fs.ignore import is_noise
from affected.model.digest import ABSENT, FOLDER, UNREADABLE, Digest

_PACKED: Final = struct.Struct("<qqqQI")
_CHUNK: Final = 1 << 20  # bytes read at once
_ATTEMPTS: Final = 3  # for a file that grows or shrinks while it is read
# Nothing can be opened by that name: it is too long, or its links go in circles.
_NO_SUCH: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
# Linux stamps files with a clock that ticks a few milliseconds at a time; other systems and
# network disks are coarser. A change within that of the stamp's taking may leave it as it is.
RACY_NS: Final = 20_000_000
_WHOLE_SECOND: Final = 1_000_000_000


class Stamp(NamedTuple):
    """Size, times, inode and mode of a file: "probably the same", for next to nothing."""

    size: int  # bytes
    mtime_ns: int
    ctime_ns: int
    inode: int
    mode: int

    def pack(self) -> bytes:
        """36 bytes."""
        return _PACKED.pack(*self)

    @staticmethod
    def unpack(raw: bytes) -> Stamp:
        """Inverse of `pack`; ValueError for other bytes."""
        try:
            return Stamp(*_PACKED.unpack(raw))
        except struct.error as error:
            raise ValueError("not a stamp") from error


def stamp_from(found: os.stat_result) -> Stamp:
    """The stamp of an `lstat` result already had."""
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode)


def stamp_of(path: str | Path) -> Stamp | None:
    """The stamp of what has that name (links not followed), None when nothing has."""
    try:
        return stamp_from(os.lstat(path))
    except (OSError, ValueError):
        return None


def is_racy(stamp: Stamp, taken_ns: int) -> bool:
    """True when the file may have changed after `taken_ns` (clock time) without a new stamp.

    Such a file must be read again instead of being trusted.
    """
    newest = max(stamp.mtime_ns, stamp.ctime_ns)
    coarse = stamp.mtime_ns % _WHOLE_SECOND == 0 and stamp.ctime_ns % _WHOLE_SECOND == 0
    return newest >= taken_ns - (2 * _WHOLE_SECOND if coarse else RACY_NS)


def blob_digest(content: bytes, object_format: str = "sha1") -> str:
    """The id git gives a blob of `content` in hex; `object_format` is "sha1" or "sha256"."""
    state = _hasher(object_format)(b"blob %d\0" % len(content), usedforsecurity=False)
    state.update(content)
    return state.hexdigest()


def _hasher(object_format: str) -> Callable[..., hashlib._Hash]:
    return hashlib.sha256 if object_format == "sha256" else hashlib.sha1


def digest_path(
    root: Path, path: str, object_format: str = "sha1", *, file_mode: bool = True
) -> Digest:
    """The digest of what is at `path` now: a file's bytes, a link's text, FOLDER, ABSENT.

    `file_mode` False leaves the executable bit out, for disks that do not keep one. UNREADABLE
    is for what exists but cannot be read: no permission, a pipe, a socket, a device, a file that
    keeps changing.
    """
    full = f"{os.fspath(root)}/{path}" if path else os.fspath(root)
    try:
        for _ in range(_ATTEMPTS):
            found = os.lstat(full)
            if stat.S_ISREG(found.st_mode):
                digest = _file_digest(full, object_format, file_mode=file_mode)
                if digest is not None:
                    return digest
            elif stat.S_ISLNK(found.st_mode):
                text = os.readlink(os.fsencode(full))  # noqa: PTH115  # bytes, as git stores them
                return Digest(blob_digest(text, object_format) + "l")
            else:
                return FOLDER if stat.S_ISDIR(found.st_mode) else UNREADABLE
    except OSError as error:
        return ABSENT if error.errno in _NO_SUCH else UNREADABLE
    except ValueError:  # a zero byte in the name
        return ABSENT
    return UNREADABLE


def _file_digest(full: str, object_format: str, *, file_mode: bool) -> Digest | None:
    """A regular file's digest; None when it changed meanwhile, in size or kind."""
    try:
        number = os.open(full, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.ELOOP:  # it was a file a moment ago, now it is a link
            return None
        raise
    try:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            return None
        size = found.st_size
        state = _hasher(object_format)(b"blob %d\0" % size, usedforsecurity=False)
        left = size
        while left >= 0:  # one byte more is asked for than there should be
            chunk = os.read(number, min(left + 1, _CHUNK))
            state.update(chunk)
            left -= len(chunk)
            if not chunk or (left == 0 and len(chunk) < _CHUNK):
                break
        if left != 0:
            return None
    finally:
        os.close(number)
    executable = file_mode and found.st_mode & stat.S_IXUSR
    return Digest(state.hexdigest() + ("x" if executable else ""))


def listing_digest(root: Path, folder: str) -> str:
    """SHA-256 over the sorted names in a folder and what each is; noise left out.

    ABSENT when nothing has that name, "file" when it is no folder, UNREADABLE without permission.
    A link to a folder is listed, as programs do.
    """
    full = f"{os.fspath(root)}/{folder}" if folder else os.fspath(root)
    try:
        with os.scandir(full) as entries:
            lines = sorted(
                os.fsencode(entry.name) + b"\0" + _kind(entry)
                for entry in entries
                if not is_noise(entry.name)
            )
    except NotADirectoryError:
        return "file" if os.path.lexists(full) else ABSENT
    except OSError as error:
        return ABSENT if error.errno in _NO_SUCH else UNREADABLE
    except ValueError:
        return ABSENT
    return hashlib.sha256(b"/".join(lines)).hexdigest()


def _kind(entry: os.DirEntry[str]) -> bytes:
    if entry.is_symlink():
        return b"l"
    return b"d" if entry.is_dir(follow_symlinks=False) else b"f"


def probe_digest(root: Path, path: str) -> str:
    """What asking for existence or kind would say: "file", "folder", "link…" or ABSENT.

    A link's answer names what it leads to ("link-file", "link-folder"), for a program that asks
    whether it exists is told so; one that leads nowhere is "link".
    """
    full = f"{os.fspath(root)}/{path}" if path else os.fspath(root)
    try:
        mode = os.lstat(full).st_mode
        if not stat.S_ISLNK(mode):
            return "folder" if stat.S_ISDIR(mode) else "file"
    except (OSError, ValueError):
        return ABSENT
    try:
        followed = os.stat(full).st_mode  # noqa: PTH116  # one of many thousand
    except OSError:
        return "link"
    return "link-folder" if stat.S_ISDIR(followed) else "link-file"
