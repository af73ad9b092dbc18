"""One traced run of one suite with many habits, shared by the tests of this folder."""

from __future__ import annotations

import pytest
from support.suites import run_suite, write_suite

HABITS = {
    "conftest.py": """
        import json, os, pathlib, pytest

        HERE = pathlib.Path(__file__).parent

        def pytest_configure(config):
            (HERE / "from_hook.txt").read_text()

        @pytest.fixture(scope="session")
        def shared():
            text = (HERE / "shared.txt").read_text()
            yield text
            (HERE / "torn_down.txt").read_text()

        @pytest.fixture(scope="session")
        def wrapped(request):
            return request.getfixturevalue("shared")

        @pytest.fixture
        def plain():
            return (HERE / "plain.txt").read_text()
        """,
    "from_hook.txt": "h",
    "shared.txt": "s",
    "torn_down.txt": "t",
    "plain.txt": "p",
    "settings.ini": "i",
    "pkg/__init__.py": "",
    "pkg/table.py": """
        import pathlib
        ROWS = (pathlib.Path(__file__).parent / "rows.txt").read_text()
        """,
    "pkg/rows.txt": "1",
    "pkg/plug.py": "NAME = 'plug'\n",
    "pkg/lazy.py": "NAME = 'lazy'\n",
    "pkg/script.py": "import os\nSEEN = open('settings.ini').read()\n",
    "pkg/user.py": "def use():\n    from pkg import lazy\n    return lazy.NAME\n",
    "stuff/one.txt": "1",
    "stuff/two.txt": "2",
    "tests/test_reads.py": """
        import glob, os, pathlib
        import pkg.table

        HERE = pathlib.Path(__file__).resolve().parent

        def test_open(plain):
            assert open("settings.ini").read() == "i"
            try:
                open("absent.txt")
            except FileNotFoundError:
                pass

        def test_probe():
            assert not os.path.exists("nope.txt")
            assert not pathlib.Path("nope").is_dir()
            assert os.path.isfile("pkg/rows.txt")

        def test_stat():
            assert os.stat("stuff/one.txt").st_size == 1

        def test_folders():
            assert sorted(os.listdir("stuff")) == ["one.txt", "two.txt"]
            assert glob.glob("pkg/*.cfg") == []
            assert [path.name for path in pathlib.Path("tests").iterdir()]

        def test_outside(tmp_path):
            (tmp_path / "x").write_text("y")
            assert (tmp_path / "x").exists()
        """,
    "tests/test_scan.py": """
        import os

        def test_entries():
            with os.scandir("stuff") as entries:
                assert sum(entry.stat().st_size for entry in entries) == 2
        """,
    "tests/test_loads.py": """
        import importlib, importlib.util, runpy

        def test_dynamic():
            assert importlib.import_module("pkg.plug").NAME == "plug"

        def test_missing():
            try:
                importlib.import_module("pkg.missing")
            except ModuleNotFoundError:
                pass

        def test_by_path():
            assert runpy.run_path("pkg/script.py")["SEEN"] == "i"

        def test_find():
            assert importlib.util.find_spec("pkg.lazy")

        def test_installed():
            assert importlib.import_module("xdist")
        """,
    "tests/test_loads_late.py": """
        import pkg.user

        def test_lazy():
            assert pkg.user.use() == "lazy"
        """,
    "tests/test_z_last.py": """
        def test_nothing():
            pass
        """,
    "tests/test_metadata.py": """
        import importlib.metadata

        def test_version():
            assert importlib.metadata.version("pytest")

        def test_entry_points():
            importlib.metadata.entry_points(group="some.group")
        """,
    "tests/test_metadata_all.py": """
        import importlib.metadata

        def test_all():
            assert list(importlib.metadata.distributions())
        """,
    "tests/test_fixture_user.py": """
        def test_uses(shared):
            assert shared == "s"
        """,
    "tests/test_fixture_through.py": """
        def test_uses(request):
            assert request.getfixturevalue("wrapped") == "s"
        """,
    "tests/test_writes.py": """
        import os, pathlib, shutil

        def test_own_output():
            pathlib.Path("out.txt").write_text("x")
            assert pathlib.Path("out.txt").read_text() == "x"
            os.remove("out.txt")

        def test_own_folder():
            os.makedirs("build/deep")
            pathlib.Path("build/deep/a").write_text("x")
            assert os.listdir("build/deep") == ["a"]
            assert pathlib.Path("build/deep/a").read_text() == "x"
            shutil.rmtree("build")
        """,
    "tests/test_writes_same.py": """
        import pathlib

        def test_rewrites():
            path = pathlib.Path("stuff/one.txt")
            path.write_text(path.read_text())
        """,
    "tests/test_writes_input.py": """
        import pathlib

        def test_changes():
            path = pathlib.Path("counter.txt")
            path.write_text(str(int(path.read_text()) + 1))
        """,
    "counter.txt": "1",
    "tests/test_writes_new.py": """
        import os

        def test_leaves():
            if not os.path.exists("left.txt"):
                open("left.txt", "w").close()
        """,
    "tests/test_child.py": """
        import multiprocessing, os, subprocess, sys

        def test_run():
            subprocess.run([sys.executable, "-c", "pass"], check=True)

        def test_fork():
            pid = os.fork()
            if not pid:
                os._exit(0)
            os.waitpid(pid, 0)

        def test_spawn():
            process = multiprocessing.get_context("spawn").Process(target=print)
            process.start()
            process.join()
        """,
    "tests/test_network.py": """
        import socket, socketserver, threading

        def test_own_server():
            with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
                thread = threading.Thread(target=server.handle_request, daemon=True)
                thread.start()
                socket.create_connection(server.server_address).close()
                thread.join()

        def test_pair():
            one, two = socket.socketpair()
            one.close(), two.close()
        """,
    "tests/test_network_far.py": """
        import socket

        def test_refused():
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", 0))
                port = taken.getsockname()[1]
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1)
            except OSError:
                pass

        def test_name():
            try:
                socket.getaddrinfo("far.invalid", 80)
            except OSError:
                pass
        """,
    "tests/test_thread.py": """
        import threading, time

        def test_leaves_one():
            threading.Thread(target=time.sleep, args=(0.3,), name="straggler").start()
        """,
    "tests/test_database.py": """
        import sqlite3

        def test_read():
            connection = sqlite3.connect("made.db")
            connection.close()
        """,
}


@pytest.fixture(scope="session")
def habits(tmp_path_factory):
    """The finished batch of the suite above."""
    root = write_suite(tmp_path_factory.mktemp("habits") / "work", HABITS)
    (root / "real").mkdir()
    (root / "real" / "file.txt").write_text("r")
    (root / "linked").symlink_to("real")
    (root / "real" / "link.txt").symlink_to("../real/file.txt")
    write_suite(
        root,
        {
            "tests/test_links.py": """
            import os

            def test_through_folder():
                assert open("linked/file.txt").read() == "r"

            def test_link(tmp_path):
                assert open("real/link.txt").read() == "r"
                (tmp_path / "away").symlink_to(os.path.abspath("pkg"))
                assert (tmp_path / "away" / "rows.txt").read_text() == "1"
            """
        },
    )
    return run_suite(root)


@pytest.fixture(scope="session")
def traces(habits):
    """Trace by test file of the suite with many habits."""
    return {path.rpartition("/")[2]: trace for path, trace in habits.harvest.traces.items()}
