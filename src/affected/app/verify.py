"""Decides, for each target that a change may reach, whether an observation proves its skip.

Unaware of running. Targets that nothing touched since they were last proved are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from affected.app.catalogue import Catalogue, targets_of
from affected.app.compose import Workspace
from affected.app.manifests import Manifests
from affected.app.outlines import Outlines
from affected.app.present import PresentInputs
from affected.cache.lookup import Difference, Lookup, Miss, Partial, Proof, Reason
from affected.graph.why import follow
from affected.hashing.manifest import Manifest, difference
from affected.model.digest import ABSENT
from affected.model.observation import BlindSpot, Input, InputKind
from affected.model.path import RepoPath
from affected.model.selection import Cause, CauseKind
from affected.model.target import Target
from affected.state.rows import TargetRow

MOST_NAMED = 3  # functions in one cause
MOST_CAUSES = 5  # kept for each target; explain gives them all


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What came of the checks; targets not named in either map stay as they were: settled."""

    proofs: Mapping[str, Proof]
    causes: Mapping[str, tuple[Cause, ...]]  # of targets that must run
    rows: Mapping[str, TargetRow]  # of every checked target, brought up to date
    partials: Mapping[str, Partial] = field(default_factory=dict)  # some tests are proved


class Verifier:
    """Checks records of targets whose interpreters may differ: one look-up an interpreter."""

    def __init__(
        self,
        workspace: Workspace,
        catalogue: Catalogue,
        manifests: Manifests,
        present: Callable[[RepoPath], PresentInputs],
        outlines: Outlines,
    ) -> None:
        self._workspace = workspace
        self._catalogue = catalogue
        self._manifests = manifests
        self._present = present
        self._outlines = outlines
        self._hops: dict[RepoPath, Mapping[RepoPath, RepoPath | None]] = {}
        self._lookups: dict[int, Lookup] = {}

    def check(self, rows: Sequence[TargetRow]) -> Verdicts:
        """The verdict on each row's target."""
        proofs: dict[str, Proof] = {}
        causes: dict[str, tuple[Cause, ...]] = {}
        fresh: dict[str, TargetRow] = {}
        partials: dict[str, Partial] = {}
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
                if isinstance(verdict, Partial):
                    partials[row.label] = verdict
                    found = self.why_partly(target, verdict)
                else:
                    found = self.why(target, row, keys[row.label], verdict)
                causes[row.label] = found[:MOST_CAUSES]
                fresh[row.label] = replace(
                    row,
                    weak=keys[row.label],
                    settled=False,
                    reason=found[0].kind.value,
                )
        return Verdicts(proofs, causes, fresh, partials)

    def why_partly(self, target: Target, partial: Partial) -> tuple[Cause, ...]:
        """The causes of the tests that must run, and of those in doubt."""
        found = {
            cause: None
            for reason in partial.reasons.values()
            for cause in self.why_test(target, reason)
        }
        if partial.asked:
            detail = "what its import comes to decides"
            for path, change in partial.judged.changes.items():
                if not change.quiet:
                    chain = self._chain(target.path, path)
                    found[Cause(CauseKind.CHANGED, path, chain, detail)] = None
        return tuple(found)

    def why_test(self, target: Target, reason: Reason) -> tuple[Cause, ...]:
        """Why one test of a partly proved target must run; never empty."""
        found = [self._blind(spot) for spot in reason.blind_spots]
        found += [self._cause(target, item) for item in reason.differences]
        return tuple(found) or (Cause(CauseKind.FAILED, detail="it failed with these very inputs"),)

    @staticmethod
    def _blind(spot: BlindSpot) -> Cause:
        kind = CauseKind.FLAKY if spot.code == "flaky" else CauseKind.BLIND_SPOT
        return Cause(kind, detail=f"{spot.code}: {spot.what}")

    def why(self, target: Target, row: TargetRow, key: str, miss: Miss) -> tuple[Cause, ...]:
        """Every cause of a miss, the most telling first; never empty."""
        nearest = miss.nearest
        if nearest is None:
            return (self._without_observation(target, row, key),)
        spots = {*nearest.blind_spots, *(s for g in nearest.groups for s in g.blind_spots)}
        if spots and not miss.differences:
            return tuple(map(self._blind, sorted(spots, key=lambda spot: (spot.code, spot.what))))
        if not miss.differences:
            return (Cause(CauseKind.FAILED, detail="it failed with these very inputs"),)
        return tuple(self._cause(target, item) for item in miss.differences)

    def _look_up(
        self, targets: Iterable[Target], keys: Mapping[str, str]
    ) -> dict[str, Proof | Partial | Miss]:
        groups: dict[int, tuple[PresentInputs, dict[str, str]]] = {}
        for target in targets:
            present = self._present(target.project)
            groups.setdefault(id(present), (present, {}))[1][target.label] = keys[target.label]
        verdicts: dict[str, Proof | Partial | Miss] = {}
        for present, wanted in groups.values():
            verdicts.update(self._lookup(present).check(wanted))
            missed = [k for label, k in wanted.items() if not isinstance(verdicts[label], Proof)]
            if self._workspace.records.refresh(missed):  # another machine has seen more than this
                del self._lookups[id(present)]
                verdicts.update(self._lookup(present).check(wanted))
        return verdicts

    def inputs(self, target: Target, proof: Proof) -> tuple[Input, ...]:
        """Everything that a proof just given rests on."""
        return self._lookup(self._present(target.project)).inputs(proof.observation) or ()

    def lookup(self, project: RepoPath) -> Lookup:
        """What checked the records of a project's targets."""
        return self._lookup(self._present(project))

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
            case InputKind.FILE | InputKind.CODE | InputKind.PROBE:
                return self._path_cause(target, item)

    def _path_cause(self, target: Target, item: Difference) -> Cause:
        path = RepoPath(item.then.key)
        kind = CauseKind.CHANGED
        if item.now == ABSENT:
            kind = CauseKind.DELETED
        elif item.then.digest == ABSENT:
            kind = CauseKind.ADDED
        return Cause(kind, path, self._chain(target.path, path), self._functions(item))

    def _functions(self, item: Difference) -> str:
        """Which functions made a changed file of code count."""
        outline = self._outlines.of(item.then.digest)
        if not item.functions or outline is None:
            return ""
        names = [block.key for block in outline.blocks if block.first in item.functions]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        return ", ".join(names[:MOST_NAMED]) + more

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
        tests=len(proof.results),
        seconds=seen.seconds,
        outcome="passed",
        ran=seen.provenance.written if proof.alone else 0.0,
    )
