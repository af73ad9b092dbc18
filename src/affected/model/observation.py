"""Observations: a target's outcomes with every input they depended on, by digest.

Unaware of where they are stored and of how their inputs were seen.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from affected.model.path import RepoPath
from affected.model.result import TestResult


class InputKind(enum.StrEnum):
    """What sort of thing an input is, which says how its digest is taken today."""

    FILE = "file"  # key: repo path; digest: file digest, or ABSENT
    PROBE = "probe"  # key: repo path; digest: "file", "folder", "link" or ABSENT
    LISTING = "listing"  # key: repo path of a folder; digest: of its sorted names
    MODULE = "module"  # key: dotted name; digest: of the repo paths that could answer it
    DISTRIBUTION = "distribution"  # key: top-level import name; digest: of what is installed
    INSTALLED = "installed"  # key: "*"; digest: of every installed distribution
    ENVIRONMENT = "environment"  # key: variable name; digest: of its value, or ABSENT
    CODE = "code"  # as FILE; of another content only what a test used of it counts


@dataclass(frozen=True, slots=True, order=True)
class Input:
    """One thing whose change may change an outcome."""

    kind: InputKind
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """Something a test did that cannot be seen, so its outcome cannot be vouched for."""

    code: str  # child-process, network, modified-input, outside-editable, …
    what: str  # the command, the address, the path


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who wrote an observation, when and from what."""

    written: float  # seconds since the epoch
    writer: str  # "user@host", or what the CI calls the run
    commit: str  # HEAD when it ran, "" without git
    dirty: bool  # the working tree differed from that commit
    run: str  # URL or id of the CI run, "" on a laptop


Blocks = Mapping[RepoPath, frozenset[int]]  # of a CODE input: first lines of functions entered


@dataclass(frozen=True, slots=True)
class Group:
    """What one or a few tests used beyond what every test of their file did."""

    inputs: frozenset[Input]
    blocks: Blocks
    blind_spots: tuple[BlindSpot, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """One target's outcomes together with every input they depended on.

    Each test depends on every input that is in no group, and on what its groups hold; every other
    observed thing is some other test's. Without groups everything is every test's.
    """

    label: str
    inputs: tuple[Input, ...]  # sorted, without repetition
    results: tuple[TestResult, ...]
    blind_spots: tuple[BlindSpot, ...]  # of every test
    provenance: Provenance
    seconds: float  # of the whole target, collection included
    groups: tuple[Group, ...] = ()
    members: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # test id → its groups
    shared: Blocks = field(default_factory=dict)  # entered for every test: hooks, collection
    imported: Blocks = field(default_factory=dict)  # entered while a module was being imported
    dynamic: frozenset[RepoPath] = frozenset()  # loaded by name at run time: read by anyone
    values: tuple[str, ...] = ()  # SHA-256 of the values that import gave, newest first

    @property
    def usable(self) -> bool:
        """True when it may prove a skip: everything good, nothing unseen, nothing retried."""
        unseen = self.blind_spots or any(group.blind_spots for group in self.groups)
        return not unseen and all(r.outcome.good and not r.rerun for r in self.results)
