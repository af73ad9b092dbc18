"""Starting pytest for a batch, following it, and its ends: good, bad and forced."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from support.suites import batch_of, outcomes, run_suite, write_suite

from affected.errors import UserError
from affected.model.plan import Plan
from affected.run.execute import BatchFinished, BatchStarted, Collected, Waited, execute
from affected.run.execute import TestFinished as Ended
from affected.run.pytest_batch import start_batch

ONE_TEST = "def test_it(): pass\n"


def test_progress_is_told_in_order(tmp_path):
    """Started, collected, each test, finished."""
    root = write_suite(tmp_path / "work", {"test_a.py": ONE_TEST, "test_b.py": ONE_TEST})
    events = []
    finished = run_suite(root, events=events)
    assert any(isinstance(event, Waited) for event in events)
    events = [event for event in events if not isinstance(event, Waited)]
    assert [type(event) for event in events] == [
        BatchStarted,
        Collected,
        Collected,
        Ended,
        Ended,
        BatchFinished,
    ]
    assert events[1].tests == 1
    assert events[3].result.id == "test_a.py::test_it"
    assert events[-1].finished is finished
    assert finished.summary.strip() == ""


def test_pytest_runs_in_the_settings_folder_with_exactly_their_configuration(tmp_path):
    """Ids are seen from the workspace root; a configuration above it is not picked."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    root = write_suite(
        tmp_path / "work",
        {
            "proj/pytest.ini": "[pytest]\npython_functions = check_*\n",
            "proj/conftest.py": "",
            "proj/tests/test_a.py": """
                import os
                def check_it(request):
                    assert os.path.basename(os.getcwd()) == "proj"
                    assert request.config.inipath.name == "pytest.ini"
                """,
            "test_b.py": ONE_TEST,
        },
    )
    batch = batch_of(["proj/tests/test_a.py"], config="proj/pytest.ini", folder="proj")
    assert outcomes(run_suite(root, batch=batch)) == {"proj/tests/test_a.py::check_it": "passed"}


def test_a_configuration_above_the_workspace_is_not_picked(tmp_path):
    """Nor are conftest files up there."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit('not ours')\n")
    root = write_suite(tmp_path / "work", {"test_b.py": ONE_TEST})
    assert outcomes(run_suite(root)) == {"test_b.py::test_it": "passed"}


@pytest.mark.parametrize("version", ["", "9.0"])
def test_more_test_files_than_fit_on_a_command_line(tmp_path, monkeypatch, version):
    """They are handed over in a file, read by pytest itself or by the tracer."""
    monkeypatch.setattr("affected.run.pytest_batch._DIRECT", 10)
    root = write_suite(tmp_path / "work", {f"sub dir/test_{n}.py": ONE_TEST for n in range(3)})
    write_suite(root, {"sub dir/test_left_out.py": ONE_TEST})
    batch = batch_of([f"sub dir/test_{n}.py" for n in range(3)])
    finished = execute(
        Plan((batch,), 1),
        root,
        lambda _batch: {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
        (),
        tmp_path,
        lambda _event: None,
        pytest_versions={sys.executable: version},
    )[0]
    assert outcomes(finished) == {f"sub dir/test_{n}.py::test_it": "passed" for n in range(3)}


def test_odd_names_reach_pytest(tmp_path):
    """A leading dash, blanks, letters beyond ASCII, brackets."""
    names = ["-x/test_dash.py", "a b/test_é.py", "c[1]/test_bracket.py"]
    root = write_suite(tmp_path / "work", dict.fromkeys(names, ONE_TEST))
    assert set(outcomes(run_suite(root, names))) == {f"{name}::test_it" for name in names}


def test_a_crash_keeps_what_has_finished_and_names_the_test(tmp_path):
    """It gets an error of its own; the files after it run in a process of their own."""
    root = write_suite(
        tmp_path / "work",
        {
            "test_a.py": ONE_TEST,
            "test_b.py": """
                import os
                def test_good(): pass
                def test_dies(): os._exit(3)
                def test_never(): pass
                """,
        },
    )
    finished = run_suite(root)
    assert outcomes(finished) == {
        "test_a.py::test_it": "passed",
        "test_b.py::test_good": "passed",
        "test_b.py::test_dies": "error",
    }
    crashed = finished.harvest.traces["test_b.py"].results[-1]
    assert "exit code 3" in crashed.message
    assert "exit code 3" in finished.problem
    assert not finished.harvest.traces["test_b.py"].complete
    assert finished.harvest.traces["test_a.py"].complete


def test_a_signal_is_named(tmp_path):
    """A segmentation fault, say."""
    source = "import os, signal\ndef test_dies(): os.kill(os.getpid(), signal.SIGSEGV)\n"
    finished = run_suite(write_suite(tmp_path / "work", {"test_a.py": source}))
    assert finished.exit_code == -signal.SIGSEGV
    assert "SIGSEGV" in finished.problem


def test_a_worker_crash_is_told_by_the_controller(tmp_path):
    """The worker is replaced and the rest goes on."""
    pytest.importorskip("xdist")
    root = write_suite(
        tmp_path / "work",
        {"test_a.py": ONE_TEST, "test_b.py": "import os\ndef test_dies(): os._exit(3)\n"},
    )
    finished = run_suite(root, batch=batch_of(["test_a.py", "test_b.py"], workers=2))
    assert outcomes(finished) == {"test_a.py::test_it": "passed", "test_b.py::test_dies": "error"}


def test_wrong_usage_is_told_in_pytests_words(tmp_path):
    """Exit code 4."""
    root = write_suite(tmp_path / "work", {"test_a.py": ONE_TEST})
    finished = run_suite(root, args=["--no-such-option"])
    assert finished.exit_code == 4
    assert "--no-such-option" in finished.problem


def test_a_conftest_that_cannot_be_loaded_is_told(tmp_path):
    """No test ran, and the words say why."""
    root = write_suite(
        tmp_path / "work", {"conftest.py": "raise ValueError('boo')\n", "test_a.py": ONE_TEST}
    )
    finished = run_suite(root)
    assert "boo" in finished.problem
    assert finished.harvest.traces == {}


def test_stopping_early_leaves_files_incomplete(tmp_path):
    """-x: what never ran is known by its absence."""
    root = write_suite(
        tmp_path / "work", {"test_a.py": "def test_bad(): assert 0\n", "test_b.py": ONE_TEST}
    )
    finished = run_suite(root, args=["-x"])
    assert finished.harvest.traces["test_a.py"].complete
    assert not finished.harvest.traces["test_b.py"].complete
    assert finished.harvest.collected["test_b.py"] == ("test_b.py::test_it",)


def test_an_interpreter_that_is_not_there_is_the_users_to_mend(tmp_path):
    """The message names it."""
    root = write_suite(tmp_path / "work", {"test_a.py": ONE_TEST})
    batch = batch_of(["test_a.py"], interpreter="/no/such/python")
    with pytest.raises(UserError, match="/no/such/python"):
        start_batch(batch, root, {}, (), tmp_path / "spool", tmp_path / "log")


def test_an_interpreter_without_pytest_is_told(tmp_path):
    """In the interpreter's words."""
    root = write_suite(tmp_path / "work", {"test_a.py": ONE_TEST})
    batch = batch_of(["test_a.py"], interpreter=sys.executable)
    finished = run_suite(root, batch=batch, environ={"PYTHONHOME": "/nowhere"})
    assert finished.exit_code == 1
    assert finished.problem


SLOW = {
    "test_a.py": ONE_TEST,
    "test_b.py": "import time\ndef test_slow():\n    time.sleep(120)\n",
}


def test_ctrl_c_keeps_what_has_finished(tmp_path):
    """The interrupt is passed on once; what was interrupted is no pass."""
    root = write_suite(tmp_path / "work", SLOW)
    batch = batch_of(["test_a.py", "test_b.py"])
    seen = []

    def watch(event):
        seen.append(event)
        if isinstance(event, Ended):
            raise KeyboardInterrupt

    finished = execute(
        Plan((batch, batch), 1), root, lambda _b: dict(os.environ), (), tmp_path, watch
    )
    assert len(finished) == 1
    assert finished[0].interrupted
    assert finished[0].problem == ""
    assert outcomes(finished[0])["test_a.py::test_it"] == "passed"
    assert not finished[0].harvest.traces["test_b.py"].complete
    assert finished[0].harvest.traces["test_b.py"].results == ()


def test_the_whole_group_is_ended(tmp_path):
    """A pytest that will not listen is killed with its children."""
    root = write_suite(
        tmp_path / "work",
        {
            "test_a.py": """
                import signal, subprocess, sys, time
                def test_deaf():
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
                    open("child.pid", "w").write(str(child.pid))
                    time.sleep(60)
                """
        },
    )
    running = start_batch(
        batch_of(["test_a.py"]), root, dict(os.environ), (), tmp_path / "spool", tmp_path / "log"
    )
    pid_file = root / "child.pid"
    deadline = time.monotonic() + 20
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running.terminate(0.2) == -signal.SIGKILL
    child = int(pid_file.read_text())
    gone = threading.Event()
    while not gone.is_set() and time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{child}/stat").read_text().split()[2]
        except OSError:
            gone.set()
        else:
            if state == "Z":
                gone.set()
        time.sleep(0.05)
    assert gone.is_set()
