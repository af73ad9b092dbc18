"""Files are named to pytest, and yet only those run that it would have found by itself."""

from __future__ import annotations

import pytest
from support.suites import batch_of, outcomes, run_suite, write_suite

ONE_TEST = "def test_it(): pass\n"
FILES = {
    "pytest.ini": "[pytest]\naddopts = --ignore=tests/test_option.py\ntestpaths = tests\n",
    "tests/conftest.py": """
        collect_ignore = ["test_ignored.py", "folder"]
        collect_ignore_glob = ["*_py2.py"]
        """,
    "tests/test_taken.py": ONE_TEST,
    "tests/sub/test_deep.py": ONE_TEST,
    "tests/test_ignored.py": "import absent_module\n",
    "tests/test_old_py2.py": "print 'old'\n",
    "tests/folder/test_inside.py": "import absent_module\n",
    "tests/build/test_built.py": "import absent_module\n",
    "tests/test_option.py": "import absent_module\n",
}


def named(files):
    return [path for path in files if "/test_" in path]


def test_what_conftest_and_options_ignore_is_not_run(tmp_path):
    """Names, globs, folders and options; what is left out is no error."""
    root = write_suite(tmp_path / "work", FILES)
    finished = run_suite(root, batch=batch_of(named(FILES), config="pytest.ini"))
    assert outcomes(finished) == {
        "tests/test_taken.py::test_it": "passed",
        "tests/sub/test_deep.py::test_it": "passed",
    }
    assert finished.exit_code == 0
    assert finished.problem == ""


def test_a_start_folder_is_not_asked_for(tmp_path):
    """Collection begins in testpaths whatever they are called."""
    files = {
        "pytest.ini": "[pytest]\ntestpaths = build\n",
        "build/test_built.py": ONE_TEST,
        "build/dist/test_no.py": "import absent_module\n",
    }
    root = write_suite(tmp_path / "work", files)
    finished = run_suite(root, batch=batch_of(named(files), config="pytest.ini"))
    assert outcomes(finished) == {"build/test_built.py::test_it": "passed"}


def test_workers_leave_out_the_same(tmp_path):
    """Every worker collects on its own."""
    pytest.importorskip("xdist")
    root = write_suite(tmp_path / "work", FILES)
    finished = run_suite(root, batch=batch_of(named(FILES), config="pytest.ini", workers=2))
    assert set(outcomes(finished).values()) == {"passed"}
    assert len(outcomes(finished)) == 2
