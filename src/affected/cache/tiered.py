"""Two places for records: this machine's disk in front of a shared cache. Unaware of the wire.

What the disk has is taken from there; the rest is asked of the shared cache at once, and kept on
the disk. Either may be read or written or not, as the run was told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from affected.cache.disk import DiskStore
from affected.config.remote import CachePolicy, Mode

if TYPE_CHECKING:  # loaded where there is a shared cache
    from affected.cache.backlog import Backlog
    from affected.cache.shared import SharedStore
    from affected.cache.uploads import Uploads


class TieredStore:
    """A `RecordStore` made of two; without a shared cache it is the disk alone."""

    def __init__(
        self,
        local: DiskStore,
        policy: CachePolicy,
        shared: SharedStore | None = None,
        combine: Callable[[bytes, bytes], bytes] | None = None,
        blobs_of: Callable[[bytes], Sequence[str]] | None = None,
        backlog: Backlog | None = None,
    ) -> None:
        """`combine` and `blobs_of` know records: see `affected.cache.combine`.

        `backlog` keeps what could not be shared for a later run.
        """
        self._local = local
        self._policy = policy
        self._shared = shared
        self._combine = combine
        self._uploads: Uploads | None = None
        self._asked: set[str] = set()  # of the shared cache, in this run
        self._kept: dict[str, bytes] = {}  # what the disk does not have yet, or may not keep
        self._kept_blobs: dict[str, bytes] = {}
        self._writers: list[threading.Thread] = []
        if shared is not None and shared.writes and combine is not None and blobs_of is not None:
            from affected.cache.uploads import Old, Uploads  # noqa: PLC0415

            kept = backlog is not None and policy.local.writes
            old = Old(backlog, local.get) if kept and backlog is not None else None
            self._uploads = Uploads(shared, local.get_blobs, combine, blobs_of, old)

    def catch_up(self) -> None:
        """Begins to share what earlier runs could not, in the background."""
        if self._uploads is not None:
            self._uploads.catch_up()

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """See `RecordStore`."""
        found = self._at_hand(keys)
        missing = [k for k in dict.fromkeys(keys) if k not in found and k not in self._asked]
        return found | self._fetch(missing, blobs=True)

    def refresh(self, keys: Sequence[str]) -> set[str]:
        """Asks the shared cache for records that did not prove enough; the keys that got more.

        Each key is asked for once in a run, by this or by `get`.
        """
        unasked = [key for key in dict.fromkeys(keys) if key not in self._asked]
        before = self._at_hand(unasked)
        return {
            key
            for key, record in self._fetch(unasked, blobs=False).items()
            if record != before.get(key)
        }

    def get_blobs(self, digests: Sequence[str]) -> dict[str, bytes]:
        """See `RecordStore`."""
        found = {d: self._kept_blobs[d] for d in digests if d in self._kept_blobs}
        if self._policy.local.reads:
            found |= self._local.get_blobs([d for d in digests if d not in found])
        missing = [d for d in dict.fromkeys(digests) if d not in found]
        if missing and self._shared is not None:
            came = self._shared.get_blobs(missing)
            self._keep_meanwhile({}, came)
            found |= came
        return found

    def put(self, key: str, record: bytes, blobs: Mapping[str, bytes]) -> None:
        """See `RecordStore`; to the shared cache in the background."""
        self._settle()  # nothing older may come after it
        self._keep({key: record}, blobs)
        if self._uploads is not None:
            self._uploads.add(key, record, blobs)

    def finish(self) -> None:
        """Waits for what is on its way to the shared cache, in bounds."""
        if self._uploads is not None and self._shared is not None:
            self._uploads.finish(self._shared.patience)

    def close(self) -> None:
        """See `RecordStore`."""
        self.finish()
        self._settle()
        if self._shared is not None:
            self._shared.close()
        self._local.close()

    def _at_hand(self, keys: Sequence[str]) -> dict[str, bytes]:
        found = {key: self._kept[key] for key in keys if key in self._kept}
        if self._policy.local.reads:
            found |= self._local.get([key for key in keys if key not in found])
        return found

    def _fetch(self, keys: Sequence[str], *, blobs: bool) -> dict[str, bytes]:
        if self._shared is None or not keys or not self._shared.reads:
            return {}
        self._asked.update(keys)
        came = self._shared.look_up(keys, blobs=blobs)
        if not blobs and self._combine is not None:
            ours = self._at_hand(list(came))
            came = {k: self._combine(ours[k], r) if k in ours else r for k, r in came.items()}
        self._keep_meanwhile(came, {})
        return came

    def _keep_meanwhile(self, records: Mapping[str, bytes], blobs: Mapping[str, bytes]) -> None:
        """Onto the disk while the run goes on: thousands of files take a second."""
        if not records and not blobs:
            return
        self._kept.update(records)
        self._kept_blobs.update(blobs)
        if self._policy.local.writes:
            writer = threading.Thread(target=self._local.keep, args=(records, blobs))
            writer.start()
            self._writers.append(writer)

    def _settle(self) -> None:
        """What came from the shared cache is on the disk, if it may be."""
        if self._writers:
            for writer in self._writers:
                writer.join()
            self._writers.clear()
            if self._policy.local is Mode.BOTH:
                self._kept.clear()
                self._kept_blobs.clear()

    def _keep(self, records: Mapping[str, bytes], blobs: Mapping[str, bytes]) -> None:
        if self._policy.local.writes:
            self._local.keep(records, blobs)
        if self._policy.local is not Mode.BOTH:
            self._kept.update(records)
            self._kept_blobs.update(blobs)
