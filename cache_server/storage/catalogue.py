"""What a folder holds, agreed upon by the processes of one server and remembered in its index.

Unaware of uploads and of whether bytes are right. Every change is made under one lock, written to
the index before anything is removed, and seen by the other processes before their next answer.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from cache_server.storage.board import Board
from cache_server.storage.entry_names import is_blob, key_of, name_of
from cache_server.storage.index_log import LENGTH, Change, IndexLog, Kind
from cache_server.storage.ledger import Entry, Gone, Ledger, Spot
from cache_server.storage.packs import BLOCK, Packs, blocks_of
from cache_server.storage.protocol import NoRoom, Tell, Usage

EPOCH_SECONDS: Final = 300  # use is written to the index once in so long
USED_TOGETHER: Final = 1000
LONGEST: Final = 64 * 1024 * 1024  # bytes of an index, beside four times what it must hold
CHECKED: Final = (0, 0, 0, 0)  # the stamp of what is in a pack and was hashed by this process
Seat = tuple[int, int]  # which process, of how many


class Catalogue:
    """Names → entries, with their room; `drop_file` removes a blob's own file."""

    def __init__(
        self,
        folder: Path,
        limit: int,
        seat: Seat,
        drop_file: Callable[[str], None],
        tell: Tell,
    ) -> None:
        self._mutex = threading.RLock()
        self._ledger = Ledger(limit, BLOCK)
        self._board = Board(folder, *seat)
        self._log = IndexLog(folder / "index")
        self._packs = Packs(folder / "packs")
        self._generation = 0
        self._is_open = True
        self._drop_file = drop_file
        self._tell = tell

    # ---- asking ----------------------------------------------------------------------------

    def present(self, blobs: Sequence[tuple[str, int]]) -> list[bool]:
        """As `BlobStorage` promises."""
        with self._mutex:
            self._look()
            return self._ledger.present(blobs)

    def find(self, names: Sequence[str]) -> list[Entry | None]:
        """The entries, which count as used now."""
        with self._mutex:
            self._look()
            return [self._ledger.find(name) for name in names]

    def is_kept(self, name: str, entry: Entry) -> bool:
        """Whether `entry` is still what is kept under the name."""
        with self._mutex:
            self._look()
            return self._ledger.peek(name) is entry

    def names(self) -> list[tuple[str, int | None]]:
        """All names with their blobs' sizes."""
        with self._mutex:
            self._look()
            return [(name, entry.size) for name, entry in self._ledger.items()]

    def read(self, spot: Spot) -> bytes:
        """The bytes at a spot; FileNotFoundError when they went as a whole."""
        return self._packs.read(spot.pack, spot.block, spot.length)

    def fits(self, size: int) -> bool:
        """Whether it could be kept if all else went."""
        return self._ledger.fits(size)

    @property
    def limit(self) -> int:
        """In bytes."""
        return self._ledger.limit

    def usage(self) -> Usage:
        """As `Storage` promises."""
        with self._mutex:
            self._look()
            ledger = self._ledger
            others, _ = self._board.others()
            return Usage(len(ledger), ledger.kept + ledger.reserved + others, ledger.limit)

    # ---- changing --------------------------------------------------------------------------

    def reserve(self, size: int) -> None:
        """Set bytes aside for an upload; NoRoom when they do not fit."""
        with self._changing():
            self._board.post(self._ledger.reserved + size, self._packs.active)
            self._ledger.others, _ = self._board.others()
            try:
                gone = self._ledger.reserve(size)
            finally:
                self._board.post(self._ledger.reserved, self._packs.active)
            self._write([], gone)

    def release(self, size: int) -> None:
        """Give back bytes of an upload."""
        with self._mutex:
            self._ledger.release(size)
            self._board.post(self._ledger.reserved, self._packs.active)

    def pack(
        self, things: Sequence[tuple[str, bytes, int]], reserved: int
    ) -> list[Exception | None]:
        """Keep small things (name, bytes, XXH3-64), for which `reserved` bytes are set aside."""
        try:
            places = self._packs.append([content for _, content, _ in things])
        except BaseException:
            self.release(reserved)
            raise
        errors: list[Exception | None] = []
        with self._changing():
            self._ledger.release(reserved)
            gone: Gone = []
            changes: list[Change] = []
            for (name, content, checksum), (pack, block) in zip(things, places, strict=True):
                spot = Spot(pack, block, len(content), checksum)
                old = self._ledger.forget(name)
                if old is not None:
                    gone.append((name, old))
                try:
                    gone += self._ledger.admit(name, len(content), blob=is_blob(name), spot=spot)
                except NoRoom as error:
                    errors.append(error)
                    self._packs.punch(pack, block, blocks_of(len(content)))
                    continue
                errors.append(None)
                entry = self._ledger.peek(name)
                if entry is not None:
                    entry.stamp = CHECKED
                changes.append(self._arrival(name, len(content), spot))
            self._board.post(self._ledger.reserved, self._packs.active)
            self._write(changes, gone)
        return errors

    def file(self, name: str, size: int, reserved: int, place: Callable[[], None]) -> None:
        """Keep a file that `place` puts where it belongs; `reserved` bytes are set aside for it."""
        with self._changing():
            self._ledger.release(reserved)
            old = self._ledger.forget(name)
            gone = [(name, old)] if old is not None and old.spot is not None else []
            gone += self._ledger.admit(name, size, blob=True)
            self._board.post(self._ledger.reserved, self._packs.active)
            try:
                place()
            except OSError:
                self._ledger.forget(name)
                self._write([], gone)
                raise
            self._write([self._arrival(name, size, None)], gone)

    def lose(self, name: str, entry: Entry) -> bool:
        """Keep the entry no more, if it still is what is kept; whether it was."""
        with self._changing():
            if self._ledger.peek(name) is not entry:
                return False
            self._ledger.forget(name)
            self._write([], [(name, entry)], evicted=False)
            return True

    # ---- beginning and end -----------------------------------------------------------------

    def join(self) -> None:
        """Begin as one of several processes: read the index that the first one wrote."""
        with self._mutex, self._board.locked():
            end, self._generation, _ = self._board.head()
            self._log.cut(end)
            self._log.begin()
            for change in self._log.news():
                self._apply(change)
            if self._log.seen != end:  # its writer was killed in the middle
                self._rewrite()

    def rebuild(self, files: Callable[[], Iterator[tuple[str, int]]]) -> bool:
        """Begin alone, with what is found; `files` gives blobs' own files, the oldest use first.

        False when the index was none of ours, so that what is in packs is lost.
        """
        with self._mutex:
            known = self._log.begin()
            for change in self._log.news():
                self._apply(change)
            self._log.cut(self._log.seen)
            self._board.reset()
            self._reconcile(dict(files()))
            gone = self._ledger.shrink()
            self._rewrite()
            self._write([], gone)
            self._sweep()
        return known

    def close(self) -> None:
        """Write the order of use, hold nothing."""
        with self._mutex:
            if not self._is_open:
                return
            self._is_open = False
            if self._board.alone:
                self._rewrite()
            self._packs.close()
            self._log.close()
            self._board.close()

    # ---- inside; the mutex is held -----------------------------------------------------------

    def _look(self) -> None:
        """Learn what other processes changed; note use from time to time."""
        ledger = self._ledger
        ledger.epoch = int(time.time()) // EPOCH_SECONDS
        if not self._board.alone:
            end, generation, _ = self._board.head()
            if end != self._log.seen or generation != self._generation:
                with self._board.locked():
                    self._catch_up()
        if len(ledger.used) >= USED_TOGETHER:
            with self._changing():
                self._write([], [])

    def _catch_up(self) -> None:
        end, generation, start = self._board.head()
        same = generation == self._generation
        current = not same or self._log.cut(end)
        for change in self._log.news():
            self._apply(change)
        if not current:  # whoever wrote it anew was killed before saying so
            self._rewrite()
        if generation != self._generation:
            self._log.reopen()
            self._log.seen = start
            self._generation = generation
            for change in self._log.news():
                self._apply(change)

    def _changing(self) -> contextlib.AbstractContextManager[object]:
        if self._board.alone:
            return self._mutex
        return self._changing_with_others()

    @contextlib.contextmanager
    def _changing_with_others(self) -> Iterator[None]:
        with self._mutex, self._board.locked():
            self._catch_up()
            self._ledger.others, _ = self._board.others()
            yield

    def _write(self, changes: Sequence[Change], gone: Gone, *, evicted: bool = True) -> None:
        """Note what was used, went and came, then remove what went."""
        if not changes and not gone and len(self._ledger.used) < USED_TOGETHER:
            return
        if gone and not self._packs.punches:
            gone = [*gone, *self._neighbours(gone)]
        changes = [change for change in changes if self._ledger.peek(name_of(change)) is not None]
        leaving = [
            Change(Kind.BLOB_GONE if is_blob(name) else Kind.RESULT_GONE, key_of(name))
            for name, _ in gone
        ]
        used = [
            Change(Kind.BLOB_USED if is_blob(name) else Kind.RESULT_USED, key_of(name))
            for name in self._ledger.used
        ]
        self._ledger.used.clear()
        try:
            self._append([*used, *leaving, *changes])
        except OSError:
            self._remove(gone, evicted)  # which may make room
            try:
                self._append([*leaving, *changes])
            except OSError as trouble:
                for change in changes:
                    self._ledger.forget(name_of(change))
                raise NoRoom(f"the index cannot be written: {trouble.strerror}") from trouble
            return
        self._remove(gone, evicted)
        if self._log.seen > LONGEST + 4 * LENGTH * len(self._ledger):
            self._rewrite()

    def _append(self, changes: Sequence[Change]) -> None:
        if changes:
            self._log.append(changes)
            _, generation, start = self._board.head()
            self._board.set_head(self._log.seen, generation, start)

    def _remove(self, gone: Gone, evicted: bool) -> None:
        for name, entry in gone:
            left = self._ledger.peek(name) is None
            spot = entry.spot
            if spot is None:
                if left:
                    self._drop_file(name)
            elif spot.pack not in self._ledger.packs and spot.pack not in self._appended():
                self._packs.remove(spot.pack)
            else:
                self._packs.punch(spot.pack, spot.block, blocks_of(spot.length))
            if left and evicted:
                self._tell("evicted", name, entry.length)

    def _neighbours(self, gone: Gone) -> Gone:
        """What must go too since packs can only go as a whole; it is forgotten."""
        numbers = {
            entry.spot.pack for name, entry in gone
            if entry.spot is not None and self._ledger.peek(name) is None
        } - self._appended()  # fmt: skip
        more = [
            (name, entry) for name, entry in self._ledger.items()
            if entry.spot is not None and entry.spot.pack in numbers
        ]  # fmt: skip
        for name, _ in more:
            self._ledger.forget(name)
        return more

    def _appended(self) -> set[int]:
        return {self._packs.active, *self._board.others()[1]}

    def _arrival(self, name: str, size: int, spot: Spot | None) -> Change:
        now = int(time.time())
        if spot is None:
            return Change(Kind.FILE, key_of(name), size, second=now)
        kind = Kind.BLOB if is_blob(name) else Kind.RESULT
        return Change(kind, key_of(name), size, spot.pack, spot.block, spot.sum, now)

    def _apply(self, change: Change) -> None:
        """What a record says, to the ledger alone."""
        name = name_of(change)
        kind = change.kind
        if kind in {Kind.BLOB, Kind.RESULT}:
            spot = Spot(change.pack, change.block, change.size, change.sum)
            self._ledger.place(name, change.size, blob=kind == Kind.BLOB, spot=spot)
        elif kind == Kind.FILE:
            self._ledger.place(name, change.size, blob=True, spot=None)
        elif kind in {Kind.BLOB_USED, Kind.RESULT_USED}:
            self._ledger.touch(name)
        else:
            gone = self._ledger.forget(name)
            if gone and gone.spot and gone.spot.pack not in self._ledger.packs:
                self._packs.forget(gone.spot.pack)

    def _rewrite(self) -> None:
        """An index of what is kept, in the order of use, in the place of the one that grew."""
        self._log.rewrite(
            self._arrival(name, entry.length, entry.spot) for name, entry in self._ledger.items()
        )
        self._generation = self._board.head()[1] + 1
        self._board.set_head(self._log.seen, self._generation, self._log.seen)

    def _reconcile(self, files: dict[str, int]) -> None:
        """Believe only in packs and files that are there; files that nobody noted are kept too."""
        packs = self._packs.listed()
        for name, entry in list(self._ledger.items()):
            spot = entry.spot
            if spot is None:
                if files.get(name) != entry.size:
                    self._ledger.forget(name)
            elif spot.block + blocks_of(spot.length) > packs.get(spot.pack, 0):
                self._ledger.forget(name)
        for name, size in files.items():
            if self._ledger.peek(name) is None:
                self._ledger.place(name, size, blob=True, spot=None)

    def _sweep(self) -> None:
        """Give back the blocks of packs that nothing kept is in."""
        taken: dict[int, list[tuple[int, int]]] = {}
        for _, entry in self._ledger.items():  # noqa: PERF102  (no dictionary)
            if entry.spot is not None:
                blocks = blocks_of(entry.spot.length)
                taken.setdefault(entry.spot.pack, []).append((entry.spot.block, blocks))
        for number, blocks in self._packs.listed().items():
            if number not in taken:
                self._packs.remove(number)
                continue
            at = 0
            for block, length in sorted(taken[number]):
                if block > at:
                    self._packs.punch(number, at, block - at)
                at = block + length
            if at < blocks:
                self._packs.punch(number, at, blocks - at)
