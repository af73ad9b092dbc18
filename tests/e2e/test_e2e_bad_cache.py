"""A cache that is damaged, full, read-only or from the future costs time and never an answer."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from support.workspaces import Checkout

MONEY = "libs/core/tests/test_money.py"
PRICES = "libs/shop/tests/test_prices.py"
DATA = "libs/shop/tests/prices.txt"

_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
_SMALL = 'mount -t tmpfs -o size=64k none "$0" && exec "$@"'


def _mounting(script: str, folder: Path) -> tuple[str, ...]:
    """A command that runs ours where `folder` is mounted otherwise; skips where none may mount."""
    command = ("unshare", "-m", "sh", "-c", script, str(folder))
    try:
        done = subprocess.run((*command, "true"), capture_output=True, check=False)
    except OSError as error:
        pytest.skip(f"no mount namespaces here: {error}")
    if done.returncode:
        pytest.skip(f"no right to mount here: {done.stderr.decode().strip()}")
    return command


def _index(checkout: Checkout) -> Path:
    return Path(checkout.affected("cache", "status", "--json").json["index"])


@pytest.mark.parametrize("content", [b"no database at all " * 500, b"", b"SQLite format 3\0" * 9])
def test_a_damaged_index(ready: Checkout, content: bytes) -> None:
    """The index is begun anew from the records: nothing runs again, edits are still seen."""
    ready.affected("run")
    path = _index(ready)
    for companion in path.parent.glob("index.sqlite-*"):
        companion.unlink()
    path.write_bytes(content)
    ready.write(DATA, "9\n")
    answer = ready.run()
    assert answer.ran() == {PRICES}
    if content:
        assert "the index was started over, because it is damaged" in answer.err
    assert ready.run().ran() == set()


def test_an_index_damaged_in_the_middle(ready: Checkout) -> None:
    """Pages of rubbish inside a sound file are found out, too."""
    ready.affected("run")
    path = _index(ready)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    content[8192:-4096] = b"\xa5" * (len(content) - 8192 - 4096)
    path.write_bytes(content)
    ready.write(DATA, "9\n")
    assert ready.run().ran() == {PRICES}
    assert ready.run().ran() == set()


def test_an_index_of_a_newer_version(ready: Checkout) -> None:
    """It is set aside, said so, and not destroyed."""
    ready.affected("run")
    path = _index(ready)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    answer = ready.run()
    assert answer.ran() == set()
    assert "a newer version of this tool wrote it" in answer.err
    assert list(path.parent.glob("*.set-aside"))


@pytest.mark.parametrize("part", ["ac", "cas"])
def test_damaged_records_and_tables(ready: Checkout, part: str) -> None:
    """A damaged record or table is a miss: its tests run, and the damage is mended by that."""
    files = [path for path in ready.cache.glob(f"records/{part}/**/*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] + b"\0" + content[len(content) // 2 + 1 :])
    assert len(ready.run().ran()) == 5
    assert ready.run().ran() == set()


def test_a_record_cut_short(ready: Checkout) -> None:
    """An empty or half-written entry is a miss as well."""
    for number, path in enumerate(sorted(ready.cache.glob("records/ac/**/*"))):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: 10 * (number % 2)])
    assert len(ready.run().ran()) == 5


@pytest.mark.parametrize("size", [0, 1000, 30_000])
def test_a_file_size_limit(ready: Checkout, size: int) -> None:
    """Where no file may grow, tests run and are told all the same; nothing else is lost."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    ready.write(DATA, "9\n")
    answer = ready.affected("run", prepare=limit, accept=(0, 2))
    if answer.code:
        assert "no temporary folder can be written" in answer.err
        assert "TMPDIR" in answer.err
    else:
        assert "cannot be written" in answer.out
        assert "ran 1 test in 1 file" in answer.out
    assert ready.run().states()[MONEY] == "reused"
    assert ready.run().ran() == set()


def test_a_full_disk(ready: Checkout) -> None:
    """A cache on a full disk is named in one warning, and every test still has its outcome."""
    full = ready.with_command(*_mounting(_SMALL, ready.cache))
    answer = full.affected("run")
    assert "ran 8 tests in 5 files" in answer.out
    assert "nothing will be remembered" in answer.out
    assert "nothing to run" in ready.affected("run").out


def test_a_read_only_cache(ready: Checkout) -> None:
    """A cache that cannot be written is read; what runs is told not to be kept."""
    locked = ready.with_command(*_mounting(_READ_ONLY, ready.cache))
    assert "nothing to run: 8 tests" in locked.affected("run").out
    ready.write(DATA, "9\n")
    for _ in range(2):
        answer = locked.run()
        assert answer.ran() == {PRICES}
        assert "results are not kept" in answer.err
    assert "AFFECTED_CACHE_DIR" in locked.affected("doctor").out
    refused = locked.affected("cache", "clear", accept=(2,))
    assert "cannot be written" in refused.err
    assert ready.run().ran() == {PRICES}


def test_a_cache_folder_that_cannot_be_made(ready: Checkout, tmp_path: Path) -> None:
    """A cache path that is a file: everything runs, with a warning."""
    (tmp_path / "file").write_text("")
    answer = Checkout(ready.root, tmp_path / "file").run()
    assert len(answer.ran()) == 5
    assert "cannot be written" in answer.err


def test_a_read_only_workspace(ready: Checkout) -> None:
    """Nothing of ours is written into the workspace."""
    shutil.rmtree(ready.cache)
    locked = ready.with_command(*_mounting(_READ_ONLY, ready.root))
    assert len(locked.run().ran()) == 5
    ready.write(DATA, "9\n")
    assert locked.run().ran() == {PRICES}
    assert "nothing to run" in locked.affected("run").out


def test_records_evicted_by_the_size_bound(ready: Checkout) -> None:
    """A cache bound too small for the records makes tests run again, never a wrong answer."""
    ready.write("affected.toml", 'cache-size = "1K"\n')
    for _ in range(2):
        assert set(ready.run().states().values()) <= {"ran", "reused"}
    ready.write(DATA, "9\n")
    assert ready.run().states()[PRICES] == "ran"
    ready.affected("cache", "gc")
    assert len(ready.run().ran()) == 5
