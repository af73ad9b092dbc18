"""Accesses: what one test file was seen to use in one run, and its blind spots.

Unaware of how it was seen, and of digests: only names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from affected.model.observation import BlindSpot, Blocks
from affected.model.path import RepoPath
from affected.model.result import TestResult


@dataclass(frozen=True, slots=True)
class Part:
    """What some tests of a file used; all paths inside the workspace."""

    reads: frozenset[RepoPath] = frozenset()  # opened for reading; may be absent
    listings: frozenset[RepoPath] = frozenset()  # folders whose names were read
    probes: frozenset[RepoPath] = frozenset()  # paths asked for existence or kind only
    blind_spots: tuple[BlindSpot, ...] = ()
    blocks: Blocks = field(default_factory=dict)  # functions entered, by their first lines


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything one test file did in one run; all paths inside the workspace."""

    file: RepoPath
    loaded: frozenset[RepoPath]  # first-party files loaded by other than an import statement
    reads: frozenset[RepoPath]  # as in `Part`, of the whole file
    listings: frozenset[RepoPath]
    probes: frozenset[RepoPath]
    written: frozenset[RepoPath]  # opened for writing, created, renamed or removed
    externals: frozenset[str]  # top-level names of installed modules loaded dynamically
    all_installed: bool  # the list of installed distributions was read
    blind_spots: tuple[BlindSpot, ...]
    results: tuple[TestResult, ...]
    seconds: float  # collection, fixtures and tests of this file
    complete: bool  # every collected test of the file has a result
    own: Part = Part()  # of the collection: every test's
    parts: tuple[Part, ...] = ()  # of contexts and of fixtures
    members: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # test id → its parts
    dynamic: frozenset[RepoPath] = frozenset()  # of the loaded, those asked for by name
    memos: Mapping[int, RepoPath] = field(default_factory=dict)  # part of a remembering function


@dataclass(frozen=True, slots=True)
class ModuleTrace:
    """What happened while a first-party module was being imported; belongs to all who load it."""

    file: RepoPath
    loaded: frozenset[RepoPath]
    reads: frozenset[RepoPath]
    listings: frozenset[RepoPath]
    probes: frozenset[RepoPath]
    externals: frozenset[str]
    all_installed: bool
    blind_spots: tuple[BlindSpot, ...]
    blocks: Blocks = field(default_factory=dict)
    dynamic: frozenset[RepoPath] = frozenset()
