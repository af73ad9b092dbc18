"""Many records that come at once lie in one file, and are found there like any others."""

import random

import pytest
from support.disk_stores import BLOCK, LARGE, Clock, digest, key, on_disk

from affected.cache.bundles import MANY, MOST
from affected.cache.disk import DiskStore


def records(first, number=MANY):
    return {key(n): b"record %d" % n for n in range(first, first + number)}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "ledger"]


def test_many_at_once_are_one_file_and_all_come_back(folder):
    """Records and blobs, in another process too; what is not there is a miss."""
    some, blobs = records(0), {digest(b"%d" % n): b"%d" % n for n in range(5)}
    DiskStore(folder, LARGE).keep(some, blobs)
    assert len(files(folder)) == 1
    store = DiskStore(folder, LARGE)
    assert store.get([*some, key("none")]) == some
    assert store.get_blobs([*blobs, digest(b"none")]) == blobs
    status = store.status()
    assert (status.records, status.blobs, status.bytes) == (len(some), 5, on_disk(folder))


def test_the_last_one_kept_counts_wherever_it_lies(folder):
    """A file of its own before a bundle, a newer bundle before an older one."""
    clock = Clock(10**18)
    store = DiskStore(folder, LARGE, clock)
    store.keep(records(0), {})
    clock.now += 10**9
    newer = dict.fromkeys(records(0), b"newer")
    store.keep(newer, {})
    assert store.get(list(newer)) == newer
    store.put(key(3), b"newest", {})
    assert store.get([key(3), key(4)]) == {key(3): b"newest", key(4): b"newer"}
    assert store.status().records == MANY


def test_the_bundle_used_longest_ago_goes_first_and_whole(folder):
    """The limit holds, and the generation says that something went."""
    clock = Clock(10**18)
    store = DiskStore(folder, 10 * BLOCK, clock)
    for first in (0, 1000):
        clock.now += 10**9
        store.keep(records(first), {})  # two blocks each
    clock.now += 10**9
    store.get([key(0)])
    before = store.generation()
    store.put(key("large"), bytes(7 * BLOCK - 100), {})
    assert on_disk(folder) <= 10 * BLOCK
    assert store.get(list(records(1000))) == {}
    assert store.get(list(records(0))) == records(0)
    assert store.generation() != before
    store.clear()
    assert (store.get([key(0)]), files(folder)) == ({}, [])


def test_there_are_only_so_many_bundles(folder):
    """Each would be looked into for whatever is missing; after that, files are made again."""
    store = DiskStore(folder, LARGE)
    for number in range(MOST + 1):
        store.keep(records(number * 1000), {})
    assert len(files(folder)) == MOST + MANY
    for number in range(MOST + 1):
        assert store.get(list(records(number * 1000))) == records(number * 1000)


def test_whatever_is_damaged_in_a_bundle_is_a_miss_and_never_wrong(folder):
    """A byte changed anywhere, or the end cut off."""
    some = records(0)
    DiskStore(folder, LARGE).keep(some, {})
    (bundle,) = files(folder)
    sound = bundle.read_bytes()
    rng = random.Random(5)
    for at in [*range(30), *(rng.randrange(len(sound)) for _ in range(60))]:
        bundle.write_bytes(sound[:at] + bytes([sound[at] ^ 0x20]) + sound[at + 1 :])
        assert DiskStore(folder, LARGE).get(list(some)).items() <= some.items()
        bundle.write_bytes(sound[:at])
        assert DiskStore(folder, LARGE).get(list(some)).items() <= some.items()
    bundle.write_bytes(sound)
    assert DiskStore(folder, LARGE).get(list(some)) == some
