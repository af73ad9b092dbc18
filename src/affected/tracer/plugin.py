"""The pytest plugin: says which scope is current and what came of each test.

Unaware of what counts as an access; a failure inside it is told as a blind spot, never raised.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from time import perf_counter
from typing import Any, Callable, Dict, Generator, List, Optional, Set

import pytest

from . import surroundings
from .choice import LIBRARIES, Choice, write_libraries, write_values
from .collection import Collection
from .contexts import Contexts
from .fixtures import SHARED, Fixtures
from .ledger import SESSION
from .node_ids import NodeIds
from .outcomes import Verdict, of_collection, of_reports
from .paths import mode_of
from .spool import VERSION, Spool
from .watch import Watch

CONTROLLER = "controller"
FIRST_WORKER = "gw0"
_FOLDER_NODES = ("Session", "Dir", "Directory", "Package")
_PHASES = ("setup", "call", "teardown")


def begin(entry: str) -> Optional[Plugin]:
    """Start watching as the environment asks; None when it does not ask."""
    wishes = surroundings.wishes(entry)
    return None if wishes is None else Plugin(wishes)


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A failure inside `function` becomes a blind spot."""

    @functools.wraps(function)
    def call(self: Plugin, *args: Any) -> Any:
        try:
            return function(self, *args)
        except Exception as error:
            self.watch.trouble(error)
            return None

    return call


class Plugin:
    """One process's tracer; the hooks of a pytest session."""

    def __init__(self, wishes: surroundings.Wishes) -> None:
        self._wishes = wishes
        self._role = wishes.worker
        self.watch = Watch(wishes.root)
        self.ledger = self.watch.ledger
        self.fixtures = Fixtures(self.ledger)
        self._collection = Collection()
        self.ids = NodeIds(self.watch.workspace)
        self.spool = Spool(wishes.spool, "%s-%d.jsonl" % (self._role or "main", os.getpid()))
        self._reports: List[Any] = []
        self._parsed: Dict[str, float] = {}
        self._threads: Set[threading.Thread] = set()
        self._file = ""
        self._contexts = Contexts(self.ledger, self.watch.blocks.seen)
        self._number: Any = None  # of the running test; None between tests
        version = "%d.%d.%d" % sys.version_info[:3]
        self.spool.add(["start", VERSION, os.getpid(), self._role, version])
        self.watch.start(blocks=wishes.blocks)
        self.spool.add(["blocks", self.watch.blocks.active])
        if self._role:
            surroundings.conceal(wishes.entry)

    # --- start

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: Any, args: List[str]) -> None:
        """Plugins are loaded, the user's conftest files are not yet."""
        self._prepare(early_config, args)

    @guarded
    def _prepare(self, early_config: Any, args: List[str]) -> None:
        self.ledger.starting = False
        self._drain()
        self.spool.add(["plugins-loaded"])
        if self._role:
            return
        args.extend(surroundings.listed_tests(self._wishes.tests))
        if surroundings.spreads(early_config):
            self._role = CONTROLLER  # workers inherit what it sees
        else:
            surroundings.conceal(self._wishes.entry)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: Any) -> None:
        """Tell what runs."""
        self._started(session.config)

    @guarded
    def _started(self, config: Any) -> None:
        self._drain()
        self.ids.rootdir = str(config.rootpath)
        plugins = surroundings.plugin_distributions(config)
        rootdir = self.watch.workspace.locate(self.ids.rootdir) or ""
        self.spool.add(["pytest", pytest.__version__, plugins, rootdir])
        self.spool.flush()

    # --- collection

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_make_collect_report(self, collector: Any) -> Generator[None, Any, None]:
        """The file of a collector is the scope while it is collected."""
        before = self.ledger.scope
        path = self._file_of(collector)
        started = perf_counter()
        if path:
            self.ledger.enter("file:" + path)
        yield
        if path:
            self.ledger.enter(before)
        if path:
            self._parsed[path] = self._parsed.get(path, 0.0) + perf_counter() - started

    @guarded
    def _file_of(self, node: Any) -> str:
        path = getattr(node, "path", None)
        if path is None or type(node).__name__ in _FOLDER_NODES:
            return ""
        return self.watch.workspace.locate(str(path)) or ""

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_collect_file(self, file_path: Any, parent: Any) -> Generator[None, Any, None]:
        """A file that pytest would not have found by itself is left out."""
        outcome = yield
        replacement = self._left_out(file_path, parent)
        if replacement is not None:
            outcome.force_result([replacement])

    @guarded
    def _left_out(self, file_path: Any, parent: Any) -> Any:
        return self._collection.replacement(file_path, parent)

    def pytest_collectreport(self, report: Any) -> None:
        """A collector is done."""
        if self._role != CONTROLLER and not report.passed and report.nodeid:
            self._not_collected(report)

    @guarded
    def _not_collected(self, report: Any) -> None:
        path = self.ids.located(report.nodeid.partition("::")[0])
        if path:
            verdict = of_collection(report)
            self.spool.add(["result", path, self.ids.name_of(report.nodeid, path), *verdict[:4]])
            self._flush()

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_collection_modifyitems(self, items: List[Any]) -> Generator[None, Any, None]:
        """When everybody else has had a say: what is reused is left out."""
        yield
        if self._role != CONTROLLER:
            self._choose(items)

    @guarded
    def _choose(self, items: List[Any]) -> None:
        self.watch.blocks.bodies_over()
        self.watch.blocks.find_memos()
        choice = Choice(self._wishes.choice, self._wishes.spool)
        if self._wishes.blocks and self._role in ("", FIRST_WORKER):
            path = self.spool.path + ".values"
            write_values(path, self.watch.workspace, items, self.ids.id_of)
            if choice.asks:
                write_libraries(path + LIBRARIES, self.watch.workspace)
            self.spool.add(["values", os.path.basename(path)])
            self._flush()
        if choice.asks:
            choice.wait()
        kept, left = choice.split(items, self.ids.id_of)
        if left:
            for item in left:
                self.ids.count_left(item)
            self.ids.tell_left(self.spool)
            items[:] = kept

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: Any) -> None:
        """The tests are known, in the order in which they will run."""
        if self._role != CONTROLLER:
            self._collected(session)

    @guarded
    def _collected(self, session: Any) -> None:
        for path, seconds in self._parsed.items():
            self.spool.add(["parsed", path, round(seconds, 6)])
        self.ids.number(session.items, self.spool)
        self._flush()

    # --- run

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> Generator[None, Any, None]:
        """The test's file is the scope while it is set up, called and torn down."""
        self._before(item)
        yield
        self._after(item, nextitem)

    @guarded
    def _before(self, item: Any) -> None:
        if self._number is not None:
            self.ledger.blind(SESSION, "parallel-tests", "several tests at once in one process")
        self._number, path = self.ids.of_item(item)
        if path != self._file:
            self._leave_file()
            self._file = path
            self._threads = set(threading.enumerate())
            self.spool.add(["run", path])
        self.ledger.testing = True
        self.watch.blocks.find_memos()
        self._contexts.test_begins(path)
        self._reports = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Gather what is told of the running test; a controller has only crashes to tell."""
        if self._role != CONTROLLER:
            self._reports.append(report)
        elif report.when not in _PHASES:
            self._crashed(report)

    @guarded
    def _crashed(self, report: Any) -> None:
        path = self.ids.located(report.nodeid.partition("::")[0])
        name = self.ids.name_of(report.nodeid, path)
        verdict = of_reports([report])
        if verdict is not None:
            self.spool.add(["test", name, path, "error", *verdict[1:4], 0, -1, -1])
            self._flush()

    @guarded
    def _after(self, item: Any, nextitem: Any) -> None:
        self.ledger.scope = SESSION  # and blocks still count for the context
        verdict = of_reports(self._reports)
        if verdict is not None:
            following = -1 if nextitem is None else self.ids.of_item(nextitem)[0]
            self._tell(item, verdict, following)
        self._number = None
        if nextitem is None:
            self._leave_file()
        self._flush()

    def _tell(self, item: Any, verdict: Verdict, following: Any) -> None:
        again = verdict.rerun or getattr(item, "_flaky_current_runs", 1) > 1
        self.spool.add(
            [
                "test",
                self._number,
                self._file,
                verdict.outcome,
                round(verdict.seconds, 6),
                verdict.message,
                verdict.details,
                int(again),
                following,
                self._contexts.number,
            ]
        )

    def _leave_file(self) -> None:
        """Another file begins: threads that the last one left alive go on unseen."""
        if self._file:
            for thread in threading.enumerate():
                if thread not in self._threads and not thread.daemon:
                    self.ledger.blind("file:" + self._file, "thread", thread.name)
            self._file = ""
            self.watch.writes.drain(self.spool)
        self._threads = set()

    # --- fixtures

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: Any) -> None:
        """The last moment at which a test still knows its fixtures."""
        self._used(item)

    @guarded
    def _used(self, item: Any) -> None:
        self.fixtures.used_by(self._contexts.number, item)

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, None]:
        """A shared fixture has a scope of its own."""
        if fixturedef.scope not in SHARED:
            yield
            return
        token = self._enter_fixture(fixturedef, request)
        yield
        if token is not None:
            self._leave_fixture(token, fixturedef, request)

    @guarded
    def _enter_fixture(self, definition: Any, request: Any) -> Any:
        return self.fixtures.enter(definition, request)

    @guarded
    def _leave_fixture(self, token: Any, definition: Any, request: Any) -> None:
        self.fixtures.leave(token, definition, request)

    # --- end

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, Any, None]:
        """Where in the log pytest's own words about failures are."""
        first = self._log_size(terminalreporter)
        yield
        last = self._log_size(terminalreporter)
        if first is not None and last is not None:
            self.spool.add(["summary", first, last])
            self._flush()

    @guarded
    def _log_size(self, reporter: Any) -> Optional[int]:
        if not self._wishes.log or not mode_of(self._wishes.log):
            return None
        sys.stdout.flush()
        reporter.flush()
        return os.path.getsize(self._wishes.log)

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_sessionfinish(self, exitstatus: Any) -> Generator[None, Any, None]:
        """Everything is torn down."""
        yield
        self._finish(exitstatus)

    @guarded
    def _finish(self, exitstatus: Any) -> None:
        self._leave_file()
        self.watch.writes.drain(self.spool)
        self._drain()
        self.spool.add(["end", int(exitstatus)])
        self.spool.flush()

    @guarded
    def _flush(self) -> None:
        self._drain()
        self.spool.flush()

    def _drain(self) -> None:
        self.fixtures.drain(self.spool)
        self.watch.blocks.drain(self.spool)
        self.watch.imports.drain(self.spool)
        self.ledger.drain(self.spool)
