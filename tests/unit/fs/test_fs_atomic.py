"""Writing whole files, and locks between processes."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import affected
from affected.fs.atomic import file_lock, read_bytes_or_none, write_atomic


def test_a_file_is_written_whole_and_nothing_else_stays(tmp_path):
    """New, then replaced; its folder is made."""
    path = tmp_path / "deep/er/file"
    write_atomic(path, b"one")
    assert path.read_bytes() == b"one"
    write_atomic(path, b"", durable=True)
    assert path.read_bytes() == b""
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_has_the_usual_mode(tmp_path):
    """The process's umask applies, as for any file."""
    (tmp_path / "usual").touch()
    write_atomic(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """The error is told, the old content stays, and no part of the new one is left behind."""
    path = tmp_path / "file"
    write_atomic(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_atomic(path, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_folder_in_the_way_is_an_error(tmp_path):
    """And leaves nothing behind."""
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"):
        write_atomic(tmp_path / "file", b"x")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_very_long_name_can_be_written(tmp_path):
    """The name used meanwhile stays within what disks allow."""
    path = tmp_path / ("n" * 255)
    write_atomic(path, b"x")
    assert path.read_bytes() == b"x"


HOLDER = """
import sys, pathlib
sys.path.insert(0, sys.argv[2])
from affected.fs.atomic import file_lock
with file_lock(pathlib.Path(sys.argv[1]), 5):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    source = str(Path(affected.__file__).parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock"), source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_lock_is_held_against_other_processes(tmp_path, holder):
    """Waiting ends with TimeoutError, which names the lock."""
    with pytest.raises(TimeoutError, match="lock"), file_lock(tmp_path / "lock", 0.05):
        pass


def test_a_process_that_dies_lets_go(tmp_path, holder):
    """No lock outlives its holder."""
    holder.kill()
    holder.wait()
    with file_lock(tmp_path / "lock", 5):
        pass


def test_a_lock_is_let_go_at_the_end(tmp_path):
    """Also after an error; its folder is made."""
    lock = tmp_path / "new/lock"
    with pytest.raises(KeyError), file_lock(lock, 0):
        raise KeyError
    with file_lock(lock, 0):
        pass


def test_reading_what_may_not_be_there(tmp_path):
    """None for no file, a folder, and what cannot be read."""
    (tmp_path / "f").write_bytes(b"x")
    assert read_bytes_or_none(tmp_path / "f") == b"x"
    assert read_bytes_or_none(tmp_path / "none") is None
    assert read_bytes_or_none(tmp_path) is None
