"""Blobs and action results as objects of a bucket. Unaware of local disks and of the network above.

    PREFIX/cas/ab/abcd…     a blob, named by its SHA-256, nothing but its bytes
    PREFIX/ac/ab/abcd…      an action result: MAGIC, SHA-256 of the payload, payload
    PREFIX/quarantine/…     what was found damaged

An object is seen whole or not at all, and what is kept is kept before the caller is told so. Every
blob is hashed when it is read. Any number of servers may use one prefix at once. The data path is
obstore: measured against SeaweedFS with objects of 1 KB, boto3 takes some ten times its CPU a call
(0.9 ms against 0.1 ms), under the GIL.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore

from cache_server.keys import BlobKey
from cache_server.storage.known import PRESENT_SECONDS, Known
from cache_server.storage.memory import MemorySource
from cache_server.storage.protocol import Mismatch, Source, Tell, Unavailable, Upload, Usage
from cache_server.storage.s3_line import Line
from cache_server.storage.s3_upload import AT_ONCE, Dropped, S3Upload

MAGIC: Final = b"affected-ac-1\n"  # version 1
HEADER: Final = len(MAGIC) + 32
TOGETHER: Final = 32  # calls at once for one batch
PIECE: Final = 1024 * 1024
DAY: Final = 86_400.0
Asked = TypeVar("Asked")
Given = TypeVar("Given")


class FileSource:
    """A blob in an unnamed temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        self._file.write(piece)

    def read(self, offset: int, size: int, before: bytes = b"") -> bytes:
        """As `Source` promises."""
        self._file.seek(offset)
        return before + self._file.read(size)

    def close(self) -> None:
        """As `Source` promises."""
        self._file.close()


class S3Storage:
    """`Storage` in a bucket; it knows no limit: rules of the bucket's life cycle empty it.

    With a `lifetime` (days that the rules let an object live), `renew` is called with the key of
    an object that is used in the second half of it.
    """

    def __init__(
        self,
        store: ObjectStore,
        line: Line,
        tell: Tell,
        *,
        lifetime: int | None = None,
        renew: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._line = line
        self._tell = tell
        self._known = Known(time.monotonic)
        self._lifetime = None if lifetime is None else lifetime * DAY
        self._renew = renew
        self._pool = ThreadPoolExecutor(TOGETHER, "s3")
        self._renewing = ThreadPoolExecutor(1, "s3-renew")
        self._renewed: set[str] = set()
        self._lock = threading.Lock()

    # ---- blobs -----------------------------------------------------------------------------

    def present(self, blobs: Sequence[tuple[str, int]]) -> list[bool]:
        """As `BlobStorage` promises; S3 is asked only for what is not known."""
        answers = self._known.find(blobs)
        unknown = [place for place, answer in enumerate(answers) if answer is None]
        sizes = self._each(self._size, [blobs[place][0] for place in unknown])
        for place, size in zip(unknown, sizes, strict=True):
            answers[place] = size == blobs[place][1]
        return [bool(answer) for answer in answers]

    def fetch(self, blob: BlobKey) -> bytes | None:
        """As `BlobStorage` promises."""
        content = self._get("get", key_of(blob.hash))
        if content is None:
            self._known.note(blob.hash, None)
            return None
        if len(content) == blob.size and hashlib.sha256(content).hexdigest() == blob.hash:
            self._known.note(blob.hash, blob.size, self._trusted())
            return content
        if len(content) == blob.size or hashlib.sha256(content).hexdigest() != blob.hash:
            self.quarantine(blob.hash, len(content))
        return None

    def fetch_all(self, blobs: Sequence[BlobKey]) -> list[bytes | None]:
        """As `BlobStorage` promises."""
        return self._each(self.fetch, blobs)

    def open(self, blob: BlobKey) -> Source | None:
        """As `BlobStorage` promises; what is large goes through a temporary file first."""
        if blob.size <= AT_ONCE:
            content = self.fetch(blob)
            return None if content is None else MemorySource(content)
        file = FileSource()
        try:
            whole = self.copy_to(blob, file.write)
        except BaseException:
            file.close()
            raise
        if not whole:
            file.close()
            return None
        return file

    def copy_to(self, blob: BlobKey, take: Callable[[bytes], None]) -> bool:
        """Give all bytes to `take`; False when they are not the blob's, or there is none."""
        sha256 = hashlib.sha256()
        size = 0

        def ask() -> bool:
            nonlocal size
            for piece in obstore.get(self._store, key_of(blob.hash)).stream(PIECE):
                content = bytes(piece)
                size += len(content)
                if size > blob.size:
                    return True
                sha256.update(content)
                take(content)
            return True

        if self._line.call("get", ask) is None:
            self._known.note(blob.hash, None)
            return False
        if size == blob.size and sha256.hexdigest() == blob.hash:
            self._known.note(blob.hash, blob.size, self._trusted())
            return True
        if size == blob.size or self._size(blob.hash) == blob.size:
            self.quarantine(blob.hash, size)
        return False

    def create(self, blob: BlobKey) -> Upload:
        """As `BlobStorage` promises."""
        return S3Upload(self, blob)

    def keep_all(self, contents: Sequence[tuple[BlobKey, bytes]]) -> list[Exception | None]:
        """As `BlobStorage` promises."""
        return self._each(self._kept, contents)

    # ---- action results --------------------------------------------------------------------

    def load(self, name: str) -> bytes | None:
        """As `ActionStorage` promises."""
        content = self._get("load", result_key(name))
        if content is None:
            return None
        payload = content[HEADER:]
        if content[:HEADER] != MAGIC + hashlib.sha256(payload).digest():
            self._put_away(result_key(name), name, len(content))
            return None
        return payload

    def load_all(self, names: Sequence[str]) -> list[bytes | None]:
        """As `ActionStorage` promises."""
        return self._each(self.load, names)

    def save(self, name: str, payload: bytes) -> None:
        """As `ActionStorage` promises."""
        content = MAGIC + hashlib.sha256(payload).digest() + payload
        self._line.call("save", lambda: obstore.put(self._store, result_key(name), content))

    def save_all(self, results: Sequence[tuple[str, bytes]]) -> list[Exception | None]:
        """As `ActionStorage` promises."""
        return self._each(self._saved, results)

    # ---- both ------------------------------------------------------------------------------

    def usage(self) -> Usage:
        """As `Storage` promises: nothing is counted, there is no limit (0)."""
        return Usage(0, 0, 0)

    def close(self) -> None:
        """As `Storage` promises."""
        self._pool.shutdown(cancel_futures=True)
        self._renewing.shutdown(cancel_futures=True)

    # ---- for uploads -----------------------------------------------------------------------

    def put(self, blob: BlobKey, content: bytes) -> None:
        """Keep content that was checked, unless the blob is there already."""

        def ask() -> object:
            return obstore.put(
                self._store, key_of(blob.hash), content, mode="create", use_multipart=False
            )

        try:
            self._line.call("put", ask)
        except AlreadyExistsError:
            if self._size(blob.hash) != blob.size:  # cut short, by whom ever
                self.quarantine(blob.hash, 0)
                self._line.call("put", ask)
        self._known.note(blob.hash, blob.size, self._trusted())

    def put_parts(self, blob: BlobKey, pieces: Iterator[bytes]) -> None:
        """Keep what the pieces are together; what the iterator raises ends the upload."""

        def ask() -> object:
            return obstore.put(
                self._store, key_of(blob.hash), pieces, use_multipart=True, chunk_size=AT_ONCE,
                max_concurrency=4,
            )  # fmt: skip

        try:
            self._line.call("put", ask)
        except Dropped:
            return
        self._known.note(blob.hash, blob.size, self._trusted())

    def quarantine(self, name: str, size: int) -> None:
        """Put a damaged blob away."""
        self._put_away(key_of(name), name, size)
        self._known.note(name, None)

    # ---- inside ----------------------------------------------------------------------------

    def _get(self, operation: str, key: str) -> bytes | None:
        return self._line.call(operation, lambda: bytes(obstore.get(self._store, key).bytes()))

    def _size(self, name: str) -> int | None:
        """The size of the object of a blob, asked of S3."""
        found = self._line.call("head", lambda: obstore.head(self._store, key_of(name)))
        size = None if found is None else found["size"]
        trusted = PRESENT_SECONDS
        if found is not None and self._lifetime is not None:
            age = time.time() - found["last_modified"].timestamp()
            trusted = self._trusted(age)
            if age > self._lifetime / 2:
                self._refresh(name)
        self._known.note(name, size, trusted)
        return size

    def _trusted(self, age: float = 0.0) -> float:
        """For how long an object of that age is there for sure, as far as rules go."""
        if self._lifetime is None:
            return PRESENT_SECONDS
        return max(min(PRESENT_SECONDS, self._lifetime - age - DAY / 2), 0.0)

    def _refresh(self, name: str) -> None:
        with self._lock:
            if name in self._renewed:
                return
            self._renewed.add(name)

        def renew() -> None:
            try:
                self._renew(key_of(name))
            except Exception as trouble:  # noqa: BLE001  (in the background: only said)
                self._line.tell("renew", f"an object's life could not be renewed: {trouble}")
            finally:
                with self._lock:
                    self._renewed.discard(name)

        self._renewing.submit(renew)

    def _put_away(self, key: str, name: str, size: int) -> None:
        def ask() -> bool:
            obstore.copy(self._store, key, f"quarantine/{name}")
            obstore.delete(self._store, key)
            return True

        self._line.call("quarantine", ask)
        self._tell("quarantined", name, size)

    def _kept(self, part: tuple[BlobKey, bytes]) -> Exception | None:
        blob, content = part
        if BlobKey(hashlib.sha256(content).hexdigest(), len(content)) != blob:
            return Mismatch("the bytes have another SHA-256 or size than the digest")
        try:
            self.put(blob, content)
        except Unavailable as trouble:
            return trouble
        return None

    def _saved(self, part: tuple[str, bytes]) -> Exception | None:
        try:
            self.save(*part)
        except Unavailable as trouble:
            return trouble
        return None

    def _each(self, ask: Callable[[Asked], Given], things: Sequence[Asked]) -> list[Given]:
        """`ask` of each, many at once."""
        if len(things) <= 1:
            return [ask(thing) for thing in things]
        return list(self._pool.map(ask, things))


def key_of(name: str) -> str:
    """Where a blob is."""
    return f"cas/{name[:2]}/{name}"


def result_key(name: str) -> str:
    """Where an action result is."""
    return f"ac/{name[:2]}/{name}"
