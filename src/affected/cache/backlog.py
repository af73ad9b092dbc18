"""Keys of records that a shared cache could not be given, until a later run gives them.

Unaware of the wire and of what a record says: the records themselves are on this machine's disk.

    FOLDER/keys-…     the keys that one run did not get rid of, one a line, in ASCII
    FOLDER/taken-…    the same, while a run sends them

A file's modification time says from when on it is worth another try. Files are written beside and
renamed, and a run takes one by renaming it, so any number of runs may do so at once. What a run
that was killed had taken is free again after an hour; sending something twice does no harm.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

NAME: Final = "unsent"  # of the folder that holds such a folder for each shared cache
ENOUGH: Final = 5_000  # keys after which no further file is taken
MOST_FILES: Final = 64  # that wait; the oldest go
LARGEST: Final = 4 << 20  # bytes of one file: some 60,000 keys
WAIT: Final = 60.0  # seconds until a cache that cost a run its patience is asked again
FORGOTTEN: Final = 3600.0  # seconds after which what was taken has nobody who sends it
OLDEST: Final = 30 * 86_400.0  # seconds after which nobody needs it any more
_KEYS, _TAKEN, _NEW = "keys-", "taken-", "new-"
_KEY: Final = re.compile(r"[0-9A-Za-z_-]{3,200}")


class Backlog:
    """What waits for one shared cache, in `folder`; `clock` gives seconds since the epoch.

    A folder that cannot be read or written keeps nothing, and is no trouble.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._held: list[Path] = []

    def waits(self) -> bool:
        """True when there is something to send now; costs next to nothing when there is not."""
        return any(self._due(file) for file in self._files())

    def take(self) -> list[str]:
        """Keys to send, for this run alone until it says `leave`; each once."""
        keys: dict[str, None] = {}
        for file in sorted(self._files(), key=lambda file: file.name):
            if len(keys) >= ENOUGH:
                break
            if self._due(file) and (mine := self._claimed(Path(file.path))) is not None:
                self._held.append(mine)
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    keys |= dict.fromkeys(filter(_KEY.fullmatch, mine.read_text("ascii").split()))
        return list(keys)

    def leave(self, keys: Collection[str], wait: float = 0.0) -> None:
        """These are left for a run in `wait` seconds or later; whatever else was taken is done."""
        with contextlib.suppress(OSError):
            if keys:
                self._write("\n".join(keys).encode("ascii")[:LARGEST], self._clock() + wait)
            for mine in self._held:
                mine.unlink(missing_ok=True)
            self._held.clear()
            self._drop_old()
            for folder in (self._folder, self._folder.parent):
                folder.rmdir()  # fails while something waits

    def _files(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._folder) as found:
                return [file for file in found if file.name.startswith((_KEYS, _TAKEN))]
        except OSError:
            return []

    def _due(self, file: os.DirEntry[str]) -> bool:
        now = self._clock()
        try:
            stamp = file.stat(follow_symlinks=False).st_mtime
        except OSError:
            return False
        if file.name.startswith(_TAKEN):
            return abs(now - stamp) > FORGOTTEN
        return stamp <= now or stamp > now + 2 * WAIT  # written by another clock

    def _claimed(self, path: Path) -> Path | None:
        """The file under a name of ours; None when another run was quicker."""
        mine = self._folder / f"{_TAKEN}{self._unique()}"
        try:
            path.rename(mine)
            os.utime(mine, (self._clock(), self._clock()))
        except OSError:
            return None
        return mine

    def _write(self, content: bytes, due: float) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = self._folder / f"{_NEW}{self._unique()}"
        scratch.write_bytes(content)
        os.utime(scratch, (due, due))
        scratch.rename(self._folder / f"{_KEYS}{self._unique()}")

    def _unique(self) -> str:
        """Sorts by time."""
        return f"{int(self._clock() * 1e6):017}-{os.getpid()}-{os.urandom(4).hex()}"

    def _drop_old(self) -> None:
        kept = sorted(self._files(), key=lambda file: file.name)
        for number, file in enumerate(reversed(kept)):
            if number >= MOST_FILES or self._clock() - file.stat().st_mtime > OLDEST:
                Path(file.path).unlink(missing_ok=True)


def place(cache: Path, address: str) -> Path:
    """The folder of what waits for the shared cache of that address."""
    return cache / NAME / hashlib.sha256(address.encode()).hexdigest()[:20]


def something_waits(cache: Path) -> bool:
    """True when any shared cache may have to be given something."""
    return (cache / NAME).exists()
