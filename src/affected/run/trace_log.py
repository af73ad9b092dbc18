"""Assembles what the processes of one batch spooled into one trace a test file.

Unaware of how the spool is read, of pytest and of digests.

A file loaded while an earlier test file ran in the same process counts as loaded for all later
files of that process: they find it loaded, without an event. What a context did, and what the
fixtures did that it used, counts for its file and is told apart for its tests. A path that was
looked at and then changed is a blind spot, unless it is in the end what it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from affected.model.access import ModuleTrace, Trace
from affected.model.observation import BlindSpot
from affected.model.path import ROOT, RepoPath
from affected.model.result import Outcome, TestResult
from affected.run.gathered import Gathered
from affected.run.process_log import CONTEXT, MEMO, ProcessLog, process_log
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
    blocks: bool = False  # every process that ran tests saw which functions ran
    whole: frozenset[RepoPath] = frozenset()  # but not of these files
    left: Mapping[RepoPath, tuple[str, ...]] = field(default_factory=dict)  # collected, not run
    restored: frozenset[RepoPath] = frozenset()  # written by tests, and as it was before that


@dataclass(slots=True)
class _File:
    """One test file: its collected ids and its results over all processes."""

    gathered: Gathered = field(default_factory=Gathered)
    collected: dict[str, None] = field(default_factory=dict)
    results: dict[str, TestResult] = field(default_factory=dict)
    parsed: float = 0.0
    seconds: float = 0.0
    own: Gathered = field(default_factory=Gathered)  # of the collection alone
    parts: dict[tuple[str, str], Gathered] = field(default_factory=dict)  # by process and scope
    uses: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # context → fixtures
    members: dict[str, tuple[str, str]] = field(default_factory=dict)  # test id → its context

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
            own=self.own.part(seen),
            parts=tuple(part.part(seen) for part in self.parts.values()),
            members=self._members(),
            dynamic=frozenset(seen.dynamic),
            memos=self._memos(),
        )

    def _memos(self) -> dict[int, RepoPath]:
        """Which parts are runs of functions that remember, with the file of each."""
        found: dict[int, RepoPath] = {}
        for number, (_, name) in enumerate(self.parts):
            kind, _, rest = name.partition(":")
            if kind == MEMO:
                found[number] = RepoPath(rest.rpartition(":")[0])
        return found

    def _members(self) -> dict[str, tuple[int, ...]]:
        number = {key: n for n, key in enumerate(self.parts)}
        found: dict[str, tuple[int, ...]] = {}
        for id_, context in self.members.items():
            wanted = [context, *(("", name) for name in sorted(self.uses.get(context, ())))]
            found[id_] = tuple(number[key] for key in wanted if key in number)
        return found

    def all_parts(self) -> list[Gathered]:
        """Of the whole file, then of its parts."""
        return [self.gathered, self.own, *self.parts.values()]


class _Assembly:
    """Gathers over processes; each process is taken whole, in its own order."""

    def __init__(self) -> None:
        self.files: dict[RepoPath, _File] = defaultdict(_File)
        self.modules: dict[RepoPath, Gathered] = defaultdict(Gathered)
        self.externals: dict[str, Gathered] = defaultdict(Gathered)
        self.session = Gathered()
        self.pairs: set[tuple[RepoPath, RepoPath]] = set()
        self.asks: set[tuple[RepoPath, str]] = set()
        self.external_pairs: set[tuple[str, str]] = set()
        self.pytest_version = ""
        self.plugins: dict[tuple[str, str], None] = {}
        self.summaries: list[tuple[int, int]] = []
        self.running: list[TestResult] = []
        self.ended = True
        self.effects: dict[str, dict[str, str]] = defaultdict(dict)  # of writing, by process
        self.fixtures: dict[str, Gathered] = defaultdict(Gathered)
        self.blocks: list[bool] = []
        self.whole: set[RepoPath] = set()
        self.left: dict[RepoPath, dict[str, None]] = defaultdict(dict)

    def process(self, events: list[Event]) -> None:
        """One process's events."""
        log = process_log(events)
        tests, process = log.tests, events[-1].process
        self._spread_fixtures(log, process)
        carried: set[RepoPath] = set()
        begun = running = False
        for event in events:
            match event.tag, event.values:
                case "run", (path,):
                    running = True
                    self.files[RepoPath(path)].gathered.loaded |= carried
                case "seen", (scope, seen):
                    # What plugins do while they are loaded counts for every file.
                    for gathered in self._scopes(scope if begun else _before(scope), log, process):
                        gathered.add_all(seen)
                    if running:
                        carried.update(RepoPath(name) for kind, name in seen if kind in "mb")
                case (("blind" | "entered"), _):
                    self._scoped(event, log)
                case "test", _:
                    self._test(event, tests)
                case _:
                    begun = begun or event.tag == "plugins-loaded"
                    self._tell(event)
        if log.files:
            self.blocks.append(log.blocks)
        self._judge_end(events, tests)

    def _scoped(self, event: Event, log: ProcessLog) -> None:
        for gathered in self._scopes(event.values[0], log, event.process):
            match event.tag, event.values:
                case "blind", (_, code, what):
                    gathered.blind_spots[BlindSpot(code, what)] = None
                case "entered", (_, numbers):
                    gathered.enter(log.entered(numbers))

    def _spread_fixtures(self, log: ProcessLog, process: str) -> None:
        """Which fixtures each context used, and so whose part each fixture is."""
        for name, contexts in log.users.items():
            for context in contexts & log.files.keys():
                file = self.files[log.files[context]]
                file.parts["", name] = self.fixtures[name]
                file.uses.setdefault((process, f"{context}"), set()).add(name)

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
                self.effects[event.process].update(effects)
            case "external-pairs", (pairs,):
                self.external_pairs.update((a, b) for a, b in pairs)
            case "summary", (first, last):
                self.summaries.append((first, last))
            case _:
                self._tell_of_blocks(event)

    def _tell_of_blocks(self, event: Event) -> None:
        match event.tag, event.values:
            case "left", (path, ids):
                self.left[RepoPath(path)].update(dict.fromkeys(ids))
            case "whole", (path,):
                self.whole.add(RepoPath(path))

    def _test(self, event: Event, tests: Mapping[int, str]) -> None:
        file = self.files[RepoPath(event.values[1])]
        result = test_result(event, tests)
        known = file.results.get(result.id)
        if known is None or known.outcome.good:
            file.results[result.id] = result
        file.seconds += result.seconds
        context = (event.process, f"{event.values[8]}")
        file.parts.setdefault(context, Gathered())
        file.members[result.id] = context

    def _scopes(self, scope: str, log: ProcessLog, process: str) -> list[Gathered]:
        kind, _, name = scope.partition(":")
        if kind == CONTEXT:
            file = self.files[log.files.get(int(name), ROOT)]
            return [file.gathered, file.parts.setdefault((process, name), Gathered())]
        if kind == "file":
            file = self.files[RepoPath(name)]
            return [file.gathered, file.own]
        if kind == "module":
            return [self.modules[RepoPath(name)]]
        if kind == "external":
            return [self.externals[name]]
        if kind == "fixture":
            paths = {log.files[c] for c in log.users.get(name, ()) if c in log.files}
            return [self.fixtures[name], *(self.files[path].gathered for path in sorted(paths))]
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

    def _join_externals(self, seen: Gathered, imports: Mapping[str, list[str]]) -> None:
        known: set[str] = set()
        pending = list(seen.externals)
        while pending:
            top = pending.pop()
            if top not in known:
                known.add(top)
                pending.extend(imports.get(top, ()))
                if top in self.externals:
                    seen.join(self.externals[top])

    def _all(self) -> list[Gathered]:
        files = [part for file in self.files.values() for part in file.all_parts()]
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
        net = {path: what for of in self.effects.values() for path, what in of.items()}
        for seen in self._all():
            seen.judge(net)
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
            blocks=bool(self.blocks) and all(self.blocks),
            whole=frozenset(self.whole),
            left={path: tuple(ids) for path, ids in self.left.items()},
            restored=self._restored(),
        )

    def _restored(self) -> frozenset[RepoPath]:
        changed = {p for of in self.effects.values() for p, what in of.items() if what != "same"}
        return frozenset(RepoPath(p) for of in self.effects.values() for p in of) - changed


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


def test_result(event: Event, tests: Mapping[int, str]) -> TestResult:
    """The result in a "test" line."""
    number, _file, outcome, seconds, message, details, rerun, _next, _context = event.values
    id_ = number if isinstance(number, str) else tests.get(number, "?")
    return TestResult(id_, Outcome(outcome), seconds, message, details, bool(rerun))
