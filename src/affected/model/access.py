"""Accesses: what one test file was seen to use in one run, and its blind spots.

Unaware of how it was seen, and of digests: only names.
"""

from __future__ import annotations

from dataclasses import dataclass

from affected.model.observation import BlindSpot
from affected.model.path import RepoPath
from affected.model.result import TestResult


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything one test file did in one process; all paths inside the workspace."""

    file: RepoPath
    loaded: frozenset[RepoPath]  # first-party files loaded by other than an import statement
    reads: frozenset[RepoPath]  # opened for reading; may be absent
    listings: frozenset[RepoPath]  # folders whose names were read
    probes: frozenset[RepoPath]  # paths asked for existence or kind only
    written: frozenset[RepoPath]  # opened for writing, created, renamed or removed
    externals: frozenset[str]  # top-level names of installed modules loaded dynamically
    all_installed: bool  # the list of installed distributions was read
    blind_spots: tuple[BlindSpot, ...]
    results: tuple[TestResult, ...]
    seconds: float  # collection, fixtures and tests of this file
    complete: bool  # every collected test of the file has a result


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
