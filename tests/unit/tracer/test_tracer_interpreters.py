"""The same suite is seen alike by every Python and pytest there is, with and without workers."""

from __future__ import annotations

import sys

import pytest
from support.suites import batch_of, other_interpreters, outcomes, run_suite, write_suite

SUITE = {
    "conftest.py": """
        import pathlib, pytest

        @pytest.fixture(scope="session")
        def shared():
            return pathlib.Path("shared.txt").read_text()
        """,
    "shared.txt": "s",
    "pkg/__init__.py": "",
    "pkg/rows.py": "ROWS = open('rows.txt').read()\n",
    "pkg/plug.py": "",
    "rows.txt": "r",
    "test_one.py": """
        import importlib, os, pathlib, sys
        import pkg.rows

        def test_reads(shared):
            assert not pathlib.Path("nope.txt").exists()
            assert not pathlib.Path("nodir").is_dir()
            assert not os.path.lexists("nolink")
            assert pathlib.Path("plain.txt").stat().st_size == 1
            assert [p.name for p in pathlib.Path("pkg").glob("pl*.py")] == ["plug.py"]
            importlib.import_module("pkg.plug")

        def test_concealed():
            assert not [folder for folder in sys.path if folder.endswith("entry")]
            assert not [name for name in os.environ if name.startswith("AFFECTED")]
            assert "PYTHONPATH" not in os.environ
        """,
    "plain.txt": "p",
    "test_two.py": """
        def test_fails(shared):
            assert shared == "x"
        """,
}
PYTHONS = other_interpreters()


def check(finished):
    assert outcomes(finished) == {
        "test_one.py::test_reads": "passed",
        "test_one.py::test_concealed": "passed",
        "test_two.py::test_fails": "failed",
    }
    harvest = finished.harvest
    one, two = harvest.traces["test_one.py"], harvest.traces["test_two.py"]
    assert one.complete
    assert two.complete
    assert one.reads == {"shared.txt", "plain.txt"}
    assert one.probes >= {"nope.txt", "nodir", "nolink"}
    assert one.listings == {"pkg"}
    assert one.loaded == {"pkg/__init__.py", "pkg/plug.py"}
    assert two.reads == {"shared.txt"}
    assert harvest.modules["pkg/rows.py"].reads == {"rows.txt"}
    assert ("test_one.py", "pkg/rows.py") in harvest.import_pairs
    assert not harvest.session.blind_spots
    assert not one.blind_spots
    assert harvest.pytest_version
    assert harvest.ended
    assert "FAILED test_two.py::test_fails" in finished.summary


def test_xdist_workers_spool_on_their_own(tmp_path):
    """One parent reads them all; nothing of ours is left in a worker's surroundings."""
    pytest.importorskip("xdist")
    root = write_suite(tmp_path / "work", SUITE)
    check(run_suite(root, batch=batch_of(["test_one.py", "test_two.py"], workers=2)))


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_another_python_is_seen_alike(tmp_path, version):
    """The tracer is written for all of them."""
    if version == "{}.{}".format(*sys.version_info[:2]):
        pytest.skip("the one that runs all the other tests")
    if version not in PYTHONS:
        pytest.skip(f"no Python {version} with pytest here")
    root = write_suite(tmp_path / "work", SUITE)
    batch = batch_of(["test_one.py", "test_two.py"], interpreter=PYTHONS[version])
    check(run_suite(root, batch=batch))
