"""Observations: a target's outcomes with every input they depended on, by digest.

Unaware of where they are stored and of how their inputs were seen.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Observation:
    """One target's outcomes together with every input they depended on."""

    label: str
    inputs: tuple[Input, ...]  # sorted, without repetition
    results: tuple[TestResult, ...]
    blind_spots: tuple[BlindSpot, ...]
    provenance: Provenance
    seconds: float  # of the whole target, collection included

    @property
    def usable(self) -> bool:
        """True when it may prove a skip: everything good, nothing unseen, nothing retried."""
        return not self.blind_spots and all(r.outcome.good and not r.rerun for r in self.results)
