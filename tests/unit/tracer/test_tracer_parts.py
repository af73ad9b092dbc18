"""The tracer's parts on their own: paths, the ledger, what writing came to, outcomes."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.suites import batch_of, outcomes, run_suite, write_suite

from affected.tracer import ledger as kinds
from affected.tracer.ledger import SESSION, Ledger
from affected.tracer.outcomes import of_reports
from affected.tracer.paths import Workspace
from affected.tracer.spool import Spool
from affected.tracer.writes import Writes


@pytest.fixture
def workspace(tmp_path):
    root = tmp_path / "work"
    root.mkdir()
    return Workspace(str(root))


class Lines(list):
    """Stands for a spool."""

    def add(self, line):
        self.append(line)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a/b.txt", "a/b.txt"),
        ("a/../c", "c"),
        ("a/./b//c", "a/b/c"),
        ("", ""),
        ("../outside", None),
        ("../work-too/x", None),
        ("x\0y", None),
        ("a/__pycache__/m.cpython-313.pyc", None),
        ("m.pyc", None),
        (".git/HEAD", None),
        (".coverage", None),
        (".coverage.host.1", None),
        ("node_modules/x/y.js", None),
        ("my.git/HEAD", "my.git/HEAD"),
        ("venv/x", "venv/x"),
        ("real/venv/lib/x", None),
    ],
)
def test_paths_are_located_or_left_out(workspace, path, found):
    """Noise and everything outside are None."""
    write_suite(Path(workspace.root), {"real/venv/pyvenv.cfg": ""})
    assert workspace.locate(f"{workspace.root}/{path}") == found


def test_relative_paths_start_where_the_process_is(workspace, monkeypatch):
    """Also bytes and path-like objects; code without a file has no path."""
    deep = Path(workspace.root, "deep")
    deep.mkdir()
    monkeypatch.chdir(deep)
    assert workspace.locate("x") == "deep/x"
    assert workspace.locate(b"../y") == "y"
    assert workspace.locate(b"caf\xe9") == os.fsdecode(b"deep/caf\xe9")
    assert workspace.locate("<string>") is None
    assert workspace.locate(7) is None
    assert workspace.locate(object()) is None


def test_a_workspace_reached_through_a_link_is_one(tmp_path):
    """Both names of the root lead to the same repo paths."""
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    workspace = Workspace(str(tmp_path / "alias"))
    assert workspace.locate(str(tmp_path / "alias" / "x")) == "x"
    assert workspace.locate(str(tmp_path / "real" / "x")) == "x"
    (tmp_path / "real" / "x").write_text("")
    assert workspace.look("x")[1] == []


def test_the_ledger_notes_an_access_once_a_scope():
    """In the order of happening."""
    ledger, lines = Ledger(), Lines()
    for scope in ("file:a", "file:a", "file:b"):
        ledger.note(scope, kinds.READ, "x")
    ledger.note("file:b", kinds.PROBE, "x")
    ledger.drain(lines)
    ledger.drain(lines)
    assert lines == [
        ["seen", "file:a", [["r", "x"]]],
        ["seen", "file:b", [["r", "x"], ["p", "x"]]],
    ]


def test_what_a_scope_made_is_no_input_of_it():
    """But it is one of other scopes."""
    ledger, lines = Ledger(), Lines()
    ledger.note("file:a", kinds.WRITTEN, "x")
    ledger.made_folder("file:a", "made")
    for scope in ("file:a", "file:b"):
        ledger.note(scope, kinds.READ, "x")
        ledger.note(scope, kinds.LISTING, "made/deep")
    ledger.drain(lines)
    assert lines == [
        ["seen", "file:a", [["w", "x"], ["w", "made"]]],
        ["seen", "file:b", [["r", "x"], ["l", "made/deep"]]],
    ]


def test_blind_spots_are_told_once():
    """However often they happen."""
    ledger, lines = Ledger(), Lines()
    ledger.blind(SESSION, "network", "far:1")
    ledger.blind(SESSION, "network", "far:1")
    ledger.drain(lines)
    ledger.blind(SESSION, "network", "far:1")
    ledger.drain(lines)
    assert lines == [["blind", "session", "network", "far:1"]]


def test_what_writing_came_to_is_told(workspace):
    """Compared with before the first write; told again when it changes."""
    writes, lines = Writes(workspace), Lines()
    root = write_suite(Path(workspace.root), {"a": "a", "b": "b"})
    for name in "abcd":
        writes.about_to(name)
    (root / "a").write_text("other")
    (root / "b").unlink()
    (root / "c").mkdir()
    writes.drain(lines)
    assert lines == [["net", [["a", "changed"], ["b", "removed"], ["c", "created"], ["d", "same"]]]]
    (root / "a").write_text("a")
    writes.drain(lines)
    assert lines[1:] == [["net", [["a", "same"]]]]


def test_a_spool_survives_odd_names_and_forks(tmp_path):
    """Lines are whole and ASCII; a forked child writes nothing."""
    spool = Spool(str(tmp_path), "main.jsonl")
    spool.add(["seen", os.fsdecode(b"caf\xe9\xff")])
    if not os.fork():
        spool.flush()
        os._exit(0)
    os.wait()
    spool.flush()
    assert (tmp_path / "main.jsonl").read_bytes() == b'["seen","caf\\udce9\\udcff"]\n'


def report(when, outcome, **more):
    return SimpleNamespace(when=when, outcome=outcome, duration=0.5, longrepr=None, **more)


def test_an_interrupted_test_has_no_outcome():
    """Its tear-down was never told."""
    assert of_reports([report("setup", "passed")]) is None
    assert of_reports([]) is None
    whole = [report(when, "passed") for when in ("setup", "call", "teardown")]
    assert of_reports(whole).outcome == "passed"
    assert of_reports(whole).seconds == 1.5


def test_packages_set_up_for_all_their_files(tmp_path):
    """What a package's setup_module reads belongs to its __init__.py, whoever came first."""
    root = write_suite(
        tmp_path / "work",
        {
            "tests/__init__.py": "def setup_module():\n    open('setup.txt').read()\n",
            "setup.txt": "",
            "tests/test_a.py": "def test_it(): pass\n",
            "tests/test_b.py": "def test_it(): pass\n",
        },
    )
    finished = run_suite(root)
    assert set(outcomes(finished).values()) == {"passed"}
    assert finished.harvest.modules["tests/__init__.py"].reads == {"setup.txt"}
    assert finished.harvest.traces["tests/test_a.py"].reads == frozenset()


def test_doctests_are_seen(tmp_path):
    """The examples have no file of their own."""
    root = write_suite(
        tmp_path / "work",
        {
            "lib.py": '"""\n>>> open("seen.txt").read()\n\'s\'\n"""\n',
            "seen.txt": "s",
            "test_none.py": "def test_it(): pass\n",
        },
    )
    finished = run_suite(
        root, batch=batch_of(["lib.py", "test_none.py"]), args=["--doctest-modules"]
    )
    assert outcomes(finished) == {"lib.py::lib": "passed", "test_none.py::test_it": "passed"}
    assert finished.harvest.traces["lib.py"].reads == {"seen.txt"}
    assert finished.harvest.traces["test_none.py"].reads == frozenset()


def test_a_suite_reached_through_a_link_is_seen(tmp_path):
    """The root's two names do not split its paths."""
    real = write_suite(
        tmp_path / "real",
        {"test_a.py": "def test_it():\n    open('x.txt').read()\n", "x.txt": ""},
    )
    (tmp_path / "alias").symlink_to(real)
    finished = run_suite(tmp_path / "alias")
    assert outcomes(finished) == {"test_a.py::test_it": "passed"}
    assert finished.harvest.traces["test_a.py"].reads == {"x.txt"}


def test_a_folder_called_venv_is_looked_at_once(tmp_path):
    """Whether it is one is asked without the tracer hearing of its own question."""
    root = write_suite(
        tmp_path / "work",
        {
            "test_a.py": """
                import os
                def test_it():
                    assert open("venv/mine.txt").read() == "m"
                    assert not os.path.exists("deep/venv/other.txt")
                """,
            "venv/mine.txt": "m",
        },
    )
    finished = run_suite(root, ["test_a.py"])
    assert outcomes(finished) == {"test_a.py::test_it": "passed"}
    trace = finished.harvest.traces["test_a.py"]
    assert trace.reads == {"venv/mine.txt"}
    assert trace.probes == {"deep/venv/other.txt"}
    assert finished.harvest.session.blind_spots == ()
