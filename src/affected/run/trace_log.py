"""Assembles what the processes of one batch spooled into one trace a test file.

Unaware of how the spool is read, of pytest and of digests.

A file loaded while an earlier test file ran in the same process counts as loaded for all later
files of that process: they find it loaded, without an event. Fixture scopes go to every file of
their process that used the fixture. A path that was looked at and then changed is a blind spot,
unless it is in the end what it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from affected.model.access import ModuleTrace, Trace
from affected.model.observation import BlindSpot
from affected.model.path import ROOT, RepoPath, parent
from affected.model.result import Outcome, TestResult
from affected.run.spool_reader import Event, SpoolReader

__all__ = ["Event", "Harvest", "SpoolReader", "assemble"]


@dataclass(frozen=True, slots=True)
class Harvest:
    """Everything one batch's processes saw. `session` belongs to every file of the batch."""

    traces: Mapping[RepoPath, Trace]
    modules: Mapping[RepoPath, ModuleTrace]
    session: ModuleTrace
    import_pairs: frozenset[tuple[RepoPath, RepoPath]]  # import statement's file → file it loads
    external_pairs: frozenset[tuple[str, str]]  # installed top-level name → one it imports
    collected: Mapping[RepoPath, tuple[str, ...]]
    pytest_version: str  # "" when pytest did not get so far
    plugins: tuple[tuple[str, str], ...]  # distributions with their versions
    summaries: tuple[tuple[int, int], ...]  # byte offsets in the log of pytest's summaries
    running: tuple[TestResult, ...]  # tests that ran when their process vanished; ERROR, no time
    ended: bool  # every process said its farewell


@dataclass(slots=True)
class _Gathered:
    """What is known of one scope so far."""

    loaded: set[RepoPath] = field(default_factory=set)
    reads: set[RepoPath] = field(default_factory=set)
    listings: set[RepoPath] = field(default_factory=set)
    probes: set[RepoPath] = field(default_factory=set)
    written: set[RepoPath] = field(default_factory=set)
    externals: set[str] = field(default_factory=set)
    all_installed: bool = False
    blind_spots: dict[BlindSpot, None] = field(default_factory=dict)
    touched: set[RepoPath] = field(default_factory=set)  # looked at, then written

    def add(self, kind: str, name: str) -> None:
        path = RepoPath(name)
        if kind == "w":
            looked_at = path in self.reads or path in self.probes or path in self.listings
            if looked_at or parent(path) in self.listings:
                self.touched.add(path)
            self.written.add(path)
        elif kind == "m":
            self.loaded.add(path)
        elif kind == "x":
            self.externals.add(name)
        elif kind == "i":
            self.all_installed = True
        elif path not in self.written:
            target = {"r": self.reads, "l": self.listings, "p": self.probes}.get(kind)
            if target is not None:
                target.add(path)

    def add_all(self, seen: Iterable[tuple[str, str]]) -> None:
        for kind, name in seen:
            self.add(kind, name)

    def join(self, other: _Gathered) -> None:
        """What `other` saw counts here too."""
        for kind, names in (("w", other.written), ("m", other.loaded), ("x", other.externals)):
            for name in names:
                self.add(kind, name)
        for kind, paths in (("r", other.reads), ("l", other.listings), ("p", other.probes)):
            for path in paths:
                self.add(kind, path)
        self.all_installed |= other.all_installed
        self.blind_spots.update(other.blind_spots)

    def judge(self, net: Mapping[str, str]) -> None:
        """Blind spots for what was looked at and then changed; `net`: path → what writing did."""
        for path in sorted(self.touched):
            what = net.get(path, "changed")
            if what == "same" or (what == "changed" and path not in self.reads):
                continue
            self.blind_spots[BlindSpot("modified-input", path)] = None
        self.written = {path for path in self.written if net.get(path) != "same"}

    def forget_own_work(self) -> None:
        """What pytest's plugins keep for themselves (reports, caches) is nobody's input."""
        for paths in (self.reads, self.probes, self.listings):
            paths.difference_update(self.touched)

    def module(self, file: RepoPath) -> ModuleTrace:
        return ModuleTrace(
            file,
            frozenset(self.loaded),
            frozenset(self.reads),
            frozenset(self.listings),
            frozenset(self.probes),
            frozenset(self.externals),
            self.all_installed,
            tuple(self.blind_spots),
        )


@dataclass(slots=True)
class _File:
    """One test file: its collected ids and its results over all processes."""

    gathered: _Gathered = field(default_factory=_Gathered)
    collected: dict[str, None] = field(default_factory=dict)
    results: dict[str, TestResult] = field(default_factory=dict)
    parsed: float = 0.0
    seconds: float = 0.0

    def trace(self, file: RepoPath) -> Trace:
        seen = self.gathered
        order = {id_: number for number, id_ in enumerate(self.collected)}
        results = sorted(self.results.values(), key=lambda r: order.get(r.id, -1))
        return Trace(
            file=file,
            loaded=frozenset(seen.loaded),
            reads=frozenset(seen.reads),
            listings=frozenset(seen.listings),
            probes=frozenset(seen.probes),
            written=frozenset(seen.written),
            externals=frozenset(seen.externals),
            all_installed=seen.all_installed,
            blind_spots=tuple(seen.blind_spots),
            results=tuple(results),
            seconds=self.parsed + self.seconds,
            complete=all(id_ in self.results for id_ in self.collected),
        )


class _Assembly:
    """Gathers over processes; each process is taken whole, in its own order."""

    def __init__(self) -> None:
        self.files: dict[RepoPath, _File] = defaultdict(_File)
        self.modules: dict[RepoPath, _Gathered] = defaultdict(_Gathered)
        self.externals: dict[str, _Gathered] = defaultdict(_Gathered)
        self.session = _Gathered()
        self.pairs: set[tuple[RepoPath, RepoPath]] = set()
        self.asks: set[tuple[RepoPath, str]] = set()
        self.external_pairs: set[tuple[str, str]] = set()
        self.pytest_version = ""
        self.plugins: dict[tuple[str, str], None] = {}
        self.summaries: list[tuple[int, int]] = []
        self.running: list[TestResult] = []
        self.ended = True
        self.net: dict[str, str] = {}

    def process(self, events: list[Event]) -> None:
        """One process's events."""
        users = _fixture_users(events)
        tests = numbered_tests(events)
        carried: set[RepoPath] = set()
        begun = running = False
        for event in events:
            match event.tag, event.values:
                case "run", (path,):
                    running = True
                    self.files[RepoPath(path)].gathered.loaded |= carried
                case "seen", (scope, seen):
                    # What plugins do while they are loaded counts for every file.
                    scopes = self._scopes(scope if begun else _before(scope), users)
                    for gathered in scopes:
                        gathered.add_all(seen)
                    if running:
                        carried.update(RepoPath(name) for kind, name in seen if kind in "mb")
                case "blind", (scope, code, what):
                    for gathered in self._scopes(scope, users):
                        gathered.blind_spots[BlindSpot(code, what)] = None
                case "test", _:
                    self._test(event, tests)
                case _:
                    begun = begun or event.tag == "plugins-loaded"
                    self._tell(event)
        self._judge_end(events, tests)

    def _judge_end(self, events: list[Event], tests: Mapping[int, str]) -> None:
        worker = events[-1].process.startswith("gw")
        if not any(event.tag == "end" for event in events):
            self.ended = self.ended and worker
            if not worker:
                self._vanished(events, tests)

    def _tell(self, event: Event) -> None:
        match event.tag, event.values:
            case "pytest", (version, plugins, _rootdir):
                self.pytest_version = version
                self.plugins.update(dict.fromkeys(map(tuple, plugins)))
            case "parsed", (path, seconds):
                file = self.files[RepoPath(path)]
                file.parsed = max(file.parsed, seconds)
            case "collected", (path, _first, ids):
                self.files[RepoPath(path)].collected.update(dict.fromkeys(ids))
            case "result", (path, id_, outcome, seconds, message, details):
                result = TestResult(id_, Outcome(outcome), seconds, message, details)
                self.files[RepoPath(path)].results[id_] = result
            case "pairs", (pairs,):
                self.pairs.update((RepoPath(a), RepoPath(b)) for a, b in pairs)
            case "asks", (pairs,):
                self.asks.update((RepoPath(a), b) for a, b in pairs)
            case "net", (effects,):
                self.net.update(effects)
            case "external-pairs", (pairs,):
                self.external_pairs.update((a, b) for a, b in pairs)
            case "summary", (first, last):
                self.summaries.append((first, last))

    def _test(self, event: Event, tests: Mapping[int, str]) -> None:
        file = self.files[RepoPath(event.values[1])]
        result = test_result(event, tests)
        known = file.results.get(result.id)
        if known is None or known.outcome.good:
            file.results[result.id] = result
        file.seconds += result.seconds

    def _scopes(self, scope: str, users: Mapping[str, set[RepoPath]]) -> list[_Gathered]:
        kind, _, name = scope.partition(":")
        if kind == "file":
            return [self.files[RepoPath(name)].gathered]
        if kind == "module":
            return [self.modules[RepoPath(name)]]
        if kind == "external":
            return [self.externals[name]]
        if kind == "fixture":
            return [self.files[path].gathered for path in sorted(users.get(name, ()))]
        return [self.session]

    def _spread_externals(self) -> None:
        """What an installed module did while imported counts for whoever gets it."""
        if not self.externals:
            return
        imports: dict[str, list[str]] = defaultdict(list)
        for importer, imported in self.external_pairs:
            imports[importer].append(imported)
        for file, top in self.asks:
            self.modules[file].externals.add(top)
        for seen in (self.session, *(file.gathered for file in self.files.values())):
            self._join_externals(seen, imports)
        for seen in self.modules.values():
            self._join_externals(seen, imports)
        for file, top in self.asks:
            self.modules[file].externals.discard(top)

    def _join_externals(self, seen: _Gathered, imports: Mapping[str, list[str]]) -> None:
        known: set[str] = set()
        pending = list(seen.externals)
        while pending:
            top = pending.pop()
            if top not in known:
                known.add(top)
                pending.extend(imports.get(top, ()))
                if top in self.externals:
                    seen.join(self.externals[top])

    def _all(self) -> list[_Gathered]:
        files = [file.gathered for file in self.files.values()]
        return [*files, *self.modules.values(), *self.externals.values()]

    def _vanished(self, events: list[Event], tests: Mapping[int, str]) -> None:
        """A process without a farewell: the test after the last finished one was running."""
        if not tests or not any(event.tag == "ready" for event in events):
            return
        following = 0
        for event in events:
            if event.tag == "test":
                following = event.values[7]
        if following in tests:
            self.running.append(TestResult(tests[following], Outcome.ERROR, 0.0))

    def harvest(self) -> Harvest:
        self._spread_externals()
        for seen in self._all():
            seen.judge(self.net)
        self.session.forget_own_work()
        return Harvest(
            traces={path: file.trace(path) for path, file in self.files.items() if path},
            modules={path: seen.module(path) for path, seen in self.modules.items()},
            session=self.session.module(ROOT),
            import_pairs=frozenset(self.pairs),
            external_pairs=frozenset(self.external_pairs),
            collected={p: tuple(file.collected) for p, file in self.files.items() if p},
            pytest_version=self.pytest_version,
            plugins=tuple(self.plugins),
            summaries=tuple(self.summaries),
            running=tuple(self.running),
            ended=self.ended,
        )


def assemble(events: Iterable[Event]) -> Harvest:
    """What one batch saw, from the events of all its processes in any interleaving."""
    processes: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        processes[event.process].append(event)
    assembly = _Assembly()
    # Workers first: their results come before a controller's word on a crash.
    for name in sorted(processes, key=lambda name: (not name.startswith("gw"), name)):
        assembly.process(processes[name])
    return assembly.harvest()


def _before(scope: str) -> str:
    return "session" if scope.startswith("external:") else scope


def numbered_tests(events: Iterable[Event]) -> dict[int, str]:
    """Test ids of one process by the numbers its lines use."""
    found: dict[int, str] = {}
    for event in events:
        if event.tag == "collected":
            _, first, ids = event.values
            found.update(enumerate(ids, first))
    return found


def test_result(event: Event, tests: Mapping[int, str]) -> TestResult:
    """The result in a "test" line."""
    number, _file, outcome, seconds, message, details, rerun, _next = event.values
    id_ = number if isinstance(number, str) else tests.get(number, "?")
    return TestResult(id_, Outcome(outcome), seconds, message, details, bool(rerun))


def _fixture_users(events: list[Event]) -> dict[str, set[RepoPath]]:
    """Fixture → files that used it, directly or through another fixture."""
    needs: dict[str, set[str]] = defaultdict(set)
    uses: dict[RepoPath, set[str]] = defaultdict(set)
    for event in events:
        if event.tag == "needs":
            needs[event.values[0]].update(event.values[1])
        elif event.tag == "uses":
            uses[RepoPath(event.values[0])].update(event.values[1])
    users: dict[str, set[RepoPath]] = defaultdict(set)
    for path, fixtures in uses.items():
        pending = list(fixtures)
        while pending:
            name = pending.pop()
            if path not in users[name]:
                users[name].add(path)
                pending.extend(needs.get(name, ()))
    return users
