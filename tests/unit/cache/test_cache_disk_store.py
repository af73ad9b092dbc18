"""The disk store: its limit, its order of eviction, and every kind of bad luck."""

import os
import shutil
import time
from pathlib import Path

import pytest
from support.disk_stores import BLOCK, LARGE, Clock, digest, key, names, on_disk

from affected.cache.disk import DiskStore


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
