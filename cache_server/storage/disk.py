"""Blobs and action results in one folder. Unaware of the network and of instances.

    FOLDER/cas/ab/abcd…     a blob over 128 KiB, named by its SHA-256, nothing but its bytes
    FOLDER/packs/0000002a   smaller blobs and action results, side by side (`packs`)
    FOLDER/index            what is where (`index_log`); `board` is shared by the processes
    FOLDER/tmp/             uploads; emptied at each start
    FOLDER/quarantine/      what was found damaged, the newest few
    FOLDER/lock             held by the one server that serves the folder

Files come to be in `tmp` and are renamed when they are whole, and what is in a pack counts only
once the index says so; so a process may be killed at any time. A blob is hashed again when it is
first read by a process. After that a file is hashed again whenever its stamp (inode, size,
modification and change time) is another one, and what is in a pack has its XXH3-64 compared at
every read.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from xxhash import xxh3_64_intdigest

from cache_server.keys import BlobKey
from cache_server.storage.catalogue import CHECKED, Catalogue, Seat
from cache_server.storage.disk_files import (
    DiskSource,
    FolderLock,
    files_of,
    hash_of,
    place,
    stamp_at,
    stamp_of,
)
from cache_server.storage.disk_upload import DiskUpload, SmallUpload, check, full_disk_is_no_room
from cache_server.storage.entry_names import RESULT, is_blob
from cache_server.storage.ledger import Entry, Stamp
from cache_server.storage.memory import MemorySource
from cache_server.storage.protocol import Mismatch, NoRoom, Source, Tell, Upload, Usage

SMALL: Final = 128 * 1024  # bytes of a blob that goes into a pack
STALE_SECONDS: Final = 3600  # a file read after that long says so in its modification time
QUARANTINED: Final = 16  # damaged things kept for a look
ALONE: Final = (0, 1)


class DiskStorage:
    """`Storage` in `folder`, at most `max_bytes` of it in whole blocks; FolderInUse when taken.

    Without a `seat` it is alone there. With one it is one of several processes of a server; another
    process was alone there before them and holds the folder's lock.
    """

    def __init__(self, folder: Path, max_bytes: int, tell: Tell, seat: Seat | None = None) -> None:
        self._folder = str(folder)
        self._tell = tell
        self._numbers = itertools.count()
        self._lock = FolderLock(folder) if seat is None else None
        for name in ("cas", "tmp", "quarantine"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._catalogue = Catalogue(folder, max_bytes, seat or ALONE, self._drop_file, tell)
        if seat is not None:
            self._catalogue.join()
            return
        for left in (folder / "tmp").iterdir():
            left.unlink(missing_ok=True)
        if not self._catalogue.rebuild(self._files):
            tell("failed", "index", 0)

    # ---- blobs -----------------------------------------------------------------------------

    def present(self, blobs: Sequence[tuple[str, int]]) -> list[bool]:
        """As `BlobStorage` promises."""
        return self._catalogue.present(blobs)

    def fetch(self, blob: BlobKey) -> bytes | None:
        """As `BlobStorage` promises."""
        return self.fetch_all([blob])[0]

    def fetch_all(self, blobs: Sequence[BlobKey]) -> list[bytes | None]:
        """As `BlobStorage` promises."""
        entries = self._catalogue.find([blob.hash for blob in blobs])
        return [
            None if entry is None or entry.size != blob.size
            else self._whole_file(blob, entry) if entry.spot is None
            else self._packed(blob.hash, entry)
            for blob, entry in zip(blobs, entries, strict=True)
        ]  # fmt: skip

    def open(self, blob: BlobKey) -> Source | None:
        """As `BlobStorage` promises."""
        (entry,) = self._catalogue.find([blob.hash])
        if entry is None or entry.size != blob.size:
            return None
        if entry.spot is None:
            return self._open_file(blob, entry)
        content = self._packed(blob.hash, entry)
        return None if content is None else MemorySource(content)

    def create(self, blob: BlobKey) -> Upload:
        """As `BlobStorage` promises."""
        if not self._catalogue.fits(blob.size):
            raise NoRoom(f"{blob.size} bytes are over the limit of {self._catalogue.limit}")
        if blob.size <= SMALL:
            return SmallUpload(self, blob)
        return DiskUpload(self, blob, self._scratch())

    def keep_all(self, contents: Sequence[tuple[BlobKey, bytes]]) -> list[Exception | None]:
        """As `BlobStorage` promises."""
        errors: list[Exception | None] = [None] * len(contents)
        small: list[int] = []
        for number, (blob, content) in enumerate(contents):
            try:
                check(blob, content)
                if blob.size <= SMALL:
                    small.append(number)
                else:
                    self._keep_large(blob, content)
            except (Mismatch, NoRoom, OSError) as trouble:
                errors[number] = trouble
        things = [(contents[number][0].hash, contents[number][1]) for number in small]
        for number, error in zip(small, self._pack(things), strict=True):
            errors[number] = error
        return errors

    # ---- action results --------------------------------------------------------------------

    def load(self, name: str) -> bytes | None:
        """As `ActionStorage` promises."""
        return self.load_all([name])[0]

    def load_all(self, names: Sequence[str]) -> list[bytes | None]:
        """As `ActionStorage` promises."""
        entries = self._catalogue.find([RESULT + name for name in names])
        return [
            None if entry is None else self._packed(RESULT + name, entry)
            for name, entry in zip(names, entries, strict=True)
        ]

    def save(self, name: str, payload: bytes) -> None:
        """As `ActionStorage` promises."""
        (error,) = self.save_all([(name, payload)])
        if error is not None:
            raise error

    def save_all(self, results: Sequence[tuple[str, bytes]]) -> list[Exception | None]:
        """As `ActionStorage` promises."""
        return self._pack([(RESULT + name, payload) for name, payload in results])

    # ---- both ------------------------------------------------------------------------------

    def usage(self) -> Usage:
        """As `Storage` promises."""
        return self._catalogue.usage()

    def close(self) -> None:
        """As `Storage` promises; the order of use is written down."""
        self._catalogue.close()
        if self._lock is not None:
            self._lock.close()

    def hand_over(self) -> FolderLock | None:
        """Close, but keep the folder's lock, for the processes that will serve it."""
        self._catalogue.close()
        lock, self._lock = self._lock, None
        return lock

    def verify(self) -> int:
        """Read everything once; what is damaged is put away. How many things were sound."""
        sound = 0
        for name, size in self._catalogue.names():
            if size is None:
                sound += self.load(name.removeprefix(RESULT)) is not None
            elif (source := self.open(BlobKey(name, size))) is not None:
                source.close()
                sound += 1
        return sound

    # ---- for uploads -------------------------------------------------------------------------

    def reserve(self, size: int) -> None:
        """Set bytes aside for an upload; NoRoom when they do not fit."""
        self._catalogue.reserve(size)

    def release(self, size: int) -> None:
        """Give back bytes of an upload."""
        self._catalogue.release(size)

    def keep(self, name: str, scratch: str, reserved: int) -> None:
        """Keep the whole, checked file `scratch`, for which `reserved` bytes are set aside."""
        try:
            self._catalogue.file(name, reserved, reserved, lambda: place(scratch, self._path(name)))
            (entry,) = self._catalogue.find([name])
            if entry is not None and entry.spot is None:  # hashed a moment ago, on its way in
                with contextlib.suppress(OSError):
                    entry.stamp = stamp_at(self._path(name))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(scratch)  # noqa: PTH108  (hot)
            raise

    def keep_small(self, name: str, content: bytes) -> None:
        """Keep checked content, for which as many bytes are set aside."""
        with full_disk_is_no_room():
            thing = (name, content, xxh3_64_intdigest(content))
            (error,) = self._catalogue.pack([thing], len(content))
        if error is not None:
            raise error

    # ---- inside ----------------------------------------------------------------------------

    def _pack(self, things: Sequence[tuple[str, bytes]]) -> list[Exception | None]:
        """Keep small things that were checked."""
        if not things:
            return []
        total = sum(len(content) for _, content in things)
        summed = [(name, content, xxh3_64_intdigest(content)) for name, content in things]
        try:
            self._catalogue.reserve(total)
            with full_disk_is_no_room():
                return self._catalogue.pack(summed, total)
        except NoRoom as full:
            if len(things) == 1:
                return [full]
        return [error for thing in things for error in self._pack([thing])]

    def _packed(self, name: str, entry: Entry) -> bytes | None:
        """What is in a pack, checked; None when it went meanwhile or is damaged."""
        spot = entry.spot
        if spot is None:
            return None
        try:
            content = self._catalogue.read(spot)
        except FileNotFoundError:
            content = b""
        if len(content) == spot.length and xxh3_64_intdigest(content) == spot.sum:
            if entry.stamp is not None or not is_blob(name):
                return content
            if hashlib.sha256(content).hexdigest() == name:
                entry.stamp = CHECKED
                return content
        if self._catalogue.lose(name, entry):
            self._show(name, len(content), lambda away: away.write_bytes(content))
            return None
        (now,) = self._catalogue.find([name])  # it came again, or it went
        return None if now is None or now is entry else self._packed(name, now)

    def _keep_large(self, blob: BlobKey, content: bytes) -> None:
        upload = DiskUpload(self, blob, self._scratch())
        try:
            upload.append(content)
            upload.commit()
        finally:
            upload.discard()

    def _whole_file(self, blob: BlobKey, entry: Entry) -> bytes | None:
        source = self._open_file(blob, entry)
        if source is None:
            return None
        try:
            content = source.read(0, blob.size)
            while len(content) < blob.size and (more := source.read(len(content), blob.size)):
                content += more
        finally:
            source.close()
        return content if len(content) == blob.size else None

    def _open_file(self, blob: BlobKey, entry: Entry) -> DiskSource | None:
        try:
            descriptor = os.open(self._path(blob.hash), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._catalogue.lose(blob.hash, entry)
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

    def _is_whole(self, descriptor: int, blob: BlobKey, entry: Entry) -> bool:
        """Are the open file's bytes the blob's? If not it is put away."""
        stamp = stamp_of(descriptor)
        if entry.stamp == stamp:
            return True
        if stamp[1] != blob.size or hash_of(descriptor) != blob.hash:
            self._put_away(blob.hash, entry, stamp)
            return False
        if time.time() - stamp[2] / 1e9 > STALE_SECONDS:
            with contextlib.suppress(OSError):
                os.utime(descriptor)
                stamp = stamp_of(descriptor)
        entry.stamp = stamp
        return True

    def _put_away(self, name: str, entry: Entry, stamp: Stamp) -> None:
        """The damaged file, unless another one took its place already."""
        path = self._path(name)
        with contextlib.suppress(OSError):
            if os.stat(path).st_ino != stamp[0]:  # noqa: PTH116
                return
        self._show(name, stamp[1], lambda away: os.replace(path, away))  # noqa: PTH105
        self._catalogue.lose(name, entry)

    def _show(self, name: str, size: int, put: Callable[[Path], object]) -> None:
        """Put what is damaged where it can be looked at; the newest few stay there."""
        away = Path(self._folder, "quarantine")
        event = "quarantined"
        try:
            put(away / name)
        except OSError:
            event = "failed"
        with contextlib.suppress(OSError):
            kept = sorted(away.iterdir(), key=lambda file: file.stat().st_ctime_ns)
            for file in kept[:-QUARANTINED]:
                file.unlink(missing_ok=True)
        self._tell(event, name, size)

    def _path(self, name: str) -> str:
        return f"{self._folder}/cas/{name[:2]}/{name}"

    def _scratch(self) -> str:
        return f"{self._folder}/tmp/{os.getpid()}-{next(self._numbers)}"  # noqa: S108  (ours)

    def _drop_file(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._path(name))  # noqa: PTH108  (hot)

    def _files(self) -> Iterator[tuple[str, int]]:
        """Blobs that have a file of their own, and its size, the oldest use first."""
        found: list[tuple[int, str, int]] = []
        with os.scandir(f"{self._folder}/cas") as shards:
            for shard in shards:
                if shard.is_dir(follow_symlinks=False):
                    found += files_of(shard.path)
        for _, name, size in sorted(found):
            yield name, size
