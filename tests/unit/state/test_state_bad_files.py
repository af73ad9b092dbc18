"""What becomes of an index that is damaged, foreign, newer, unwritable or in use."""

import contextlib
import random
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from support.indexes import (
    FILES,
    fill,
    what_is_raised,
)

from affected.state.index import Index
from affected.state.rows import IndexDamaged


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


@pytest.mark.parametrize(
    "content", [b"not a database", b"\0" * 5000, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_a_file_that_is_no_database_is_set_aside(path, content, opened):
    """The new index works at once, and the old bytes are kept for whoever wonders."""
    path.write_bytes(content)
    index = opened(path)
    assert "damaged" in index.notice
    assert index.persistent
    index.put("k", b"v")
    index.close()
    assert path.with_name("index.sqlite.set-aside").read_bytes() == content
    again = opened(path)
    assert (again.notice, again.get("k")) == ("", b"v")


def test_an_empty_file_is_an_empty_index(path, opened):
    """That is what a kill at the very beginning leaves."""
    path.touch()
    index = opened(path)
    assert index.notice == ""
    assert index.files() == {}


def test_a_leftover_log_without_its_database_does_no_harm(path, tmp_path, opened):
    """Somebody removed the index, but not the files beside it."""
    index = opened(path)
    index.put("k", b"v" * 100_000)
    for name in ("-wal", "-shm"):
        shutil.copy(f"{path}{name}", tmp_path / name)
    index.close()
    path.unlink()
    for name in ("-wal", "-shm"):
        shutil.copy(tmp_path / name, f"{path}{name}")
    again = opened(path)
    assert (again.notice, again.get("k")) == ("", None)
    again.put("k", b"w")
    assert again.get("k") == b"w"


@pytest.mark.parametrize(("version", "word"), [(10_000, "newer"), (-1, "older")])
def test_another_version_is_set_aside(path, version, word, opened):
    """Its tables may mean something else."""
    fill(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    index = opened(path)
    assert word in index.notice
    assert index.files() == {}
    index.close()
    aside = sqlite3.connect(f"{path}.set-aside")
    assert aside.execute("SELECT count(*) FROM files").fetchone() == (len(FILES),)
    aside.close()


def test_another_programs_database_is_not_written_to(path, opened):
    """It is moved out of the way with its content."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE precious (x)")
    connection.close()
    index = opened(path)
    assert "another program" in index.notice
    aside = sqlite3.connect(f"{path}.set-aside")
    assert aside.execute("SELECT name FROM sqlite_master").fetchall() == [("precious",)]
    aside.close()


def test_damage_anywhere_is_survived(path, opened):
    """Cut short, bytes changed, pages overwritten: an answer, a notice, or IndexDamaged, once."""
    sound = fill(path)
    raised = 0
    for seed in range(45):
        chance = random.Random(seed)
        raw = bytearray(sound)
        if seed % 3 == 0:
            del raw[chance.randrange(len(raw)) :]
        elif seed % 3 == 1:
            for _ in range(chance.choice((1, 5, 50))):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
        else:
            at = chance.randrange(len(raw))
            raw[at : at + 8192] = chance.randbytes(len(raw[at : at + 8192]))
        for left in path.parent.iterdir():
            left.unlink()
        path.write_bytes(raw)
        index = opened(path)
        trouble = what_is_raised(index)
        if trouble is not None:
            raised += 1
            assert index.notice in str(trouble)
            assert index.files() == {}
            assert what_is_raised(index) is None
        index.close()
        again = opened(path)
        assert again.notice == ""
        assert again.files() == FILES
        again.close()
    assert raised


def test_a_changed_byte_in_a_value_is_noticed(path, opened):
    """A graph with one wrong edge would miss a change."""
    sound = fill(path)
    at = sound.index(bytes(range(200)))
    path.write_bytes(sound[:at] + b"\xff" + sound[at + 1 :])
    index = opened(path)
    assert index.files() == FILES
    with pytest.raises(IndexDamaged):
        index.get("graph")
    assert index.get("graph") is None
    assert index.files() == {}
    assert "damaged" in index.notice


def test_damage_inside_a_transaction_leaves_a_new_index_that_works(path, opened):
    """Half of a transaction is never kept in the new file."""
    sound = fill(path)
    at = sound.index(bytes(range(200)))
    path.write_bytes(sound[:at] + b"\xff" + sound[at + 1 :])
    index = opened(path)
    with pytest.raises(IndexDamaged), index.transaction():  # noqa: PT012  # two steps of one
        index.put("first", b"1")
        index.get("graph")
    assert index.get("first") is None
    with index.transaction():
        index.put("second", b"2")
    index.close()
    assert opened(path).get("second") == b"2"
