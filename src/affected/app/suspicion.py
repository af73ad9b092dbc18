"""Decides, commit after commit, which of them may have changed what a test does.

Unaware of how a test's uses were seen. Until the first suspect the test does what it was seen to
do, so bodies of functions that it did not enter count for nothing. After it the test may enter what
it can reach by name, read other files, and load what its imports lead to by now. Where branches
were merged, that holds from the beginning: each may have changed what the other's change does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import Final, Protocol

from affected.app.blame_uses import Range, Uses
from affected.git.commit_log import LoggedCommit, contents
from affected.lang.python.modules import ModuleRoots, module_names
from affected.lang.python.outline import Outline, OutlineChange, compare, outline
from affected.model.digest import ABSENT
from affected.model.path import RepoPath, ancestors, is_under, name, parent
from affected.report.protocol import Suspect
from affected.selection.reach import Reached, plain_key, reach

_INSTALLED: Final = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")


class Stored(Protocol):
    """Outlines that are known by the digest of a file version."""

    def load(self, digests: Iterable[str]) -> None:
        """Look these up, all at once."""

    def of(self, digest: str) -> Outline | None:
        """What was looked up; None where it is not known."""


class Suspicion:
    """Asked about each commit of a range in turn, oldest first."""

    def __init__(
        self,
        between: Range,
        uses: Uses,
        roots: ModuleRoots,
        outlines: Stored,
        inert: Callable[[RepoPath], bool],
    ) -> None:
        self._between = between
        self._uses = uses
        self._roots = roots
        self._outlines = outlines
        self._inert = inert
        self._sources = self._read()
        self._made: dict[str, Outline | None] = {}
        merged = any(len(commit.parents) > 1 for commit in between.commits)
        self._moved = merged or not uses.exact  # the test may do otherwise than it was seen to

    def suspect(self, commit: LoggedCommit) -> Suspect | None:
        """The commit with what it changed; None when it cannot have changed what the test does."""
        touched = [
            path
            for path, status in commit.changed.items()
            if self._is_input(path, status) and self._counts(commit, path, status)
        ]
        self._moved |= bool(touched)
        before, after = self._between.before, self._between.after
        kept = [p for p in touched if before.get(p, ABSENT) != after.get(p, ABSENT)]
        if not kept:
            return None
        return Suspect(commit.id, commit.time, commit.subject, tuple(sorted(kept)))

    def _is_input(self, path: RepoPath, status: str) -> bool:
        uses = self._uses
        if path in uses.files or (self._moved and self._is_new_input(path)):
            return True
        if uses.installed and (name(path) in _INSTALLED or "requirements" in name(path)):
            return True
        if status not in {"A", "D"}:
            return False
        if uses.folders & {parent(path), *ancestors(path)}:
            return True
        return not uses.modules.isdisjoint(module_names(path, self._roots))

    def _is_new_input(self, path: RepoPath) -> bool:
        """Whether the test may use by now what it did not use when it was seen."""
        if path.endswith(".py"):
            if path in self._uses.closure:
                return True
            return is_under(path, self._uses.project) and self._reached is None
        return is_under(path, self._uses.project) and not self._inert(path)

    def _counts(self, commit: LoggedCommit, path: RepoPath, status: str) -> bool:
        """False when the interpreter sees no difference, or only one in functions not entered."""
        if status != "M" or path in self._uses.texts:
            return True
        change = self._change(commit, path)
        if change is None:
            return True
        if change[1].quiet:
            return False
        if change[1].module_level or change[1].script or change[1].docs:
            return True
        entered = self._entered(path)
        return entered is None or not entered.isdisjoint(change[0])

    def _change(
        self, commit: LoggedCommit, path: RepoPath
    ) -> tuple[frozenset[str], OutlineChange] | None:
        """What was done to a file, with plain keys of the bodies; None where that is not told."""
        if not path.endswith(".py") or len(commit.parents) != 1:
            return None
        old = self._outline(f"{commit.parents[0]}:{path}")
        new = self._outline(f"{commit.id}:{path}")
        if old is None or new is None:
            return None
        change = compare(old, new)
        keys = (plain_key(block.key) for block in old.blocks if block.first in change.bodies)
        return frozenset(keys), change

    def _entered(self, path: RepoPath) -> frozenset[str] | None:
        """Plain keys of the functions of a file that the test may enter; None: any."""
        seen = self._uses.entered
        if seen is None:
            return None
        if self._moved:
            return None if self._reached is None else self._reached.get(path, frozenset())
        keys = seen.get(path)
        if keys is None or not self._uses.mixed or self._reached is None:
            return keys
        return keys & self._reached.get(path, frozenset())

    @cached_property
    def _reached(self) -> Reached:
        """What the test may enter, whatever was changed among the things that it used."""
        uses = self._uses
        paths = {p for p in uses.files | uses.closure if p.endswith(".py")} - uses.texts
        versions: dict[RepoPath, list[Outline]] = {path: [] for path in paths}
        for path, made in self._versions(paths):
            if made is None:
                return None
            versions[path].append(made)
        entered: dict[RepoPath, set[str]] = {}
        for path, keys in (uses.entered or {}).items():
            if keys is None:
                return None
            if not uses.mixed:
                entered[path] = set(keys)
        for path in {uses.label, *uses.chain} & paths:
            every = {plain_key(b.key) for one in versions[path] for b in one.blocks}
            entered.setdefault(path, set()).update(key for key in every if self._is_asked(key))
        return reach(versions, entered)

    def _is_asked(self, key: str) -> bool:
        """False for another test of the file, which runs only where somebody names it."""
        last = key.rpartition(".")[2]
        return not last.startswith("test") or not self._uses.test or last in self._uses.test

    def _versions(self, paths: Collection[RepoPath]) -> Iterable[tuple[RepoPath, Outline | None]]:
        """Each file's outline in the good commit, and after each commit that touched it."""
        first = {path: self._between.before[path] for path in paths if path in self._between.before}
        self._outlines.load(first.values())
        missing = {d for d in first.values() if self._outlines.of(d) is None}
        git = self._between.repository.git
        self._sources.update(contents(git, [digest.rstrip("xl") for digest in missing]))
        for path, digest in first.items():
            known = self._outlines.of(digest)
            yield path, known if known is not None else self._outline(digest.rstrip("xl"))
        for commit in self._between.commits:
            for path, status in commit.changed.items():
                if path in paths and status != "D":
                    yield path, self._outline(f"{commit.id}:{path}")

    def _read(self) -> dict[str, bytes]:
        """The sources of what the commits changed, before and after."""
        wanted = self._uses.files | self._uses.closure
        names = [
            f"{one}:{path}"
            for commit in self._between.commits
            for path in commit.changed
            if path.endswith(".py") and path in wanted
            for one in (*commit.parents[:1], commit.id)
        ]
        return contents(self._between.repository.git, names)

    def _outline(self, name_: str) -> Outline | None:
        if name_ not in self._made:
            source = self._sources.get(name_)
            self._made[name_] = outline(source) if source is not None else None
        return self._made[name_]
