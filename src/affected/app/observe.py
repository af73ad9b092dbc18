"""Turns what was seen of a test file into an observation: everything its outcome depended on.

Unaware of stores. It joins what the static import closure says with what was seen to be used.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from affected.app.catalogue import Catalogue
from affected.app.compose import Workspace
from affected.app.imports import ImportTable
from affected.app.present import PresentInputs
from affected.fs.ignore import Patterns
from affected.lang.python.targets import conftest_chain
from affected.model.access import ModuleTrace, Trace
from affected.model.digest import Digest
from affected.model.observation import (
    BlindSpot,
    Input,
    InputKind,
    Observation,
    Provenance,
)
from affected.model.path import RepoPath, ancestors, is_under
from affected.model.target import Target
from affected.run.trace_log import Harvest


@dataclass(frozen=True, slots=True)
class Observed:
    """An observation, and which of its paths the static closure does not tell of."""

    observation: Observation
    outside_closure: frozenset[RepoPath]
    used: frozenset[tuple[InputKind, RepoPath]]  # folders and files beyond the imports


@dataclass(slots=True)
class _Uses:
    """Everything seen to be used, by kind."""

    files: set[RepoPath]
    reads: set[RepoPath]
    listings: set[RepoPath]
    probes: set[RepoPath]
    externals: set[str]
    all_installed: bool
    blind: set[BlindSpot]

    def add(self, trace: Trace | ModuleTrace) -> None:
        self.files |= trace.loaded
        self.reads |= trace.reads
        self.listings |= trace.listings
        self.probes |= trace.probes
        self.externals |= trace.externals
        self.all_installed |= trace.all_installed
        self.blind |= set(trace.blind_spots)


class Observer:
    """Makes the observations of the test files of one finished batch."""

    def __init__(
        self,
        workspace: Workspace,
        catalogue: Catalogue,
        imports: ImportTable,
        present: PresentInputs,
        harvest: Harvest,
        *,
        files: Mapping[RepoPath, Digest],
        links: frozenset[RepoPath],
    ) -> None:
        self._workspace = workspace
        self._catalogue = catalogue
        self._imports = imports
        self._present = present
        self._harvest = harvest
        self._extra = self._unexplained(harvest.import_pairs)
        self._files = files
        self._shadowed = present.shadowed(catalogue.roots.tops)
        self._links = links

    def observe(
        self,
        target: Target,
        trace: Trace,
        declared: Sequence[str],
        covered: Sequence[str],
        provenance: Provenance,
    ) -> Observed:
        """The observation of one test file that ran to its end."""
        settings = self._catalogue.shape.settings_of(target)
        chain = conftest_chain(target.path, settings.rootdir)
        uses = self._uses(target, trace, [p for p in chain if self._imports.exists(p)])
        static = self._catalogue.graph.closure([target.path])
        inputs = set(self._present.files([*uses.files, *uses.reads, *chain]))
        inputs |= {self._present.make(InputKind.LISTING, path) for path in uses.listings}
        inputs |= {self._present.make(InputKind.PROBE, path) for path in uses.probes - uses.files}
        inputs |= self._resolved(uses)
        inputs |= set(self._present.files(self._declared(declared, target.project)))
        inputs |= self._through_links(inputs)
        modified = trace.written & (uses.files | uses.reads)
        uses.blind |= {BlindSpot("modified-input", path) for path in modified}
        observation = Observation(
            label=target.label,
            inputs=tuple(sorted(inputs)),
            results=trace.results,
            blind_spots=tuple(
                sorted(_uncovered(uses.blind, covered), key=lambda spot: (spot.code, spot.what))
            ),
            provenance=provenance,
            seconds=trace.seconds,
        )
        paths = {RepoPath(i.key) for i in inputs if i.kind in _PATH_KINDS}
        used = {(i.kind, RepoPath(i.key)) for i in inputs if i.kind in _PATH_KINDS}
        return Observed(observation, frozenset(paths - static), frozenset(used))

    def _uses(self, target: Target, trace: Trace, chain: Iterable[RepoPath]) -> _Uses:
        uses = _Uses({target.path, *chain}, set(), set(), set(), set(), False, set())
        uses.add(self._harvest.session)
        uses.add(trace)
        closed: set[RepoPath] = set()
        while uses.files - closed:
            closed |= self._catalogue.graph.closure(uses.files - closed)
            uses.files |= closed
            for path in list(uses.files):
                uses.files |= self._extra.get(path, frozenset())
                module = self._harvest.modules.get(path)
                if module is not None:
                    uses.add(module)
        return uses

    def _resolved(self, uses: _Uses) -> set[Input]:
        """What the imports of every loaded module resolve to, and the installed ones by content."""
        names: set[str] = set()
        resolutions = self._imports.resolutions(uses.files)
        for path in uses.files:
            resolution = resolutions.get(path)
            if resolution is not None:
                names.update(resolution.modules)
                uses.externals.update(resolution.externals)
        tops = {name.partition(" in ")[0].partition(".")[0] for name in names}
        uses.externals |= tops & self._shadowed
        found = {self._present.make(InputKind.MODULE, name) for name in names}
        found |= {self._present.make(InputKind.DISTRIBUTION, top) for top in uses.externals}
        if uses.all_installed:
            found.add(self._present.make(InputKind.INSTALLED, "*"))
        return found

    def _declared(self, patterns: Sequence[str], project: RepoPath) -> list[RepoPath]:
        if not patterns:
            return []
        wanted = Patterns(patterns)
        return [
            path
            for path in self._files
            if is_under(path, project)
            and wanted.matches(RepoPath(path[len(project) + 1 :] if project else path))
        ]

    def _through_links(self, inputs: Iterable[Input]) -> set[Input]:
        """The symbolic links on the way to each path, and the path they lead to."""
        found: set[Input] = set()
        if not self._links:
            return found
        for entry in inputs:
            if entry.kind not in _PATH_KINDS:
                continue
            for path in (RepoPath(entry.key), *ancestors(entry.key)):
                if path in self._links:
                    found.add(self._present.make(InputKind.FILE, path))
                    real = self._real(RepoPath(entry.key))
                    if real is not None:
                        found.add(self._present.make(entry.kind, real))
        return found

    def _real(self, path: RepoPath) -> RepoPath | None:
        root = self._workspace.root.resolve()
        real = (root / path).resolve()
        return RepoPath(real.relative_to(root).as_posix()) if real.is_relative_to(root) else None

    def _unexplained(
        self, pairs: Iterable[tuple[RepoPath, RepoPath]]
    ) -> dict[RepoPath, frozenset[RepoPath]]:
        """Imports that were seen and that the source does not tell of."""
        found: dict[RepoPath, set[RepoPath]] = {}
        told: dict[RepoPath, set[RepoPath]] = {}
        for importer, imported in pairs:
            if importer not in told:
                told[importer] = {path for path, _ in self._catalogue.graph.edges(importer)}
            if imported not in told[importer] and imported != importer:
                found.setdefault(importer, set()).add(imported)
        return {path: frozenset(paths) for path, paths in found.items()}


_PATH_KINDS = frozenset({InputKind.FILE, InputKind.PROBE, InputKind.LISTING})


def _uncovered(spots: Iterable[BlindSpot], covered: Sequence[str]) -> list[BlindSpot]:
    return [spot for spot in spots if not any(_covers(rule, spot) for rule in covered)]


def _covers(rule: str, spot: BlindSpot) -> bool:
    code, _, pattern = rule.partition(":")
    return fnmatch.fnmatchcase(spot.code, code) and (
        not pattern or fnmatch.fnmatchcase(spot.what, pattern)
    )


def by_label(traces: Mapping[RepoPath, Trace], targets: Iterable[Target]) -> dict[str, Trace]:
    """The trace of each target that has one."""
    return {t.label: traces[t.path] for t in targets if t.path in traces}
