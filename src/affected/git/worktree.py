"""A linked worktree of our own, in which another commit lies as it was committed.

Unaware of what is done in it. It is kept from one use to the next, so that only what differs is
written; nothing outside its folder is touched.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from affected.errors import UserError
from affected.git.discovery import locate_at
from affected.git.repository import Repository

_QUIET = ("-c", f"core.hooksPath={os.devnull}", "-c", "advice.detachedHead=false")


def check_out(repository: Repository, folder: Path, commit: str) -> None:
    """Have exactly the files of `commit` in `folder`, detached, as a worktree of `repository`.

    `folder` is ours alone: whatever else is there is removed. UserError with git's words when the
    commit cannot be checked out.
    """
    if not _is_linked(repository, folder):
        if folder.is_symlink() or folder.is_file():
            raise UserError(f"{folder} is in the way", "remove it")
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        repository.git.run(
            *_QUIET, "worktree", "add", "--quiet", "--force", "--detach", str(folder), commit
        )
        return
    inside = Repository.discover(folder, repository.environ)
    if inside is None or inside.root.resolve() != folder.resolve():
        raise UserError(f"{folder} is not the top of a worktree", "remove it")
    inside.git.run(*_QUIET, "checkout", "--quiet", "--force", "--detach", commit)
    inside.git.run(*_QUIET, "clean", "--quiet", "-ffdx", "-e", "__pycache__")


def has_submodules(repository: Repository, commit: str) -> bool:
    """True when the commit holds submodules, whose files a new worktree would lack."""
    answer = repository.git.run("ls-tree", "-r", "-z", "--full-tree", commit)
    return any(entry.startswith(b"160000 ") for entry in answer.stdout.split(b"\0"))


def _is_linked(repository: Repository, folder: Path) -> bool:
    """True for a worktree of this repository that is not its main one."""
    if not (folder / ".git").is_file():
        return False
    try:
        layout = locate_at(folder)
    except UserError:
        return False
    return (
        layout is not None
        and layout.common_dir == repository.common_dir
        and layout.git_dir != repository.git_dir
        and layout.git_dir.is_relative_to(repository.common_dir / "worktrees")
    )
