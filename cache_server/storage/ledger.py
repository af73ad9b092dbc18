"""Who is kept, in the order of use, and how much room is left. Unaware of bytes and of files.

Not safe for several threads at once: its owner holds a lock around it and whatever must agree
with it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cache_server.storage.protocol import NoRoom

Stamp = tuple[int, int, int, int]


class Spot(NamedTuple):
    """Where a small thing is: `length` bytes from a block of a pack on, and their XXH3-64."""

    pack: int
    block: int
    length: int
    sum: int


class Entry:
    """One thing kept: what it `cost`s of the limit, and notes of the owner's.

    `size` is a blob's; None for what nobody may ask for by a name and a size. `length` is that of
    either.
    """

    __slots__ = ("cost", "epoch", "length", "size", "spot", "stamp")

    def __init__(self, size: int | None, length: int, cost: int, spot: Spot | None) -> None:
        self.size = size
        self.length = length
        self.cost = cost
        self.spot = spot  # None: a file of its own
        self.stamp: Stamp | None = None  # how the bytes looked when they were last checked
        self.epoch = 0  # when it was last used, roughly


Gone = list[tuple[str, Entry]]


class Ledger:
    """An LRU order under a hard limit of `limit` bytes, counted in whole blocks of `block`.

    `others` are bytes that others have set aside; `used` gets each name once in an epoch that it is
    used in; `packs` counts what is in each pack.
    """

    def __init__(self, limit: int, block: int = 1) -> None:
        self.limit = limit
        self.reserved = 0
        self.others = 0
        self.kept = 0
        self.epoch = 1
        self.used: list[str] = []
        self.packs: dict[int, int] = {}
        self._block = block
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Names and entries, the least recently used first."""
        return iter(self._entries.items())

    def cost(self, size: int) -> int:
        """What something of `size` bytes counts."""
        return max(-(-size // self._block), 1) * self._block

    def fits(self, size: int) -> bool:
        """Whether it could be kept if all else went."""
        return self.cost(size) <= self.limit

    def peek(self, name: str) -> Entry | None:
        """The entry, which does not count as used."""
        return self._entries.get(name)

    def find(self, name: str) -> Entry | None:
        """The entry, which counts as used now."""
        entry = self._entries.get(name)
        if entry is not None:
            self._entries.move_to_end(name)
            if entry.epoch != self.epoch:
                entry.epoch = self.epoch
                self.used.append(name)
        return entry

    def touch(self, name: str) -> None:
        """Somebody else used it."""
        if name in self._entries:
            self._entries.move_to_end(name)

    def present(self, blobs: Sequence[tuple[str, int]]) -> list[bool]:
        """Which (name, size) pairs are kept; those count as used now."""
        entries = self._entries
        move = entries.move_to_end
        epoch = self.epoch
        answer = []
        for name, size in blobs:
            entry = entries.get(name)
            if entry is not None and entry.size == size:
                move(name)
                if entry.epoch != epoch:
                    entry.epoch = epoch
                    self.used.append(name)
                answer.append(True)
            else:
                answer.append(False)
        return answer

    def reserve(self, size: int) -> Gone:
        """Set bytes aside for what is on its way; what must go for it."""
        if self.reserved + self.others + size > self.limit:
            raise NoRoom(f"{size} bytes more do not fit under the limit of {self.limit}")
        self.reserved += size
        return self.shrink()

    def release(self, size: int) -> None:
        """Give back bytes that were set aside."""
        self.reserved -= size

    def admit(self, name: str, size: int, *, blob: bool, spot: Spot | None = None) -> Gone:
        """Keep `name` as the most recently used; what must go for it."""
        cost = self.cost(size)
        if cost + self.reserved + self.others > self.limit:
            raise NoRoom(f"{size} bytes do not fit under the limit of {self.limit}")
        self.place(name, size, blob=blob, spot=spot)
        return self.shrink()

    def place(self, name: str, size: int, *, blob: bool, spot: Spot | None) -> None:
        """Keep `name` as the most recently used, whether it fits or not."""
        self.forget(name)
        cost = self.cost(size)
        self._entries[name] = entry = Entry(size if blob else None, size, cost, spot)
        entry.epoch = self.epoch
        self.kept += cost
        if spot is not None:
            self.packs[spot.pack] = self.packs.get(spot.pack, 0) + 1

    def forget(self, name: str) -> Entry | None:
        """Keep `name` no more; its entry, if it was kept."""
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._count_out(entry)
        return entry

    def shrink(self) -> Gone:
        """Let go what is over the limit; that."""
        gone: Gone = []
        while self.kept + self.reserved + self.others > self.limit and self._entries:
            name, entry = self._entries.popitem(last=False)
            self._count_out(entry)
            gone.append((name, entry))
        return gone

    def _count_out(self, entry: Entry) -> None:
        self.kept -= entry.cost
        if entry.spot is not None:
            left = self.packs[entry.spot.pack] - 1
            if left:
                self.packs[entry.spot.pack] = left
            else:
                del self.packs[entry.spot.pack]
