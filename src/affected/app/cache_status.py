"""`affected cache`: what the local cache holds, and trimming it. Unaware of what records say."""

from __future__ import annotations

from affected.app.compose import Workspace
from affected.app.sharing import remote_status
from affected.cache.disk import Evicted
from affected.report.protocol import CacheStatus


def cache_status(workspace: Workspace) -> CacheStatus:
    """The local cache and this workspace's index, counted anew."""
    found = workspace.store.status()
    totals = workspace.index.totals()
    path = workspace.index_path
    return CacheStatus(
        folder=str(workspace.cache_folder),
        records=found.records,
        blobs=found.blobs,
        size=found.bytes,
        limit=found.max_bytes,
        index=str(path),
        index_size=path.stat().st_size if path.exists() else 0,
        targets=totals.targets,
        tests=totals.tests,
        seconds=totals.seconds,
        notices=tuple(workspace.notices()),
        remote=remote_status(workspace.shared, workspace.config, workspace.environ),
    )


def collect(workspace: Workspace) -> Evicted:
    """Evicts what was used longest ago, down to the cache's bound."""
    return workspace.store.gc()


def clear(workspace: Workspace) -> Evicted:
    """Removes every record, and what the index remembers of this workspace."""
    removed = workspace.store.clear()
    with workspace.index.transaction():
        workspace.index.delete("")
        workspace.index.remove_targets(row.label for row in workspace.index.targets())
        workspace.index.replace_files({})
    return removed
