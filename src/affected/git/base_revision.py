"""Finding the commit to compare with: the first of an ordered list of sources that has one.

Unaware of what is compared, and of which CI this is: hints come in as values.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from affected.errors import BaseUnresolved
from affected.git.repository import Repository

DEEPENING_STEPS: Final = (50, 200, 1000)  # commits, each on top of what is there
_OFF: Final = ("", "0", "false", "no")
_COMMIT_ID: Final = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"


@dataclass(frozen=True, slots=True)
class BaseHints:
    """What the CI system knows; "", None and False where it knows nothing.

    `merge_commit` says that `commit` merges the pull request into its target: where HEAD is another
    commit (the work's own, checked out on purpose), its first parent says nothing.
    """

    target_branch: str | None = None  # the branch a pull request goes to
    merge_commit: bool = False
    commit: str = ""  # that it runs
    target_commit: str = ""  # of the target branch, for when the branch is gone
    queue_commit: str = ""  # that a merge queue built on
    previous: str = ""  # where the branch was before this push
    blobless: bool = False  # the clone is thrown away: fetch history without the files' contents


@dataclass(frozen=True, slots=True)
class Base:
    """The commit to compare with; None means that everything counts as changed.

    `how` says which source gave it; `reason` is a code and, after a colon, what happened on the way
    ("" when there is nothing to tell).
    """

    commit: str | None
    how: str
    reason: str


def resolve_base(
    repository: Repository,
    requested: str | None,
    environ: Mapping[str, str],
    hints: BaseHints,
    last_recorded: str | None,
    *,
    strict: bool,
    seconds: float = 60.0,
) -> Base:
    """Find the base; fetches at most for `seconds` seconds, and only into a clone that needs it.

    BaseUnresolved when there is none and `strict` is set.
    """
    search = _Search(repository, time.monotonic() + seconds, blobless=hints.blobless)
    found = _find(search, requested, environ, hints, last_recorded)
    if found is not None:
        return found
    code = search.code or "no-base"
    told = "; ".join(search.notes) or "no base was named, found or recorded"
    if strict:
        raise BaseUnresolved(
            f"the base could not be resolved ({code}: {told})",
            "name one with --base, or fetch more history: git fetch --unshallow",
        )
    return Base(None, "everything", f"{code}: {told}")


def _find(
    search: _Search,
    requested: str | None,
    environ: Mapping[str, str],
    hints: BaseHints,
    last_recorded: str | None,
) -> Base | None:
    head = search.repository.resolve("HEAD")
    if head is None:
        search.note("unborn", "the branch has no commit yet")
        return None
    for how, name in (("--base", requested), ("AFFECTED_BASE", environ.get("AFFECTED_BASE"))):
        if name:
            return search.named(name, head, how)
    if hints.merge_commit and hints.commit in {"", head}:
        parent = search.first_parent(head)
        if parent is not None:
            return Base(parent, "first parent of the pull request's merge commit", search.reason())
    if hints.queue_commit:
        queued = search.told(hints.queue_commit, head, "what the merge queue built on")
        if queued is not None:
            return queued
    in_ci = environ.get("CI", "").lower() not in _OFF
    met = search.target(hints.target_branch, head, beyond=in_ci)
    if met is None and hints.target_commit:
        met = search.told(hints.target_commit, head, "the target branch as the CI system knew it")
    if met is not None:
        return met
    return _earlier(search, head, hints.previous, last_recorded)


def _earlier(search: _Search, head: str, previous: str, last_recorded: str | None) -> Base | None:
    """An earlier state of this very branch."""
    if previous:
        found = search.told(previous, head, "the branch before this push")
        if found is not None:
            return found
    if last_recorded:
        commit = search.repository.resolve(last_recorded)
        if commit is not None:
            return Base(commit, "last recorded state of the branch", search.reason())
        search.note("base-missing", f"the last recorded commit {last_recorded} is not here")
    return None


class _Search:
    """One search: the repository, the deadline, and what happened so far."""

    __slots__ = ("blobless", "code", "deadline", "notes", "repository")

    def __init__(self, repository: Repository, deadline: float, *, blobless: bool = False) -> None:
        self.repository = repository
        self.deadline = deadline
        self.blobless = blobless
        self.code = ""
        self.notes: list[str] = []

    def note(self, code: str, what: str) -> None:
        """Remember what went wrong; the last code wins."""
        self.code = code
        self.notes.append(what)

    def reason(self) -> str:
        """What happened so far, "" when all went as it should."""
        return f"{self.code}: {'; '.join(self.notes)}" if self.notes else ""

    def named(self, name: str, head: str, how: str) -> Base | None:
        """A base the user named: its merge base with HEAD, or itself where there is none."""
        remote, branch = self.split(name)
        tip = _refspec(remote, branch)
        if re.fullmatch(_COMMIT_ID, name):
            tip = name
        commit = self.repository.resolve(name)
        if commit is None and remote is not None:
            self.fetch_tip(remote, tip, name)
            commit = self.repository.resolve(name) or self.repository.resolve(f"{remote}/{branch}")
        if commit is None:
            self.note("base-missing", f"{how} names {name}, which is not a commit here")
            return None
        return self.meeting(commit, head, name, remote=remote, tip=tip, how=how)

    def told(self, commit: str, head: str, what: str) -> Base | None:
        """A commit that the CI system names: where HEAD left it; never HEAD itself.

        Compared with directly where history was rewritten: both states were the branch's.
        """
        if re.fullmatch(_COMMIT_ID, commit) is None or commit == head:
            return None
        here = self.repository.resolve(commit)
        for remote in self.repository.remotes()[:1] if here is None else ():
            words = self.fetch(remote, (commit,), "--depth=1" if self.shallow() else "")
            here = self.repository.resolve(commit)
            if here is None:
                told = f": {words.splitlines()[0]}" if words else ""
                self.note("base-missing", f"{what}, {commit}, is not here{told}")
        return None if here is None else Base(here, what, self.reason())

    def shallow(self) -> bool:
        """True when the clone's history was cut off."""
        return self.repository.is_shallow()

    def first_parent(self, head: str) -> str | None:
        """HEAD^1 when HEAD is a merge, fetched when a shallow clone lacks it."""
        parents = self.repository.parents(head)
        if len(parents) < 2:  # noqa: PLR2004  # a merge has two parents at least
            return None
        found = self.repository.resolve(parents[0])
        if found is None:
            for remote in self.repository.remotes()[:1]:
                self.fetch(remote, (parents[0],), "--depth=1")
            found = self.repository.resolve(parents[0])
        if found is None:
            self.note("shallow", f"the merge commit's first parent {parents[0]} is not here")
        return found

    def targets(self, hinted: str | None, *, asking: bool) -> list[str]:
        """The branch to meet: the hinted one, else the remote's default branch.

        Clones of CI systems often do not know which that is: with `asking` the remote is asked.
        """
        if hinted:
            return [hinted]
        for remote in self.repository.remotes()[:1]:
            default = self.repository.symbolic_ref(f"refs/remotes/{remote}/HEAD")
            if default is not None:
                return [default.removeprefix("refs/remotes/")]
            if asking:
                left = max(self.deadline - time.monotonic(), 0.1)
                named = self.repository.default_branch(remote, left)
                return [f"{remote}/{named}"] if named else []
        return []

    def target(self, hinted: str | None, head: str, *, beyond: bool) -> Base | None:
        """Where HEAD left its target branch; with `beyond`, only if it did leave it."""
        for name in self.targets(hinted, asking=beyond):
            found = self.branch(name, head)
            if found is None or not (beyond and found.commit == head):
                return found
            self.note("on-target", f"HEAD is part of {name} already")
        return None

    def split(self, name: str) -> tuple[str | None, str]:
        """The remote and branch that a name like "origin/main" or "main" speaks of."""
        remotes = self.repository.remotes()
        name = name.removeprefix("refs/remotes/").removeprefix("refs/heads/")
        for remote in remotes:
            if name.startswith(remote + "/"):
                return remote, name[len(remote) + 1 :]
        return (remotes[0] if remotes else None), name

    def branch(self, name: str, head: str) -> Base | None:
        """The merge base of HEAD with a target branch."""
        remote, branch = self.split(name)
        names = [f"refs/heads/{branch}"]
        if remote is not None:
            names.insert(0, f"refs/remotes/{remote}/{branch}")
            if self.repository.resolve(names[0]) is None:
                self.fetch_tip(remote, _refspec(remote, branch), branch)
        for ref in names:
            commit = self.repository.resolve(ref)
            if commit is not None:
                shown = ref.removeprefix("refs/remotes/").removeprefix("refs/heads/")
                return self.meeting(
                    commit, head, shown, remote=remote, tip=_refspec(remote, branch), how=""
                )
        self.note("base-missing", f"the target branch {branch} is not here")
        return None

    def meeting(
        self, commit: str, head: str, name: str, *, remote: str | None, tip: str, how: str
    ) -> Base:
        """The merge base, deepening a shallow clone in bounded steps; the tip itself at worst."""
        label = f"{how}: " if how else ""
        found = self.repository.merge_base(commit, head)
        if found is None and self.repository.is_shallow() and remote is not None:
            found = self.deepen(commit, head, remote, tip)
        if found is not None:
            return Base(found, f"{label}merge base with {name}", self.reason())
        code = "shallow" if self.repository.is_shallow() else "unrelated"
        self.note(code, f"no common ancestor with {name} is known: compared with it directly")
        return Base(commit, f"{label}{name} itself", self.reason())

    def deepen(self, commit: str, head: str, remote: str, tip: str) -> str | None:
        """Fetch more history step by step until the two meet."""
        for step in DEEPENING_STEPS:
            if not self.repository.is_shallow():
                break
            limit = f"--deepen={step}"
            words = self.fetch(remote, (tip, head), limit)
            if words:  # HEAD may be known here alone
                words = self.fetch(remote, (tip,), limit)
            if words:
                self.note("shallow", f"deepening by {step} commits: {words.splitlines()[0]}")
                return None
            found = self.repository.merge_base(commit, head)
            if found is not None:
                self.note("deepened", f"history was deepened by {step} commits")
                return found
        self.note("shallow", f"history was deepened up to {DEEPENING_STEPS[-1]} commits in vain")
        return None

    def fetch_tip(self, remote: str, tip: str, name: str) -> None:
        """Have a branch or commit of the remote here; in a shallow clone its last commits only."""
        limit = ""
        if self.repository.is_shallow():  # a smaller number would cut what is there
            limit = f"--depth={self.repository.count('HEAD') + DEEPENING_STEPS[0]}"
        words = self.fetch(remote, (tip,), limit)
        if words:
            self.note("fetch-failed", f"fetching {name} from {remote}: {words.splitlines()[0]}")

    def fetch(self, remote: str, refspecs: tuple[str, ...], limit: str) -> str:
        """One bounded fetch; "" or git's words."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            return "no time left to fetch"
        return self.repository.fetch(remote, refspecs, limit, left, blobless=self.blobless)


def _refspec(remote: str | None, branch: str) -> str:
    """What to fetch for a branch, and where git keeps it."""
    return f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}"
