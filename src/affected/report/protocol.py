"""The values that a use case hands over to be said. Unaware of how they are rendered.

Times are seconds; `written` and `started` are seconds since the epoch; paths are repo paths.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from affected.model.edge import Edge
from affected.model.observation import BlindSpot, Input, Provenance
from affected.model.result import Outcome, TestResult
from affected.model.selection import Cause
from affected.report.commands import CommandCounts

Extent = Literal["none", "some", "all"]


def extent(selected: int, known: int) -> Extent:
    """How much of the `known` targets is selected, as `--json` says it."""
    if selected == 0:
        return "none"
    return "all" if selected >= known else "some"


class State(enum.StrEnum):
    """What became of a target or a test in a run."""

    RAN = "ran"  # it ran and every outcome is good
    FAILED = "failed"  # it ran and some outcome is not (targets only)
    REUSED = "reused"  # an observation proves its outcome
    LEFT_OUT = "left-out"  # the graph alone says that no change reaches it
    SELECTED = "selected"  # a dry run: it would run
    UNFINISHED = "unfinished"  # the run ended before it did


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tests had which outcome."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    xfailed: int = 0
    xpassed: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum((self.passed, self.failed, self.errors)) + self.expected

    @property
    def expected(self) -> int:
        """Those that are good without having passed, or passed against expectation."""
        return self.skipped + self.xfailed + self.xpassed

    @property
    def bad(self) -> int:
        """Those that make a run fail."""
        return self.failed + self.errors


def count(results: Iterable[TestResult]) -> Counts:
    """Tally `results` by outcome."""
    tally = dict.fromkeys(Outcome, 0)
    for result in results:
        tally[result.outcome] += 1
    return Counts(
        passed=tally[Outcome.PASSED],
        failed=tally[Outcome.FAILED],
        errors=tally[Outcome.ERROR],
        skipped=tally[Outcome.SKIPPED],
        xfailed=tally[Outcome.XFAILED],
        xpassed=tally[Outcome.XPASSED],
    )


@dataclass(frozen=True, slots=True)
class Unvouched:
    """A target that ran, but whose observation cannot be reused: something went unseen."""

    label: str
    code: str  # of the blind spot
    what: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One outcome of a test, and the run that saw it."""

    outcome: Outcome
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Flake:
    """A test with two outcomes on the same inputs."""

    test: str
    then: Sighting
    now: Sighting


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A whole run in figures, for the closing words."""

    selection: Extent
    selected_targets: int
    selected_tests: int  # as far as known before the run
    ran_targets: int
    reused_targets: int
    reused_tests: int
    left_out: int = 0  # targets left out by the graph alone, without an observation
    counts: Counts = Counts()  # of the tests that ran
    seconds_run: float = 0.0  # summed over tests
    seconds_saved: float = 0.0  # recorded seconds of what was reused
    seconds_wall: float = 0.0
    failures: tuple[TestResult, ...] = ()  # in the order in which they happened
    notices: tuple[str, ...] = ()  # warnings, one sentence each
    unvouched: tuple[Unvouched, ...] = ()
    troubles: tuple[str, ...] = ()  # targets without a result and why ("pytest ended with …")
    interrupted: bool = False
    dry_run: bool = False
    shard: tuple[int, int] | None = None  # (number from 1, count)
    elsewhere: int = 0  # targets that other shards run
    left: tuple[str, ...] = ()  # targets that a budget left for later
    left_seconds: float = 0.0  # that they are expected to take
    commands: CommandCounts = field(default_factory=CommandCounts)  # of the command targets
    flakes: tuple[Flake, ...] = ()  # proven by this run
    retried: tuple[str, ...] = ()  # tests that passed only when run again
    quarantined: tuple[TestResult, ...] = ()  # failures that do not fail the run

    @property
    def bad(self) -> int:
        """How many tests make the run fail."""
        return max(self.counts.bad - len(self.quarantined), 0)


@dataclass(frozen=True, slots=True)
class TargetEntry:
    """One target of `affected list` or of a run."""

    label: str
    kind: str
    project: str
    causes: tuple[Cause, ...] = ()
    state: State | None = None  # None in a listing
    tests: int = 0
    seconds: float = 0.0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestEntry:
    """One test of a run. `outcome` is None where it is not known yet (a dry run)."""

    result_id: str
    target: str
    state: State
    outcome: Outcome | None
    cause: Cause | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer of `affected list`."""

    base: str | None  # the commit compared with, None when there is none
    head: str
    selection: Extent
    changed: tuple[str, ...]
    targets: tuple[TargetEntry, ...]  # the affected ones
    known_targets: int
    how: str = ""  # how the base was found
    reason: str = ""  # why everything counts as changed, with a code first; "" otherwise
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that `affected run --json` says."""

    base: str | None
    head: str
    changed: tuple[str, ...]
    targets: tuple[TargetEntry, ...]
    results: tuple[TestEntry, ...]
    summary: RunSummary
    exit_code: int = 0
    reason: str = ""  # why everything counts as changed, with a code first; "" otherwise


@dataclass(frozen=True, slots=True)
class Proof:
    """The observation that an explanation speaks of."""

    provenance: Provenance
    inputs: tuple[Input, ...]
    counts: Counts
    seconds: float
    blind_spots: tuple[BlindSpot, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainReport:
    """Why a target or a test runs, or why it may be skipped."""

    label: str
    runs: bool  # False: it may be skipped
    causes: tuple[Cause, ...] = ()
    test: str = ""  # the node id when one test was asked for
    proof: Proof | None = None  # the nearest observation, None when there is none
    differences: tuple[str, ...] = ()  # of the manifest and the inputs, then against now
    chain: tuple[Edge, ...] = ()  # from the target to the first cause's path
    fingerprint: str = ""  # the weak one
    records: int = 0  # observations looked at
    left_out: bool = False  # skipped by the graph alone, without an observation
    facts: tuple[tuple[str, str], ...] = ()  # what a command target is: name, words
    notices: tuple[str, ...] = ()


class Level(enum.StrEnum):
    """How much a finding of `affected doctor` matters."""

    OK = "ok"
    NOTE = "note"  # could be better
    WARNING = "warning"  # costs time or reuse
    PROBLEM = "problem"  # something does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `affected doctor` looked at."""

    level: Level
    code: str
    title: str
    detail: str = ""
    cost: str = ""  # what it costs as it is
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class RemoteStatus:
    """What a look at the shared cache found; `round_trip` in seconds."""

    name: str
    trouble: str = ""  # why it cannot be used; "" when it can
    writes: bool = False
    batched: bool = False  # thousands of records are looked up in one call
    round_trip: float = 0.0
    bare_token: bool = False  # a token goes to another machine without TLS


@dataclass(frozen=True, slots=True)
class Suspect:
    """A commit that changed an input of a test."""

    commit: str
    time: int  # seconds since the epoch
    subject: str
    paths: tuple[str, ...]  # inputs of the test that it changed


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What running the test at suspects came to."""

    guilty: str  # the commit, "" when it is none of the suspects
    probes: tuple[tuple[str, bool], ...]  # (commit, whether it passed), in order


@dataclass(frozen=True, slots=True)
class BlameReport:
    """The answer of `affected blame`, suspects oldest first."""

    test: str
    label: str
    good: str
    bad: str
    commits: int  # between the two
    suspects: tuple[Suspect, ...]
    observed: bool  # False: by what its imports say
    confirmation: Confirmation | None = None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found; rates are of test files, bounds one-sided at 95 % confidence."""

    seed: int
    skipped: int  # test files that a run would skip
    files: int  # of them that were run anyway
    tests: int
    misses: tuple[str, ...]  # tests that their proof says pass, and that fail
    flakes: tuple[str, ...]  # tests that failed and then passed
    bound: float
    audits: int  # kept, this one included
    all_files: int
    all_missed: int  # test files
    all_bound: float
    since: float
    widened: str = ""  # why precision is widened from now on; "" when it is not


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """What the local cache and the index hold; sizes in bytes."""

    folder: str
    records: int
    blobs: int
    size: int
    limit: int
    index: str = ""
    index_size: int = 0
    targets: int = 0  # targets with a usable observation in the index
    tests: int = 0
    seconds: float = 0.0  # what reusing all of them would save
    notices: tuple[str, ...] = ()
    remote: RemoteStatus | None = None


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A file in a drawing: `kind` is "test", "module", "conftest", "file"."""

    path: str
    kind: str
    project: str


@dataclass(frozen=True, slots=True)
class GraphView:
    """A graph, or a part of it around `focus`, ready to be drawn."""

    nodes: Sequence[GraphNode]
    edges: Sequence[Edge]
    focus: str = ""
    title: str = ""
