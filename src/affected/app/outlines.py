"""Outlines of file versions: read from the cache by content, made where it has none.

Unaware of observations. A version that is gone from the disk, and of which no cache has the
outline, cannot be compared: then the whole file counts as changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from affected.app.compose import Workspace
from affected.fs.digests import blob_digest
from affected.lang.python.outline import (
    VERSION,
    Outline,
    OutlineChange,
    compare,
    outline,
    pack,
    unpack,
)
from affected.model.observation import Input
from affected.model.path import RepoPath

REMEMBERED_KEY: Final = "outlines"
MANY: Final = 2000  # outlines in memory; each takes some 10 kB


class Outlines:
    """The outlines of one run; each version is read, or made, once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, Outline | None] = {}  # by digest
        self._stored: set[str] = set()  # digests of outlines that the cache has
        self._kept: set[str] | None = None
        self._grown = False  # more is kept than was written down

    def changes(
        self, inputs: Sequence[Input], now: Mapping[str, str]
    ) -> list[OutlineChange | None]:
        """What was done to each file since its digest was that of the input; `now` by path."""
        self.load([*(item.digest for item in inputs), *now.values()])
        found: list[OutlineChange | None] = []
        for item in inputs:
            old = self._known.get(item.digest)
            new = self.present(RepoPath(item.key), now.get(item.key, ""))
            found.append(compare(old, new) if old is not None and new is not None else None)
        return found

    def load(self, digests: Iterable[str]) -> None:
        """Reads from the cache what is not known yet, in one go."""
        wanted = {outline_key(digest): digest for digest in digests if _is_content(digest)}
        keys = [key for key, digest in wanted.items() if digest not in self._known]
        for key, content in (self._workspace.records.get(keys) if keys else {}).items():
            made = unpack(content)
            if made is not None:
                self._known[wanted[key]] = made
                self._stored.add(wanted[key])

    def of(self, digest: str) -> Outline | None:
        """The outline of a version that was loaded or made."""
        return self._known.get(digest)

    def present(self, path: RepoPath, digest: str) -> Outline | None:
        """The outline of what is at `path` now, which has this digest; None: it has none."""
        if not _is_content(digest):
            return None
        if digest not in self._known:
            source = self._read(path)
            if not digest.startswith(blob_digest(source, self._workspace.object_format)):
                return None  # edited since its digest was taken
            self._known[digest] = outline(source)
        return self._known[digest]

    def prepare(self, files: Iterator[tuple[RepoPath, str]], seconds: float) -> bool:
        """Makes outlines that `keep` will want, for about so long; False when none is left.

        It goes on from where it stopped, and waits while many are made and none is kept.
        """
        deadline = time.monotonic() + seconds
        remembered = self._remembered()
        while len(self._known) < MANY:
            path, digest = next(files, (RepoPath(""), ""))
            if not path:
                return False
            if digest not in remembered and digest not in self._known:
                self.present(path, digest)
                if time.monotonic() > deadline:
                    break
        return True

    def keep(self, files: Mapping[RepoPath, str]) -> None:
        """Puts the outlines of these versions, by path, into the cache where it has none.

        They do not stay in memory: a large repository has more of them than fit.
        """
        store, remembered = self._workspace.records, self._remembered()
        missing = {digest: path for path, digest in files.items() if digest not in remembered}
        self.load(digest for digest in missing if digest not in self._known)
        for digest, path in missing.items():
            made = self.present(path, digest)
            if made is not None and digest not in self._stored:
                store.put(outline_key(digest), pack(made), {})
            self._known.pop(digest, None)
            remembered.add(digest)
            self._grown = True

    def remember(self) -> None:
        """Writes down what the cache has, so that a later run need not ask it."""
        if self._grown:
            head = self._workspace.store.generation()
            content = "\n".join((head, *sorted(self._remembered())))
            self._workspace.index.put(REMEMBERED_KEY, content.encode("ascii"))
            self._grown = False

    def hold(self, files: Mapping[RepoPath, str]) -> None:
        """Keeps the outlines of these versions, by path, on this machine: the next edit is near."""
        made = {digest: self.present(path, digest) for path, digest in files.items()}
        fresh = {
            outline_key(digest): pack(one)
            for digest, one in made.items()
            if one is not None and digest not in self._stored
        }
        if fresh and self._workspace.policy.local.writes:
            self._workspace.store.keep(fresh, {})

    def _remembered(self) -> set[str]:
        """Digests whose outlines the local cache had at its present generation."""
        if self._kept is None:
            self._kept = set()
            raw = self._workspace.index.get(REMEMBERED_KEY)
            head, _, rest = (raw or b"").decode("ascii").partition("\n")
            if rest and head == self._workspace.store.generation():
                self._kept.update(rest.split("\n"))
        return self._kept

    def _read(self, path: RepoPath) -> bytes:
        try:
            return (self._workspace.root / path).read_bytes()
        except OSError:
            return b""


def outline_key(digest: str) -> str:
    """The key in the cache of the outline of a file version."""
    return f"outline-{VERSION}-{digest.rstrip('xl')}"


def _is_content(digest: str) -> bool:
    """True for the digest of a plain file's bytes."""
    return len(digest) >= 40 and not digest.endswith("l")  # noqa: PLR2004  (a SHA-1 in hex)
