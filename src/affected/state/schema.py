"""The tables of the index. Unaware of who reads them.

Whatever may hold a path is a BLOB of the bytes the disk knows it by: paths need not be Unicode.
"""

from __future__ import annotations

from typing import Final

APPLICATION: Final = 0x61666664  # "affd", in the file's header
# Bump whenever a table or the meaning of a column changes: the old file is set aside.
# 1: first layout. 2: blobs. 3: what was entered.
VERSION: Final = 3

SCHEMA: Final = """
-- Values by name; `checksum` is XXH3-64 of `value`, seeded with XXH32 of the key.
CREATE TABLE entries (key BLOB PRIMARY KEY, checksum BLOB, value BLOB);
-- Every file of the workspace as it was seen last.
CREATE TABLE files (path BLOB PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
-- What a file with that content says, whatever its path; `checksum` as above.
CREATE TABLE facts (digest TEXT PRIMARY KEY, checksum BLOB, content BLOB NOT NULL);
-- What a shared cache calls the content that the disk's digest stands for.
CREATE TABLE blobs (digest TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE TABLE stamps (path BLOB PRIMARY KEY, stamp BLOB NOT NULL, digest TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE targets (label BLOB PRIMARY KEY, kind TEXT, project BLOB, path BLOB, settings BLOB,
    weak TEXT, settled INTEGER, reason BLOB, tests INTEGER, seconds REAL, outcome TEXT, ran REAL);
-- The sums over settled targets are read in every run: this index alone answers them.
CREATE INDEX settled_targets ON targets (settled, tests, seconds);
-- Which targets were seen to depend on a path their imports do not tell of.
CREATE TABLE observed (path BLOB, label BLOB, PRIMARY KEY (path, label)) WITHOUT ROWID;
CREATE INDEX observed_by ON observed (label);
-- In which batch of `entered`, and by which number there, the target's observation of `ran` is.
CREATE TABLE noted (label BLOB PRIMARY KEY, ran REAL NOT NULL, batch INTEGER NOT NULL,
    number INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX noted_in ON noted (batch);
-- What the observations of a batch used of a file.
CREATE TABLE entered (path BLOB, batch INTEGER, content BLOB NOT NULL, PRIMARY KEY (path, batch))
    WITHOUT ROWID;
CREATE INDEX entered_in ON entered (batch);
"""
