"""The disk store when folders, disks, locks and other processes get in the way."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from support.disk_stores import BLOCK, LARGE, child, digest, finish, key, on_disk

from affected.cache.disk import DiskStore


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def store(folder):
    return DiskStore(folder, LARGE)


# -- bad luck ----------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_told_once(tmp_path):
    """Every read is a miss, every write is let go, one notice names the folder."""
    (tmp_path / "file").touch()
    store = DiskStore(tmp_path / "file" / "cache", LARGE)
    store.put(key("a"), b"a", {})
    notice = store.notice
    assert "cannot be written" in notice
    assert str(tmp_path) in notice
    store.put(key("b"), b"b", {})
    assert store.get([key("a")]) == {}
    assert store.get_blobs([digest(b"a")]) == {}
    assert (store.status().records, store.generation()) == (0, "")
    assert (store.gc().files, store.clear().files) == (0, 0)
    assert store.notice == notice


def test_a_read_only_folder_is_read():
    """What is there is used; nothing is changed, not even a time."""
    folder = Path(tempfile.mkdtemp())
    try:
        store = DiskStore(folder / "cache", LARGE)
        store.put(key("a"), b"a", {})
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        script = """
            import os, sys
            from affected.cache.disk import DiskStore
            from pathlib import Path
            if os.geteuid() == 0:
                os.setresuid(65534, 65534, 65534)
            store = DiskStore(Path(sys.argv[1]) / "cache", 10**9)
            assert store.get([sys.argv[2]]) == {sys.argv[2]: b"a"}
            assert store.notice == ""
            store.put(sys.argv[2], b"b", {})
            assert store.get([sys.argv[2]]) == {sys.argv[2]: b"a"}
            assert store.clear().files == 0
            print(store.notice)
        """
        assert "cannot be written" in finish(child(script, folder, key("a")))
    finally:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(folder)


def test_a_full_disk_is_told_once_and_leaves_no_half_record(folder):
    """What was there before is still there and whole."""
    script = """
        import resource, sys
        from affected.cache.disk import DiskStore
        from pathlib import Path
        store = DiskStore(Path(sys.argv[1]), 10**9)
        store.put(sys.argv[2], b"first", {})
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        store.put(sys.argv[2], b"s" * 20_000, {})
        store.put(sys.argv[2], b"small", {})
        assert store.get([sys.argv[2]]) == {sys.argv[2]: b"first"}
        print(store.notice)
    """
    assert finish(child(script, folder, key("a"))).count("cannot be written") == 1
    assert DiskStore(folder, LARGE).get([key("a")]) == {key("a"): b"first"}
    assert list((folder / "new").iterdir()) == []


def test_a_full_disk_can_be_cleared(folder):
    """Even when the ledger, lost, cannot be written before something went."""
    script = """
        import resource, sys
        from affected.cache.disk import DiskStore
        from pathlib import Path
        store = DiskStore(Path(sys.argv[1]), 10**9)
        store.put(sys.argv[2], b"first", {})
        (Path(sys.argv[1]) / "ledger").write_bytes(b"")
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        print(store.clear().files)
    """
    assert finish(child(script, folder, key("a"))) == "1\n"
    assert DiskStore(folder, LARGE).status().records == 0


def test_a_lock_that_is_never_released_costs_a_wait_not_the_run(folder):
    """Reading goes on without counting uses; writing stops after the first wait."""
    DiskStore(folder, LARGE).put(key("a"), b"a", {})
    script = """
        import fcntl, sys
        file = open(sys.argv[1], "r+b")
        fcntl.flock(file, fcntl.LOCK_EX)
        print("now", flush=True)
        sys.stdin.read()
    """
    holder = child(script, folder / "ledger", stdin=subprocess.PIPE)
    assert holder.stdout.readline() == "now\n"
    store = DiskStore(folder, LARGE, wait_seconds=0.05)
    assert store.get([key("a"), key("b")]) == {key("a"): b"a"}
    started = time.monotonic()
    for name in range(50):
        store.put(key(name), b"r", {})
    assert time.monotonic() - started < 2
    assert "lock" in store.notice
    holder.kill()
    holder.communicate()
    DiskStore(folder, LARGE).put(key("b"), b"b", {})
    assert DiskStore(folder, LARGE).get([key("b")]) == {key("b"): b"b"}


def test_processes_share_a_store_within_its_limit(folder):
    """Four writers and evictions all the time: the limit holds and every answer is right."""
    script = """
        import hashlib, random, sys
        from affected.cache.disk import DiskStore
        from pathlib import Path
        folder, seed, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
        store, chance = DiskStore(folder, limit), random.Random(seed)
        for turn in range(100):
            name = str(chance.randrange(120))
            key = hashlib.sha256(name.encode()).hexdigest()
            blob = name.encode() * chance.randrange(1, 3000)
            store.put(key, b"record " + name.encode(), {hashlib.sha256(blob).hexdigest(): blob})
            asked = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(0, 120, 7)]
            for i, one in zip(range(0, 120, 7), asked):
                assert store.get([one]).get(one) in (None, b"record %d" % i)
            if turn % 40 == 39:
                store.gc(limit // 2)
        assert store.notice == "", store.notice
    """
    limit = 100 * BLOCK
    processes = [child(script, folder, seed, limit) for seed in range(4)]
    while any(process.poll() is None for process in processes):
        assert DiskStore(folder, limit).status().bytes <= limit + 3 * BLOCK
        time.sleep(0.02)
    for process in processes:
        finish(process)
    assert on_disk(folder) <= limit


def test_a_writer_killed_at_any_moment_leaves_whole_records(folder):
    """Afterwards the ledger never counts too little."""
    script = """
        import hashlib, sys
        from affected.cache.disk import DiskStore
        from pathlib import Path
        store = DiskStore(Path(sys.argv[1]), 60 * 4096)
        print("now", flush=True)
        for turn in range(10**6):
            store.put(hashlib.sha256(b"%d" % turn).hexdigest(), b"%d" % turn * 900, {})
    """
    for delay in (0.0, 0.004, 0.011, 0.03, 0.05):
        process = child(script, folder)
        assert process.stdout.readline() == "now\n"
        time.sleep(delay)
        process.kill()
        process.communicate()
        store = DiskStore(folder, 60 * BLOCK)
        account = store._ledger.peek()
        assert account is None or account.used >= on_disk(folder)
        found = store.get([key(turn) for turn in range(5000)])
        assert all(
            record == str(turn).encode() * 900
            for turn in range(5000)
            for record in [found.get(key(turn))]
            if record is not None
        )
        assert on_disk(folder) <= 60 * BLOCK


def test_a_folder_removed_while_in_use_is_made_again(store, folder):
    """`rm -rf` between two puts costs what was there, nothing else."""
    store.put(key("a"), b"a", {})
    shutil.rmtree(folder)
    store.put(key("b"), b"b", {digest(b"x"): b"x"})
    assert store.get([key("a"), key("b")]) == {key("b"): b"b"}
    assert store.notice == ""
