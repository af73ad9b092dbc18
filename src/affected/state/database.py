"""One SQLite file that may be lost at any time, and what happens when it is.

Unaware of what its tables hold. A file that is damaged, foreign or of another version is set aside
and a new one begun; where no file can be written, the same tables live in memory. `notice` says so.
Write-ahead logging: readers never wait for a writer, a killed writer leaves the last commit.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from affected.state.rows import IndexDamaged
from affected.state.schema import APPLICATION, SCHEMA, VERSION

Row = tuple[Any, ...]
Action = Callable[[sqlite3.Connection], None]

_COMPANIONS = ("", "-wal", "-shm", "-journal")
_SET_ASIDE = ".set-aside"
_CHUNK = 500  # parameters in one statement
_DATA_VERSION = "PRAGMA data_version"  # a number that only the commits of others change
# Primary result codes (https://www.sqlite.org/rescode.html) of a file that cannot be trusted.
# Plain errors ("no such table", text that is no UTF-8) mean damage too: our statements are right.
_DAMAGED = frozenset(
    {
        0,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_MISMATCH,
    }
)


# What a statement raises when the file is at fault: SQLite's words may hold the file's odd bytes.
_TROUBLE = (sqlite3.Error, UnicodeDecodeError)


class _Unusable(Exception):  # never leaves this module
    """The file is there but is not an index of this version."""


class Database:
    """A connection with a policy for every way in which a local file can fail."""

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self.path = path
        self.notice = ""
        self._wait = wait_seconds
        self._in_memory = False
        self._copied = False  # memory holds what the file held
        self._pending: list[Action] = []  # of the open transaction, to be replayed in memory
        self._depth = 0
        self._seen = 0  # the data version when the file was opened
        self._connection = self._open()

    @property
    def persistent(self) -> bool:
        """False when nothing written now will be there next time."""
        return not self._in_memory

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows. IndexDamaged when the file turns out to be damaged."""
        try:
            return self._connection.execute(statement, parameters).fetchall()
        except _TROUBLE as trouble:
            self._give_up(trouble)
            return self._connection.execute(statement, parameters).fetchall()

    def write(self, action: Action) -> None:
        """Run `action` in the open transaction, or in one of its own.

        Where the disk refuses, the tables move to memory and `action`, with what was written
        earlier in the same transaction, is done there. IndexDamaged as for `read`.
        """
        with self.transaction():
            self._pending.append(action)
            try:
                action(self._connection)
            except _TROUBLE as trouble:
                self._give_up(trouble)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside, or none; may be nested. An exception from inside undoes them."""
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        self._depth = 1
        try:
            self._begin()
            yield
            self._commit()
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._depth = 0
            self._pending = []

    def read_where(
        self, statement: str, wanted: Sequence[bytes | str], extra: str = ""
    ) -> Iterator[Row]:
        """All rows of `statement`, which ends with a column, where that column is in `wanted`."""
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            yield from self.read(f"{statement} IN ({', '.join('?' * len(some))}){extra}", some)

    def changed_elsewhere(self) -> bool:
        """True when another connection committed since the file was opened."""
        if self._in_memory:
            return False
        ((version,),) = self.read(_DATA_VERSION)
        return bool(version != self._seen)

    def condemn(self, what: str) -> IndexDamaged:
        """Set the file aside for a reason SQLite cannot see; raise what this returns."""
        self._roll_back()
        self._begin_anew(what)
        return IndexDamaged(self.notice)

    def close(self) -> None:
        """Let go of the file; more than once is harmless."""
        with contextlib.suppress(*_TROUBLE):
            self._connection.close()

    # -- opening ---------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except _Unusable as trouble:
            return self._replace(str(trouble))
        except _TROUBLE as trouble:
            if _code(trouble) in _DAMAGED:
                return self._replace("it is damaged")
            return self._resort_to_memory(self._read_only(), str(trouble))
        except OSError as trouble:
            return self._resort_to_memory(self._read_only(), trouble.strerror or str(trouble))

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=self._wait, isolation_level=None)
        try:
            if _identity(connection) != (APPLICATION, VERSION):
                _create(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            _check_whole(connection, self.path)
            _check_writable(self.path)
            (self._seen,) = connection.execute(_DATA_VERSION).fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _replace(self, why: str) -> sqlite3.Connection:
        """Set the file aside and begin a new one."""
        try:
            aside = _set_aside(self.path)
            self.notice = f"the index was started over, because {why}; the old one is {aside}"
            return self._connect()
        except (OSError, *_TROUBLE, _Unusable) as trouble:
            return self._resort_to_memory(None, f"{why}, and {trouble}")

    def _resort_to_memory(self, source: sqlite3.Connection | None, why: str) -> sqlite3.Connection:
        """The same tables in memory, with what `source` holds where it can be read."""
        self.notice = f"the index {self.path} cannot be written ({why}): nothing will be remembered"
        self._in_memory = True
        connection = sqlite3.connect(":memory:", isolation_level=None)
        if source is not None:
            try:
                source.backup(connection)
                self._copied = True
            except sqlite3.Error:
                connection.close()
                connection = sqlite3.connect(":memory:", isolation_level=None)
            finally:
                source.close()
        if _identity(connection) != (APPLICATION, VERSION):
            _create(connection)
        return connection

    def _read_only(self) -> sqlite3.Connection | None:
        """A connection that leaves no trace beside the file; None when there is none to read."""
        log = self.path.with_name(self.path.name + "-wal")
        try:
            # With a log beside it the file alone would be an old state, and perhaps a torn one.
            if not self.path.exists() or (log.exists() and log.stat().st_size):
                return None
            address = "".join(map("%{:02x}".format, os.fsencode(self.path.absolute())))
            options = "mode=ro&immutable=1"
            connection = sqlite3.connect(
                f"file:{address}?{options}", uri=True, isolation_level=None
            )
        except (OSError, sqlite3.Error):
            return None
        with contextlib.suppress(*_TROUBLE):
            if _identity(connection) == (APPLICATION, VERSION):
                return connection
        connection.close()
        return None

    # -- failing ---------------------------------------------------------------------------

    def _give_up(self, trouble: Exception) -> None:
        """Return with a working connection and the transaction redone, or raise."""
        if self._in_memory or isinstance(trouble, sqlite3.ProgrammingError):
            raise trouble
        if _code(trouble) in _DAMAGED:
            raise self.condemn("it is damaged") from trouble
        self._roll_back()
        self._connection = self._resort_to_memory(self._connection, str(trouble))
        if not self._copied:
            raise IndexDamaged(self.notice) from trouble
        if self._depth:
            self._connection.execute("BEGIN")
        for action in self._pending:
            action(self._connection)

    def _begin_anew(self, why: str) -> None:
        self.close()
        self._pending = []
        self._connection = self._replace(why)

    def _begin(self) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except _TROUBLE as trouble:
            self._give_up(trouble)

    def _commit(self) -> None:
        if not self._connection.in_transaction:
            return
        try:
            self._connection.execute("COMMIT")
        except _TROUBLE as trouble:
            self._give_up(trouble)
            self._connection.execute("COMMIT")

    def _roll_back(self) -> None:
        with contextlib.suppress(*_TROUBLE):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    """(application id, user version), as stored in the file's header."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file. _Unusable for a file that holds anything else."""
    connection.execute("PRAGMA page_size = 8192")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _is_ours(connection):  # else another process was quicker
            for statement in SCHEMA.split(";\n")[:-1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _is_ours(connection: sqlite3.Connection) -> bool:
    """True for our tables, False for an empty file; _Unusable for anything else."""
    application, version = _identity(connection)
    if (application, version) == (APPLICATION, VERSION):
        return True
    if application == APPLICATION:
        age = "a newer" if version > VERSION else "an older"
        raise _Unusable(f"{age} version of this tool wrote it")
    if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise _Unusable("it belongs to another program")
    return False


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """_Unusable for a file that is shorter than its header says; a log may hold the rest."""
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        return
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    if path.stat().st_size < pages * size:
        raise _Unusable("it is truncated")


def _check_writable(path: Path) -> None:
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise PermissionError(None, "it is read-only")


def _set_aside(path: Path) -> Path:
    """Rename the file and what belongs to it; an earlier one set aside is lost."""
    aside = path.with_name(path.name + _SET_ASIDE)
    for companion in _COMPANIONS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + companion).replace(aside.with_name(aside.name + companion))
    return aside


def _code(trouble: Exception) -> int:
    """The primary result code; 0 when Python raised it itself."""
    return getattr(trouble, "sqlite_errorcode", 0) & 0xFF
