"""What a push is about to send, and a workspace in which just that lies.

Unaware of what is run there. Uncommitted changes never take part: unless the working tree is just
the pushed commit, that commit is checked out in a worktree of our own, beside the cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from affected.app.compose import Workspace, open_workspace
from affected.app.seal import workspace_folder
from affected.app.session import Present
from affected.errors import UserError
from affected.fs.atomic import file_lock
from affected.git.worktree import check_out, has_submodules

FOLDER: Final = "pushed"
WAIT: Final = 10.0  # seconds for another push of the same repository


@dataclass(frozen=True, slots=True)
class Push:
    """One ref that is about to be sent."""

    commit: str  # of the local ref
    ref: str  # the local ref's name, as git tells it
    remote_commit: str  # where the remote's ref is, "" when it is new


def pushes(lines: Iterable[str], environ: Mapping[str, str]) -> list[Push]:
    """What git tells a pre-push hook, one ref a line; deletions left out, a commit told once.

    The pre-commit framework reads those lines itself and sets variables instead. The source of both
    formats: githooks(5) and pre-commit's manual.
    """
    found: dict[str, Push] = {}
    for line in lines:
        words = line.split()
        if len(words) == 4:  # noqa: PLR2004  # local ref and commit, remote ref and commit
            _add(found, words[1], words[0], words[3])
    if not found and environ.get("PRE_COMMIT_TO_REF"):
        branch = environ.get("PRE_COMMIT_LOCAL_BRANCH", "")
        _add(found, environ["PRE_COMMIT_TO_REF"], branch, environ.get("PRE_COMMIT_FROM_REF", ""))
    return list(found.values())


def _add(found: dict[str, Push], commit: str, ref: str, remote: str) -> None:
    if commit.strip("0"):
        found.setdefault(commit, Push(commit, ref, remote if remote.strip("0") else ""))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pushed commit can be checked."""

    workspace: Workspace
    present: Present
    apart: bool  # a worktree of our own, as the working tree holds something else


@contextmanager
def place_for(here: Path, push: Push, environ: Mapping[str, str]) -> Iterator[Place]:
    """A workspace with exactly the files of the pushed commit.

    UserError when it cannot be had: not a repository, submodules, a commit that is not there.
    """
    workspace = open_workspace(here, environ)
    try:
        present = Present(workspace, ())
        if present.found.state.head == push.commit and not present.found.dirty:
            yield Place(workspace, present, apart=False)
            return
        repository, home = workspace.repository, workspace.home
        if repository is None:
            raise UserError("this is not a git repository")
        if has_submodules(repository, push.commit):
            raise UserError("a commit with submodules is checked only when nothing else lies here")
        folder = workspace_folder(workspace.cache_folder, home) / FOLDER
    finally:
        workspace.close()
    try:
        with file_lock(folder.with_name(f"{FOLDER}.lock"), WAIT):
            check_out(repository, folder, push.commit)
            yield from _opened(folder, environ, home)
    except TimeoutError as error:
        raise UserError("another push is being checked") from error
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror or error}") from error


def _opened(folder: Path, environ: Mapping[str, str], home: Path) -> Iterator[Place]:
    workspace = open_workspace(folder, environ, home)
    try:
        yield Place(workspace, Present(workspace, ()), apart=True)
    finally:
        workspace.close()
