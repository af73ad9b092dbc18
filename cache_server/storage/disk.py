"""Blobs and action results as files in one folder. Unaware of the network and of instances.

    FOLDER/cas/ab/abcd…     a blob, named by its SHA-256, nothing but its bytes
    FOLDER/ac/ab/abcd…      an action result: MAGIC, SHA-256 of the payload, payload
    FOLDER/tmp/             uploads; emptied at each start
    FOLDER/quarantine/      what was found damaged, the newest few
    FOLDER/lock             held by the one server that serves the folder

Files come to be in `tmp` and are renamed when they are whole, so a process may be killed at any
time. A blob's bytes are hashed again when it is first read and whenever its file's stamp (inode,
size, modification and change time) is another than at the last check.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from cache_server.keys import EMPTY, HASH, BlobKey
from cache_server.storage import one_by_one
from cache_server.storage.disk_upload import DiskUpload, full_disk_is_no_room
from cache_server.storage.ledger import Entry, Ledger, Stamp
from cache_server.storage.protocol import NoRoom, Tell, Upload, Usage

MAGIC: Final = b"affected-ac-1\n"  # version 1
HEADER: Final = len(MAGIC) + 32
BLOCK: Final = 4096  # what a file system gives out at least
ACTION: Final = "a"  # before an action's name, in the ledger
STALE_SECONDS: Final = 3600  # a file read after that long says so in its modification time
QUARANTINED: Final = 16  # damaged files kept for a look
HASH_PIECE: Final = 1024 * 1024


class FolderInUse(Exception):
    """Another server serves the folder."""


class DiskSource:
    """A blob's open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, size: int) -> bytes:
        """As `Source` promises."""
        return os.pread(self._descriptor, size, offset)

    def close(self) -> None:
        """As `Source` promises."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class DiskStorage:
    """`Storage` in `folder`, at most `max_bytes` of it in whole blocks; FolderInUse when taken."""

    def __init__(self, folder: Path, max_bytes: int, tell: Tell) -> None:
        self._folder = str(folder)
        self._tell = tell
        self._mutex = threading.Lock()
        self._ledger = Ledger(max_bytes, BLOCK)
        self._numbers = itertools.count()
        for name in ("cas", "ac", "tmp", "quarantine"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as trouble:
            os.close(self._lock)
            raise FolderInUse(f"another server serves {folder}") from trouble
        for left in (folder / "tmp").iterdir():
            left.unlink(missing_ok=True)
        self._rebuild()

    # ---- blobs -----------------------------------------------------------------------------

    def present(self, blobs: Sequence[tuple[str, int]]) -> list[bool]:
        """As `BlobStorage` promises."""
        with self._mutex:
            return self._ledger.present(blobs)

    def fetch(self, blob: BlobKey) -> bytes | None:
        """As `BlobStorage` promises."""
        source = self.open(blob)
        if source is None:
            return None
        try:
            content = source.read(0, blob.size)
            while len(content) < blob.size and (more := source.read(len(content), blob.size)):
                content += more
        finally:
            source.close()
        return content if len(content) == blob.size else None

    def open(self, blob: BlobKey) -> DiskSource | None:
        """As `BlobStorage` promises."""
        with self._mutex:
            entry = self._ledger.find(blob.hash)
        if entry is None or entry.size != blob.size:
            return None
        try:
            descriptor = os.open(self._path(blob.hash), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._lose(blob.hash)
            return None
        try:
            whole = self._is_whole(descriptor, blob, entry)
        except BaseException:
            os.close(descriptor)
            raise
        if not whole:
            os.close(descriptor)
            return None
        return DiskSource(descriptor)

    def create(self, blob: BlobKey) -> Upload:
        """As `BlobStorage` promises."""
        if not self._ledger.fits(blob.size):
            raise NoRoom(f"{blob.size} bytes are over the limit of {self._ledger.limit}")
        return DiskUpload(self, blob, self._scratch())

    # ---- action results --------------------------------------------------------------------

    def fetch_all(self, blobs: Sequence[BlobKey]) -> list[bytes | None]:
        """As `BlobStorage` promises."""
        return [self.fetch(blob) for blob in blobs]

    def keep_all(self, contents: Sequence[tuple[BlobKey, bytes]]) -> list[Exception | None]:
        """As `BlobStorage` promises."""
        return one_by_one.keep_all(self, contents)

    def load(self, name: str) -> bytes | None:
        """As `ActionStorage` promises."""
        entry_name = ACTION + name
        with self._mutex:
            entry = self._ledger.find(entry_name)
        if entry is None:
            return None
        try:
            with open(self._path(entry_name), "rb", buffering=0) as file:  # noqa: PTH123  (hot)
                content = file.readall()
                stamp = stamp_of(file.fileno())
        except FileNotFoundError:
            self._lose(entry_name)
            return None
        payload = content[HEADER:]
        if content[:HEADER] != MAGIC + hashlib.sha256(payload).digest():
            self._quarantine(entry_name, stamp)
            return None
        return payload

    def load_all(self, names: Sequence[str]) -> list[bytes | None]:
        """As `ActionStorage` promises."""
        return [self.load(name) for name in names]

    def save(self, name: str, payload: bytes) -> None:
        """As `ActionStorage` promises."""
        content = MAGIC + hashlib.sha256(payload).digest() + payload
        if not self._ledger.fits(len(content)):
            raise NoRoom(f"{len(content)} bytes are over the limit of {self._ledger.limit}")
        scratch = self._scratch()
        self.reserve(len(content))
        try:
            with full_disk_is_no_room(), open(scratch, "wb", buffering=0) as file:  # noqa: PTH123
                file.write(content)
        except BaseException:
            self.release(len(content))
            with contextlib.suppress(OSError):
                os.unlink(scratch)  # noqa: PTH108  (hot)
            raise
        self.keep(ACTION + name, scratch, len(content))

    # ---- both ------------------------------------------------------------------------------

    def save_all(self, results: Sequence[tuple[str, bytes]]) -> list[Exception | None]:
        """As `ActionStorage` promises."""
        return one_by_one.save_all(self, results)

    def usage(self) -> Usage:
        """As `Storage` promises."""
        with self._mutex:
            ledger = self._ledger
            return Usage(len(ledger), ledger.kept + ledger.reserved, ledger.limit)

    def close(self) -> None:
        """As `Storage` promises; the order of use is written to the files' times."""
        if self._lock < 0:
            return
        now = time.time_ns()
        with self._mutex:
            order = [name for name, entry in self._ledger.items() if entry.used]
            for position, name in enumerate(order):
                moment = now - (len(order) - position) * 1000
                with contextlib.suppress(OSError):
                    os.utime(self._path(name), ns=(moment, moment))
        os.close(self._lock)
        self._lock = -1

    def verify(self) -> int:
        """Read everything once; what is damaged is put away. How many things were sound."""
        with self._mutex:
            names = [(name, entry.size) for name, entry in self._ledger.items()]
        sound = 0
        for name, size in names:
            if size is None:
                sound += self.load(name.removeprefix(ACTION)) is not None
            elif (source := self.open(BlobKey(name, size))) is not None:
                source.close()
                sound += 1
        return sound

    def reserve(self, size: int) -> None:
        """Set bytes aside for an upload; NoRoom when they do not fit."""
        with self._mutex:
            self._drop(self._ledger.reserve(size))

    def release(self, size: int) -> None:
        """Give back bytes of an upload."""
        with self._mutex:
            self._ledger.release(size)

    def keep(self, name: str, scratch: str, reserved: int) -> None:
        """Keep the whole, checked file `scratch`, for which `reserved` bytes are set aside."""
        with self._mutex:
            self._ledger.release(reserved)
            try:
                self._drop(self._ledger.admit(name, reserved, blob=is_blob(name)))
                try:
                    place(scratch, self._path(name))
                except OSError:
                    self._ledger.forget(name)
                    raise
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(scratch)  # noqa: PTH108  (hot)
                raise

    # ---- inside ----------------------------------------------------------------------------

    def _path(self, name: str) -> str:
        if is_blob(name):
            return f"{self._folder}/cas/{name[:2]}/{name}"
        return f"{self._folder}/ac/{name[1:3]}/{name[1:]}"

    def _scratch(self) -> str:
        return f"{self._folder}/tmp/{next(self._numbers)}"  # noqa: S108  (below our folder)

    def _drop(self, names: Iterable[str]) -> None:
        """Remove files; the caller holds the mutex, so none of them can come back meanwhile."""
        for name in names:
            path = self._path(name)
            try:
                size = os.stat(path).st_size  # noqa: PTH116  (hot)
                os.unlink(path)  # noqa: PTH108  (hot)
            except OSError:
                continue
            self._tell("evicted", name, size)

    def _lose(self, name: str) -> None:
        """Someone removed the file: it is not here any more, unless it came again meanwhile."""
        with self._mutex:
            if not os.path.exists(self._path(name)):  # noqa: PTH110
                self._ledger.forget(name)

    def _is_whole(self, descriptor: int, blob: BlobKey, entry: Entry) -> bool:
        """Are the open file's bytes the blob's? If not it is put away."""
        stamp = stamp_of(descriptor)
        if entry.stamp == stamp:
            return True
        if stamp[1] != blob.size or hash_of(descriptor) != blob.hash:
            self._quarantine(blob.hash, stamp)
            return False
        if time.time() - stamp[2] / 1e9 > STALE_SECONDS:
            with contextlib.suppress(OSError):
                os.utime(descriptor)
                stamp = stamp_of(descriptor)
        entry.stamp = stamp
        return True

    def _quarantine(self, name: str, stamp: Stamp) -> None:
        """Put the damaged file away and forget it, unless another one took its place already."""
        path = self._path(name)
        away = Path(self._folder, "quarantine")
        with self._mutex:
            try:
                if os.stat(path).st_ino != stamp[0]:  # noqa: PTH116
                    return
                os.replace(path, away / name)  # noqa: PTH105
            except OSError:
                self._tell("failed", name, stamp[1])
            self._ledger.forget(name)
            kept = sorted(away.iterdir(), key=lambda file: file.stat().st_ctime_ns)
            for file in kept[:-QUARANTINED]:
                file.unlink(missing_ok=True)
        self._tell("quarantined", name, stamp[1])

    def _rebuild(self) -> None:
        """Read the folder: names, sizes, and the order of use by modification time."""
        found: list[tuple[int, str, int]] = []
        for kind, mark in (("cas", ""), ("ac", ACTION)):
            with os.scandir(f"{self._folder}/{kind}") as shards:
                for shard in shards:
                    if shard.is_dir(follow_symlinks=False):
                        found += files_of(shard.path, mark)
        found.sort()
        with self._mutex:
            for _, name, size in found:
                try:
                    self._drop(self._ledger.admit(name, size, blob=is_blob(name), used=False))
                except NoRoom:
                    self._drop([name])


def is_blob(name: str) -> bool:
    """Whether a ledger's name is a blob's hash, not an action's name with ACTION before it."""
    return len(name) == len(EMPTY.hash)


def files_of(folder: str, mark: str) -> Iterator[tuple[int, str, int]]:
    """(modification time, name with `mark` before it, size) of each kept file of a folder."""
    with os.scandir(folder) as listing:
        for file in listing:
            if HASH.fullmatch(file.name) is not None:
                stat = file.stat(follow_symlinks=False)
                yield stat.st_mtime_ns, mark + file.name, stat.st_size


def place(scratch: str, path: str) -> None:
    """Rename, making the shard's folder when it is the first file there."""
    try:
        os.replace(scratch, path)  # noqa: PTH105  (hot)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        os.replace(scratch, path)  # noqa: PTH105


def stamp_of(descriptor: int) -> Stamp:
    """Inode, size, modification and change time of an open file."""
    stat = os.fstat(descriptor)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def hash_of(descriptor: int) -> str:
    """SHA-256 in hex of all that an open file holds."""
    sha256 = hashlib.sha256()
    offset = 0
    while piece := os.pread(descriptor, HASH_PIECE, offset):
        sha256.update(piece)
        offset += len(piece)
    return sha256.hexdigest()
