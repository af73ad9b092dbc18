"""Carries records to a shared cache while the run goes on. Unaware of the wire.

One thread. What the cache holds under a key by then is combined with ours, so that two machines
that write the same record lose neither's observations. What cannot be carried there is noted in a
backlog, and what earlier runs noted there is carried when there is nothing newer to carry.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from affected.cache.backlog import WAIT, Backlog
from affected.cache.patience import Leisure, Patience
from affected.cache.shared import RETRIES, SILENCE, UNSENT, SharedStore
from affected.errors import CallFailed, RemoteTrouble

if TYPE_CHECKING:
    from affected.cache.plain_calls import Entry, Haul

GATHERING: Final = 0.05  # seconds that the first record waits for company
MOST_RECORDS: Final = 2000  # carried at once
MOST_BYTES: Final = 16 << 20
ROOM: Final = 128 << 20  # bytes that may wait; what comes on top is not shared
OLD_RECORDS: Final = 5_000  # of the backlog, carried by one run
OLD_AT_ONCE: Final = 500
OLD_BYTES: Final = 64 << 20  # of records of the backlog, after which no more are taken
AT_ONCE: Final[tuple[float, ...]] = ()  # what waited for another run may wait for the next
_TICK: Final = 0.02
_PASSING: Final = ("UNAVAILABLE", "ABORTED", "INTERNAL", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class _Waiting:
    record: bytes
    blobs: Mapping[str, bytes]

    @property
    def size(self) -> int:
        return len(self.record) + sum(map(len, self.blobs.values()))


@dataclass(frozen=True, slots=True)
class Old:
    """What earlier runs could not carry: its keys, and `records` by key as the disk has them."""

    backlog: Backlog
    records: Callable[[Sequence[str]], dict[str, bytes]]


class Uploads:
    """Records on their way to `store`."""

    def __init__(
        self,
        store: SharedStore,
        blobs_at_hand: Callable[[Sequence[str]], dict[str, bytes]],
        combine: Callable[[bytes, bytes], bytes],
        blobs_of: Callable[[bytes], Sequence[str]],
        old: Old | None = None,
    ) -> None:
        """`blobs_at_hand` finds blobs of earlier observations on this machine.

        `old` is what earlier runs could not carry; None where that is not kept.
        """
        self._store = store
        self._at_hand = blobs_at_hand
        self._combine = combine
        self._blobs_of = blobs_of
        self._change = threading.Condition()
        self._waiting: dict[str, _Waiting] = {}
        self._size = 0
        self._leisure = Leisure(SILENCE)
        self._left_behind = 0
        self._closing = False
        self._thread: threading.Thread | None = None
        self._old = old
        self._unsent: dict[str, bool] = {}  # by key: is it of this run?
        self._behind: deque[str] = deque()  # those of them that earlier runs left
        self._old_bytes = 0
        self._late = False  # there was more to carry than time

    def catch_up(self) -> None:
        """Begins to carry what earlier runs could not, if there is anything; never waits."""
        if self._old is None or not self._store.writes or not self._old.backlog.waits():
            return
        keys = self._old.backlog.take()
        with self._change:
            self._unsent = {**dict.fromkeys(keys, False), **self._unsent}
            self._behind.extend(keys[:OLD_RECORDS])
            self._begin()

    def add(self, key: str, record: bytes, blobs: Mapping[str, bytes]) -> None:
        """Takes a record along; never waits."""
        waiting = _Waiting(record, dict(blobs))
        with self._change:
            self._unsent[key] = True
            if not self._store.writes:
                return
            before = self._waiting.pop(key, None)
            if before is not None:
                self._size -= before.size
                waiting = _Waiting(record, {**before.blobs, **blobs})
            if self._size + waiting.size > ROOM:
                self._left_behind += 1
                return
            self._waiting[key] = waiting
            self._size += waiting.size
            self._begin()

    def finish(self, patience: Patience) -> None:
        """Waits for the rest while patience lasts; what is on its way then is given up.

        Ctrl-C ends the wait, and nothing else: the run itself is over.
        """
        thread, self._thread = self._thread, None  # an interrupted wait is not taken up again
        if thread is not None:
            with self._change:
                self._closing = True
                self._change.notify()
            with contextlib.suppress(KeyboardInterrupt):
                self._wait_for(thread, patience)
            self._late = thread.is_alive() and self._store.writes
            if (self._late and any(self._unsent.values())) or self._left_behind:
                self._store.stop(CallFailed(UNSENT), writing=True)
        self._leave()

    def _begin(self) -> None:
        """The change's lock is held."""
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(
                target=self._carry, name="affected-uploads", daemon=True
            )
            self._thread.start()
        self._change.notify()

    def _leave(self) -> None:
        """What is left is for a later run, unless nobody wants it from us."""
        if self._old is None:
            return
        with self._change:
            left = [] if self._store.refused else list(self._unsent)
            self._unsent.clear()
        self._old.backlog.leave(left, WAIT if self._late or self._store.costly else 0.0)

    def _wait_for(self, thread: threading.Thread, patience: Patience) -> None:
        seen = self._leisure.gained
        while thread.is_alive() and patience.left > 0:
            began = time.monotonic()
            thread.join(_TICK)
            patience.spend(time.monotonic() - began)
            gained = self._leisure.gained
            patience.gain(gained - seen)
            seen = gained

    def _carry(self) -> None:
        while self._store.writes:
            batch, pauses = self._next(), RETRIES
            if not batch:
                batch, pauses = self._left_by_others(), AT_ONCE
            if not self._store.writes or (self._closing and not batch):
                return
            try:
                self._deliver(batch, pauses)
            except RemoteTrouble as trouble:
                self._store.stop(trouble, writing=True)
            else:
                self._forget(batch)

    def _next(self) -> dict[str, _Waiting]:
        """What to carry now; nothing when only the backlog is left, or nothing at all."""
        with self._change:
            while not (self._waiting or self._behind or self._closing):
                self._change.wait()
            if self._waiting and not self._closing:
                self._change.wait_for(lambda: self._closing, GATHERING)
            batch: dict[str, _Waiting] = {}
            size = 0
            while self._waiting and len(batch) < MOST_RECORDS and size < MOST_BYTES:
                key = next(iter(self._waiting))
                batch[key] = self._waiting.pop(key)
                size += batch[key].size
            self._size -= size
            return batch

    def _left_by_others(self) -> dict[str, _Waiting]:
        """Some of the backlog, as it stands on the disk now; what is gone there is forgotten."""
        found: dict[str, bytes] = {}
        while self._old is not None and self._behind and not found:
            with self._change:
                if self._old_bytes > OLD_BYTES:
                    self._behind.clear()  # the rest is for the next run
                most = range(min(OLD_AT_ONCE, len(self._behind)))
                keys = [self._behind.popleft() for _ in most]
            found = self._old.records(keys)
            self._old_bytes += sum(map(len, found.values()))
            self._forget(set(keys) - found.keys())
        return {key: _Waiting(record, {}) for key, record in found.items()}

    def _forget(self, keys: Iterable[str]) -> None:
        """They need no other run."""
        with self._change:
            for key in keys:
                self._unsent.pop(key, None)

    def _deliver(self, batch: Mapping[str, _Waiting], pauses: Sequence[float]) -> None:
        for pause in (*pauses, None):
            try:
                self._store.deliver(
                    list(batch), lambda haul: self._entries(batch, haul), self._leisure
                )
            except CallFailed as failure:
                if failure.code not in _PASSING or pause is None:
                    raise
                time.sleep(pause)
            else:
                return

    def _entries(self, batch: Mapping[str, _Waiting], haul: Haul) -> list[Entry]:
        """What is to be written, given what is there; nothing where ours adds nothing."""
        from affected.cache.plain_calls import Entry  # noqa: PLC0415  (loads protobuf)
        from affected.cache.wire import BlobName  # noqa: PLC0415

        found: list[Entry] = []
        for key, waiting in batch.items():
            theirs = haul.records.get(key)
            record = waiting.record if theirs is None else self._combine(waiting.record, theirs)
            if record == theirs:
                continue
            known = {blob.hash: blob for blob in haul.named.get(key, ())}
            wanted = self._blobs_of(record)
            contents = {hash_: waiting.blobs[hash_] for hash_ in wanted if hash_ in waiting.blobs}
            lost = [hash_ for hash_ in wanted if hash_ not in contents and hash_ not in known]
            contents |= self._at_hand(lost) if lost else {}
            known |= {hash_: BlobName(hash_, len(blob)) for hash_, blob in contents.items()}
            names = tuple(known[hash_] for hash_ in wanted if hash_ in known)
            found.append(Entry(key, record, names, contents))
        return found
