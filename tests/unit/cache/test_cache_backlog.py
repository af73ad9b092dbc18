"""What a shared cache could not be given is given to it by a later run, once and in bounds."""

from __future__ import annotations

import hashlib
import os
import socket

import pytest
from support.fake_cache import FakeCache

from affected.cache import uploads
from affected.cache.backlog import FORGOTTEN, MOST_FILES, OLDEST, WAIT, Backlog
from affected.cache.disk import DiskStore
from affected.cache.patience import Patience
from affected.cache.remote import Connection
from affected.cache.shared import SharedStore
from affected.cache.tiered import TieredStore
from affected.config.remote import CachePolicy, parse_address


def key(name):
    return hashlib.sha256(str(name).encode()).hexdigest()


def blobs_of(record):
    return [word for word in record.decode().split() if len(word) == 64]


@pytest.fixture(scope="module")
def fake():
    server = FakeCache()
    yield server
    server.close()


@pytest.fixture
def run(tmp_path):
    """Runs on one machine, one after another: what is put, what is left, what was said."""

    def once(address, **records):
        where = parse_address(address)
        shared = SharedStore(
            address, where.instance, lambda: Connection(where), patience=Patience(0.7)
        )
        backlog = Backlog(tmp_path / "unsent" / "cache")
        store = TieredStore(
            DiskStore(tmp_path / "disk", 1 << 26), CachePolicy(), shared, max, blobs_of, backlog
        )
        store.catch_up()
        store.get([key(name) for name in records])
        for name, (record, blobs) in records.items():
            store.put(key(name), record, blobs)
        store.close()
        return shared.notice

    return once


@pytest.fixture
def dead():
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"grpc://127.0.0.1:{listening.getsockname()[1]}"


def test_what_a_dead_cache_did_not_get_the_next_run_sends(fake, run, dead, tmp_path):
    """Records with their blobs, once; when nothing waits any more there is nothing to look at."""
    fake.reset()
    blob = b"a blob" * 1000
    name = hashlib.sha256(blob).hexdigest()
    assert "cannot be reached" in run(dead, a=(name.encode(), {name: blob}), b=(b"b", {}))
    assert "cannot be reached" in run(dead, c=(b"c", {}))  # which could not send a and b either
    assert run(fake.address) == ""
    told = fake.tell()
    assert (told["records"], told["violations"]) == (3, [])
    assert not (tmp_path / "unsent").exists()
    fake.reset(empty=False)
    assert run(fake.address) == ""
    assert fake.tell()["calls"] == {}


def test_a_cache_that_cost_a_run_its_patience_is_let_alone_for_a_while(fake, run, tmp_path):
    """A minute; then it is asked again. What may not be written is not kept for later."""
    fake.reset("hang-writes")
    assert "did not take every result" in run(fake.address, a=(b"a", {}))
    fake.reset()
    assert run(fake.address) == ""
    assert fake.tell()["calls"] == {}
    folder = tmp_path / "unsent" / "cache"
    (file,) = folder.iterdir()
    os.utime(file, (file.stat().st_mtime - WAIT,) * 2)
    assert run(fake.address) == ""
    assert fake.tell()["records"] == 1
    fake.reset("read-only")
    assert run(fake.address, b=(b"b", {})) == ""
    assert not folder.exists()


def test_what_went_from_the_disk_is_not_sent_and_one_run_sends_only_so_much(
    fake, run, dead, tmp_path, monkeypatch
):
    """The rest is for the run after it."""
    monkeypatch.setattr(uploads, "OLD_RECORDS", 3)
    fake.reset()
    run(dead, **{f"r{number}": (b"%d" % number, {}) for number in range(5)})
    os.unlink(tmp_path / "disk" / "ac" / key("r1")[:2] / key("r1"))  # noqa: PTH108
    run(fake.address)
    assert fake.tell()["records"] == 2
    run(fake.address)
    assert fake.tell()["records"] == 4
    assert not (tmp_path / "unsent").exists()


class Clock:
    """Stands still."""

    def __init__(self):
        self.now = 1e9

    def __call__(self):
        return self.now


def test_of_runs_at_once_each_key_is_taken_by_one(tmp_path):
    """What a run that was killed had taken is free again after an hour."""
    clock = Clock()
    one, two, three = (Backlog(tmp_path / "a", clock) for _ in range(3))
    one.leave(["aaa", "bbb"])
    assert two.take() == ["aaa", "bbb"]
    one.leave(["ccc"])
    assert (three.take(), one.take(), one.waits()) == (["ccc"], [], False)
    three.leave(["ccc"])
    clock.now += FORGOTTEN + 1
    assert sorted(one.take()) == ["aaa", "bbb", "ccc"]
    two.leave([])  # it was not dead, only slow
    one.leave([])
    assert not (tmp_path / "a").exists()


def test_what_waits_is_bounded_in_number_and_time_and_damage_does_no_harm(tmp_path):
    """The oldest files go; bytes that are no key are passed over."""
    clock = Clock()
    backlog = Backlog(tmp_path / "a", clock)
    for number in range(MOST_FILES + 3):
        clock.now += 1
        backlog.leave([f"key-{number}"])
    assert len(list((tmp_path / "a").iterdir())) == MOST_FILES
    (tmp_path / "a" / "keys-0").write_bytes(b"../../etc\nfine\n\xff")
    (tmp_path / "a" / "keys-1").write_bytes(b"fine ../no\n")
    os.utime(tmp_path / "a" / "keys-0", (clock.now,) * 2)
    os.utime(tmp_path / "a" / "keys-1", (clock.now,) * 2)
    assert set(backlog.take()) == {"fine", *(f"key-{n}" for n in range(3, MOST_FILES + 3))}
    backlog.leave(["late"])
    clock.now += OLDEST + 1
    backlog.leave([])
    assert not (tmp_path / "a").exists()


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    """And says nothing: the results are on this machine all the same."""
    (tmp_path / "file").write_text("in the way")
    backlog = Backlog(tmp_path / "file" / "a")
    backlog.leave(["aaa"])
    assert (backlog.take(), backlog.waits()) == ([], False)
