"""Command targets: builds, linters and whatever else a workspace runs besides its tests.

Unaware of how they are declared, found, keyed or run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from affected.model.path import RepoPath

DECLARED: Final = "declared"  # in [tool.affected.targets]
INFERRED: Final = "inferred"  # from a manifest


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files below `folder` that `globs` choose; the last glob that matches decides.

    Globs are relative to `folder` and read like lines of a .gitignore, `!` leaves out.
    """

    folder: RepoPath
    globs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CommandTarget:
    """One command with all that it may see, in one project; everything is resolved."""

    label: str  # PROJECT:NAME
    name: str
    project: RepoPath
    kind: str  # build, lint, deploy … whatever its owner calls it
    origin: str  # DECLARED or INFERRED
    arguments: tuple[str, ...]  # what is started; a shell is one only where the text needs it
    folder: RepoPath  # where it is started
    inputs: tuple[FileSet, ...]
    needed_inputs: tuple[str, ...]  # globs of the same in every project that its own depends on
    outputs: tuple[RepoPath, ...]  # files, folders or globs, from the workspace root
    needs: tuple[str, ...] = ()  # labels of the command targets that end before it starts
    tests_of: tuple[RepoPath, ...] = ()  # projects whose tests must pass before it starts
    env: tuple[str, ...] = ()  # variables that it sees besides the usual few
    search: tuple[RepoPath, ...] = ()  # folders put in front of PATH
    tags: tuple[str, ...] = ()
    timeout: float | None = None  # seconds
    cache: bool = True
    on_request: bool = False  # runs only when asked for, or needed by what runs
    weight: int = 1  # of `-j`'s places
    resources: tuple[str, ...] = ()  # never used by two commands at once
    sandbox: bool = False
    locked: str = ""  # digest of the locked distributions that it may use, "" without any


def label_of(project: str, name: str) -> str:
    """`PROJECT:NAME`; `:NAME` at the root."""
    return f"{project}:{name}"
