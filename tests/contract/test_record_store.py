"""What every place that keeps records must do, whatever it is made of.

A new implementation joins by one line in STORES: a function from an empty folder to a store that
starts empty and has room for some megabytes.
"""

import hashlib

import pytest

from affected.cache.disk import DiskStore
from affected.cache.tiered import TieredStore
from affected.config.remote import CachePolicy

STORES = {
    "disk": lambda folder: DiskStore(folder / "store", max_bytes=64_000_000),
    "tiered": lambda folder: TieredStore(
        DiskStore(folder / "store", max_bytes=64_000_000), CachePolicy()
    ),
}


def key(name):
    return hashlib.sha256(name.encode()).hexdigest()


def digest(blob):
    return hashlib.sha256(blob).hexdigest()


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path):
    store = STORES[request.param](tmp_path)
    yield store
    store.close()


def test_an_empty_store_has_nothing(store):
    """Asking is no error, for nothing neither."""
    assert store.get([key("a"), key("b")]) == {}
    assert store.get([]) == {}
    assert store.get_blobs([digest(b"x")]) == {}
    assert store.get_blobs([]) == {}


@pytest.mark.parametrize("record", [b"", b"\0", b"record", bytes(range(256)) * 4096])
def test_a_record_comes_back_as_it_was_put(store, record):
    """Empty, binary or a megabyte."""
    store.put(key("a"), record, {})
    assert store.get([key("a")]) == {key("a"): record}


def test_only_what_is_there_comes_back(store):
    """Some known, some not, one asked for twice."""
    for name in "abc":
        store.put(key(name), name.encode(), {})
    asked = [key("c"), key("x"), key("a"), key("c")]
    assert store.get(asked) == {key("a"): b"a", key("c"): b"c"}


def test_the_last_put_counts(store):
    """Longer or shorter than the one before."""
    for record in (b"first", b"second, longer", b"3"):
        store.put(key("a"), record, {})
        assert store.get([key("a")]) == {key("a"): record}


def test_blobs_come_back_by_their_digest(store):
    """With one record or another; the same blob twice is one."""
    blobs = {digest(blob): blob for blob in (b"", b"one", b"two" * 100_000)}
    store.put(key("a"), b"a", blobs)
    store.put(key("b"), b"b", {digest(b"one"): b"one", digest(b"three"): b"three"})
    assert store.get_blobs([*blobs, digest(b"none")]) == blobs
    assert store.get_blobs([digest(b"three")]) == {digest(b"three"): b"three"}


def test_records_and_blobs_do_not_mix(store):
    """A record is no blob, even under a key that is its digest."""
    store.put(digest(b"record"), b"record", {})
    assert store.get_blobs([digest(b"record")]) == {}


def test_a_blob_under_a_wrong_digest_never_comes_back(store):
    """The digest is checked before anybody relies on it."""
    store.put(key("a"), b"a", {digest(b"right"): b"wrong"})
    assert store.get_blobs([digest(b"right")]) == {}
    store.put(key("a"), b"a", {digest(b"right"): b"right"})
    assert store.get_blobs([digest(b"right")]) == {digest(b"right"): b"right"}


@pytest.mark.parametrize("odd", ["", "ab", "../../etc/passwd", "a/b", "a\0b", "é" * 64, "a" * 300])
def test_keys_that_could_name_other_files_are_refused(store, odd):
    """For reading as for writing, before anything is touched."""
    with pytest.raises(ValueError, match="key"):
        store.get([odd])
    with pytest.raises(ValueError, match="key"):
        store.put(odd, b"", {})
    for name in (odd, key("a")[:-1], key("a").upper()):
        with pytest.raises(ValueError, match="SHA-256"):
            store.get_blobs([name])
        with pytest.raises(ValueError, match="SHA-256"):
            store.put(key("a"), b"", {name: b""})
    assert store.get([key("a")]) == {}


def test_many_records_at_once(store):
    """More than any limit on one statement, one packet or one folder's first level."""
    records = {key(f"{i}"): b"%d" % i for i in range(400)}
    for name, record in records.items():
        store.put(name, record, {})
    assert store.get(list(records)) == records


def test_closing_twice_is_harmless(store):
    """Nothing that was put is lost by it."""
    store.put(key("a"), b"a", {})
    store.close()
    store.close()
