"""Commits: finding them, comparing their trees, and fetching a few more of them.

Unaware of the working tree and of submodules' insides.
"""

from __future__ import annotations

import os
import re
from typing import Final

from affected.git.output import (
    RawChange,
    parse_raw_diff,
    parse_tree,
)
from affected.git.process import Answer, Git, failure
from affected.model.path import RepoPath

_NOT_FOUND: Final = 1  # how merge-base says "none" and "no"
# How lines begin that say so: of reflogs, of branches without upstream, and of a partial clone
# whose remote is away.
_UNKNOWN: Final = (
    "fatal: log for",
    "fatal: no upstream",
    "fatal: no such branch",
    "fatal: HEAD does not point to a branch",
    "fatal: branch",
    "fatal: could not fetch",
    "no answer within",
)
# Seconds after which a commit counts as absent: in a partial clone git before 2.44 asks the
# remote for it, and that may hang.
_PATIENCE: Final = 20.0
_FETCH: Final = (
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-prune",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
)


def resolve(git: Git, revision: str) -> str | None:
    """The commit id that `revision` names, None when no such commit is present locally."""
    if not _plausible(revision):
        return None
    answer = git.ask(
        "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", lazy=False, seconds=_PATIENCE
    )
    found = answer.stdout.decode("ascii", "replace").strip()
    if answer.status == 0 and found:
        return found
    if answer.status != _NOT_FOUND and not _just_unknown(answer):
        raise failure(("rev-parse", "--verify", revision), answer)
    return None


def _plausible(revision: str) -> bool:
    """False for what would be read as an option, a negation or several lines."""
    return bool(revision) and revision[0] not in "-^" and not {"\0", "\n"} & {*revision}


def _just_unknown(answer: Answer) -> bool:
    """True for the errors by which git says that there is no such commit here."""
    lines = answer.words.splitlines()
    return any(line.startswith(_UNKNOWN) for line in lines) or not lines


def merge_base(git: Git, one: str, other: str) -> str | None:
    """The best common ancestor of two commits, None when the local history shows none."""
    answer = git.run("merge-base", one, other, accept=(0, _NOT_FOUND))
    return answer.stdout.decode("ascii").strip() or None


def is_ancestor(git: Git, older: str, newer: str) -> bool:
    """True when `older` is `newer` or one of its ancestors, as far as local history shows."""
    answer = git.run("merge-base", "--is-ancestor", older, newer, accept=(0, _NOT_FOUND))
    return answer.status == 0


def count(git: Git, revision: str) -> int:
    """How many commits of `revision`'s history are here, itself included."""
    return int(git.run("rev-list", "--count", revision, "--").stdout)


def parents(git: Git, commit: str) -> tuple[str, ...]:
    """The parents that the commit itself names, present locally or not."""
    content = git.run("cat-file", "commit", commit).stdout
    header = content.partition(b"\n\n")[0]
    return tuple(
        line[7:].decode("ascii") for line in header.split(b"\n") if line.startswith(b"parent ")
    )


def present(git: Git, *revisions: str) -> list[str] | None:
    """The commit ids of several revisions, asked at once; None when one is not present locally."""
    if not all(map(_plausible, revisions)):
        return None
    request = "".join(f"{revision}^{{commit}}\n" for revision in revisions)
    arguments = ("cat-file", "--batch-check=%(objectname)")
    answer = git.ask(*arguments, stdin=os.fsencode(request), lazy=False, seconds=_PATIENCE)
    if answer.status != 0:
        if _just_unknown(answer):
            return None
        raise failure(arguments, answer)
    found = answer.stdout.decode("utf-8", "surrogateescape").splitlines()
    return found if all(re.fullmatch("[0-9a-f]+", line) for line in found) else None


def raw_changes(git: Git, old: str, new: str) -> list[RawChange] | None:
    """The differences of two commits' trees; None when one of them is not present locally."""
    commits = present(git, old, new)
    if commits is None:
        return None
    answer = git.run(
        "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--no-commit-id",
        "--no-ext-diff", "--ignore-submodules=none", *commits, "--",
    )  # fmt: skip
    return list(parse_raw_diff(answer.stdout))


def tree_entries(git: Git, revision: str) -> list[tuple[str, str, RepoPath]] | None:
    """Mode, object id and path of all in a commit; None when it is not present locally."""
    commit = present(git, revision)
    if commit is None:
        return None
    return list(parse_tree(git.run("ls-tree", "-r", "-z", "--full-tree", *commit).stdout))


def entries_along(git: Git, commit: str, path: str) -> list[tuple[str, str, RepoPath]]:
    """The entries (mode, object id, path) of a commit at `path` and at the folders above it."""
    pieces = path.split("/")
    asked = ["/".join(pieces[:length]) for length in range(1, len(pieces) + 1)]
    answer = git.run(
        "--literal-pathspecs", "ls-tree", "-z", "-t", "--full-tree", commit, "--", *asked
    )
    return list(parse_tree(answer.stdout))


def symbolic_ref(git: Git, name: str) -> str | None:
    """What a symbolic ref points at, None when it does not exist or is not symbolic."""
    answer = git.run("symbolic-ref", "--quiet", name, accept=(0, _NOT_FOUND))
    return answer.stdout.decode("utf-8", "surrogateescape").rstrip("\n") or None


def default_branch(git: Git, remote: str, seconds: float) -> str:
    """What the remote says its HEAD is, as a branch's name; "" when it says nothing in time."""
    answer = git.ask("ls-remote", "--symref", "--", remote, "HEAD", seconds=seconds)
    found = re.match(rb"ref: refs/heads/(.+)\tHEAD\n", answer.stdout)
    return os.fsdecode(found.group(1)) if found is not None and answer.status == 0 else ""


def fetch(
    git: Git, remote: str, refspecs: tuple[str, ...], options: tuple[str, ...], seconds: float
) -> str:
    """Fetch `refspecs`, bounded by `options` (such as "--deepen=50") and in time.

    Returns "" when it worked, else git's own words. Never asks for a password, never writes
    configuration unless a "--filter=" is among the options; in a partial clone git applies that
    clone's filter by itself.
    """
    answer = git.ask(*_FETCH, *options, "--", remote, *refspecs, seconds=seconds)
    if answer.status == 0:
        return ""
    return answer.words or f"git fetch ended with status {answer.status}"
