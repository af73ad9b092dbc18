"""What the index gives and takes besides plain mappings. Unaware of SQL."""

from __future__ import annotations

from dataclasses import dataclass

from affected.errors import UserError
from affected.model.path import RepoPath


@dataclass(frozen=True, slots=True)
class TargetRow:
    """What is known of one target since it was last looked at."""

    label: str
    kind: str  # value of TargetKind
    project: RepoPath
    path: RepoPath
    settings: RepoPath
    weak: str  # weak fingerprint, "" when unknown
    settled: bool  # an observation proves that it may be skipped, as the workspace was then
    reason: str  # why it is not settled, "" when it is
    tests: int  # in it, when it last ran
    seconds: float  # that it last took
    outcome: str  # of its last run, "" before any
    ran: float  # when its observation was written, in seconds since the epoch; 0 without just one


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the settled targets."""

    targets: int
    tests: int
    seconds: float


class IndexDamaged(UserError):
    """The index file turned out to be damaged while in use; it was set aside.

    Everything read from it so far is void. The index that raised this is now a new, empty one:
    start over from the beginning, once.
    """

    def __init__(self, notice: str) -> None:
        super().__init__(notice, "run the same command again: the index is rebuilt")
