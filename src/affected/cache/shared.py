"""The shared cache: asked late, waited for briefly, believed only what can be checked.

Unaware of gRPC and of what a record says. Whatever goes wrong is a miss; the first trouble ends
what it concerns for this run and is told by `notice` in one line.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from affected.cache.patience import Leisure, Patience
from affected.errors import CallFailed, Falsehood, RemoteTrouble

if TYPE_CHECKING:  # protobuf is loaded on connecting
    from affected.cache.plain_calls import Entry, Haul, Line, PlainCalls

RETRIES: Final[tuple[float, ...]] = (0.2, 0.5, 1.5)  # seconds before the background tries again
SILENCE: Final = 10.0  # seconds that the background waits for an answer
NOT_ALLOWED: Final = ("PERMISSION_DENIED", "UNAUTHENTICATED")
FULL: Final = "RESOURCE_EXHAUSTED"
CROWDED: Final = "CROWDED"  # of our own: it cannot take any question now
UNSENT: Final = "UNSENT"  # of our own: the run ended before all was carried there
_AWAY: Final = "UNAVAILABLE"
_NOT_OURS: Final = "UNIMPLEMENTED"
_WITHOUT: Final = "the run went on without it"
_SAID: Final = {
    "UNAVAILABLE": "cannot be reached",
    "DEADLINE_EXCEEDED": "does not answer in time",
    "UNAUTHENTICATED": "does not know the token, or wants one",
    "PERMISSION_DENIED": "does not let this token in",
    CROWDED: "has no room for our questions",
    FULL: "is full: results of this run are not shared",
    UNSENT: "did not take every result in time: some are not shared yet",
}


@dataclass(frozen=True, slots=True)
class Health:
    """What a look at the shared cache found."""

    trouble: str = ""  # why it cannot be used; "" when it can
    writes: bool = False
    batched: bool = False  # it looks thousands of records up in one call
    round_trip: float = 0.0  # seconds


class SharedStore:
    """Records and blobs on the other side of a network; no longer than `patience` is waited."""

    def __init__(
        self,
        name: str,
        instance: str,
        connect: Callable[[], Line],
        *,
        reads: bool = True,
        writes: bool = True,
        patience: Patience | None = None,
    ) -> None:
        """`name` is what messages call it; `connect` may raise RemoteTrouble."""
        self.name = name
        self.notice = ""
        self.reads = reads
        self.writes = writes
        self.refused = False  # it does not let us write
        self.costly = False  # what went wrong there cost patience
        self._instance = instance
        self._connect = connect
        self._patience = patience or Patience()
        self._calls: PlainCalls | None = None
        self._line: Line | None = None
        self._connecting = threading.Lock()
        self._haul: Haul | None = None

    @property
    def patience(self) -> Patience:
        """What is left of the time that a run may lose."""
        return self._patience

    def look_up(self, keys: Sequence[str], *, blobs: bool) -> dict[str, bytes]:
        """See `RecordStore.get`. With `blobs`, those that the records name may come along."""
        if not self.reads or not keys:
            return {}
        haul = self._hauled()
        asked = list(dict.fromkeys(keys))
        self._trying(lambda calls: self._missing(calls, asked, haul, blobs=blobs))
        return {key: haul.records.pop(key) for key in asked if key in haul.records}

    def get_blobs(self, digests: Sequence[str]) -> dict[str, bytes]:
        """See `RecordStore`. Only blobs that a record from there has named can be asked for."""
        if self._haul is None:
            return {}
        haul = self._haul
        wanted = [haul.names[d] for d in digests if d in haul.names and d not in haul.blobs]
        if wanted and self.reads:
            self._trying(lambda calls: calls.fetch(wanted, haul, self._patience))
        return {d: haul.blobs.pop(d) for d in dict.fromkeys(digests) if d in haul.blobs}

    def close(self) -> None:
        """Ends every call."""
        if self._line is not None:
            self._line.close()

    def deliver(
        self, keys: Sequence[str], entries: Callable[[Haul], list[Entry]], leisure: Leisure
    ) -> None:
        """Writes, patiently: `entries` makes them of what is there now. For the background.

        Raises RemoteTrouble.
        """
        from affected.cache.plain_calls import Haul  # noqa: PLC0415

        calls = self._connected(leisure)
        if not calls.offers(leisure).updates:
            raise CallFailed(NOT_ALLOWED[0])
        haul = Haul()
        calls = self._looked_up(calls, keys, haul, leisure, blobs=False)
        calls.send(entries(haul), leisure)

    def stop(self, trouble: RemoteTrouble, *, writing: bool = False) -> None:
        """Ends what the trouble concerns; told once, unless it is only that we may not write."""
        code = trouble.code if isinstance(trouble, CallFailed) else ""
        self.writes = False
        self.costly = self.costly or code != _AWAY
        if writing and code in NOT_ALLOWED:
            self.refused = True
            return
        if not (writing and code in {FULL, UNSENT}):
            self.reads = False
            if code == FULL:
                trouble = CallFailed(CROWDED)
        self.notice = self.notice or f"the shared cache {self.name} {told(trouble)}"

    def look(self) -> Health:
        """Asks what can be done there and how long an answer takes; for `affected doctor`."""
        from affected.cache.plain_calls import Haul  # noqa: PLC0415

        try:
            calls = self._connected(self._patience)
            writes = calls.offers(self._patience).updates
            began = time.monotonic()
            calls.introduce(self._patience)
            taken = time.monotonic() - began
            calls = self._looked_up(calls, ["0" * 64], Haul(), self._patience, blobs=False)
        except RemoteTrouble as trouble:
            self.stop(trouble)
            return Health(trouble=told(trouble, "").removesuffix(": "))
        if writes:
            try:
                calls.send([], self._patience)
            except RemoteTrouble:
                writes = False
        return Health("", writes, calls.batched, taken)

    # -- calling ---------------------------------------------------------------------------

    def _hauled(self) -> Haul:
        if self._haul is None:
            from affected.cache.plain_calls import Haul  # noqa: PLC0415

            self._haul = Haul()
        return self._haul

    def _trying(self, action: Callable[[PlainCalls], object]) -> None:
        """Once more when the connection was lost; then it is over for this run."""
        for last in (False, True):
            try:
                action(self._connected(self._patience))
            except CallFailed as failure:
                if failure.code == _AWAY and self._calls is not None and not last:
                    continue
                self.stop(failure)
            except RemoteTrouble as trouble:
                self.stop(trouble)
            return

    def _missing(self, calls: PlainCalls, keys: Sequence[str], haul: Haul, *, blobs: bool) -> None:
        left = [key for key in keys if key not in haul.records]  # an answer may have been cut
        self._looked_up(calls, left, haul, self._patience, blobs=blobs)

    def _looked_up(
        self,
        calls: PlainCalls,
        keys: Sequence[str],
        haul: Haul,
        patience: Patience,
        *,
        blobs: bool,
    ) -> PlainCalls:
        """Looks up, by the plain interface when the server has no other; the calls that worked."""
        try:
            calls.look_up(keys, haul, patience, blobs=blobs)
        except CallFailed as failure:
            if failure.code != _NOT_OURS or not calls.batched:
                raise
        else:
            return calls
        self._calls = calls = calls.plain()
        calls.look_up(keys, haul, patience, blobs=blobs)
        return calls

    def _connected(self, patience: Patience) -> PlainCalls:
        began = time.monotonic()
        got = self._connecting.acquire(timeout=patience.left)
        patience.spend(time.monotonic() - began)
        if not got:
            raise CallFailed("DEADLINE_EXCEEDED")
        try:
            if self._calls is None:
                from affected.cache.batched_calls import BatchedCalls  # noqa: PLC0415

                if self._line is None:
                    self._line = self._connect()
                self._calls = BatchedCalls(self._line, self._instance)
            return self._calls
        finally:
            self._connecting.release()


def told(trouble: RemoteTrouble, end: str = _WITHOUT) -> str:
    """What is wrong with a shared cache, to be said after its name."""
    if isinstance(trouble, CallFailed):
        words = "" if str(trouble) == trouble.code else f", {trouble}"
        said = _SAID.get(trouble.code, f"failed ({trouble.code}{words})")
        return said if trouble.code in {FULL, UNSENT} else f"{said}: {end}"
    said = "cannot be believed" if isinstance(trouble, Falsehood) else "cannot be used"
    return f"{said} ({trouble}): {end}"
