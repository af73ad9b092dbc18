"""What a run will do, as data. Unaware of how it is done."""

from __future__ import annotations

from dataclasses import dataclass

from affected.model.target import Target, TestSettings


@dataclass(frozen=True, slots=True)
class Batch:
    """Test files that share one pytest process."""

    settings: TestSettings
    interpreter: str  # absolute path of the executable
    targets: tuple[Target, ...]  # in running order
    workers: int  # xdist workers inside; 0 means none
    expected_seconds: float | None  # None when some target has no recorded time
    blocks: bool = False  # which functions run is to be seen
    skip: frozenset[str] = frozenset()  # ids of tests whose outcomes are reused
    ask: bool = False  # what imports come to decides about more of them
    dry: bool = False  # collect and decide, run nothing


@dataclass(frozen=True, slots=True)
class Plan:
    """The batches, in the order in which they start, and how many run at once."""

    batches: tuple[Batch, ...]
    parallel: int
