"""What must run besides while proofs alone are not enough: what the import graph reaches.

Unaware of why they are not, and of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from affected.app.knowledge import Knowledge
from affected.app.listing import against, select_by_graph
from affected.cache.lookup import Proof
from affected.model.selection import Cause, CauseKind

MOST_COMMITS: Final = 12  # compared with; what was proved at others is taken for affected


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
