"""The disk store: its limit, its order of eviction, and every kind of bad luck."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

from affected import cache
from affected.cache.disk import DiskStore

SOURCE = str(Path(cache.__file__).parents[2])
BLOCK = 4096
LARGE = 10**9


class Clock:
    """A clock that goes where it is told."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


def key(name):
    return hashlib.sha256(str(name).encode()).hexdigest()


def digest(blob):
    return hashlib.sha256(blob).hexdigest()


def on_disk(folder):
    """Bytes that the files of a store take, counted by hand in whole blocks."""
    sizes = [
        Path(parent, name).stat().st_size
        for kind in ("ac", "cas")
        for parent, _, names in os.walk(folder / kind)
        for name in names
    ]
    return sum(max(-(-size // BLOCK), 1) * BLOCK for size in sizes)


def names(store, candidates):
    """Which of `candidates` have a record, without counting as a use."""
    return [name for name in candidates if Path(store._record_path(key(name))).exists()]


def child(script, *arguments, **options):
    """A Python of its own that can import the store."""
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
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def store(folder):
    return DiskStore(folder, LARGE)


# -- what is read must be what was written -----------------------------------------------------


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "longer", "other"])
@pytest.mark.parametrize("kind", ["ac", "cas"])
def test_a_damaged_file_is_a_miss_and_goes(store, folder, kind, damage):
    """Whichever byte, at whichever end; the next put heals it."""
    blob = b"blob" * 1000
    store.put(key("a"), b"record" * 1000, {digest(blob): blob})
    (file,) = (path for path in (folder / kind).rglob("*") if path.is_file())
    raw = file.read_bytes()
    file.write_bytes(
        {
            "flip": raw[:-1] + bytes([raw[-1] ^ 1]),
            "cut": raw[:-10],
            "empty": b"",
            "longer": raw + b"\0",
            "other": b"afr0" + raw[4:],
        }[damage]
    )
    found = store.get([key("a")]) if kind == "ac" else store.get_blobs([digest(blob)])
    assert found == {}
    assert not file.exists()
    assert store.notice == ""
    store.put(key("a"), b"record", {digest(blob): blob})
    assert store.get([key("a")]) == {key("a"): b"record"}
    assert store.get_blobs([digest(blob)]) == {digest(blob): blob}


def test_what_stands_in_a_records_place_is_a_miss(store, folder):
    """A folder, or a link to somewhere else, is neither followed nor an error."""
    store.put(key("a"), b"a", {})
    file = Path(store._record_path(key("a")))
    secret = folder / "secret"
    file.rename(secret)
    file.symlink_to(secret)
    assert store.get([key("a")]) == {}
    file.unlink()
    file.mkdir()
    assert store.get([key("a")]) == {}
    assert store.notice == ""
    assert secret.exists()


def test_a_record_whose_blob_is_gone_is_still_a_record(store):
    """The reader finds the blob missing, which makes it a miss."""
    blob = b"output"
    store.put(key("a"), b"a", {digest(blob): blob})
    Path(store._blob_path(digest(blob))).unlink()
    assert store.get([key("a")]) == {key("a"): b"a"}
    assert store.get_blobs([digest(blob)]) == {}


def test_reading_makes_no_files(folder):
    """A cache that was never written to leaves no folder behind."""
    store = DiskStore(folder, LARGE)
    assert store.get([key("a")]) == {}
    assert (store.generation(), store.status().bytes) == ("", 0)
    assert not folder.exists()


# -- the limit ---------------------------------------------------------------------------------


def test_the_limit_holds_after_every_put(folder):
    """Records and blobs of all sizes, some replaced, counted by hand each time."""
    limit = 40 * BLOCK
    store = DiskStore(folder, limit)
    for turn in range(70):
        blob = bytes([turn]) * (turn * 397 % 20_000)
        store.put(key(turn % 30), b"r" * (turn * 101 % 9000), {digest(blob): blob})
        assert on_disk(folder) <= limit
        assert store.status().bytes == on_disk(folder)
    assert store.notice == ""
    assert on_disk(folder) > limit // 2


def test_what_is_larger_than_the_store_is_not_kept(folder):
    """And takes nothing else's place."""
    store = DiskStore(folder, 10 * BLOCK)
    store.put(key("small"), b"s", {})
    store.put(key("huge"), b"h" * 11 * BLOCK, {})
    store.put(key("blobs"), b"b", {digest(b"x" * 10 * BLOCK): b"x" * 10 * BLOCK})
    assert names(store, ["small", "huge", "blobs"]) == ["small"]
    DiskStore(folder, 0).put(key("none"), b"", {})
    assert names(store, ["small", "none"]) == ["small"]


def test_the_oldest_use_goes_first(folder):
    """Reading counts as a use, and one part in ten is left free."""
    store = DiskStore(folder, 10 * BLOCK)
    for name in range(10):
        store.put(key(name), b"r", {})
    store.get([key(0), key(3)])
    store.put(key(10), b"r", {})
    assert names(store, range(11)) == [0, 3, 4, 5, 6, 7, 8, 9, 10]


def test_putting_again_is_a_use(folder):
    """The record that was replaced last is the youngest."""
    store = DiskStore(folder, 10 * BLOCK)
    for name in [*range(10), 0]:
        store.put(key(name), b"r", {})
    store.gc(BLOCK)
    assert names(store, range(10)) == [0]


def test_a_record_goes_before_its_blobs(folder):
    """So a record seldom names a blob that is gone."""
    store = DiskStore(folder, LARGE)
    store.put(key("a"), b"a", {digest(b"x"): b"x"})
    store.gc(BLOCK)
    assert (store.status().records, store.status().blobs) == (0, 1)


@pytest.mark.parametrize("jump", [-(10**18), -1, 0, 10**18])
def test_a_clock_that_jumps_does_not_change_the_order(folder, jump):
    """Back by thirty years or forward: later uses count as later, in this process and the next."""
    clock = Clock(1_700_000_000 * 10**9)
    store = DiskStore(folder, LARGE, clock)
    for name in range(5):
        store.put(key(name), b"r", {})
    clock.now += jump
    again = DiskStore(folder, LARGE, clock)
    again.get([key(1)])
    clock.now -= jump
    for name in range(5, 8):
        store.put(key(name), b"r", {})
    for left in ([1, 5, 6, 7], [5, 6, 7], [7]):
        again.gc(len(left) * BLOCK)
        assert names(store, range(8)) == left


def test_files_from_a_future_clock_do_not_live_for_ever(folder):
    """A store restored from another machine: they count as used now, once."""
    store = DiskStore(folder, LARGE)
    for name in range(3):
        store.put(key(name), b"r", {})
    future = time.time() + 10**9
    os.utime(store._record_path(key(0)), (future, future))
    store.gc()
    for name in range(3, 6):
        store.put(key(name), b"r", {})
    store.get([key(1)])
    store.gc(4 * BLOCK)
    assert names(store, range(6)) == [1, 3, 4, 5]


def test_a_lost_or_damaged_ledger_is_counted_anew(folder):
    """The limit and the order hold without it."""
    store = DiskStore(folder, 10 * BLOCK)
    for name in range(10):
        store.put(key(name), b"r", {})
    ledger = folder / "ledger"
    for content in (None, b"", b"damaged", ledger.read_bytes()[:-1] + b"\xff"):
        before = store.generation()
        ledger.unlink()
        if content is not None:
            ledger.write_bytes(content)
        assert store.generation() == ""
        store.put(key(f"next {content!r}"), b"r", {})
        assert on_disk(folder) <= 10 * BLOCK
        assert store.generation() not in ("", before)
    assert names(store, range(10)) != list(range(10))
    assert names(store, range(3)) == []


# -- generation, gc, clear ----------------------------------------------------------------------


def test_the_generation_changes_when_something_went(folder):
    """Not by putting and reading; by an eviction, by clearing, by starting over."""
    store = DiskStore(folder, 4 * BLOCK)
    seen = [store.generation()]
    store.put(key("a"), b"a", {})
    seen.append(store.generation())
    store.put(key("b"), b"b", {})
    store.get([key("a")])
    store.gc()
    assert store.generation() == seen[-1] == DiskStore(folder, 1).generation()
    store.gc(BLOCK)
    seen.append(store.generation())
    for name in range(4):
        store.put(key(name), b"r", {})
    seen.append(store.generation())
    store.clear()
    seen.append(store.generation())
    shutil.rmtree(folder)
    seen.append(store.generation())
    store.put(key("a"), b"a", {})
    seen.append(store.generation())
    assert seen[0] == seen[5] == ""
    assert len(set(seen)) == len(seen) - 1


def test_a_store_that_was_begun_keeps_its_generation(store, folder):
    """The first record of an empty store evicts nothing, so it changes nothing."""
    store.begin()
    generation = store.generation()
    assert generation
    store.put(key("a"), b"a", {})
    DiskStore(folder, LARGE).begin()
    assert store.generation() == generation


def test_clearing_leaves_nothing_and_the_store_works_on(store, folder):
    """What is half-written goes too."""
    store.put(key("a"), b"a", {digest(b"x"): b"x"})
    (folder / "new" / "1-half").write_bytes(b"half")
    assert store.clear().files == 2
    assert [file.name for file in folder.rglob("*") if file.is_file()] == ["ledger"]
    assert store.clear().files == 0
    store.put(key("a"), b"b", {})
    assert store.get([key("a")]) == {key("a"): b"b"}


def test_half_written_files_are_cleaned_up_when_old(store, folder):
    """A writer may still be at work on a young one."""
    store.put(key("a"), b"a", {})
    old, young = folder / "new" / "1-old", folder / "new" / "2-young"
    for file in (old, young):
        file.write_bytes(b"half")
    os.utime(old, (1, 1))
    store.gc()
    assert (old.exists(), young.exists()) == (False, True)


def test_status_counts_records_and_blobs(store, folder):
    """By kind, with the bytes the disk gives them."""
    store.put(key("a"), b"a", {digest(b"x"): b"x", digest(b"y" * 5000): b"y" * 5000})
    status = store.status()
    assert (status.records, status.blobs, status.bytes) == (1, 2, 4 * BLOCK)
    assert (status.folder, status.max_bytes) == (folder, LARGE)


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
