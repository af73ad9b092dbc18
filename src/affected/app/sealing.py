"""Seals a workspace in which everything is proved. Unaware of how a seal is checked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from affected.app import seal
from affected.app import survey as surveys
from affected.app.command_watch import programs_of, remembered
from affected.app.compose import Workspace
from affected.app.platforms import Platforms
from affected.app.survey import MANY_SPECIAL, Survey
from affected.fs.digests import is_racy, stamp_of
from affected.report.protocol import RunSummary
from affected.report.style import Style
from affected.report.text import closing_lines


def seal_workspace(
    workspace: Workspace, found: Survey, platforms: Platforms, summary: RunSummary
) -> None:
    """Seals it if it is still as `found`, and if stamps can tell when it no longer is.

    `summary` is the answer of a run with nothing to do.
    """
    if not _can_be_sealed(workspace, found):
        return
    plain, colored = (closing_lines(summary, Style(color=on))[-1] for on in (False, True))
    made = seal.make(
        workspace.cache_folder,
        workspace.root,
        workspace.environ,
        declared=[*platforms.environment(), *remembered(workspace).names],
        paths=_paths(workspace, found, platforms),
        words=(plain, colored),
    )
    again = surveys.survey(workspace, surveys.begin(workspace))
    same = (again.state.dirty, again.state.special) == (found.state.dirty, found.state.special)
    if made is not None and again.quiet and same and not _racy(workspace, again):
        seal.put(workspace.index_path.parent, made)


def _can_be_sealed(workspace: Workspace, found: Survey) -> bool:
    return (
        workspace.repository is not None
        and workspace.index.persistent
        and workspace.config.cache_dir is None
        and len(found.state.special) <= MANY_SPECIAL
        and not (workspace.root / ".gitmodules").exists()
    )


def _paths(workspace: Workspace, found: Survey, platforms: Platforms) -> Iterator[str]:
    root = str(workspace.root)
    watched = surveys.get_watched(workspace)  # the run itself may have added some
    inside = (*found.state.dirty, *found.state.special, *(w.path for w in watched))
    yield from (f"{root}/{path}" for path in inside)
    if workspace.repository is not None:
        yield from map(str, workspace.repository.witness_files())
    yield from programs_of(workspace)
    described: set[Path] = set()  # most projects share an interpreter
    for project in platforms.projects:
        folder = f"{root}/{project}" if project else root
        yield f"{folder}/.venv"
        executable = platforms.executable(project)
        if executable in described:
            continue
        described.add(executable)
        yield from (str(executable), str(executable.resolve()))
        yield str(executable.parent.parent / "pyvenv.cfg")
        for packages in platforms.site_packages(project):
            yield packages
            yield from map(str, _installed(Path(packages)))


def _installed(packages: Path) -> list[Path]:
    endings = (".dist-info", ".egg-info", ".egg-link", ".pth")
    try:
        return [path for path in packages.iterdir() if path.name.endswith(endings)]
    except OSError:
        return []


def _racy(workspace: Workspace, found: Survey) -> bool:
    """True when a file was written so lately that its stamp cannot be trusted."""
    now = time.time_ns()
    for path in (*found.state.dirty, *found.state.special, *(w.path for w in found.watched)):
        stamp = stamp_of(f"{workspace.root}/{path}")
        if stamp is not None and is_racy(stamp, now):
            return True
    return False
