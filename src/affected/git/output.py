"""Pure parsers of git's NUL-terminated output formats.

Unaware of how the output was had. The formats are those of git's own documentation of `status`
(porcelain version 2), `ls-files`, `ls-tree`, `diff-tree --raw`, `check-attr` and `config -z`.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from affected.model.digest import Digest
from affected.model.path import RepoPath

GITLINK: Final = "160000"  # the mode of a submodule's entry
LINK: Final = "120000"
NO_MODE: Final = "000000"  # the entry does not exist on that side


class StatusKind(enum.StrEnum):
    """How a path differs from HEAD or from git's index."""

    MODIFIED = "modified"  # it exists; content, kind or mode may differ
    DELETED = "deleted"  # it is gone from the working tree
    UNTRACKED = "untracked"  # git's index does not know it
    CONFLICTED = "conflicted"  # a merge left it unresolved; it may or may not exist


class StatusEntry(NamedTuple):
    """One line of `git status`; `submodule` holds git's letters ("SCMU", "" for no submodule)."""

    path: RepoPath
    kind: StatusKind
    submodule: str = ""
    committed: str = ""  # the gitlink's commit in HEAD, "" when HEAD has none there
    staged: str = ""  # the same in git's index


class ParsedStatus(NamedTuple):
    """A whole `git status`: commit ("" unborn), branch ("" detached) and entries."""

    head: str
    branch: str
    entries: tuple[StatusEntry, ...]


class RawChange(NamedTuple):
    """One difference of two trees, or of the index and the working tree."""

    old_mode: str
    new_mode: str
    old_oid: str
    new_oid: str
    path: RepoPath


def parse_status(raw: bytes) -> ParsedStatus:
    """Read `git status --porcelain=v2 -z --branch`; ValueError for anything else, or a part."""
    headers: dict[str, str] = {}
    entries: list[StatusEntry] = []
    fields = iter(os.fsdecode(raw).split("\0"))
    for line in fields:
        letter = line[:1]
        if letter == "#":
            _, key, value = line.split(" ", 2)
            headers[key] = value
        elif letter == "?":
            entries.append(StatusEntry(RepoPath(line[2:]), StatusKind.UNTRACKED))
        elif letter == "1":
            entries.append(_tracked(line, 8))
        elif letter == "2":  # the old name follows; asked not to, git may still tell
            entries.append(_tracked(line, 9))
            entries.append(StatusEntry(RepoPath(next(fields)), StatusKind.DELETED))
        elif letter == "u":
            entries.append(_conflicted(line))
        elif letter not in ("", "!"):
            raise ValueError(f"not a line of git status: {line!r}")
    if "branch.oid" not in headers:
        raise ValueError("a git status without its commit")
    head, branch = headers["branch.oid"], headers.get("branch.head", "")
    return ParsedStatus(
        "" if head == "(initial)" else head,
        "" if branch == "(detached)" else branch,
        tuple(entries),
    )


def _conflicted(line: str) -> StatusEntry:
    parts = line.split(" ", 10)
    submodule = "" if parts[2].startswith("N") else parts[2]
    return StatusEntry(RepoPath(parts[10]), StatusKind.CONFLICTED, submodule)


def _tracked(line: str, width: int) -> StatusEntry:
    """An ordinary or renamed entry, `width` fields before its path."""
    parts = line.split(" ", width)
    states, submodule, head_mode, index_mode, disk_mode, head, index = parts[1:8]
    gone = states[1] == "D" or disk_mode == NO_MODE
    if submodule.startswith("N"):
        submodule = ""
    return StatusEntry(
        RepoPath(parts[width]),
        StatusKind.DELETED if gone else StatusKind.MODIFIED,
        submodule,
        head if head_mode == GITLINK else "",
        index if index_mode == GITLINK else "",
    )


def parse_listing(raw: bytes) -> Iterator[tuple[str, str, Digest, RepoPath]]:
    """Read `git ls-files -s -v -z`: tag, mode, object id and path of each entry.

    Plain tuples, taken apart without ceremony: there may be a hundred thousand of them.
    """
    for line in os.fsdecode(raw).split("\0"):
        if line:
            facts, _, path = line.partition("\t")
            tag, mode, oid, _ = facts.split(" ")
            yield tag, mode, oid, path  # type: ignore[misc]  # a NewType call each would tell


def parse_tree(raw: bytes) -> Iterator[tuple[str, str, RepoPath]]:
    """Read `git ls-tree -z`: mode, object id and path of each entry."""
    for line in os.fsdecode(raw).split("\0"):
        if line:
            facts, _, path = line.partition("\t")
            mode, _, oid = facts.split(" ")
            yield mode, oid, path  # type: ignore[misc]  # as above


def parse_raw_diff(raw: bytes) -> Iterator[RawChange]:
    """Read `git diff-tree -r -z --raw --no-renames` (or `diff-files`); ValueError if it is not."""
    fields = iter(os.fsdecode(raw).split("\0"))
    for facts in fields:
        if not facts:
            continue
        if not facts.startswith(":"):
            raise ValueError(f"not a line of a raw diff: {facts!r}")
        old_mode, new_mode, old_oid, new_oid, letter = facts[1:].split(" ")
        path = next(fields)
        if letter[0] in "RC":
            raise ValueError("a rename in a diff that was asked for none")
        yield RawChange(old_mode, new_mode, old_oid, new_oid, RepoPath(path))


def parse_attributes(raw: bytes, count: int) -> Iterator[tuple[RepoPath, tuple[str, ...]]]:
    """Read `git check-attr -z` for `count` attributes: each path with their values, in order."""
    fields = os.fsdecode(raw).split("\0")
    values = iter(fields[2::3])
    paths = fields[0 : -1 : 3 * count]
    yield from zip(paths, zip(*[values] * count, strict=True), strict=True)


def parse_paths(raw: bytes) -> list[RepoPath]:
    """Read NUL-terminated paths."""
    return [RepoPath(path) for path in os.fsdecode(raw).split("\0") if path]


def parse_configuration(raw: bytes) -> dict[str, str]:
    """Read `git config -z --list`; the last value of a key wins, a key without value is "true"."""
    values: dict[str, str] = {}
    for line in os.fsdecode(raw).split("\0"):
        if line:
            key, separator, value = line.partition("\n")
            values[key] = value if separator else "true"
    return values


def feed(paths: Iterable[str]) -> bytes:
    """NUL-terminated paths, as git reads them with `-z --stdin`."""
    return os.fsencode("".join([f"{path}\0" for path in paths]))
