"""Looks at the workspace as it is now and says what differs from what the index remembers.

Unaware of imports, targets and records. Afterwards the index's file table can be brought up to
date with `Survey.changes`; nothing is written here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from affected.app.compose import Workspace
from affected.errors import UserError
from affected.fs.digests import Stamp, is_racy, listing_digest, probe_digest, stamp_of
from affected.fs.workspace import walk
from affected.git.repository import Repository
from affected.git.status import PendingStatus, Status
from affected.model.digest import ABSENT, FOLDER, Digest
from affected.model.observation import InputKind
from affected.model.path import RepoPath, name
from affected.model.selection import Change

STATE_KEY: Final = "state"
WATCH_KEY: Final = "watch"
STATE_FORMAT: Final = 3  # 1: the first one; 2: says whether git converts; 3: what is ignored
SLOW_STATUS: Final = 1.0  # seconds
MANY_SPECIAL: Final = 2000  # beyond, they are looked at only when git's index changed


@dataclass(frozen=True, slots=True)
class State:
    """What the index remembers of the workspace besides the file table."""

    head: str = ""
    branch: str = ""
    dirty: tuple[RepoPath, ...] = ()  # differed from HEAD
    special: tuple[RepoPath, ...] = ()  # git's word on them is not enough: bytes are looked at
    converting: bool = False  # some attribute or setting lets git convert what it reads
    witness: str = ""
    ignore: tuple[str, ...] = ()  # as the settings said
    format: int = STATE_FORMAT

    def to_bytes(self) -> bytes:
        """JSON; lone surrogates survive as escapes."""
        return json.dumps(
            [
                *(self.format, self.head, self.branch, self.dirty),
                *(self.special, self.converting, self.witness, self.ignore),
            ]
        ).encode("ascii")

    @staticmethod
    def from_bytes(raw: bytes | None) -> State | None:
        """None when there is none or it is of another format."""
        if raw is None:
            return None
        form, *rest = json.loads(raw)
        if form != STATE_FORMAT:
            return None
        head, branch, dirty, special, converting, witness, ignore = rest
        return State(head, branch, tuple(dirty), tuple(special), converting, witness, tuple(ignore))


@dataclass(frozen=True, slots=True)
class Watched:
    """An input that git does not report on: ignored files, listings, absent ignored paths."""

    kind: InputKind
    path: RepoPath
    digest: str
    stamp: str


@dataclass(frozen=True, slots=True)
class Survey:
    """The workspace now, against the index."""

    state: State
    first: bool  # the index knew nothing
    changes: Mapping[RepoPath, Change]  # differing paths; old is ABSENT where unknown
    watched: tuple[Watched, ...]  # as they are now
    stirred: frozenset[tuple[InputKind, RepoPath]]  # watched inputs whose digest changed
    stamps: Mapping[RepoPath, tuple[bytes, Digest]] = field(default_factory=dict)
    everything: Mapping[RepoPath, Digest] | None = None  # the whole listing, when it was taken

    @property
    def quiet(self) -> bool:
        """True when nothing at all differs."""
        return not self.first and not self.changes and not self.stirred

    @property
    def dirty(self) -> bool:
        """True when the working tree differs from HEAD."""
        return bool(self.state.dirty)


def begin(workspace: Workspace) -> PendingStatus | None:
    """Starts `git status`, so that it runs while other things are loaded."""
    return workspace.repository.start_status() if workspace.repository else None


def survey(workspace: Workspace, pending: PendingStatus | None) -> Survey:
    """The workspace now. Raises UserError when git cannot answer: never "no changes"."""
    before = State.from_bytes(workspace.index.get(STATE_KEY))
    watched, stirred = _watch(workspace)
    digests = _Digests(workspace)
    if pending is None:
        state, changes, everything = _without_git(workspace, before, digests)
    else:
        status = _answer(workspace, pending)
        state, changes, everything = _with_git(workspace, before, status, digests)
    return Survey(
        state=state,
        first=before is None,
        changes=changes,
        watched=watched,
        stirred=stirred,
        stamps=digests.fresh,
        everything=everything,
    )


def store(workspace: Workspace, found: Survey) -> None:
    """Brings the index up to date; call inside a transaction."""
    index = workspace.index
    if found.everything is not None:
        index.replace_files(found.everything)
    elif found.changes:
        index.update_files({path: Digest(c.new) for path, c in found.changes.items()})
    if found.stamps:
        index.put_stamps(found.stamps)
    index.put(STATE_KEY, found.state.to_bytes())
    put_watched(workspace, found.watched)


def put_watched(workspace: Workspace, watched: Iterable[Watched]) -> None:
    """Replaces the list of watched inputs."""
    rows = [[w.kind.value, w.path, w.digest, w.stamp] for w in watched]
    workspace.index.put(WATCH_KEY, json.dumps(rows).encode("ascii"))


def get_watched(workspace: Workspace) -> list[Watched]:
    """The list of watched inputs as last stored."""
    raw = workspace.index.get(WATCH_KEY)
    rows = json.loads(raw) if raw else []
    return [Watched(InputKind(kind), path, digest, stamp) for kind, path, digest, stamp in rows]


def watch(workspace: Workspace, kind: InputKind, path: RepoPath) -> Watched:
    """The watched input as it is now."""
    stamp = _stamp_text(workspace, path)
    return Watched(kind, path, _watched_digest(workspace, kind, path), stamp)


def _stamp_text(workspace: Workspace, path: RepoPath) -> str:
    stamp = stamp_of(f"{workspace.root}/{path}")
    if stamp is None:
        return ""
    if is_racy(stamp, time.time_ns()):
        return "racy"
    return stamp.pack().hex()


def _watched_digest(workspace: Workspace, kind: InputKind, path: RepoPath) -> str:
    if kind is InputKind.LISTING:
        return listing_digest(workspace.root, path)
    if kind is InputKind.PROBE:
        return probe_digest(workspace.root, path)
    return workspace.digest(path)


def _watch(
    workspace: Workspace,
) -> tuple[tuple[Watched, ...], frozenset[tuple[InputKind, RepoPath]]]:
    now: list[Watched] = []
    stirred: set[tuple[InputKind, RepoPath]] = set()
    for old in get_watched(workspace):
        stamp = _stamp_text(workspace, old.path)
        if stamp == old.stamp and stamp != "racy":
            now.append(old)
            continue
        new = Watched(old.kind, old.path, _watched_digest(workspace, old.kind, old.path), stamp)
        now.append(new)
        if new.digest != old.digest:
            stirred.add((old.kind, old.path))
    return tuple(now), frozenset(stirred)


class _Digests:
    """Digests of bytes on disk, spared where the stored stamp still fits."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.fresh: dict[RepoPath, tuple[bytes, Digest]] = {}

    def of(self, paths: Iterable[RepoPath]) -> dict[RepoPath, Digest]:
        """The digest of each path as it is on disk."""
        wanted = list(paths)
        known = self._workspace.index.stamps(wanted)
        return {path: self._one(path, known.get(path)) for path in wanted}

    def _one(self, path: RepoPath, known: tuple[bytes, Digest] | None) -> Digest:
        stamp = stamp_of(f"{self._workspace.root}/{path}")
        if stamp is None:
            return ABSENT
        if known is not None and known[0] == stamp.pack():
            return known[1]
        return self._hash(path, stamp)

    def _hash(self, path: RepoPath, stamp: Stamp) -> Digest:
        taken = time.time_ns()
        digest = self._workspace.digest(path)
        if not is_racy(stamp, taken) and stamp_of(f"{self._workspace.root}/{path}") == stamp:
            self.fresh[path] = (stamp.pack(), digest)
        return digest


def _answer(workspace: Workspace, pending: PendingStatus) -> Status:
    """What git says; where it had to read much again, its stats are stored for the next time."""
    began = time.monotonic()
    status = pending.result()
    if time.monotonic() - began > SLOW_STATUS and workspace.repository is not None:
        workspace.repository.refresh()
    return status


def _with_git(
    workspace: Workspace, before: State | None, status: Status, digests: _Digests
) -> tuple[State, dict[RepoPath, Change], dict[RepoPath, Digest] | None]:
    repository = workspace.repository
    if repository is None:
        raise UserError("not a git repository", "run inside a repository")
    dirty = _dirty(workspace, status)
    witness = repository.witness()
    moved: dict[RepoPath, str] | None = {}
    if before is None or before.ignore != workspace.config.ignore:
        moved = None
    elif before.head != status.head:
        moved = _tree_moves(workspace, before.head, status.head)
    stirred = before is None or witness != before.witness
    if stirred and (workspace.root / ".gitmodules").exists():
        moved = None  # a submodule brought in or put away shows in git's index alone
    if moved is None or before is None:
        return _full(workspace, status, dirty, witness, digests)
    special, converting = before.special, before.converting
    looked = {*dirty, *before.dirty}
    if stirred or any(name(path) == ".gitattributes" for path in (*moved, *looked)):
        special, converting = _special(workspace, before, moved, dirty)
        looked |= {*special, *before.special}
    elif len(special) <= MANY_SPECIAL:
        looked.update(special)
    now: dict[RepoPath, str] = {**moved, **digests.of(looked)}
    left = {path for path in before.dirty if path not in dirty and now[path] != ABSENT}
    now.update(dict.fromkeys(_now_ignored(repository, left, moved), ABSENT))
    state = replace(
        before,
        head=status.head,
        branch=status.branch,
        dirty=tuple(sorted(dirty)),
        special=special,
        converting=converting,
        witness=witness,
    )
    return state, _compare(workspace, now), None


def _now_ignored(
    repository: Repository, paths: set[RepoPath], moved: Mapping[RepoPath, str]
) -> set[RepoPath]:
    """Of existing paths that git no longer tells of, those that it ignores, not those now clean."""
    untracked = {path for path in paths if moved.get(path) == ABSENT}
    return untracked | repository.ignored(paths - moved.keys())


def _tree_moves(workspace: Workspace, old: str, new: str) -> dict[RepoPath, str] | None:
    """Digests of paths that differ between two commits; None when that cannot be told."""
    if workspace.repository is None or not old or not new:
        return None
    changes = workspace.repository.tree_changes(old, new)
    if changes is None:
        return None
    return {c.path: c.new for c in changes if not workspace.outside(c.path)}


def _dirty(workspace: Workspace, status: Status) -> set[RepoPath]:
    return {path for path in status.changes if not workspace.outside(path)}


def _full(
    workspace: Workspace,
    status: Status,
    dirty: set[RepoPath],
    witness: str,
    digests: _Digests,
) -> tuple[State, dict[RepoPath, Change], dict[RepoPath, Digest]]:
    if workspace.repository is None:
        raise UserError("not a git repository", "run inside a repository")
    listing = workspace.repository.listing()
    files = {path: entry.digest for path, entry in listing.items() if not workspace.outside(path)}
    flagged = {path for path, entry in listing.items() if entry.flag and path in files}
    special = flagged | workspace.repository.converted(files)
    on_disk = digests.of(special | dirty)
    files.update(on_disk)
    present = {path: d for path, d in files.items() if d not in {ABSENT, FOLDER}}
    state = State(
        head=status.head,
        branch=status.branch,
        dirty=tuple(sorted(dirty)),
        special=tuple(sorted(special)),
        converting=workspace.repository.conversions_in_force(files),
        witness=witness,
        ignore=workspace.config.ignore,
    )
    known = workspace.index.files()
    return state, _differences(known, present), present


def _special(
    workspace: Workspace,
    before: State,
    moved: Mapping[RepoPath, str],
    dirty: set[RepoPath],
) -> tuple[tuple[RepoPath, ...], bool]:
    """Paths that git's word is not enough for, taken anew after git's index changed.

    And whether it converts anything. Where it does, `git add` may have taken other line ends for
    the same content: no path is named by that, so every file is asked about.
    """
    repository = workspace.repository
    if repository is None:
        return before.special, before.converting
    flagged = {p for p in repository.flagged() if not workspace.outside(p)}
    touched = {*moved, *dirty, *before.dirty}
    converting = before.converting or repository.conversions_in_force(touched)
    fresh: set[RepoPath] = set()
    if converting:
        files = {*workspace.index.files(), *touched}
        converting = repository.conversions_in_force(files)
        fresh = repository.converted(files)
    return tuple(sorted(flagged | fresh)), converting


def _without_git(
    workspace: Workspace, before: State | None, digests: _Digests
) -> tuple[State, dict[RepoPath, Change], dict[RepoPath, Digest] | None]:
    paths = [path for path, _ in walk(workspace.root, workspace.ignored.matches)]
    present = {p: d for p, d in digests.of(paths).items() if d not in {ABSENT, FOLDER}}
    changes = _differences(workspace.index.files(), present)
    everything = present if changes or before is None else None
    return State(), changes, everything


def _compare(workspace: Workspace, now: Mapping[RepoPath, str]) -> dict[RepoPath, Change]:
    known = workspace.index.digests(now)
    changes: dict[RepoPath, Change] = {}
    for path, digest in now.items():
        new = ABSENT if digest == FOLDER else digest
        old = known.get(path, ABSENT)
        if new != old:
            changes[path] = Change(path, old, new)
    return changes


def _differences(
    known: Mapping[RepoPath, Digest], present: Mapping[RepoPath, Digest]
) -> dict[RepoPath, Change]:
    changes = {
        path: Change(path, known.get(path, ABSENT), digest)
        for path, digest in present.items()
        if known.get(path) != digest
    }
    gone = known.keys() - present.keys()
    changes.update({path: Change(path, known[path], ABSENT) for path in gone})
    return changes
