"""What becomes of an index that is damaged, foreign, newer, unwritable or in use."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from affected.state import index as index_module
from affected.state.index import Index
from affected.state.rows import IndexDamaged, TargetRow

SOURCE = str(Path(index_module.__file__).parents[2])
FILES = {f"pkg{i % 7}/module{i}.py": f"{i:040x}" for i in range(200)}
FACTS = {digest: b"import os " + digest.encode() for digest in FILES.values()}
GRAPH = bytes(range(256)) * 100


def target(label):
    return TargetRow(label, "test", "p", label, "p", "f", True, "", 1, 0.5, "passed", 1.0)


def fill(path):
    """An index with something in every table; its bytes."""
    index = Index.open(path)
    index.replace_files(FILES)
    index.add_facts(FACTS)
    index.put("graph", GRAPH)
    index.put_stamps({path: (b"stamp", digest) for path, digest in FILES.items()})
    index.put_targets(map(target, FILES))
    for label in list(FILES)[:50]:
        index.put_observed(label, ["data/" + label, "data"])
    index.close()
    return path.read_bytes()


def read_everything(index):
    """Every question once; the answers that carry a checksum must be right."""
    assert index.get("graph") in (GRAPH, None)
    assert FACTS.items() >= index.facts(FACTS).items()
    index.files()
    index.digests(FILES)
    index.files_mentioning([b"os"])
    index.stamps(FILES)
    index.targets()
    index.targets(unsettled_only=True)
    index.targets(list(FILES))
    index.totals()
    index.observed(["data"])
    index.has_file("x")
    index.has_folder("x")


def write_everything(index):
    """Every change once."""
    with index.transaction():
        index.update_files({"new": "1", "pkg0/module0.py": "absent"})
        index.put_targets([target("new")])
        index.put_observed("new", ["data"])
        index.remove_targets(list(FILES)[:3])
    index.put("graph", GRAPH)
    index.add_facts(FACTS)
    index.prune_facts()
    index.delete("g")
    index.put_stamps({"new": (b"s", "1")})
    index.replace_files(FILES)


def what_is_raised(index):
    """IndexDamaged or None; anything else fails the test."""
    try:
        read_everything(index)
        write_everything(index)
    except IndexDamaged as trouble:
        return trouble
    return None


def child(script, *arguments, **options):
    """A Python of its own that can import the index."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(process):
    """What the child printed."""
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    return printed


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
