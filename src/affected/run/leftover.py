"""Says what a batch that broke off left to be run. Unaware of processes.

One test that takes its process with it, or one conftest that cannot be loaded, must not keep all
the other files of its batch from running.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from affected.model.path import RepoPath, is_under, parent
from affected.model.plan import Batch
from affected.run.trace_log import Harvest

# As pytest words it, from 3.9's pytest on; the file's path is absolute.
_CONFTEST = re.compile(r"while loading conftest '(.+?)'\.?\n")


def left_over(batch: Batch, harvest: Harvest, problem: str, root: Path) -> Batch | None:
    """The files of `batch` that can be tried once more; always fewer than before, None for none.

    `problem` is what pytest said when it broke off.
    """
    if harvest.running:
        victims = {test.id for test in harvest.running}
        culprits = {
            target.path
            for target in batch.targets
            if victims & set(harvest.collected.get(target.path, ()))
        }
    else:
        folder = _broken_folder(problem, root)
        if folder is None:
            return None
        culprits = {target.path for target in batch.targets if is_under(target.path, folder)}
    left = tuple(
        target
        for target in batch.targets
        if target.path not in culprits and not _is_done(target.path, harvest)
    )
    if not culprits or not left:
        return None
    return replace(batch, targets=left, expected_seconds=None)


def _is_done(path: RepoPath, harvest: Harvest) -> bool:
    trace = harvest.traces.get(path)
    return trace is not None and trace.complete and path in harvest.collected


def _broken_folder(problem: str, root: Path) -> RepoPath | None:
    """The folder whose conftest could not be loaded."""
    found = _CONFTEST.search(problem)
    if found is None:
        return None
    for one, other in ((root, Path(found[1])), (root.resolve(), Path(found[1]).resolve())):
        if other.is_relative_to(one):
            return parent(os.fspath(other.relative_to(one)))
    return None
