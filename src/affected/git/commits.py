"""The commits of one object store: finding, comparing, fetching, submodules expanded.

Unaware of the working tree, except for where submodules keep their own commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from affected.git import history
from affected.git.discovery import Layout, locate_at
from affected.git.output import GITLINK, NO_MODE, RawChange, parse_configuration
from affected.git.process import Git
from affected.model.digest import ABSENT, SUBMODULE, Digest, with_mode
from affected.model.path import RepoPath, is_under, join, relative_to
from affected.model.selection import Change


class Commits:
    """What can be asked of a repository without looking at its files.

    Every method that starts git raises UserError with git's words if git fails.
    """

    __slots__ = (
        "_configuration",
        "common_dir",
        "environ",
        "file_mode",
        "git",
        "git_dir",
        "object_format",
        "root",
    )

    def __init__(
        self, layout: Layout, environ: Mapping[str, str], options: tuple[str, ...] = ()
    ) -> None:
        self.root = layout.root
        self.git_dir = layout.git_dir
        self.common_dir = layout.common_dir
        self.object_format = layout.object_format
        self.file_mode = layout.file_mode
        self.environ = environ
        self.git = Git(layout.root, environ, options)
        self._configuration: dict[str, str] | None = None

    def settings(self) -> dict[str, str]:
        """All of git's configuration, read once; keys as git prints them."""
        if self._configuration is None:
            answer = self.git.run("config", "-z", "--list")
            self._configuration = parse_configuration(answer.stdout)
        return self._configuration

    def resolve(self, revision: str) -> str | None:
        """The commit that `revision` names, None when it is not present locally."""
        return history.resolve(self.git, revision)

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits, None when local history shows none."""
        return history.merge_base(self.git, one, other)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """True when `older` is `newer` or an ancestor of it."""
        return history.is_ancestor(self.git, older, newer)

    def is_shallow(self) -> bool:
        """True when the history was cut off; starts no process."""
        try:
            return (self.common_dir / "shallow").stat().st_size > 0
        except OSError:
            return False

    def parents(self, commit: str) -> tuple[str, ...]:
        """The parents a commit names, whether or not they are present."""
        return history.parents(self.git, commit)

    def count(self, revision: str) -> int:
        """How many commits of `revision`'s history are here, itself included."""
        return history.count(self.git, revision)

    def remotes(self) -> tuple[str, ...]:
        """Names of the configured remotes, "origin" first."""
        names = {
            key[len("remote.") : -len(".url")]
            for key in self.settings()
            if key.startswith("remote.") and key.endswith(".url")
        }
        return tuple(sorted(names, key=lambda name: (name != "origin", name)))

    def symbolic_ref(self, name: str) -> str | None:
        """What a symbolic ref points at; None when there is none of that name."""
        return history.symbolic_ref(self.git, name)

    def default_branch(self, remote: str, seconds: float) -> str:
        """The branch that the remote itself has as its HEAD; "" when it does not say."""
        return history.default_branch(self.git, remote, seconds)

    def fetch(
        self,
        remote: str,
        refspecs: Iterable[str],
        limit: str,
        seconds: float,
        *,
        blobless: bool = False,
    ) -> str:
        """Fetch a few refs, bounded by `limit` ("--deepen=50") and time; "" or git's words.

        `blobless` leaves out the contents of files where the remote allows it, which makes this a
        partial clone for good: git then fetches a content that somebody asks for.
        """
        limits = (limit, "--filter=blob:none" if blobless else "")
        return history.fetch(
            self.git, remote, tuple(refspecs), tuple(filter(None, limits)), seconds
        )

    def config_value(self, name: str) -> str | None:
        """The configured value of `name` (section and key in any case), None when unset."""
        section, _, rest = name.partition(".")
        middle, dot, key = rest.rpartition(".")
        return self.settings().get(f"{section.lower()}.{middle}{dot}{key.lower()}")

    def tree_changes(self, old: str, new: str) -> list[Change] | None:
        """What differs between two commits' trees; None when one is not present locally.

        A submodule that moved is expanded to its files where both commits are known, else told
        as one change of its own path with the two commit ids as digests.
        """
        raw = history.raw_changes(self.git, old, new)
        if raw is None:
            return None
        changes: list[Change] = []
        for change in raw:
            if GITLINK in (change.old_mode, change.new_mode):
                changes.extend(self._moved(change))
            else:
                before = _digest(change.old_mode, change.old_oid)
                changes.append(
                    Change(change.path, before, _digest(change.new_mode, change.new_oid))
                )
        return changes

    def tree_listing(self, revision: str) -> dict[RepoPath, Digest] | None:
        """Every file of a commit with its digest, submodules expanded where their commit is known.

        None when the commit is not present locally.
        """
        entries = history.tree_entries(self.git, revision)
        if entries is None:
            return None
        found: dict[RepoPath, Digest] = {}
        for mode, oid, path in entries:
            if mode != GITLINK:
                found[path] = with_mode(oid, mode)
                continue
            inner = self.submodule_commits(path)
            below = None if inner is None else inner.tree_listing(oid)
            if below is None:
                found[path] = SUBMODULE
            else:
                found.update((join(path, name), digest) for name, digest in below.items())
        return found

    def show(self, revision: str, path: RepoPath) -> bytes | None:
        """A file's blob in a commit (a link's text); None when commit or file is not there."""
        commit = self.resolve(revision)
        if commit is None:
            return None
        for mode, oid, entry in history.entries_along(self.git, commit, path):
            if mode == GITLINK and is_under(path, entry) and path != entry:
                inner = self.submodule_commits(entry)
                below = RepoPath(relative_to(path, entry))
                return None if inner is None else inner.show(oid, below)
            if entry == path and mode not in {GITLINK, "040000"}:
                return self.git.run("cat-file", "blob", oid).stdout
        return None

    def submodule_commits(self, path: RepoPath) -> Commits | None:
        """Where a submodule's commits are: its checkout, or what git kept of it."""
        layout = locate_at(self.root / path)
        if layout is not None:
            return Commits(layout, self.environ)
        for folder in (self.git_dir, self.common_dir):
            kept = folder / "modules" / path
            if (kept / "HEAD").is_file():
                inside = Layout(kept, kept, kept, self.object_format)
                return Commits(inside, self.environ, ("--git-dir=.", "--work-tree=."))
        return None

    def _moved(self, change: RawChange) -> list[Change]:
        inner = self.submodule_commits(change.path)
        before = change.old_oid if change.old_mode == GITLINK else ""
        after = change.new_oid if change.new_mode == GITLINK else ""
        found: list[Change] | None = None
        if inner is not None and before and after:
            found = inner.tree_changes(before, after)
        elif inner is not None:
            listing = inner.tree_listing(before or after)
            if listing is not None:
                found = [
                    Change(name, digest, ABSENT) if before else Change(name, ABSENT, digest)
                    for name, digest in listing.items()
                ]
        if found is None:
            old = _digest(change.old_mode, change.old_oid)
            return [Change(change.path, old, _digest(change.new_mode, change.new_oid))]
        told = [Change(join(change.path, c.path), c.old, c.new) for c in found]
        if not (before and after):  # a file gave way to the submodule, or the other way round
            mode, oid = (change.new_mode, change.new_oid) if before else (
                change.old_mode, change.old_oid,
            )  # fmt: skip
            if mode != NO_MODE:
                digest = with_mode(oid, mode)
                pair = (ABSENT, digest) if before else (digest, ABSENT)
                told.append(Change(change.path, *pair))
        return told


def _digest(mode: str, oid: str) -> Digest:
    return ABSENT if mode == NO_MODE else with_mode(oid, mode)
