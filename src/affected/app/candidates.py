"""The targets that must be checked again: unsettled ones, and those that a change may reach.

Unaware of records.
"""

from __future__ import annotations

from affected.app.catalogue import STRUCTURAL, Catalogue
from affected.app.compose import Workspace
from affected.app.survey import Survey
from affected.model.digest import ABSENT
from affected.model.path import ancestors, is_under, name, parent
from affected.state.rows import TargetRow


def candidates(
    workspace: Workspace, found: Survey, catalogue: Catalogue, *, everything: bool
) -> list[TargetRow]:
    """Rows of the targets that must be checked: unsettled, or reached by a change."""
    index = workspace.index
    if everything or found.first or any(name(path) == ".gitignore" for path in found.changes):
        return list(index.targets())  # other rules: git may say nothing of what it told of before
    rows = {row.label: row for row in index.targets(unsettled_only=True)}
    starts = [*found.changes, *catalogue.touched]
    labels = set(catalogue.graph.dependents(starts)) | set(catalogue.stale_targets)
    seen_at = {*starts, *(path for _, path in found.stirred)}
    for path, change in found.changes.items():
        if ABSENT in {change.old, change.new}:
            seen_at.update(ancestors(path))
    labels |= index.observed(seen_at)
    configured = {parent(path) for path in found.changes if name(path) in STRUCTURAL}
    if configured:  # the weak fingerprint of all tests below may be another one
        labels.update(
            row.label
            for row in index.targets()
            if any(is_under(row.path, folder) for folder in configured)
        )
    labels -= rows.keys()
    if labels:
        rows.update((row.label, row) for row in index.targets(labels=sorted(labels)))
    return list(rows.values())
