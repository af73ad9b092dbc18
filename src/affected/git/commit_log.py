"""The commits between two revisions, each with what it alone changed.

Unaware of why somebody asks. One or two processes an answer, whatever the number of commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from affected.git.output import NO_MODE
from affected.git.process import Git
from affected.model.digest import ABSENT, Digest, with_mode
from affected.model.path import RepoPath, decode

_FIELDS = "%H%x00%P%x00%ct%x00%s"
_WIDTH = 4


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """One commit. `changed` maps paths to git's letters: A added, D deleted, M and T changed.

    Of a merge, only what differs from all its parents: what the merge itself did.
    """

    id: str
    parents: tuple[str, ...]
    time: int  # seconds since the epoch, of the committer
    subject: str
    changed: dict[RepoPath, str]


def commits_between(git: Git, good: str, bad: str) -> list[LoggedCommit]:
    """What `bad` has and `good` has not, oldest first, parents before children."""
    order = ("--topo-order", "--reverse")
    answer = git.run("log", "-z", f"--format={_FIELDS}", *order, f"{good}..{bad}", "--")
    fields = answer.stdout.decode("utf-8", "surrogateescape").split("\0")
    rows = [fields[at : at + _WIDTH] for at in range(0, len(fields) - _WIDTH + 1, _WIDTH)]
    changes = _changes(git, [row[0] for row in rows])
    return [
        LoggedCommit(commit, tuple(parents.split()), int(when), subject, changes[commit])
        for commit, parents, when, subject in rows
    ]


def _changes(git: Git, commits: Sequence[str]) -> dict[str, dict[RepoPath, str]]:
    """Path and status of each commit's changes; merges combined."""
    found: dict[str, dict[RepoPath, str]] = {commit: {} for commit in commits}
    if not commits:
        return found
    answer = git.run(
        "diff-tree", "--stdin", "--root", "--always", "-r", "-c", "-z", "--name-status",
        "--no-renames", "--no-ext-diff", "--ignore-submodules=none",
        stdin="".join(f"{commit}\n" for commit in commits).encode("ascii"),
    )  # fmt: skip
    pieces = answer.stdout.split(b"\0")
    expected = iter(commits)
    current, following = "", next(expected)
    at = 0
    while at < len(pieces) - 1:
        if pieces[at] == following.encode("ascii"):
            current, following = following, next(expected, "")
            at += 1
        else:
            status = pieces[at].decode("ascii")
            found[current][decode(pieces[at + 1])] = status[0] if len({*status}) == 1 else "M"
            at += 2
    return found


def contents(git: Git, names: Iterable[str]) -> dict[str, bytes]:
    """Blobs by name, which is an object id or COMMIT:PATH; without those that are not there."""
    asked = [name for name in dict.fromkeys(names) if "\n" not in name]
    if not asked:
        return {}
    request = "".join(f"{name}\n" for name in asked).encode("utf-8", "surrogateescape")
    answer = git.run("cat-file", "--batch", stdin=request).stdout
    found: dict[str, bytes] = {}
    at = 0
    for name in asked:
        end = answer.index(b"\n", at)
        words = answer[at:end].rsplit(b" ", 2)
        at = end + 1
        if words[-1].isdigit():
            size = int(words[-1])
            if words[-2] == b"blob":
                found[name] = answer[at : at + size]
            at += size + 1
    return found


def states_before(git: Git, bad: str, limit: int) -> Iterator[tuple[str, dict[RepoPath, Digest]]]:
    """For each commit from `bad` back along first parents: its first parent, and what lies there.

    Only of the paths that differ there; at most `limit` commits, as far as history is here.
    """
    answer = git.run("rev-list", "--first-parent", "--parents", f"--max-count={limit}", bad, "--")
    rows = [line.split() for line in answer.stdout.decode("ascii").splitlines()]
    pairs = {row[0]: row[1] for row in rows if len(row) > 1}
    if not pairs:
        return
    changed = git.run(
        "diff-tree", "--stdin", "--always", "-r", "-z", "--raw", "--no-abbrev", "--no-renames",
        "--no-ext-diff", "--ignore-submodules=none",
        stdin="".join(f"{commit} {parent}\n" for commit, parent in pairs.items()).encode("ascii"),
    )  # fmt: skip
    pieces = changed.stdout.split(b"\0")
    at, current = 0, ""
    before: dict[RepoPath, Digest] = {}
    while at < len(pieces) - 1:
        if not pieces[at].startswith(b":"):
            if current:
                yield pairs[current], before
            current, before = pieces[at].decode("ascii"), {}
            at += 1
            continue
        mode, _, oid, _, _ = pieces[at][1:].decode("ascii").split()
        before[decode(pieces[at + 1])] = ABSENT if mode == NO_MODE else with_mode(oid, mode)
        at += 2
    if current:
        yield pairs[current], before
