"""Projects and targets. Unaware of how they are found or run."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from affected.model.path import RepoPath


class TargetKind(enum.StrEnum):
    """What sort of work a target is."""

    TEST = "test"  # one pytest test file
    COMMAND = "command"  # a declared command


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with its own manifest."""

    path: RepoPath  # "" for the root project
    name: str  # from the manifest, else the folder's name, else "root"
    manifests: tuple[RepoPath, ...]  # pyproject.toml, package.json, … that made it one


@dataclass(frozen=True, slots=True)
class TestSettings:
    """What pytest's configuration says for the test files that share it.

    `config` is the configuration file pytest would pick (None: none), `folder` where pytest is
    started, `rootdir` what node ids are relative to.
    """

    folder: RepoPath
    rootdir: RepoPath
    config: RepoPath | None
    testpaths: tuple[str, ...]
    python_files: tuple[str, ...]
    pythonpath: tuple[RepoPath, ...]
    addopts: tuple[str, ...]
    plugins: tuple[str, ...]  # modules named with -p in addopts


@dataclass(frozen=True, slots=True)
class Target:
    """The smallest thing we select, fingerprint and cache."""

    label: str
    kind: TargetKind
    project: RepoPath  # the owning project's path
    path: RepoPath  # the test file
    settings: RepoPath  # key of its TestSettings: the folder pytest is started in
