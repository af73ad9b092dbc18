"""The index: what is known of the workspace since the last run, in one SQLite file.

Unaware of git, of Python and of what the stored bytes mean. It is a cache: deleting it costs time
and nothing else. Every method may raise IndexDamaged (see there); a full disk, a read-only folder
or a lock held for too long raise nothing: `notice` tells of them.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from affected.model.blob import BlobName
from affected.model.digest import ABSENT, Digest
from affected.model.path import RepoPath, decode, encode
from affected.state.database import Database, Row
from affected.state.mentions import Mentions, words
from affected.state.rows import TargetRow, Totals

if TYPE_CHECKING:
    from affected.state.entered import EnteredTable

_CHUNK = 500  # parameters in one statement
_FEW = 30  # needles: beyond, comparing words is quicker than asking SQLite
_BATCH = 10_000  # rows of facts in memory at once


class Index:
    """Typed questions and answers over the tables of `state.schema`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path, wait_seconds: float = 10.0) -> Index:
        """The index at `path`, made if need be; never fails, see `notice`.

        `wait_seconds`: how long to wait for another process that is writing.
        """
        return cls(Database(path, wait_seconds))

    @property
    def notice(self) -> str:
        """One sentence for the user when something was lost or cannot be kept, else ""."""
        return self._database.notice

    @property
    def persistent(self) -> bool:
        """False when nothing written now will be there next time."""
        return self._database.persistent

    def transaction(self) -> AbstractContextManager[None]:
        """All writes inside happen, or none; cheaper than one by one; may be nested."""
        return self._database.transaction()

    def changed_elsewhere(self) -> bool:
        """True when another process wrote since this index was opened.

        Asked inside a transaction, where nobody else can write, it says whether what was read
        before still holds.
        """
        return self._database.changed_elsewhere()

    def close(self) -> None:
        """Let go of the file; more than once is harmless."""
        self._database.close()

    # -- values by name --------------------------------------------------------------------

    def get(self, key: str) -> bytes | None:
        """The bytes stored under `key`, None without any."""
        rows = self._database.read(
            "SELECT checksum, value FROM entries WHERE key = ?", (encode(key),)
        )
        if not rows:
            return None
        return self._checked(encode(key), *rows[0])

    def put(self, key: str, value: bytes) -> None:
        """Store `value` under `key`."""
        row = (encode(key), _checksum(encode(key), value), value)
        self._run("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", [row])

    def delete(self, prefix: str) -> None:
        """Forget every key that starts with `prefix`."""
        start = encode(prefix)
        self._run("DELETE FROM entries WHERE substr(key, 1, ?) = ?", [(len(start), start)])

    # -- files -----------------------------------------------------------------------------

    def files(self) -> dict[RepoPath, Digest]:
        """Every file of the workspace with its digest."""
        rows = self._database.read("SELECT path, digest FROM files")
        with self._sound():
            return {decode(path): digest for path, digest in rows}

    def digests(self, paths: Iterable[RepoPath]) -> dict[RepoPath, Digest]:
        """The digests of those of `paths` that are files of the workspace."""
        wanted = list(paths)
        rows = self._select("path, digest", "files", "path", [encode(path) for path in wanted])
        with self._sound():
            return {decode(path): digest for path, digest in rows}

    def replace_files(self, files: Mapping[RepoPath, Digest]) -> None:
        """Make `files` the whole truth."""
        rows = sorted((encode(path), digest) for path, digest in files.items())

        def action(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM files")
            connection.executemany("INSERT INTO files VALUES (?, ?)", rows)

        self._database.write(action)

    def update_files(self, files: Mapping[RepoPath, Digest]) -> None:
        """Set the digests of `files`; ABSENT takes a file away."""
        gone = [(encode(path),) for path, digest in files.items() if digest == ABSENT]
        rows = [(encode(path), digest) for path, digest in files.items() if digest != ABSENT]

        def action(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM files WHERE path = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?)", rows)

        self._database.write(action)

    def files_below(self, folder: RepoPath) -> dict[RepoPath, Digest]:
        """Every file of the workspace below `folder` with its digest."""
        if not folder:
            return self.files()
        statement = "SELECT path, digest FROM files WHERE path >= ? AND path < ?"
        bounds = (encode(folder) + b"/", encode(folder) + b"0")
        rows = self._database.read(statement, bounds)
        with self._sound():
            return {decode(path): digest for path, digest in rows}

    def has_file(self, path: RepoPath) -> bool:
        """True when `path` is a file of the workspace."""
        return bool(self._database.read("SELECT 1 FROM files WHERE path = ?", (encode(path),)))

    def has_folder(self, path: RepoPath) -> bool:
        """True when some file of the workspace lies below `path`; "" is the root."""
        if not path:
            return bool(self._database.read("SELECT 1 FROM files LIMIT 1"))
        statement = "SELECT 1 FROM files WHERE path >= ? AND path < ? LIMIT 1"
        bounds = (encode(path) + b"/", encode(path) + b"0")
        return bool(self._database.read(statement, bounds))

    # -- facts by content ------------------------------------------------------------------

    def facts(self, digests: Iterable[str]) -> dict[str, bytes]:
        """What was stored for those of `digests` that are known."""
        wanted = list(dict.fromkeys(digests))
        rows = self._select("digest, checksum, content", "facts", "digest", wanted)
        return {
            digest: self._checked(digest.encode(), checksum, content)
            for digest, checksum, content in rows
        }

    def add_facts(self, facts: Mapping[str, bytes]) -> None:
        """Store what files with these digests say."""
        rows = [
            (digest, _checksum(digest.encode(), content), content)
            for digest, content in facts.items()
        ]
        self._run("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", rows)

    def files_mentioning(self, needles: Iterable[bytes]) -> list[RepoPath]:
        """Present files whose facts contain one of `needles`, sorted."""
        wanted = sorted(set(needles))
        if b"" in wanted:
            wanted = [b""]
        few = wanted if len(wanted) <= _FEW else [n for n in wanted if not words(n)]
        digests: set[str] = set()
        for start in range(0, len(few), _CHUNK):
            chunk = few[start : start + _CHUNK]
            tests = " OR ".join(["instr(content, ?)"] * len(chunk))
            rows = self._database.read(f"SELECT digest FROM facts WHERE {tests}", chunk)  # noqa: S608
            digests.update(digest for (digest,) in rows)
        if len(wanted) > _FEW:
            digests |= self._mentioning(Mentions(n for n in wanted if words(n)))
        return self._having(digests)

    def _mentioning(self, mentions: Mentions) -> set[str]:
        """Digests of the facts in which something occurs."""
        vocabulary: set[bytes] = set()
        for rows in self._all_facts():
            for _, content in rows:
                vocabulary.update(words(content))
        mentions.learn(vocabulary)
        return {
            digest
            for rows in self._all_facts()
            for digest, content in rows
            if mentions.occur_in(content)
        }

    def _all_facts(self) -> Iterator[list[Row]]:
        """(digest, content) of everything, so many at a time that memory stays small."""
        ((last,),) = self._database.read("SELECT coalesce(max(rowid), 0) FROM facts")
        for first in range(0, last, _BATCH):
            yield self._database.read(
                "SELECT digest, content FROM facts WHERE rowid > ? AND rowid <= ?",
                (first, first + _BATCH),
            )

    def _having(self, digests: Collection[str]) -> list[RepoPath]:
        """Present files with one of `digests`, sorted."""
        if len(digests) > _CHUNK:
            return sorted(path for path, digest in self.files().items() if digest in digests)
        rows = list(self._select("path", "files", "digest", digests))
        with self._sound():
            return sorted(decode(path) for (path,) in rows)

    def prune_facts(self) -> int:
        """Forget facts of contents no present file has; how many. They cost only space."""
        gone = "FROM facts WHERE digest NOT IN (SELECT digest FROM files)"
        ((count,),) = self._database.read(f"SELECT count(*) {gone}")
        if count:
            self._run(f"DELETE {gone}", [()])
        return int(count)

    # -- blobs by content ------------------------------------------------------------------

    def blobs(self, digests: Iterable[str]) -> dict[str, BlobName]:
        """What a shared cache calls the contents with those of `digests` that are known."""
        rows = self._select("digest, sha256, size", "blobs", "digest", list(digests))
        with self._sound():
            return {digest: BlobName(sha256, size) for digest, sha256, size in rows}

    def add_blobs(self, blobs: Mapping[str, BlobName]) -> None:
        """Store what contents are called."""
        rows = [(digest, *blob) for digest, blob in blobs.items()]
        self._run("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)", rows)

    # -- stamps ----------------------------------------------------------------------------

    def stamps(self, paths: Iterable[RepoPath]) -> dict[RepoPath, tuple[bytes, Digest]]:
        """(stamp, digest) of those of `paths` that have one."""
        wanted = [encode(path) for path in paths]
        rows = self._select("path, stamp, digest", "stamps", "path", wanted)
        with self._sound():
            return {decode(path): (stamp, digest) for path, stamp, digest in rows}

    def put_stamps(self, stamps: Mapping[RepoPath, tuple[bytes, Digest]]) -> None:
        """Store stamps with the digests they stand for."""
        rows = [(encode(path), stamp, digest) for path, (stamp, digest) in stamps.items()]
        self._run("INSERT OR REPLACE INTO stamps VALUES (?, ?, ?)", rows)

    # -- targets ---------------------------------------------------------------------------

    def targets(
        self, labels: Collection[str] | None = None, *, unsettled_only: bool = False
    ) -> list[TargetRow]:
        """The rows of `labels` (None: of all targets), sorted by label."""
        columns = "label, kind, project, path, settings, weak, settled, reason, tests, seconds,"
        columns += " outcome, ran"
        test = "settled = 0" if unsettled_only else ""
        if labels is None:
            rows = self._database.read(
                f"SELECT {columns} FROM targets {'WHERE ' + test if test else ''}"  # noqa: S608
            )
        else:
            wanted = [encode(label) for label in labels]
            rows = list(self._select(columns, "targets", "label", wanted, test))
        with self._sound():
            return sorted(map(_target, rows), key=lambda row: row.label)

    def put_targets(self, rows: Iterable[TargetRow]) -> None:
        """Store rows, each in place of the one with its label."""
        values = sorted(map(_values, rows))
        self._run(
            "INSERT OR REPLACE INTO targets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values
        )

    def remove_targets(self, labels: Iterable[str]) -> None:
        """Forget targets and what they were seen to depend on."""
        keys = [(encode(label),) for label in labels]

        def action(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM targets WHERE label = ?", keys)
            connection.executemany("DELETE FROM observed WHERE label = ?", keys)

        self._database.write(action)

    def totals(self) -> Totals:
        """Sums over the settled targets."""
        ((targets, tests, seconds),) = self._database.read(
            "SELECT count(*), sum(tests), sum(seconds) FROM targets WHERE settled = 1"
        )
        return Totals(targets, tests or 0, seconds or 0.0)

    # -- observed inputs -------------------------------------------------------------------

    def observed(self, paths: Iterable[RepoPath]) -> set[str]:
        """Labels of the targets that were seen to depend on one of `paths`."""
        wanted = [encode(path) for path in paths]
        with self._sound():
            return {decode(row[0]) for row in self._select("label", "observed", "path", wanted)}

    def put_observed(self, label: str, paths: Iterable[RepoPath]) -> None:
        """Make `paths` all that the target was seen to depend on."""
        key = encode(label)
        rows = [(encode(path), key) for path in set(paths)]

        def action(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM observed WHERE label = ?", (key,))
            connection.executemany("INSERT INTO observed VALUES (?, ?)", rows)

        self._database.write(action)

    @property
    def entered(self) -> EnteredTable:
        """Who entered which functions."""
        from affected.state.entered import EnteredTable  # noqa: PLC0415  (a no-op needs it not)

        return EnteredTable(self._database)

    # -- plumbing --------------------------------------------------------------------------

    def _run(self, statement: str, rows: Collection[Row]) -> None:
        def action(connection: sqlite3.Connection) -> None:
            connection.executemany(statement, rows)

        self._database.write(action)

    def _select(
        self,
        columns: str,
        table: str,
        key: str,
        wanted: Collection[bytes | str],
        test: str = "",
    ) -> Iterator[Row]:
        """The rows whose `key` is one of `wanted`."""
        statement = f"SELECT {columns} FROM {table} WHERE {key}"  # noqa: S608
        extra = f" AND {test}" if test else ""
        return self._database.read_where(statement, list(wanted), extra)

    def _checked(self, key: bytes, checksum: bytes, value: bytes) -> bytes:
        with self._sound():
            if _checksum(key, value) != checksum:
                raise ValueError("a value that is not what was stored")
        return value

    @contextlib.contextmanager
    def _sound(self) -> Iterator[None]:
        """Rows of an odd shape mean a damaged file, too."""
        try:
            yield
        except (TypeError, ValueError) as trouble:
            raise self._database.condemn("it is damaged") from trouble


def _checksum(key: bytes, value: bytes) -> bytes:
    return xxhash.xxh3_64_digest(value, seed=xxhash.xxh32_intdigest(key))


def _values(row: TargetRow) -> Row:
    return (
        encode(row.label),
        row.kind,
        encode(row.project),
        encode(row.path),
        encode(row.settings),
        row.weak,
        int(row.settled),
        encode(row.reason),
        row.tests,
        row.seconds,
        row.outcome,
        row.ran,
    )


def _target(row: Row) -> TargetRow:
    label, kind, project, path, settings, weak, settled, reason, tests, seconds, outcome, ran = row
    return TargetRow(
        label=decode(label),
        kind=kind,
        project=decode(project),
        path=decode(path),
        settings=decode(settings),
        weak=weak,
        settled=bool(settled),
        reason=decode(reason),
        tests=tests,
        seconds=seconds,
        outcome=outcome,
        ran=ran,
    )
