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

from .audit import Auditor
from .files import Files
from .fixtures import Fixtures
from .frames import Frames
from .installed import Installed
from .imports import Imports
from .ledger import SESSION, Ledger
from .network import Network
from .outcomes import Verdict, of_collection, of_reports
from .paths import Workspace, exists
from .spool import VERSION, Spool

_VARIABLES = ("AFFECTED_SPOOL", "AFFECTED_ROOT", "AFFECTED_LOG")


def begin(entry: str) -> Optional[Plugin]:
    """Start watching as the environment asks; None when it does not ask."""
    folder, root = os.environ.get("AFFECTED_SPOOL"), os.environ.get("AFFECTED_ROOT")
    if not folder or not root:
        return None
    plugin = Plugin(entry, folder, root, os.environ.get("AFFECTED_LOG", ""))
    plugin.watch()
    return plugin


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A failure inside `function` becomes a blind spot of the session."""

    @functools.wraps(function)
    def call(self: Plugin, *args: Any) -> Any:
        try:
            return function(self, *args)
        except Exception as error:
            self.trouble(error)
            return None

    return call


class Plugin:
    """One process's tracer; the hooks of a pytest session."""

    def __init__(self, entry: str, folder: str, root: str, log: str) -> None:
        self._entry = entry
        self._log = log
        self._worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        self.ledger = Ledger()
        self.workspace = Workspace(root)
        self.frames = Frames(self.workspace, self.ledger)
        self.imports = Imports(self.workspace, self.frames, self.ledger, self.trouble)
        self.installed = Installed(self.frames, self.ledger)
        self.auditor = Auditor(
            self.workspace, self.frames, self.ledger, self.installed, self.trouble
        )
        self.network = Network(self.workspace, self.frames, self.ledger)
        self.files = Files(
            self.workspace, self.auditor, self.frames, self.installed, self.trouble
        )
        self.fixtures = Fixtures(self.ledger)
        self.spool = Spool(folder, "%s-%d.jsonl" % (self._worker or "main", os.getpid()))
        self._numbers: Dict[str, int] = {}
        self._ids: Dict[str, str] = {}
        self._reports: Dict[str, List[Any]] = {}
        self._seconds: Dict[str, float] = {}
        self._threads: Set[int] = set()
        self._file = ""
        self._rootdir = root
        self._silence: Callable[[], None] = lambda: None

    def watch(self) -> None:
        """Put hooks and wrappers in place."""
        version = "%d.%d.%d" % sys.version_info[:3]
        self.spool.add(["start", VERSION, os.getpid(), self._worker, version])
        for name in ("_pytest", "pytest", "pluggy"):
            filename = getattr(sys.modules.get(name), "__file__", None)
            if filename and self.workspace.locate(filename) is None:
                self.frames.add_runner(os.path.dirname(filename))
        self.imports.note_loaded("_affected_tracer")
        self.files.install()
        self.imports.install()
        self.auditor.handlers.update(self.network.handlers())
        self.auditor.handlers["exec"] = self.imports.executed
        self._silence = self.auditor.install()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._silence)
        if self._worker:
            self._clean_environment()

    def trouble(self, error: BaseException) -> None:
        """Note a failure of the tracer itself."""
        what = "%s: %s" % (type(error).__name__, error)
        self.ledger.blind(SESSION, "tracer-error", what[:200])

    def _clean_environment(self) -> None:
        """Take every trace of ours out of what user code sees."""
        sys.path[:] = [folder for folder in sys.path if folder != self._entry]
        inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if inherited[0] == self._entry:
            os.environ["PYTHONPATH"] = os.pathsep.join(inherited[1:])
            if len(inherited) == 1:
                del os.environ["PYTHONPATH"]
        for name in _VARIABLES:
            os.environ.pop(name, None)

    # --- start

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_load_initial_conftests(self, early_config: Any) -> Generator[None, Any, None]:
        """Plugins are loaded, the user's conftest files are not yet."""
        self._prepare(early_config)
        yield

    @guarded
    def _prepare(self, early_config: Any) -> None:
        self.installed.loading_plugins = False
        self._flush()
        options = early_config.known_args_namespace
        spread = bool(
            getattr(options, "numprocesses", None)
            or getattr(options, "tx", None)
            or getattr(options, "dist", "no") not in ("no", None)
        )
        if self._worker:
            return
        if spread:
            self._worker = "controller"
            self.spool.add(["start", VERSION, os.getpid(), self._worker, ""])
        else:
            self._clean_environment()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: Any) -> None:
        """Tell what runs."""
        self._started(session.config)

    @guarded
    def _started(self, config: Any) -> None:
        plugins = sorted({(d.project_name, d.version) for _, d in _distributions(config)})
        self._rootdir = str(config.rootpath)
        self._drain()
        rootdir = self.workspace.locate(self._rootdir)
        self.spool.add(["pytest", pytest.__version__, plugins, rootdir or ""])
        self._flush()

    # --- collection

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_make_collect_report(self, collector: Any) -> Generator[None, Any, None]:
        """The file of a collector is the scope while it is collected."""
        before = self.ledger.scope
        path = self._file_of(collector)
        if path is not None:
            self.ledger.scope = "file:" + path
        started = perf_counter()
        yield
        self.ledger.scope = before
        if path is not None:
            self._seconds[path] = self._seconds.get(path, 0.0) + perf_counter() - started

    @guarded
    def _file_of(self, node: Any) -> Optional[str]:
        path = getattr(node, "path", None)
        if path is None or getattr(node, "parent", None) is None:
            return None
        text = str(path)
        if text.endswith("__init__.py") and type(node).__name__ == "Package":
            return None
        if node.__class__.__name__ in ("Session", "Dir", "Directory", "Package"):
            return None
        found: Optional[str] = self.workspace.locate(text)
        return found or None

    def pytest_collectreport(self, report: Any) -> None:
        """A collector is done."""
        if self._worker != "controller":
            self._collected_part(report)

    @guarded
    def _collected_part(self, report: Any) -> None:
        if not report.nodeid:
            return
        path = self._located(report.nodeid.partition("::")[0])
        if path is None:
            return
        if report.failed or report.skipped:
            verdict = of_collection(report)
            rest = report.nodeid.partition("::")[2]
            name = path + "::" + rest if rest else path
            self.spool.add(["result", path, name, *verdict[:4]])
        self._flush()

    def _located(self, relative: str) -> Optional[str]:
        found: Optional[str] = self.workspace.locate(os.path.join(self._rootdir, relative))
        return found or None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: Any) -> None:
        """The tests are known, in the order in which they will run."""
        if self._worker != "controller":
            self._collected(session)

    @guarded
    def _collected(self, session: Any) -> None:
        for path, seconds in self._seconds.items():
            self.spool.add(["parsed", path, round(seconds, 6)])
        part: List[str] = []
        last, first = "", 0
        for number, item in enumerate(session.items):
            path = self._path_of(item)
            if path != last and part:
                self.spool.add(["collected", last, first, part])
                part, first = [], number
            last = path
            self._numbers[item.nodeid] = number
            part.append(self._id_of(item))
        if part:
            self.spool.add(["collected", last, first, part])
        self.spool.add(["ready", len(session.items)])
        self._flush()

    def _path_of(self, item: Any) -> str:
        path = getattr(item, "path", None)
        located = self.workspace.locate(str(path)) if path is not None else None
        return located or self._located(item.nodeid.partition("::")[0]) or ""

    def _id_of(self, item: Any) -> str:
        found = self._ids.get(item.nodeid)
        if found is None:
            _, separator, rest = item.nodeid.partition("::")
            found = self._path_of(item) + separator + rest
            for root in self.workspace.roots:
                if root in found:
                    found = found.replace(root, "<workspace>/")
            self._ids[item.nodeid] = found
        return found

    # --- run

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> Generator[None, Any, None]:
        """The test's file is the scope while it is set up, called and torn down."""
        self._before(item)
        yield
        self._after(item, nextitem)

    @guarded
    def _before(self, item: Any) -> None:
        path = self._path_of(item)
        if path != self._file:
            self._leave_file()
            self._file = path
            self._threads = {id(thread) for thread in threading.enumerate()}
            self.spool.add(["run", path])
        self.ledger.scope = "file:" + path
        self._reports[item.nodeid] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Gather; a controller only tells of what no worker could."""
        if self._worker == "controller":
            if report.when not in ("setup", "call", "teardown"):
                self._crashed(report)
            return
        self._reports.setdefault(report.nodeid, []).append(report)

    @guarded
    def _crashed(self, report: Any) -> None:
        path, separator, rest = report.nodeid.partition("::")
        located = self._located(path) or path
        verdict = of_reports([report])._replace(outcome="error")
        self.spool.add(
            ["test", located + separator + rest, located, *verdict[:4], 0, -1],
        )
        self._flush()

    @guarded
    def _after(self, item: Any, nextitem: Any) -> None:
        self.ledger.scope = "file:" + self._file
        reports = self._reports.pop(item.nodeid, [])
        if reports:
            self._tell(item, of_reports(reports), nextitem)
        self.ledger.scope = SESSION
        if nextitem is None:
            self._leave_file()
        self._flush()

    def _tell(self, item: Any, verdict: Verdict, nextitem: Any) -> None:
        number: Any = self._numbers.get(item.nodeid)
        if number is None:
            number = self._id_of(item)
        following = -1 if nextitem is None else self._numbers.get(nextitem.nodeid, -1)
        rerun = verdict.rerun or getattr(item, "_flaky_current_runs", 1) > 1
        seconds = round(verdict.seconds, 6)
        self.spool.add(
            [
                "test",
                number,
                self._file,
                verdict.outcome,
                seconds,
                verdict.message,
                verdict.details,
                int(rerun),
                following,
            ]
        )

    def _leave_file(self) -> None:
        """Another file begins: threads that the last one left alive go on unseen."""
        if self._file:
            for thread in threading.enumerate():
                if id(thread) not in self._threads and thread.is_alive() and not thread.daemon:
                    self.ledger.blind("file:" + self._file, "thread", thread.name)
        self._file = ""
        self.imports.forget()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: Any) -> None:
        """The last moment at which a test still knows its fixtures."""
        self._used(item)

    @guarded
    def _used(self, item: Any) -> None:
        self.fixtures.used_by(self._file, item)

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: Any, request: Any
    ) -> Generator[None, Any, None]:
        """A shared fixture has a scope of its own."""
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
        if not self._log or not exists(self._log):
            return None
        sys.stdout.flush()
        reporter._tw.flush()
        return os.lstat(self._log).st_size

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_sessionfinish(self, exitstatus: Any) -> Generator[None, Any, None]:
        """Everything is torn down."""
        yield
        self._finish(exitstatus)

    @guarded
    def _finish(self, exitstatus: Any) -> None:
        self._leave_file()
        self.spool.add(["end", int(exitstatus)])
        self._flush()

    @guarded
    def _flush(self) -> None:
        self._drain()
        self.spool.flush()

    def _drain(self) -> None:
        self.fixtures.drain(self.spool)
        self.imports.drain(self.spool)
        self.ledger.drain(self.spool)


def _distributions(config: Any) -> List[Any]:
    return list(config.pluginmanager.list_plugin_distinfo())
