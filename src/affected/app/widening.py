"""The verdict that proofs alone are not enough here, kept until it is lifted; and what follows.

Unaware of who found it out. While it stands, an observation proves a skip only if, besides, the
import graph leads from nothing that changed since its commit to the test: two independent reasons.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from affected.app.compose import Workspace
from affected.app.knowledge import Knowledge
from affected.app.listing import against, select_by_graph
from affected.cache.lookup import Proof
from affected.model.selection import Cause, CauseKind

KEY: Final = "widened"
MOST_COMMITS: Final = 12  # compared with; what was proved at others is taken for affected


@dataclass(frozen=True, slots=True)
class Widening:
    """Why, and since when in seconds since the epoch."""

    why: str
    since: float

    def sentence(self) -> str:
        """For the user, with the way out."""
        day = time.strftime("%Y-%m-%d", time.gmtime(self.since))
        return (
            f"precision is widened since {day}: {self.why}. What the import graph reaches runs, "
            "proved or not; `affected audit --reset` ends that"
        )


def widening(workspace: Workspace) -> Widening | None:
    """The verdict that stands; None when proofs are enough."""
    raw = workspace.index.get(KEY)
    if raw is None:
        return None
    try:
        stored = json.loads(raw)
        return Widening(str(stored["why"]), float(stored["since"]))
    except (ValueError, TypeError, KeyError):
        return Widening("an earlier audit said so", 0.0)


def widen(workspace: Workspace, found: Widening) -> None:
    """Keep the verdict."""
    stored = {"why": found.why, "since": found.since}
    workspace.index.put(KEY, json.dumps(stored).encode("ascii"))


def narrow(workspace: Workspace) -> None:
    """Lift it."""
    workspace.index.delete(KEY)


def also_affected(
    knowledge: Knowledge, proofs: Mapping[str, Proof]
) -> dict[str, tuple[Cause, ...]]:
    """Proved targets that something changed since their proof's commit may reach all the same."""
    by_commit: dict[str, list[str]] = {}
    for label, proof in proofs.items():
        by = proof.observation.provenance
        by_commit.setdefault("" if by.dirty else by.commit, []).append(label)
    found: dict[str, tuple[Cause, ...]] = {}
    targets = knowledge.targets()
    ordered = sorted(by_commit, key=lambda commit: (commit == "", -len(by_commit[commit])))
    for number, commit in enumerate(ordered):
        labels = by_commit[commit]
        known = commit and number < MOST_COMMITS
        changes = (
            against(knowledge.workspace, commit, knowledge.found.state.head) if known else None
        )
        if changes is None or not changes.complete:
            found |= _all(labels, "proved at a commit that nothing can be compared with")
            continue
        reached = {one.label: one.causes for one in select_by_graph(knowledge, changes, targets)}
        found |= {label: _widened(reached[label]) for label in labels if label in reached}
    return found


def _all(labels: Iterable[str], why: str) -> dict[str, tuple[Cause, ...]]:
    return {label: (Cause(CauseKind.WIDENED, detail=why),) for label in labels}


def _widened(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    first = causes[0]
    return (Cause(CauseKind.WIDENED, first.path, first.chain), *causes)
