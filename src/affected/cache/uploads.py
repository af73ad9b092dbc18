"""Carries records to a shared cache while the run goes on. Unaware of the wire.

One thread. What the cache holds under a key by then is combined with ours, so that two machines
that write the same record lose neither's observations.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from affected.cache.patience import Leisure, Patience
from affected.cache.shared import RETRIES, SILENCE, UNSENT, SharedStore
from affected.errors import CallFailed, RemoteTrouble

if TYPE_CHECKING:
    from affected.cache.plain_calls import Entry, Haul

GATHERING: Final = 0.05  # seconds that the first record waits for company
MOST_RECORDS: Final = 2000  # carried at once
MOST_BYTES: Final = 16 << 20
ROOM: Final = 128 << 20  # bytes that may wait; what comes on top is not shared
_TICK: Final = 0.02
_PASSING: Final = ("UNAVAILABLE", "ABORTED", "INTERNAL", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class _Waiting:
    record: bytes
    blobs: Mapping[str, bytes]

    @property
    def size(self) -> int:
        return len(self.record) + sum(map(len, self.blobs.values()))


class Uploads:
    """Records on their way to `store`."""

    def __init__(
        self,
        store: SharedStore,
        blobs_at_hand: Callable[[Sequence[str]], dict[str, bytes]],
        combine: Callable[[bytes, bytes], bytes],
        blobs_of: Callable[[bytes], Sequence[str]],
    ) -> None:
        """`blobs_at_hand` finds blobs of earlier observations on this machine."""
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

    def add(self, key: str, record: bytes, blobs: Mapping[str, bytes]) -> None:
        """Takes a record along; never waits."""
        if not self._store.writes:
            return
        waiting = _Waiting(record, dict(blobs))
        with self._change:
            before = self._waiting.pop(key, None)
            if before is not None:
                self._size -= before.size
                waiting = _Waiting(record, {**before.blobs, **blobs})
            if self._size + waiting.size > ROOM:
                self._left_behind += 1
                return
            self._waiting[key] = waiting
            self._size += waiting.size
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._carry, name="affected-uploads", daemon=True
                )
                self._thread.start()
            self._change.notify()

    def finish(self, patience: Patience) -> None:
        """Waits for the rest while patience lasts; what is on its way then is given up.

        Ctrl-C ends the wait, and nothing else: the run itself is over.
        """
        thread = self._thread
        if thread is None:
            return
        with self._change:
            self._closing = True
            self._change.notify()
        self._thread = None  # an interrupted wait is not taken up again
        with contextlib.suppress(KeyboardInterrupt):
            self._wait_for(thread, patience)
        if (thread.is_alive() and self._store.writes) or self._left_behind:
            self._store.stop(CallFailed(UNSENT), writing=True)

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
            batch = self._next()
            if not batch or not self._store.writes:
                return
            try:
                self._deliver(batch)
            except RemoteTrouble as trouble:
                self._store.stop(trouble, writing=True)

    def _next(self) -> dict[str, _Waiting]:
        with self._change:
            while not self._waiting and not self._closing:
                self._change.wait()
            if not self._closing:
                self._change.wait_for(lambda: self._closing, GATHERING)
            batch: dict[str, _Waiting] = {}
            size = 0
            while self._waiting and len(batch) < MOST_RECORDS and size < MOST_BYTES:
                key = next(iter(self._waiting))
                batch[key] = self._waiting.pop(key)
                size += batch[key].size
            self._size -= size
            return batch

    def _deliver(self, batch: Mapping[str, _Waiting]) -> None:
        for pause in (*RETRIES, None):
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
