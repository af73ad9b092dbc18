"""Records and blobs as files in one folder, shared by the processes of one machine.

Unaware of what a record says. `ac/xx/KEY` holds a record behind a checksum, `cas/xx/SHA256` a blob,
and what came in great number at once lies together (`bundles`); a file's modification time is the
time of its last use, taken from the ledger. When the size limit would be passed, what was used
longest ago goes first. Damage, a full disk, a read-only folder or another process's eviction are
misses; `notice` names the first that keeps results from being kept.
"""

# A Path costs more than the system calls that one record takes.
# ruff: noqa: PTH108, PTH116

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import xxhash

from affected.cache.bundles import KIND, Bundles
from affected.cache.disk_files import content_of, move, write_new
from affected.cache.ledger import Account, Ledger, new_generation, read_account, write_account

# In front of every record, then XXH3-128 of the record. Bump when a record file changes; files with
# another start are misses. 1: first layout.
_MAGIC = b"afr1"
_HEAD = len(_MAGIC) + 16
_KEY = re.compile(r"[0-9A-Za-z_-]{3,200}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_BLOCK = 4096  # a file takes whole blocks of the disk
_ROOM = 10  # an eviction leaves one part in so many free, so that the next is not at once
_PATIENCE = 0.1  # seconds that a reader waits to write down a use
_FORGOTTEN = 3600.0  # seconds after which a half-written file has no writer any more
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What a store holds; bytes as the disk counts them, in whole blocks."""

    folder: Path
    records: int
    blobs: int
    bytes: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Evicted:
    """What an eviction took away."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True, order=True)
class _Stored:
    """One file as an eviction sees it: oldest use first, a record before its blobs."""

    last: int
    path: str
    size: int


class DiskStore:
    """A `RecordStore` in a folder, at most `max_bytes` large."""

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        clock: Callable[[], int] = time.time_ns,
        wait_seconds: float = 10.0,
    ) -> None:
        """`clock` gives ns since the epoch; `wait_seconds` is for another process's lock."""
        self.folder = folder
        self.max_bytes = max_bytes
        self.notice = ""
        self._clock = clock
        self._root = os.fspath(folder)
        self._ledger = Ledger(folder / "ledger")
        self._bundles = Bundles(self._root)
        self._wait = wait_seconds
        self._stopped = False  # nothing more is written after the first failure

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """See `RecordStore`. Counts as a use of each."""
        return self._read_all({key: self._record_path(key) for key in keys}, _record)

    def get_blobs(self, digests: Sequence[str]) -> dict[str, bytes]:
        """See `RecordStore`. Counts as a use of each; a damaged blob is removed."""
        return self._read_all({digest: self._blob_path(digest) for digest in digests}, _blob)

    def put(self, key: str, record: bytes, blobs: Mapping[str, bytes]) -> None:
        """See `RecordStore`. What is larger than the whole store is not kept."""
        self.keep({key: record}, blobs)

    def keep(self, records: Mapping[str, bytes], blobs: Mapping[str, bytes]) -> None:
        """As `put`, many at once; more than fits is not kept at all."""
        files = {self._blob_path(digest): blob for digest, blob in blobs.items()}
        for key, record in records.items():
            files[self._record_path(key)] = _MAGIC + xxhash.xxh3_128_digest(record) + record
        if self._bundles.suit(files):
            files = self._bundles.bundled(files)
        needed = sum(_blocks(len(content)) for content in files.values())
        if self._stopped or not files or needed > self.max_bytes:
            return
        with self._forgiving():
            self._write_all(files)

    def close(self) -> None:
        """Nothing is ever under way."""

    def generation(self) -> str:
        """A token that changes when something was evicted or cleared; "" for an empty folder."""
        account = self._ledger.peek()
        return account.generation.hex() if account else ""

    def begin(self) -> None:
        """Give an empty folder its generation, so that the first record does not change it."""
        if not self.generation():
            with self._forgiving(), self._ledger.locked(self._wait) as file:
                write_account(file, self._account(file))

    def status(self) -> StoreStatus:
        """Counted anew, file by file."""
        found = list(self._everything())
        names = {stored.path[len(self._root) + 1 :] for stored in found} | {*self._bundles.names()}
        records, blobs = (sum(name.startswith(kind) for name in names) for kind in ("ac/", "cas/"))
        size = sum(stored.size for stored in found)
        return StoreStatus(self.folder, records, blobs, size, self.max_bytes)

    def gc(self, max_bytes: int | None = None) -> Evicted:
        """Evict down to `max_bytes` (None: the store's own), oldest use first."""
        evicted = Evicted(0, 0)
        with self._forgiving(), self._ledger.locked(self._wait) as file:
            limit = self.max_bytes if max_bytes is None else max_bytes
            account, evicted = self._evict(self._account(file), limit)
            write_account(file, account)
            self._drop_forgotten(_FORGOTTEN)
        return evicted

    def clear(self) -> Evicted:
        """Remove everything."""
        evicted = Evicted(0, 0)
        with self._forgiving(), self._ledger.locked(self._wait) as file:
            account, evicted = self._evict(self._account(file), -1)
            write_account(file, Account(new_generation(), account.used, account.last))
            self._drop_forgotten(0.0)
        return evicted

    # -- reading ---------------------------------------------------------------------------

    def _read_all(
        self, paths: Mapping[str, str], sound: Callable[[str, bytes], bytes | None]
    ) -> dict[str, bytes]:
        """What `sound(name, content)` accepts; what it refuses is removed."""
        found: dict[str, bytes] = {}
        last: int | None = None
        left: dict[str, str] = {}
        for name, path in paths.items():
            try:
                file = os.open(path, _READ)
            except OSError:
                left[path] = name
                continue
            try:
                content = sound(name, content_of(file))
                if content is None:
                    self._remove(path)
                    continue
                found[name] = content
                if last is None:
                    last = self._next_use()
                if last:
                    os.utime(file, ns=(last, last))
            except OSError:
                continue
            finally:
                os.close(file)
        return found | self._bundled(left, sound, last)

    def _bundled(
        self,
        paths: Mapping[str, str],
        sound: Callable[[str, bytes], bytes | None],
        last: int | None,
    ) -> dict[str, bytes]:
        """What has no file of its own, by name; `last` is the time of this use, if it is known."""
        found: dict[str, bytes] = {}
        used: dict[str, None] = {}
        for path, bundle, raw in self._bundles.find(paths) if paths else ():
            content = sound(paths[path], raw)
            if content is not None:
                found[paths[path]] = content
                used[bundle] = None
        if used and last is None:
            last = self._next_use()
        for bundle in used if last else ():
            with contextlib.suppress(OSError):
                os.utime(bundle, ns=(last or 0, last or 0))
        return found

    def _next_use(self) -> int:
        """The time of this use; 0 when it cannot be written down."""
        try:
            with self._ledger.locked(_PATIENCE) as file:
                account = self._account(file).at(self._clock())
                write_account(file, account)
                return account.last
        except OSError:
            return 0

    def _remove(self, path: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(path)

    # -- writing ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        """The first failure to write is told, and is the last one."""
        try:
            yield
        except FileNotFoundError:
            pass  # cleared or evicted by another process meanwhile: a miss next time
        except OSError as trouble:
            self._stopped = True
            why = trouble.strerror or str(trouble)
            self.notice = self.notice or (
                f"the cache {self.folder} cannot be written ({why}): results are not kept"
            )

    def _write_all(self, files: Mapping[str, bytes]) -> None:
        """Write beside, reserve under the lock, move into place in the given order."""
        temporary = {path: self._temporary() for path in files}
        try:
            for path, content in files.items():
                write_new(temporary[path], content)
            with self._ledger.locked(self._wait) as file:
                account = self._account(file).at(self._clock())
                more = sum(_blocks(len(files[path])) - _size(path) for path in files)
                if account.used + more > self.max_bytes:
                    room = self.max_bytes - self.max_bytes // _ROOM
                    account, _ = self._evict(account, room - max(more, 0))
                    self._drop_forgotten(_FORGOTTEN)
                    more = sum(_blocks(len(files[path])) - _size(path) for path in files)
                # Too much rather than too little, should this process end here.
                account = Account(account.generation, account.used + max(more, 0), account.last)
                write_account(file, account)
                for path in files:
                    os.utime(temporary[path], ns=(account.last, account.last))
                    move(temporary[path], path)
                    del temporary[path]
        finally:
            for written in temporary.values():
                self._remove(written)

    def _temporary(self) -> str:
        return f"{self._root}/new/{os.getpid()}-{os.urandom(8).hex()}"

    def _account(self, file: int) -> Account:
        """The ledger's account; counted anew when it is lost."""
        account = read_account(file)
        if account is None:
            stored = list(self._everything())
            last = max((one.last for one in stored), default=0)
            account = Account(new_generation(), sum(one.size for one in stored), last)
        return account

    # -- evicting --------------------------------------------------------------------------

    def _evict(self, account: Account, limit: int) -> tuple[Account, Evicted]:
        """Remove what was used longest ago until at most `limit` bytes are left."""
        stored = sorted(self._plausible(one, account.last) for one in self._everything())
        used = sum(one.size for one in stored)
        files = freed = 0
        for one in stored:
            if used - freed <= limit:
                break
            try:
                os.unlink(one.path)
            except FileNotFoundError:
                pass  # another process was quicker
            else:
                files += 1
            freed += one.size
        generation = new_generation() if files else account.generation
        return Account(generation, used - freed, account.last), Evicted(files, freed)

    def _plausible(self, one: _Stored, last: int) -> _Stored:
        """A file that says it was used after the last use of all is given that time, for good.

        It was brought here with another clock's times, and would else never be the oldest.
        """
        if one.last <= last:
            return one
        with contextlib.suppress(OSError):
            os.utime(one.path, ns=(last, last))
        return _Stored(last, one.path, one.size)

    def _everything(self) -> Iterator[_Stored]:
        for kind in ("ac", KIND, "cas"):
            yield from self._stored(kind)

    def _stored(self, kind: str) -> Iterator[_Stored]:
        """Every file of one kind; those that vanish meanwhile are left out."""
        for folder in _entries(f"{self._root}/{kind}"):
            for entry in _entries(folder.path):
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    yield _Stored(status.st_mtime_ns, entry.path, _blocks(status.st_size))

    def _drop_forgotten(self, age: float) -> None:
        """Remove half-written files whose writer has ended, by an age in seconds."""
        now = self._clock() / 1e9
        for entry in _entries(f"{self._root}/new"):
            with contextlib.suppress(OSError):
                # In either direction: a clock may have been wrong.
                if abs(now - entry.stat(follow_symlinks=False).st_mtime) >= age:
                    os.unlink(entry.path)

    # -- paths -----------------------------------------------------------------------------

    def _record_path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a key of a record: {key!r}")
        return f"{self._root}/ac/{key[:2]}/{key}"

    def _blob_path(self, digest: str) -> str:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"not a SHA-256: {digest!r}")
        return f"{self._root}/cas/{digest[:2]}/{digest}"


def _record(_key: str, content: bytes) -> bytes | None:
    record = content[_HEAD:]
    sound = content[:_HEAD] == _MAGIC + xxhash.xxh3_128_digest(record)
    return record if sound else None


def _blob(digest: str, content: bytes) -> bytes | None:
    return content if hashlib.sha256(content).hexdigest() == digest else None


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """The entries of a folder; none when it is gone or no folder."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError as trouble:
        if trouble.errno in (errno.ENOENT, errno.ENOTDIR):
            return []
        raise


def _size(path: str) -> int:
    """The blocks an existing file takes, 0 for none."""
    try:
        return _blocks(os.stat(path).st_size)
    except FileNotFoundError:
        return 0


def _blocks(size: int) -> int:
    """`size` in bytes, rounded up to whole blocks; an empty file counts as one."""
    return max(-(-size // _BLOCK), 1) * _BLOCK
