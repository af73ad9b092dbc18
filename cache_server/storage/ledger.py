"""Who is kept, in the order of use, and how much room is left. Unaware of bytes and of files.

Not safe for several threads at once: its owner holds a lock around it and whatever must agree
with it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from cache_server.storage.protocol import NoRoom

Stamp = tuple[int, int, int, int]


class Entry:
    """One thing kept: what it `cost`s of the limit, and two notes of the owner's.

    `size` is a blob's; None for what nobody may ask for by a name and a size.
    """

    __slots__ = ("cost", "size", "stamp", "used")

    def __init__(self, size: int | None, cost: int) -> None:
        self.size = size
        self.cost = cost
        self.stamp: Stamp | None = None  # how the file looked when its bytes were last checked
        self.used = False  # since the server started


class Ledger:
    """An LRU order under a hard limit of `limit` bytes, counted in whole blocks of `block`."""

    def __init__(self, limit: int, block: int = 1) -> None:
        self.limit = limit
        self.reserved = 0
        self.kept = 0
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

    def find(self, name: str) -> Entry | None:
        """The entry, which counts as used now."""
        entry = self._entries.get(name)
        if entry is not None:
            self._entries.move_to_end(name)
            entry.used = True
        return entry

    def present(self, blobs: Sequence[tuple[str, int]]) -> list[bool]:
        """Which (name, size) pairs are kept; those count as used now."""
        entries = self._entries
        move = entries.move_to_end
        answer = []
        for name, size in blobs:
            entry = entries.get(name)
            if entry is not None and entry.size == size:
                move(name)
                entry.used = True
                answer.append(True)
            else:
                answer.append(False)
        return answer

    def reserve(self, size: int) -> list[str]:
        """Set bytes aside for what is on its way; the names that must go for it."""
        if self.reserved + size > self.limit:
            raise NoRoom(f"{size} bytes more do not fit under the limit of {self.limit}")
        self.reserved += size
        return self._shrink()

    def release(self, size: int) -> None:
        """Give back bytes that were set aside."""
        self.reserved -= size

    def admit(self, name: str, size: int, *, blob: bool, used: bool = True) -> list[str]:
        """Keep `name` as the most recently used; the names that must go for it."""
        cost = self.cost(size)
        if cost + self.reserved > self.limit:
            raise NoRoom(f"{size} bytes do not fit under the limit of {self.limit}")
        self.forget(name)
        self._entries[name] = entry = Entry(size if blob else None, cost)
        entry.used = used
        self.kept += cost
        return self._shrink()

    def forget(self, name: str) -> None:
        """Keep `name` no more, if it was."""
        entry = self._entries.pop(name, None)
        if entry is not None:
            self.kept -= entry.cost

    def _shrink(self) -> list[str]:
        gone: list[str] = []
        while self.kept + self.reserved > self.limit:
            name, entry = self._entries.popitem(last=False)
            self.kept -= entry.cost
            gone.append(name)
        return gone
