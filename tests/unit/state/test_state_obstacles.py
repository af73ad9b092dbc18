"""The index when folders, disks, locks and other processes get in the way."""

import contextlib
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest
from support.indexes import (
    FILES,
    GRAPH,
    child,
    fill,
    finish,
    read_everything,
)

from affected.state.index import Index


@pytest.fixture
def path(tmp_path):
    return tmp_path / "index.sqlite"


@pytest.fixture
def opened():
    """Opens indexes and closes them when the test is over."""
    with contextlib.ExitStack() as stack:

        def opener(path, **options):
            index = Index.open(path, **options)
            stack.callback(index.close)
            return index

        yield opener


@pytest.fixture
def open_folder():
    """A folder that an unprivileged user may enter; pytest's own are private."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


READ_ONLY = """
    import os, sys
    from affected.state.index import Index
    from pathlib import Path
    import xxhash, sqlite3, encodings.idna
    folder = Path(sys.argv[1])
    folder.chmod(0o555)
    if os.geteuid() == 0:
        os.setresuid(65534, 65534, 65534)
    index = Index.open(folder / "index.sqlite")
    assert "cannot be written" in index.notice, index.notice
    assert not index.persistent
    print(len(index.files()))
    index.put("k", b"v")
    with index.transaction():
        index.update_files({"new": "1"})
    assert index.get("k") == b"v"
    print(len(index.files()))
"""


@pytest.mark.parametrize("known", [0, len(FILES)])
def test_a_read_only_folder_is_read_and_nothing_is_remembered(open_folder, known):
    """What is known there counts in this run; changes live in memory; no file is touched."""
    path = open_folder / "index.sqlite"
    if known:
        fill(path)
    before = {file: file.read_bytes() for file in open_folder.iterdir()}
    assert finish(child(READ_ONLY, open_folder)).split() == [str(known), str(known + 1)]
    assert {file: file.read_bytes() for file in open_folder.iterdir()} == before


FULL_DISK = """
    import resource, sys
    from affected.state.index import Index
    from pathlib import Path
    index = Index.open(Path(sys.argv[1]))
    index.put("before", b"1")
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    if sys.argv[2] == "together":
        with index.transaction():
            index.put("small", b"2")
            index.put("large", b"3" * 1_000_000)
            index.put("last", b"4")
    else:
        index.put("small", b"2")
        index.put("large", b"3" * 1_000_000)
        index.put("last", b"4")
    assert "cannot be written" in index.notice, index.notice
    assert not index.persistent
    found = [index.get(key) for key in ("before", "small", "large", "last")]
    assert found == [b"1", b"2", b"3" * 1_000_000, b"4"], found
    index.close()
"""


@pytest.mark.parametrize(("how", "kept"), [("together", None), ("apart", b"2")])
def test_a_full_disk_keeps_the_last_state_and_this_run_goes_on(path, how, kept, opened):
    """Nothing written in this process is lost to it; on disk is what was committed, whole."""
    finish(child(FULL_DISK, path, how))
    index = opened(path)
    assert index.notice == ""
    assert index.get("before") == b"1"
    assert index.get("small") == kept
    assert index.get("large") is None
    assert index.get("last") is None


def test_a_disk_that_is_full_from_the_start_is_survived(path):
    """Not even the tables can be made."""
    script = """
        import resource, sys
        from affected.state.index import Index
        from pathlib import Path
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        index = Index.open(Path(sys.argv[1]))
        assert index.notice and not index.persistent
        index.put("k", b"v")
        assert index.get("k") == b"v"
    """
    finish(child(script, path))


@pytest.mark.parametrize("obstacle", ["folder", "parent is a file"])
def test_a_path_where_no_file_can_be_is_survived(tmp_path, obstacle, opened):
    """The index lives in memory and says so."""
    path = tmp_path / "index.sqlite"
    if obstacle == "folder":
        path.mkdir()
        (path / "something").touch()
    else:
        path.touch()
        path /= "index.sqlite"
    index = opened(path)
    assert "cannot be written" in index.notice
    index.put("k", b"v")
    assert index.get("k") == b"v"


MANY_WRITES = """
    import sys
    from affected.state.index import Index
    from pathlib import Path
    name = sys.argv[2]
    index = Index.open(Path(sys.argv[1]))
    for turn in range(40):
        with index.transaction():
            count = int(index.get("count") or b"0")
            index.put("count", b"%d" % (count + 1))
            index.update_files({f"{name}/{turn}": "1"})
    assert index.notice == "", index.notice
"""


def test_processes_that_write_at_once_lose_nothing(path, opened):
    """Four that also make the file at once: every transaction of each is there."""
    for process in [child(MANY_WRITES, path, name) for name in "abcd"]:
        finish(process)
    index = opened(path)
    assert index.get("count") == b"160"
    assert len(index.files()) == 160


def test_a_reader_does_not_wait_for_a_writer(path, opened):
    """It sees the last committed state while another process is in a transaction."""
    fill(path)
    writer, reader = opened(path), opened(path, wait_seconds=0.0)
    with writer.transaction():
        writer.replace_files({})
        assert reader.files() == FILES
    assert reader.files() == {}
    assert reader.notice == ""


def test_a_lock_that_is_never_released_does_not_hang_the_run(path, opened):
    """After the wait this run goes on in memory, with what it knows and what it writes."""
    fill(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    index = opened(path, wait_seconds=0.05)
    with index.transaction():
        index.update_files({"new": "1"})
        index.put("k", b"v")
    assert "locked" in index.notice
    assert index.files() == {**FILES, "new": "1"}
    other.execute("ROLLBACK")
    other.close()
    assert opened(path).files() == FILES


def test_a_process_killed_inside_a_transaction_leaves_the_last_commit(path, opened):
    """SIGKILL with half of the rows written; the next process writes on."""
    fill(path)
    script = """
        import sys
        from affected.state.index import Index
        from pathlib import Path
        index = Index.open(Path(sys.argv[1]))
        with index.transaction():
            index.replace_files({f"half{i}": "1" for i in range(50_000)})
            index.put("graph", b"half" * 1_000_000)
            print("now", flush=True)
            sys.stdin.read()
    """
    process = child(script, path, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "now\n"
    process.kill()
    process.communicate()
    index = opened(path)
    assert index.notice == ""
    read_everything(index)
    assert index.files() == FILES
    assert index.get("graph") == GRAPH
    index.update_files({"new": "1"})
    index.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_an_index_removed_while_in_use_is_started_over_next_time(path, opened):
    """`rm` during a run costs what was remembered, nothing else."""
    fill(path)
    index = opened(path)
    for file in path.parent.iterdir():
        file.unlink()
    index.put("k", b"v")
    assert index.files() == FILES
    index.close()
    again = opened(path)
    assert again.notice == ""
    assert again.files() in ({}, FILES)
