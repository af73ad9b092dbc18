"""Turns what was seen of a test file into an observation: everything its outcome depended on.

Unaware of stores. It joins what the static import closure says with what was seen to be used.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from affected.app.catalogue import Catalogue
from affected.app.compose import Workspace
from affected.app.imports import ImportTable
from affected.app.present import PresentInputs
from affected.fs.ignore import Patterns
from affected.lang.python.targets import conftest_chain
from affected.model.access import ModuleTrace, Part, Trace
from affected.model.digest import Digest
from affected.model.observation import (
    BlindSpot,
    Blocks,
    Group,
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
    dynamic: set[RepoPath]

    def add(self, trace: ModuleTrace) -> None:
        """What counts for every test."""
        self.dynamic |= trace.dynamic
        self.files |= trace.loaded | trace.blocks.keys()
        self.externals |= trace.externals
        self.all_installed |= trace.all_installed
        self._add_part(trace)

    def add_file(self, trace: Trace) -> None:
        """What the test file did for every test of it."""
        self.dynamic |= trace.dynamic
        self.files |= trace.loaded | trace.own.blocks.keys()
        self.externals |= trace.externals
        self.all_installed |= trace.all_installed
        for number, part in enumerate(trace.parts):
            if number not in trace.memos:
                self.files |= part.blocks.keys()
        told_apart = {spot for part in trace.parts for spot in part.blind_spots}
        self.blind |= set(trace.blind_spots) - told_apart
        self._add_part(trace.own)

    def _add_part(self, part: Part | ModuleTrace) -> None:
        self.reads |= part.reads
        self.listings |= part.listings
        self.probes |= part.probes
        self.blind |= set(part.blind_spots)


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
        timely: frozenset[str] = frozenset(),
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
        self._timely = timely  # modules that were imported by the end of collection

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
        uses.reads |= self._archives(uses.files)
        static = self._catalogue.graph.closure([target.path])
        files = [path for path in uses.files if not self._is_code(path)]
        unseen = [path for path in chain if path not in uses.files or not self._is_code(path)]
        inputs = set(self._present.files([*files, *uses.reads, *unseen]))
        inputs |= set(self._present.files([*filter(self._is_code, uses.files)], InputKind.CODE))
        inputs |= self._beyond_files(uses, uses.files)
        inputs |= self._resolved(uses)
        inputs |= set(self._present.files(self._declared(declared, target.project)))
        modified = trace.written & (uses.files | uses.reads | trace.reads)
        uses.blind |= {BlindSpot("modified-input", path) for path in modified}
        groups = [
            self._group(part if _concerns(number, trace, uses) else Part(), uses, covered)
            for number, part in enumerate(trace.parts)
        ]
        every = inputs.union(*(group.inputs for group in groups))
        inputs |= self._through_links(every)
        every |= inputs
        groups = [replace(group, inputs=group.inputs - inputs) for group in groups]
        observation = Observation(
            label=target.label,
            inputs=tuple(sorted(every)),
            results=trace.results,
            blind_spots=_sorted(_uncovered(uses.blind, covered)),
            provenance=provenance,
            seconds=trace.seconds,
            groups=tuple(groups),
            members=trace.members,
            shared=self._entered(uses, trace),
            dynamic=frozenset(uses.dynamic),
            imported=_joined(
                [self._harvest.modules[p].blocks for p in self._imported(uses) if p in self._timely]
            ),
        )
        inputs = every
        paths = {RepoPath(i.key) for i in inputs if i.kind in _PATH_KINDS}
        used = {(i.kind, RepoPath(i.key)) for i in inputs if i.kind in _PATH_KINDS}
        return Observed(observation, frozenset(paths - static), frozenset(used))

    def _imported(self, uses: _Uses) -> set[RepoPath]:
        return uses.files & self._harvest.modules.keys()

    def _entered(self, uses: _Uses, trace: Trace) -> Blocks:
        """Entered for every test; also by imports after collection: no values tell of those."""
        modules = self._harvest.modules
        late = [modules[p].blocks for p in self._imported(uses) if p not in self._timely]
        return _joined([self._harvest.session.blocks, trace.own.blocks, *late])

    def _archives(self, files: Iterable[RepoPath]) -> set[RepoPath]:
        """The files inside which modules were found: archives on the module search path."""
        gone = [path for path in files if path not in self._files]
        return {folder for path in gone for folder in ancestors(path) if folder in self._files}

    def _is_code(self, path: RepoPath) -> bool:
        """True for a loaded file of which it was seen what was used."""
        harvest = self._harvest
        return harvest.blocks and path.endswith(".py") and path not in harvest.whole

    def _beyond_files(self, uses: _Uses | Part, files: Collection[RepoPath]) -> set[Input]:
        found = {self._present.make(InputKind.LISTING, path) for path in uses.listings}
        return found | {self._present.make(InputKind.PROBE, p) for p in uses.probes - set(files)}

    def _group(self, part: Part, uses: _Uses, covered: Sequence[str]) -> Group:
        """What a part used that is not every test's."""
        inputs = set(self._present.files([*(part.reads - uses.reads)]))
        inputs |= self._beyond_files(part, uses.files)
        spots = _sorted(_uncovered(part.blind_spots, covered))
        return Group(frozenset(inputs), part.blocks, spots)

    def _uses(self, target: Target, trace: Trace, chain: Iterable[RepoPath]) -> _Uses:
        uses = _Uses({target.path, *chain}, set(), set(), set(), set(), False, set(), set())
        uses.add(self._harvest.session)
        uses.add_file(trace)
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


_PATH_KINDS = frozenset({InputKind.FILE, InputKind.CODE, InputKind.PROBE, InputKind.LISTING})


def _concerns(number: int, trace: Trace, uses: _Uses) -> bool:
    """False for a remembering function that only shares its name with one the tests mention."""
    return number not in trace.memos or trace.memos[number] in uses.files


def _sorted(spots: Iterable[BlindSpot]) -> tuple[BlindSpot, ...]:
    return tuple(sorted(spots, key=lambda spot: (spot.code, spot.what)))


def _joined(parts: Iterable[Blocks]) -> Blocks:
    found: dict[RepoPath, frozenset[int]] = {}
    for part in parts:
        for path, lines in part.items():
            found[path] = found.get(path, frozenset()) | lines
    return found


def _uncovered(spots: Iterable[BlindSpot], covered: Sequence[str]) -> list[BlindSpot]:
    return [spot for spot in spots if not any(_covers(rule, spot) for rule in covered)]


def _covers(rule: str, spot: BlindSpot) -> bool:
    code, _, pattern = rule.partition(":")
    return fnmatch.fnmatchcase(spot.code, code) and (
        not pattern or fnmatch.fnmatchcase(spot.what, pattern)
    )
