"""The values that describe a CI run. Unaware of which system they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from affected.model.shard import ShardPlan

CIName = Literal["github", "gitlab", "buildkite", "circleci", "jenkins", "azure", "generic", "none"]


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of a run this machine does."""

    index: int  # from 0
    total: int | None  # None where the system does not tell it (Kubernetes)


@dataclass(frozen=True, slots=True)
class CI:
    """What a CI system says about this run; "" and None where it says nothing."""

    name: CIName
    target_branch: str | None = None  # the branch this work will be merged into, without remote
    merge_commit: bool = False  # `commit` is said to be the merge of target branch and work
    commit: str = ""  # the commit the system says it runs; may differ from what is checked out
    run: str = ""  # URL of the run, else its id
    is_fork: bool | None = None  # None: cannot be told from the environment
    target_commit: str = ""  # a commit of the target branch, possibly not its newest
    queue_commit: str = ""  # what a merge queue put this work on top of
    previous: str = ""  # the commit that this branch was at before
    group: str = ""  # the same for all jobs of one run of the CI, of re-run ones too

    @property
    def present(self) -> bool:
        """True when some CI system runs this."""
        return self.name != "none"


def working_shards(plan: ShardPlan) -> list[str]:
    """The shards that have something to do, as "I/N"."""
    return [f"{at}/{plan.count}" for at, part in enumerate(plan.parts, 1) if part]
