"""A git checkout: its listing, its status, its history, its submodules, all as plain values.

Unaware of the index of facts, of noise and of what a change means.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from affected.errors import UserError
from affected.git import conversion
from affected.git.commits import Commits
from affected.git.discovery import Layout, locate, locate_at
from affected.git.output import (
    GITLINK,
    ParsedStatus,
    StatusEntry,
    StatusKind,
    feed,
    parse_listing,
    parse_paths,
)
from affected.git.status import PendingStatus, Status
from affected.git.witness import submodule_paths, witness, witness_files
from affected.model.digest import ABSENT, SUBMODULE, Digest, with_mode
from affected.model.path import ROOT, RepoPath, decode, join, parent, relative_to

_HIDDEN: Final = re.compile(rb"(?<=\0)[a-zS] [^\0]+")  # of `ls-files -v -z`: all but "H path"


class IndexEntry(NamedTuple):
    """What git's index says of one path.

    `flag` is "" for an entry that git watches, "skip-worktree" (a sparse checkout: usually not on
    disk), "assume-unchanged" (edits to it go unseen), or "submodule" (not checked out; its digest
    is SUBMODULE).
    """

    digest: Digest
    flag: str


class Repository(Commits):
    """One checkout: its working tree and, as `Commits`, its history.

    Every method that starts git raises UserError with git's words if git fails.
    """

    __slots__ = ()

    @staticmethod
    def discover(start: Path, environ: Mapping[str, str] | None = None) -> Repository | None:
        """The checkout that holds `start`, None outside of any; starts no process.

        UserError inside a bare repository and for a worktree whose repository is gone.
        """
        layout = locate(start)
        if layout is None:
            return None
        return Repository(layout, os.environ if environ is None else environ)

    def start_status(self, *, stat_changes: bool = False) -> PendingStatus:
        """Start `git status` and return at once.

        With `stat_changes` also every entry whose stat differs from git's index counts as
        modified, though git may find its content the same: needed where conversions are in
        force (`conversions_in_force`), for bytes may differ there behind a clean status.
        """
        inside: dict[RepoPath, PendingStatus] = {}
        if stat_changes:
            for path in map(RepoPath, submodule_paths(self.root)):
                inner = self.checkout(path)
                if inner is not None:
                    inside[path] = inner.start_status(stat_changes=True)
        return PendingStatus(self.git, self._expand, inside if stat_changes else None)

    def refresh(self) -> None:
        """Let git store fresh stats in its index, if nobody else holds its lock.

        Worth its time when `git status` is slow because the whole tree was copied.
        """
        self.git.ask("update-index", "-q", "--refresh")

    def listing(self) -> dict[RepoPath, IndexEntry]:
        """Everything in git's index; the files of a checked-out submodule under their full path."""
        found: dict[RepoPath, IndexEntry] = {}
        gitlinks: list[RepoPath] = []
        for tag, mode, oid, path in parse_listing(
            self.git.run("ls-files", "-s", "-v", "-z").stdout
        ):
            if mode == "100644" and tag == "H":  # nearly all
                found[path] = IndexEntry(oid, "")
            elif mode == GITLINK:
                gitlinks.append(path)
            else:
                found[path] = IndexEntry(with_mode(oid, mode), _flag(tag))
        for path in gitlinks:
            inner = self.checkout(path)
            if inner is None:
                found[path] = IndexEntry(SUBMODULE, "submodule")
                continue
            for below, entry in inner.listing().items():
                found[join(path, below)] = entry
        return found

    def tracked(self, patterns: Iterable[str]) -> list[RepoPath]:
        """The files in git's index that are one of `patterns` (paths or globs), or below one."""
        asked = [f":(top,glob){pattern}" for pattern in patterns]
        found: list[RepoPath] = []
        for at in range(0, len(asked), 500):  # the kernel bounds what a process may be told
            some = asked[at : at + 500]
            found += parse_paths(self.git.run("ls-files", "-z", "--", *some).stdout)
        return found

    def flagged(self) -> set[RepoPath]:
        """Paths whose edits git hides (skip-worktree, assume-unchanged); cheaper than `listing`."""
        if (self.root / ".gitmodules").exists():
            return {path for path, entry in self.listing().items() if entry.flag}
        entries = self.git.run("ls-files", "-v", "-z").stdout
        return {decode(entry[2:]) for entry in _HIDDEN.findall(b"\0" + entries)}

    def ignored(self, paths: Iterable[RepoPath]) -> set[RepoPath]:
        """Those of `paths` that git ignores; tracked ones never are."""
        found: set[RepoPath] = set()
        for inner, prefix, asked in self.by_checkout(paths):
            links: dict[str, bool] = {}
            direct = [path for path in asked if path and not inner.behind_link(path, links)]
            if direct:  # "./" keeps a name that starts with a colon from being read as magic
                request = feed(f"./{path}" for path in direct)
                answer = inner.git.run(
                    "check-ignore", "-z", "--stdin", stdin=request, accept=(0, 1)
                )
                found.update(join(prefix, path[2:]) for path in parse_paths(answer.stdout))
        return found

    def converted(self, paths: Iterable[RepoPath]) -> set[RepoPath]:
        """Those of `paths` whose bytes on disk may differ from the blob though git says clean.

        Digest these from disk. No process is started when nothing could convert.
        """
        found: set[RepoPath] = set()
        for inner, prefix, asked in self.by_checkout(paths):
            settings, attributes = inner.settings(), inner.converting(asked)
            if attributes or conversion.autocrlf(settings):
                mine = conversion.converted(inner.git, settings, attributes, asked)
                found.update(join(prefix, path) for path in mine)
        return found

    def conversions_in_force(self, paths: Iterable[RepoPath]) -> bool:
        """True when some attribute file or core.autocrlf could make `converted` non-empty."""
        return any(
            conversion.autocrlf(inner.settings()) or inner.converting(asked)
            for inner, _, asked in self.by_checkout(paths)
        )

    def witness(self) -> str:
        """A token that changes whenever the listing or the rules of ignoring may have changed.

        Starts no process. Equal tokens: same listing, same ignore and attribute files outside the
        tree, same configuration.
        """
        return witness(Layout(self.root, self.git_dir, self.common_dir, ""), self.environ)

    def witness_files(self) -> list[Path]:
        """The files whose stamps the witness is made of."""
        return witness_files(Layout(self.root, self.git_dir, self.common_dir, ""), self.environ)

    def converting(self, paths: Iterable[RepoPath]) -> frozenset[str]:
        """The converting attributes that could be given to paths of this checkout alone."""
        return conversion.mentioned(self.git, self.common_dir, self.settings(), paths)

    def checkout(self, path: RepoPath) -> Repository | None:
        """The checkout whose top is `path`: a submodule or a nested clone; None for a stale one."""
        try:
            layout = locate_at(self.root / path)
        except UserError:  # a `.git` that leads nowhere: to git too it is no checkout
            return None
        return None if layout is None else Repository(layout, self.environ)

    def by_checkout(
        self, paths: Iterable[RepoPath]
    ) -> list[tuple[Repository, RepoPath, list[RepoPath]]]:
        """`paths` sorted by the checkout that holds them, with each checkout's prefix.

        One look-up per distinct folder: a checkout's top has a `.git`.
        """
        all_paths = list(paths)
        holders: dict[str, str] = {"": ""}
        for folder in {path.rpartition("/")[0] for path in all_paths}:
            self._find_holder(folder, holders)
        tops = {*holders.values()}
        if len(tops) == 1:
            return [(self, ROOT, all_paths)]
        sorted_out: dict[str, list[RepoPath]] = {top: [] for top in tops}
        for path in all_paths:
            holder = holders[path.rpartition("/")[0]]
            sorted_out[holder].append(RepoPath(relative_to(path, holder)))
        parts = [(self, ROOT, sorted_out.pop(""))]
        for prefix, inside in sorted_out.items():
            inner = self.checkout(RepoPath(prefix))
            if inner is not None:
                parts.append((inner, RepoPath(prefix), inside))
        return parts

    def _find_holder(self, folder: str, holders: dict[str, str]) -> None:
        """Note the top of the checkout that `folder` is in, and those of the folders above."""
        top = os.fspath(self.root)
        way: list[str] = []
        while folder not in holders:
            if os.path.lexists(f"{top}/{folder}/.git") and self.checkout(RepoPath(folder)):
                holders[folder] = folder
                break
            way.append(folder)
            folder = folder.rpartition("/")[0]
        for passed in way:
            holders[passed] = holders[folder]

    def behind_link(self, path: RepoPath, known: dict[str, bool]) -> bool:
        """True when a folder on the way to `path` is a symbolic link; `known`: earlier answers."""
        above = parent(path)
        if not above:
            return False
        if above not in known:
            here = os.path.islink(f"{self.root}/{above}")  # noqa: PTH114  (thousands of times)
            known[above] = here or self.behind_link(above, known)
        return known[above]

    # Status of submodules and nested clones

    def _expand(self, parsed: ParsedStatus) -> Status:
        changes: dict[RepoPath, StatusKind] = {}
        submodules: list[RepoPath] = []
        pending: list[tuple[StatusEntry, RepoPath, Repository, PendingStatus]] = []
        for entry in parsed.entries:
            path = RepoPath(entry.path.rstrip("/"))
            nested = path != entry.path
            if not (nested or entry.submodule or entry.committed):
                known = changes.get(path)
                if known is None or entry.kind is not StatusKind.DELETED:
                    changes[path] = entry.kind
                continue
            inner = self.checkout(path)
            if inner is None:
                submodules.append(path)
                changes.update(self._without(entry))
            elif not (nested and inner.common_dir == self.common_dir):
                pending.append((entry, path, inner, inner.start_status()))
        for entry, path, inner, status in pending:
            inside = status.result()
            if entry.submodule or entry.committed:
                submodules.append(path)
                submodules.extend(join(path, below) for below in inside.submodules)
                if entry.kind is not StatusKind.MODIFIED:
                    changes[path] = entry.kind
            for below, kind in inner.since(entry, inside).items():
                changes[join(path, below)] = kind
        return Status(parsed.head, parsed.branch, changes, tuple(submodules))

    def _without(self, entry: StatusEntry) -> dict[RepoPath, StatusKind]:
        """What differs for a submodule that is not checked out: its path, and what it had."""
        found = {entry.path: entry.kind}
        spot = self.root / entry.path
        if entry.kind is StatusKind.DELETED or spot.is_symlink() or not spot.is_dir():
            commits = self.submodule_commits(entry.path)
            listing = commits.tree_listing(entry.committed or entry.staged) if commits else None
            for below in listing or ():
                found[join(entry.path, below)] = StatusKind.DELETED
        return found

    def since(self, entry: StatusEntry, inside: Status) -> dict[RepoPath, StatusKind]:
        """What differs inside a submodule from the commits its parent has for it."""
        found: dict[RepoPath, StatusKind] = {}
        if not entry.submodule:  # a nested clone: nothing in it is tracked from above
            found.update(dict.fromkeys(self.listing(), StatusKind.UNTRACKED))
        for commit in {entry.committed, entry.staged} - {inside.head, ""}:
            moved = self.tree_changes(commit, inside.head) if inside.head else None
            if moved is None:
                found.update(dict.fromkeys(self.listing(), StatusKind.MODIFIED))
                found[RepoPath("")] = StatusKind.MODIFIED
                continue
            for change in moved:
                gone = change.new == ABSENT
                found[change.path] = StatusKind.DELETED if gone else StatusKind.MODIFIED
        if entry.submodule and "" in (entry.committed, entry.staged):
            found.update(dict.fromkeys(self.listing(), StatusKind.MODIFIED))
        found.update(inside.changes)
        return found


def _flag(tag: str) -> str:
    if tag in "Ss":
        return "skip-worktree"
    return "assume-unchanged" if tag.islower() else ""
