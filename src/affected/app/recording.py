"""Stores what finished batches proved: observations into records, the rest into the index.

Unaware of how tests run. Nothing is stored of a target whose inputs changed while it ran.
"""

from __future__ import annotations

import hashlib
import json
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from affected.app import survey as surveys
from affected.app.carry import carry
from affected.app.flakes import contradictions
from affected.app.knowledge import Knowledge
from affected.app.observe import Observed, Observer
from affected.app.spared import Used, note
from affected.app.watching import PATH_KINDS, watch_also
from affected.cache.judge import Judged
from affected.cache.lookup import Lookup
from affected.cache.record import (
    Record,
    StoredObservation,
    merge,
    read_record,
    write_record,
    write_tables,
)
from affected.fs.digests import stamp_of
from affected.model.access import Trace
from affected.model.digest import ABSENT
from affected.model.observation import BlindSpot, Group, InputKind, Provenance
from affected.model.path import RepoPath, ancestors
from affected.model.plan import Batch
from affected.model.result import TestResult
from affected.model.target import Target
from affected.report.protocol import Flake, Unvouched
from affected.run.trace_log import Harvest
from affected.state.rows import TargetRow

CLOCK_STEP = 20_000_000  # nanoseconds by which a file system's clock may lag


@dataclass(frozen=True, slots=True)
class Ran:
    """A batch that ended, with what was seen of it."""

    batch: Batch
    harvest: Harvest
    began: float  # seconds since the epoch
    values: bytes = b""  # what import and collection came to, as the tracer wrote it


Reused = Callable[[str, Sequence[str]], Mapping[str, tuple[TestResult, Judged]]]
"""Of a target's tests that were collected and left out: their outcomes and what proves them."""


def _blinded(group: Group, stirred: set[RepoPath]) -> Group:
    """The group with a blind spot for what changed of what it used."""
    used = {RepoPath(i.key) for i in group.inputs if i.kind in PATH_KINDS}
    spots = (BlindSpot("changed-meanwhile", path) for path in sorted(used & stirred))
    return replace(group, blind_spots=(*group.blind_spots, *spots))


def _nothing_reused(_label: str, _ids: Sequence[str]) -> Mapping[str, tuple[TestResult, Judged]]:
    return {}


_FILES = (InputKind.FILE, InputKind.CODE)


class Recorder:
    """Keeps what each finished batch proved, after making sure that nothing moved meanwhile."""

    def __init__(
        self,
        knowledge: Knowledge,
        provenance: Provenance,
        *,
        keep: bool,
        reused: Reused = _nothing_reused,
    ) -> None:
        self._knowledge = knowledge
        self._provenance = provenance
        self._reused = reused
        self._keep = keep  # False: arguments such as --lf make a pass depend on the unseen
        self._watched: set[tuple[InputKind, RepoPath]] = set()
        self._stamped: dict[tuple[RepoPath, float], bool] = {}
        self.unvouched: list[Unvouched] = []
        self.flakes: list[Flake] = []
        self.moved: set[RepoPath] = set()  # changed while tests ran

    def record(self, finished: Sequence[Ran]) -> None:
        """Stores the observations of batches that ended before now."""
        self.moved |= self._changed_meanwhile()
        for ran in finished:
            self._batch(ran)

    def finish(self) -> None:
        """After the last batch: what a later run need not ask for again is written down."""
        self._knowledge.outlines.remember()

    def _batch(self, ran: Ran) -> None:
        knowledge = self._knowledge
        project = ran.batch.targets[0].project
        observer = Observer(
            knowledge.workspace,
            knowledge.catalogue,
            knowledge.imports,
            knowledge.present(project),
            ran.harvest,
            files=knowledge.files,
            links=knowledge.links,
            timely=frozenset(json.loads(ran.values)["modules"]) if ran.values else frozenset(),
        )
        observed: list[tuple[Target, Trace, Observed]] = []
        values = zlib.compress(ran.values, 1) if ran.values else b""
        names = (hashlib.sha256(values).hexdigest(),) if values else ()
        rows: dict[str, TargetRow] = {}
        known = knowledge.workspace.index.targets(labels=[t.label for t in ran.batch.targets])
        before = {row.label: row for row in known}
        for target in ran.batch.targets:
            trace = ran.harvest.traces.get(target.path)
            if trace is None or not trace.complete:
                continue
            config = knowledge.platforms.config(target.project)
            declared = config.inputs
            if knowledge.platforms.precision(target.project) == "project":
                declared = (*declared, "**")
            seen = observer.observe(target, trace, declared, config.covered, self._provenance)
            seen = replace(seen, observation=replace(seen.observation, values=names))
            whole = self._with_reused(target, seen, ran)
            if whole is None:
                continue
            seen = self._blinded(whole, ran)
            rows[target.label] = self._row(before[target.label], seen, ran)
            if self._keep and not self._stirred(seen, ran):
                observed.append((target, trace, seen))
        self._store(observed, rows, {names[0]: values} if names else {})

    def _with_reused(self, target: Target, seen: Observed, ran: Ran) -> Observed | None:
        """The observation of all the file's tests; None when what proved the others is lost."""
        left = ran.harvest.left.get(target.path, ())
        reused = self._reused(target.label, left)
        if len(reused) < len(left):
            return None
        if not reused:
            return seen
        knowledge = self._knowledge
        present = knowledge.present(target.project)
        lookup = knowledge.verifier.lookup(target.project)
        whole = carry(seen.observation, reused, lookup, present)
        if whole is None:
            return None
        static = knowledge.catalogue.graph.closure([target.path])
        used = frozenset((i.kind, RepoPath(i.key)) for i in whole.inputs if i.kind in PATH_KINDS)
        return Observed(whole, frozenset(path for _, path in used) - static, used)

    def _row(self, row: TargetRow, seen: Observed, ran: Ran) -> TargetRow:
        observation = seen.observation
        good = all(result.outcome.good for result in observation.results)
        usable = observation.usable and self._keep and not self._stirred(seen, ran)
        reason = ""
        if not good:
            reason = "failed"
        elif not usable:
            reason = "blind-spot"
            self.unvouched.append(self._why_unvouched(seen, ran))
        return replace(
            row,
            settled=usable,
            reason=reason,
            tests=len(observation.results),
            seconds=observation.seconds,
            outcome="passed" if good else "failed",
            ran=self._provenance.written,
        )

    def _why_unvouched(self, seen: Observed, ran: Ran) -> Unvouched:
        observation = seen.observation
        spots = [*observation.blind_spots, *(s for g in observation.groups for s in g.blind_spots)]
        if spots:
            spot = spots[0]
            return Unvouched(observation.label, spot.code, spot.what)
        if any(result.rerun for result in observation.results):
            return Unvouched(observation.label, "retried", "a pass got by retrying is not a pass")
        if not self._keep:
            return Unvouched(observation.label, "arguments", "the given pytest arguments")
        return Unvouched(
            observation.label, "changed-meanwhile", ", ".join(sorted(self._stirred(seen, ran))[:3])
        )

    def _blinded(self, seen: Observed, ran: Ran) -> Observed:
        """Where what changed meanwhile was used by some tests only, they alone prove nothing."""
        stirred = self._stirred_at_all(seen, ran)
        if not stirred:
            return seen
        groups = tuple(_blinded(group, stirred) for group in seen.observation.groups)
        return replace(seen, observation=replace(seen.observation, groups=groups))

    def _stirred(self, seen: Observed, ran: Ran) -> set[RepoPath]:
        """Inputs of every test that changed while the batch ran."""
        stirred = self._stirred_at_all(seen, ran)
        if not stirred:
            return stirred
        observation = seen.observation
        apart = {entry for group in observation.groups for entry in group.inputs}
        every = {i.key for i in observation.inputs if i.kind in PATH_KINDS and i not in apart}
        return stirred & every

    def _stirred_at_all(self, seen: Observed, ran: Ran) -> set[RepoPath]:
        """Inputs that changed while the batch ran, by git's word or by their change time."""
        paths = {path for _, path in seen.used}
        files = {path for kind, path in seen.used if kind in _FILES}
        files -= ran.harvest.restored  # the tests' own writing, which left the old bytes
        return (paths & self.moved) | {path for path in files if self._touched(path, ran)}

    def _touched(self, path: RepoPath, ran: Ran) -> bool:
        """True for a file written to since the batch began, even if its bytes are the old ones."""
        key = (path, ran.began)
        if key not in self._stamped:
            stamp = stamp_of(f"{self._knowledge.workspace.root}/{path}")
            limit = int(ran.began * 1e9) - CLOCK_STEP
            self._stamped[key] = (
                stamp is not None and stat.S_ISREG(stamp.mode) and stamp.ctime_ns >= limit
            )
        return self._stamped[key]

    def _store(
        self,
        observed: Sequence[tuple[Target, Trace, Observed]],
        rows: Mapping[str, TargetRow],
        values: Mapping[str, bytes],
    ) -> None:
        knowledge, index = self._knowledge, self._knowledge.workspace.index
        store = knowledge.workspace.records
        code = {
            RepoPath(i.key): i.digest
            for _, _, seen in observed
            for i in seen.observation.inputs
            if i.kind is InputKind.CODE
        }
        knowledge.outlines.keep(code)
        blobs, stored = write_tables([seen.observation for _, _, seen in observed])
        keys = {target.label: knowledge.manifests.weak(target) for target, _, _ in observed}
        old = store.get(list(keys.values()))
        flaky: set[str] = set()
        for (target, _, _), observation in zip(observed, stored, strict=True):
            key = keys[target.label]
            before = read_record(old[key]) if key in old else None
            before, marked, found = self._contradictions(target, before, observation)
            self.flakes += found
            record = merge(target.label, marked, before)
            if record.observations[0].blind_spots != observation.blind_spots:
                flaky.add(target.label)
            blobs.update(values)
            names = {*observation.tables, *observation.values}
            store.put(key, write_record(record), {n: blobs[n] for n in names if n in blobs})
            self._remember_manifest(target)
        with index.transaction():
            index.put_targets(
                replace(row, settled=False, reason="flaky") if label in flaky else row
                for label, row in rows.items()
            )
            for target, _, seen in observed:
                index.put_observed(target.label, seen.outside_closure)
            told = [seen.observation for _, _, seen in observed]
            note(index, (Used.by(one.label, one, one.inputs) for one in told))
            fresh = {item for _, _, seen in observed for item in seen.used} - self._watched
            watch_also(knowledge.workspace, fresh)
            self._watched |= fresh

    def _contradictions(
        self, target: Target, before: Record | None, new: StoredObservation
    ) -> tuple[Record | None, StoredObservation, tuple[Flake, ...]]:
        present = self._knowledge.present(target.project)
        lookup = Lookup(self._knowledge.workspace.records, present)
        return contradictions(lookup, present, before, new)

    def _remember_manifest(self, target: Target) -> None:
        """So that a later run can say what of it changed."""
        index, manifests = self._knowledge.workspace.index, self._knowledge.manifests
        digest = manifests.shared_digest(target)
        if index.get(f"shared:{digest}") is None:
            index.put(f"shared:{digest}", manifests.shared(target).to_bytes())
        index.put(f"manifest:{target.label}", digest.encode())

    def _changed_meanwhile(self) -> set[RepoPath]:
        workspace = self._knowledge.workspace
        now = surveys.survey(workspace, surveys.begin(workspace))
        moved = set(now.changes) | {path for _, path in now.stirred}
        for path, change in now.changes.items():
            if ABSENT in {change.old, change.new}:  # its folder holds other names now
                moved.update(self._folders_altered(path))
        return moved

    def _folders_altered(self, path: RepoPath) -> Iterator[RepoPath]:
        """The folder of a path come or gone, and those above up to one that was there before."""
        for folder in ancestors(path):
            yield folder
            known = self._knowledge.workspace.index.has_folder(folder)
            if known and (self._knowledge.workspace.root / folder).is_dir():
                return


def is_flaky(observation: StoredObservation) -> bool:
    """True for an observation whose very inputs had another outcome before."""
    return any(spot.code == "flaky" for spot in observation.blind_spots)
