"""Decides, for each target that a change may reach, whether an observation proves its skip.

Unaware of running. Targets that nothing touched since they were last proved are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from affected.app.catalogue import Catalogue, targets_of
from affected.app.compose import Workspace
from affected.app.manifests import Manifests
from affected.app.present import PresentInputs
from affected.cache.lookup import Difference, Lookup, Miss, Proof
from affected.graph.why import follow
from affected.hashing.manifest import Manifest, difference
from affected.model.digest import ABSENT
from affected.model.observation import Input, InputKind
from affected.model.path import RepoPath
from affected.model.selection import Cause, CauseKind
from affected.model.target import Target
from affected.state.rows import TargetRow

MOST_CAUSES = 5  # kept for each target; explain gives them all


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What came of the checks; targets not named in either map stay as they were: settled."""

    proofs: Mapping[str, Proof]
    causes: Mapping[str, tuple[Cause, ...]]  # of targets that must run
    rows: Mapping[str, TargetRow]  # of every checked target, brought up to date


class Verifier:
    """Checks records of targets whose interpreters may differ: one look-up an interpreter."""

    def __init__(
        self,
        workspace: Workspace,
        catalogue: Catalogue,
        manifests: Manifests,
        present: Callable[[RepoPath], PresentInputs],
    ) -> None:
        self._workspace = workspace
        self._catalogue = catalogue
        self._manifests = manifests
        self._present = present
        self._hops: dict[RepoPath, Mapping[RepoPath, RepoPath | None]] = {}
        self._lookups: dict[int, Lookup] = {}

    def check(self, rows: Sequence[TargetRow]) -> Verdicts:
        """The verdict on each row's target."""
        proofs: dict[str, Proof] = {}
        causes: dict[str, tuple[Cause, ...]] = {}
        fresh: dict[str, TargetRow] = {}
        targets = {t.label: t for t in targets_of(rows)}
        keys = {label: self._manifests.weak(target) for label, target in targets.items()}
        verdicts = self._look_up(targets.values(), keys)
        for row in rows:
            verdict = verdicts[row.label]
            if isinstance(verdict, Proof):
                proofs[row.label] = verdict
                fresh[row.label] = settled(row, keys[row.label], verdict)
            else:
                target = targets[row.label]
                found = self.why(target, row, keys[row.label], verdict)
                causes[row.label] = found[:MOST_CAUSES]
                fresh[row.label] = replace(
                    row,
                    weak=keys[row.label],
                    settled=False,
                    reason=found[0].kind.value,
                )
        return Verdicts(proofs, causes, fresh)

    def why(self, target: Target, row: TargetRow, key: str, miss: Miss) -> tuple[Cause, ...]:
        """Every cause of a miss, the most telling first; never empty."""
        nearest = miss.nearest
        if nearest is None:
            return (self._without_observation(target, row, key),)
        if nearest.blind_spots and not miss.differences:
            return tuple(
                Cause(
                    CauseKind.FLAKY if spot.code == "flaky" else CauseKind.BLIND_SPOT,
                    detail=f"{spot.code}: {spot.what}",
                )
                for spot in nearest.blind_spots
            )
        if not miss.differences:
            return (Cause(CauseKind.FAILED, detail="it failed with these very inputs"),)
        return tuple(self._cause(target, item) for item in miss.differences)

    def _look_up(
        self, targets: Iterable[Target], keys: Mapping[str, str]
    ) -> dict[str, Proof | Miss]:
        groups: dict[int, tuple[PresentInputs, dict[str, str]]] = {}
        for target in targets:
            present = self._present(target.project)
            groups.setdefault(id(present), (present, {}))[1][target.label] = keys[target.label]
        verdicts: dict[str, Proof | Miss] = {}
        for present, wanted in groups.values():
            verdicts.update(self._lookup(present).check(wanted))
            missed = {k: key for k, key in wanted.items() if isinstance(verdicts[k], Miss)}
            more = self._workspace.records.refresh(list(missed.values()))
            if more:  # another machine has seen what this one has not
                del self._lookups[id(present)]
                again = {label: key for label, key in missed.items() if key in more}
                verdicts.update(self._lookup(present).check(again))
        return verdicts

    def inputs(self, target: Target, proof: Proof) -> tuple[Input, ...]:
        """Everything that a proof just given rests on."""
        return self._lookup(self._present(target.project)).inputs(proof.observation) or ()

    def _lookup(self, present: PresentInputs) -> Lookup:
        if id(present) not in self._lookups:
            self._lookups[id(present)] = Lookup(self._workspace.records, present)
        return self._lookups[id(present)]

    def _without_observation(self, target: Target, row: TargetRow, key: str) -> Cause:
        if row.weak and row.weak != key:
            before = self._workspace.index.get(f"manifest:{row.label}")
            detail = "the platform or the configuration is another one"
            if before is not None:
                old = self._workspace.index.get(f"shared:{before.decode()}")
                if old is not None:
                    lines = difference(Manifest.from_bytes(old), self._manifests.shared(target))
                    detail = "; ".join(map(str, lines)) or detail
            return Cause(CauseKind.PLATFORM, detail=detail)
        return Cause(CauseKind.NEW, detail="no observation of it exists")

    def _cause(self, target: Target, item: Difference) -> Cause:
        key = item.then.key
        match item.then.kind:
            case InputKind.DISTRIBUTION | InputKind.INSTALLED:
                return Cause(CauseKind.DISTRIBUTION, key)
            case InputKind.ENVIRONMENT:
                return Cause(CauseKind.ENVIRONMENT, key)
            case InputKind.MODULE:
                return Cause(CauseKind.CAPTURED, key, detail="the import resolves otherwise")
            case InputKind.LISTING:
                return Cause(CauseKind.ADDED, key, detail="the folder holds other names")
            case InputKind.FILE | InputKind.PROBE:
                return self._path_cause(target, item)

    def _path_cause(self, target: Target, item: Difference) -> Cause:
        path = RepoPath(item.then.key)
        kind = CauseKind.CHANGED
        if item.now == ABSENT:
            kind = CauseKind.DELETED
        elif item.then.digest == ABSENT:
            kind = CauseKind.ADDED
        return Cause(kind, path, self._chain(target.path, path))

    def _chain(self, start: RepoPath, end: RepoPath) -> tuple[RepoPath, ...]:
        if end not in self._hops:
            self._hops[end] = self._catalogue.graph.dependents([end])
        hops = self._hops[end]
        return follow(hops, start) if start in hops else ()


def settled(row: TargetRow, key: str, proof: Proof) -> TargetRow:
    """The row of a target with a proof."""
    seen = proof.observation
    return replace(
        row,
        weak=key,
        settled=True,
        reason="",
        tests=len(seen.results),
        seconds=seen.seconds,
        outcome="passed",
        ran=seen.provenance.written,
    )
