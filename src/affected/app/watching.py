"""Remembers what proofs rest on where neither the import graph nor git would tell of a change.

Unaware of how it was seen. Call inside the transaction that makes a target settled: a proof whose
inputs are not remembered would outlive their change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from affected.app.catalogue import Catalogue
from affected.app.compose import Workspace
from affected.app.survey import get_watched, put_watched, watch
from affected.fs.digests import stamp_of
from affected.model.observation import Input, InputKind
from affected.model.path import RepoPath
from affected.model.target import Target

PATH_KINDS: Final = frozenset({InputKind.FILE, InputKind.CODE, InputKind.PROBE, InputKind.LISTING})


def remember(
    workspace: Workspace,
    catalogue: Catalogue,
    targets: Sequence[Target],
    inputs: Mapping[RepoPath, Iterable[Input]],
) -> None:
    """Of targets proved by a record that another index may have seen: by path, their inputs."""
    used: set[tuple[InputKind, RepoPath]] = set()
    for target in targets:
        found = {(i.kind, RepoPath(i.key)) for i in inputs[target.path] if i.kind in PATH_KINDS}
        static = catalogue.graph.closure([target.path])
        workspace.index.put_observed(target.label, {path for _, path in found} - static)
        used |= found
    watch_also(workspace, used)


def watch_also(workspace: Workspace, used: Iterable[tuple[InputKind, RepoPath]]) -> None:
    """Puts those of the used paths on the watch list that git says nothing about."""
    known = {(w.kind, w.path): w for w in get_watched(workspace)}
    wanted = {item for item in used if item not in known}
    fresh = wanted if workspace.repository is None else _unreported(workspace, wanted)
    if fresh:
        more = [watch(workspace, kind, path) for kind, path in sorted(fresh)]
        put_watched(workspace, [*known.values(), *more])


def _unreported(
    workspace: Workspace, wanted: set[tuple[InputKind, RepoPath]]
) -> set[tuple[InputKind, RepoPath]]:
    """Listings, and paths that git or our settings ignore, or that git does not know."""
    listings = {item for item in wanted if item[0] is InputKind.LISTING}
    index = workspace.index
    present = index.digests({path for _, path in wanted - listings})
    unknown = {path for _, path in wanted - listings} - present.keys()
    unknown = {path for path in unknown if not index.has_folder(path)}
    if workspace.repository is None or not unknown:
        return listings
    hidden = workspace.repository.ignored(unknown)
    hidden |= {p for p in unknown if workspace.outside(p) or stamp_of(workspace.root / p)}
    return listings | {item for item in wanted - listings if item[1] in hidden}
