"""Which functions of a file were entered, by whom: the other way round than records tell it.

Unaware of records and of what follows. One batch is what is put at once; a target is in one only,
the last it was put in.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from affected.model.path import RepoPath, decode, encode
from affected.state.database import Database

_DAMAGE = (ValueError, TypeError, LookupError, AttributeError, zlib.error)


@dataclass(frozen=True, slots=True)
class Noted:
    """Where a target's observation is to be found."""

    ran: float  # when it was written, in seconds since the epoch
    batch: int
    number: int  # of the target in that batch


@dataclass(frozen=True, slots=True)
class Entered:
    """What the observations of one batch used of one file: targets are numbers in the batch."""

    digest: str  # of the file then
    lines: Mapping[int, Sequence[int]]  # first line of a function → who entered it
    whole: Sequence[int] = ()  # whom any other content concerns

    def pack(self) -> bytes:
        """Deflated JSON; its checksum tells damage."""
        tree = [self.digest, list(self.whole), {str(k): list(v) for k, v in self.lines.items()}]
        return zlib.compress(json.dumps(tree, separators=(",", ":")).encode("ascii"), 1)

    @staticmethod
    def unpack(content: bytes) -> Entered | None:
        """Inverse of `pack`; None for damaged bytes."""
        try:
            digest, whole, lines = json.loads(zlib.decompress(content))
            return Entered(digest, {int(line): who for line, who in lines.items()}, whole)
        except _DAMAGE:
            return None


class EnteredTable:
    """The tables `noted` and `entered` of an index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, ran: float, labels: Sequence[str], files: Mapping[RepoPath, Entered]) -> None:
        """One batch: the observations of `labels` written at `ran`, numbered as they stand."""
        ((last,),) = self._database.read("SELECT max(batch) FROM noted")
        batch = (last or 0) + 1
        rows = [(encode(label), ran, batch, number) for number, label in enumerate(labels)]
        content = [(encode(path), batch, one.pack()) for path, one in files.items()]

        def action(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO noted VALUES (?, ?, ?, ?)", rows)
            connection.execute(
                "DELETE FROM entered WHERE batch NOT IN (SELECT DISTINCT batch FROM noted)"
            )
            connection.executemany("INSERT OR REPLACE INTO entered VALUES (?, ?, ?)", content)

        self._database.write(action)

    def noted(self, labels: Iterable[str]) -> dict[str, Noted]:
        """Those of `labels` that are in some batch."""
        wanted = [encode(label) for label in labels]
        statement = "SELECT label, ran, batch, number FROM noted WHERE label"
        rows = self._database.read_where(statement, wanted)
        return {decode(label): Noted(*rest) for label, *rest in rows}

    def of(self, path: RepoPath) -> dict[int, Entered | None]:
        """By batch, what was used of a file; None for what is damaged."""
        rows = self._database.read(
            "SELECT batch, content FROM entered WHERE path = ?", (encode(path),)
        )
        return {batch: Entered.unpack(content) for batch, content in rows}
