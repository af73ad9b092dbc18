"""Runs that are cut short, crash or meet another run: what finished is kept, nothing is wrong."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from support.workspaces import Checkout, end, monorepo

# The folder of signs lies outside the workspace: looking there is no input.
_WAITS = """\
import pathlib
import time

SIGNS = pathlib.Path({signs!r})


def test_waits():
    (SIGNS / "waiting").touch()
    for _ in range(600):
        if (SIGNS / "go").exists():
            return
        time.sleep(0.05)
    raise AssertionError("nobody said go")
"""
_QUICK = "def test_quick():\n    pass\n"
SETTINGS = "[pytest]\n"


@pytest.fixture
def waiting(tmp_path: Path) -> Checkout:
    """Two projects that pass at once, and one whose test waits to be told to go on."""
    (tmp_path / "signs").mkdir()
    files = {
        "a/pytest.ini": SETTINGS,
        "a/test_a.py": _QUICK,
        "b/pytest.ini": SETTINGS,
        "b/test_b.py": _QUICK,
        "c/pytest.ini": SETTINGS,
        "c/test_c_quick.py": _QUICK,
        "c/test_c_waits.py": _WAITS.format(signs=str(tmp_path / "signs")),
        ".gitignore": "__pycache__/\n.pytest_cache/\n",
    }
    return monorepo(tmp_path / "repo", tmp_path / "cache", files)


def _started(checkout: Checkout, signs: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A run that has come to the waiting test; the quick ones ended before."""
    process = checkout.start("run", "-j", "1", *arguments)
    deadline = time.monotonic() + 60
    while not (signs / "waiting").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    return process


def _sound(checkout: Checkout) -> bool:
    (path,) = checkout.cache.glob("workspaces/*/index.sqlite")
    with sqlite3.connect(path) as connection:
        found: tuple[str] = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return found == ("ok",)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_finished(
    waiting: Checkout, tmp_path: Path, number: signal.Signals
) -> None:
    """Exit code 130; finished test files are reused next time, the rest runs.

    The same for a CI that cancels the job.
    """
    signs = tmp_path / "signs"
    waiting.run("a", "b")
    waiting.write("a/test_a.py", _QUICK + "# edited\n")
    process = _started(waiting, signs, "--junit", str(tmp_path / "junit.xml"))
    assert end(process, number) == 130
    assert (tmp_path / "junit.xml").exists()
    (signs / "go").touch()
    answer = waiting.run()
    assert answer.reused() == {"a/test_a.py", "b/test_b.py", "c/test_c_quick.py"}
    assert "c/test_c_waits.py" in answer.ran()
    assert waiting.run().ran() == set()


def test_a_killed_run_loses_nothing_that_counts(waiting: Checkout, tmp_path: Path) -> None:
    """After `kill -9` half way the next run is right, and the index is sound."""
    signs = tmp_path / "signs"
    waiting.run("a", "b")
    waiting.write("b/test_b.py", "def test_other():\n    pass\n")
    process = _started(waiting, signs)
    assert end(process, signal.SIGKILL) == -signal.SIGKILL
    (signs / "go").touch()  # lets pytest, which outlives us, come to its end
    assert _sound(waiting)
    answer = waiting.run()
    assert answer.states()["a/test_a.py"] == "reused"
    assert answer.tests()["b/test_b.py::test_other"][1] == "passed"
    assert "c/test_c_waits.py" in answer.ran()
    assert waiting.run().ran() == set()


def test_a_run_killed_while_it_decides(ready: Checkout) -> None:
    """Killed at any moment of its decision, a run leaves no edit forgotten."""
    label = "libs/shop/tests/test_prices.py"
    ready.affected("run")
    for number, seconds in enumerate((0.05, 0.1, 0.15, 0.2, 0.25, 0.3)):
        ready.write("libs/shop/tests/prices.txt", f"{number}\n")
        process = ready.start("list" if number % 2 else "run")
        time.sleep(seconds)
        if process.poll() is None:
            end(process, signal.SIGKILL)
        tests = ready.run("--dry-run").states()
        assert tests[label] in {"selected", "reused"}
    ready.write("libs/shop/tests/prices.txt", "\n")  # the test fails without prices
    process = ready.start("run")
    time.sleep(0.2)
    if process.poll() is None:
        end(process, signal.SIGKILL)
    assert ready.run(accept=(1,)).states()[label] == "failed"


def test_two_runs_at_once(waiting: Checkout, tmp_path: Path) -> None:
    """Both are right, and what they leave behind is sound and complete."""
    (tmp_path / "signs/go").touch()
    both = [waiting.start("run") for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert _sound(waiting)
    assert waiting.run().ran() == set()
    waiting.write("a/test_a.py", "def test_a():\n    assert False\n")
    both = [waiting.start("run") for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [1, 1]
    assert waiting.run(accept=(1,)).ran() == {"a/test_a.py"}


def test_a_file_edited_while_it_runs_is_not_taken_for_proved(
    waiting: Checkout, tmp_path: Path
) -> None:
    """What a test read is compared with what is there after it ran: a race is never recorded."""
    signs = tmp_path / "signs"
    process = _started(waiting, signs)
    waiting.write("c/test_c_waits.py", "def test_waits():\n    assert False\n")
    (signs / "go").touch()
    assert process.wait(timeout=60) == 0
    answer = waiting.run(accept=(1,))
    assert answer.states()["c/test_c_waits.py"] == "failed"
    assert answer.ran() == {"c/test_c_waits.py"}


def test_a_test_that_ends_the_interpreter(ready: Checkout) -> None:
    """The test is named with the exit code, the rest of its batch runs, and nothing of it is lost."""
    ready.write(
        "tools/test_a_exit.py",
        "import os\n\n\ndef test_fine():\n    pass\n\n\ndef test_exits():\n    os._exit(7)\n",
    )
    ready.write("tools/test_b_after.py", _QUICK)
    first = ready.affected("run", accept=(1,))
    assert "tools/test_a_exit.py::test_exits" in first.out
    assert "exit code 7" in first.out
    again = ready.run(accept=(1,))
    assert again.ran() <= {"tools/test_a_exit.py"}
    assert "tools/test_b_after.py" in again.reused()
    ready.write("tools/test_a_exit.py", _QUICK)
    assert ready.run().ran() == {"tools/test_a_exit.py"}


def test_a_test_killed_by_a_signal(ready: Checkout) -> None:
    """A crash of the interpreter is told by the signal's name."""
    ready.write(
        "tools/test_crash.py",
        "import os\nimport signal\n\n\ndef test_crash():\n    os.kill(os.getpid(), signal.SIGSEGV)\n",
    )
    answer = ready.affected("run", accept=(1,))
    assert "tools/test_crash.py::test_crash" in answer.out
    assert "SIGSEGV" in answer.out


def test_a_folder_that_another_test_adds_to_is_not_taken_for_proved(tmp_path: Path) -> None:
    """What a test saw in a folder that changed before the run was over is no proof of anything."""
    here = "import pathlib\nHERE = pathlib.Path(__file__).parent / 'data'\n\n\n"
    files = {
        "data/one.txt": "1",
        "test_a_counts.py": here + "def test_a():\n    assert len(list(HERE.iterdir())) == 1\n",
        "test_b_adds.py": here + "def test_b():\n    (HERE / 'two.txt').write_text('2')\n",
        ".gitignore": "__pycache__/\n.pytest_cache/\n",
    }
    checkout = monorepo(tmp_path / "repo", tmp_path / "cache", files)
    assert checkout.run().ran() == {"test_a_counts.py", "test_b_adds.py"}
    assert checkout.run(accept=(1,)).states()["test_a_counts.py"] == "failed"
