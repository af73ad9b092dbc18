"""Several processes on one port and one folder: what one keeps the others serve at once."""

import contextlib
import hashlib
import os
import random
import re
import threading
import urllib.request
from pathlib import Path

import grpc
import pytest

from affected.reapi.remote_execution_pb2 import ActionResult
from cache_server.keys import BlobKey
from cache_server.metrics import merged
from cache_server.storage import catalogue
from cache_server.storage.disk import DiskStorage
from cache_server.storage.protocol import NoRoom

LIMIT = 64 * 4096
TWO = 2


def key_of(content):
    return BlobKey(hashlib.sha256(content).hexdigest(), len(content))


def put(storage, content):
    (error,) = storage.keep_all([(key_of(content), content)])
    if error is not None:
        raise error
    return key_of(content)


@pytest.fixture
def seats(tmp_path):
    """Two storages on one folder, as two processes would have them."""
    folder = tmp_path / "s"
    lock = DiskStorage(folder, LIMIT, lambda *_: None).hand_over()
    storages = [DiskStorage(folder, LIMIT, lambda *_: None, (n, TWO)) for n in range(TWO)]
    yield storages
    for storage in storages:
        storage.close()
    lock.close()


def test_each_sees_at_once_what_another_kept_and_let_go(seats):
    """Blobs small and large, results, and their absence."""
    one, other = seats
    small, large = put(one, b"small"), put(one, bytes(200_000))
    one.save("1" * 64, b"result")
    assert other.present([small, large]) == [True, True]
    assert other.fetch_all([small, large]) == [b"small", bytes(200_000)]
    assert other.load("1" * 64) == b"result"
    other.save("1" * 64, b"another")
    assert one.load("1" * 64) == b"another"
    put(other, b"x" * LIMIT)
    assert one.present([small, large]) == [False, False]
    assert one.load("1" * 64) is None
    assert one.usage() == other.usage()


def test_the_limit_is_that_of_all_together(seats):
    """What another has set aside counts too."""
    one, other = seats
    upload = one.create(key_of(bytes(LIMIT)))
    upload.append(bytes(LIMIT // 2))
    second = other.create(key_of(b"\1" * LIMIT))
    second.append(b"\1" * (LIMIT // 2))
    with pytest.raises(NoRoom):
        second.append(b"\1")
    assert one.usage().used == other.usage().used == LIMIT
    upload.discard()
    second.append(b"\1")
    second.discard()
    assert one.usage().used == 0


@pytest.mark.parametrize("seed", range(3))
def test_random_work_of_two_agrees_with_a_dictionary(seats, seed, monkeypatch):
    """Whatever is read is what was last kept, or gone; both say the same; the limit holds."""
    monkeypatch.setattr(catalogue, "LONGEST", 2000)  # so that the index is written anew often
    rng = random.Random(seed)
    results, contents = {}, {}
    for step in range(600):
        storage = rng.choice(seats)
        name = f"{rng.randrange(12):064x}"
        match rng.randrange(5):
            case 0:
                results[name] = b"r%d" % step * rng.randrange(1, 900)
                storage.save(name, results[name])
            case 1:
                content = bytes([rng.randrange(20)]) * rng.choice([10, 5000, 140_000])
                contents[put(storage, content)] = content
            case 2:
                assert storage.load(name) in {results.get(name), None}
            case 3 if contents:
                blobs = rng.sample(sorted(contents), min(3, len(contents)))
                here = [one.present(blobs) for one in seats]
                assert here[0] == here[1]
                expected = [contents[b] if h else None for b, h in zip(blobs, here[0], strict=True)]
                assert storage.fetch_all(blobs) == expected
            case _:
                assert seats[0].usage() == seats[1].usage()
                assert storage.usage().used <= LIMIT
    assert results
    assert contents


def test_many_threads_of_two_never_read_anything_wrong(seats):
    """Eviction, reads and writes at the same time."""
    wrong = []

    def work(seed):
        rng = random.Random(seed)
        storage = seats[seed % TWO]
        for _ in range(60):
            content = bytes([rng.randrange(30)]) * rng.choice([100, 9_000, 20_000])
            blob = put(storage, content)
            other = bytes([rng.randrange(30)]) * len(content)
            for asked, expected in ((blob, content), (key_of(other), other)):
                if seats[rng.randrange(TWO)].fetch(asked) not in {expected, None}:
                    wrong.append(asked)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert seats[0].usage().used <= LIMIT


def test_a_seat_that_is_taken_again_finds_all(seats, tmp_path):
    """A process that was killed in the middle of a record harms nobody."""
    one, other = seats
    blob = put(one, b"kept")
    with (tmp_path / "s" / "index").open("ab") as index:
        index.write(b"half a record")
    later = put(other, b"later")
    again = DiskStorage(tmp_path / "s", LIMIT, lambda *_: None, (0, TWO))
    assert again.fetch_all([blob, later]) == [b"kept", b"later"]
    last = put(again, b"last")
    assert other.fetch(last) == b"last"
    again.close()


def test_counts_of_processes_are_added_and_gauges_are_not():
    """Samples that only one has stand with their family."""
    first = '# HELP a_total x\n# TYPE a_total counter\na_total{m="1"} 2.0\n# TYPE g gauge\ng 5.0\n'
    second = '# HELP a_total x\n# TYPE a_total counter\na_total{m="2"} 3.0\na_total{m="1"} 1.0\n# TYPE g gauge\ng 4.0\n'
    lines = merged([first, second, ""]).splitlines()
    assert lines == [
        "# HELP a_total x", "# TYPE a_total counter", 'a_total{m="1"} 3.0', 'a_total{m="2"} 3.0',
        "# TYPE g gauge", "g 5.0",
    ]  # fmt: skip


def members(server):
    """The processes that serve, by their parent."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        parent = int(text.rpartition(")")[2].split()[1])
        if parent == server.process.pid and b"spawn_main" in stat.with_name("cmdline").read_bytes():
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
def test_processes_on_one_port_serve_one_cache_and_survive_the_loss_of_one(child, eventually):
    """Many connections, one of the processes killed, all metrics added, a quiet end."""
    server = child("--processes", "2", "--metrics", "127.0.0.1:0")
    assert server.first["processes"] == 2
    content = os.urandom(3000)
    first = child.client(server)
    (digest,) = first.put(content)
    first.update(digest, ActionResult(exit_code=6))
    clients = [child.client(server, tool=(f"t{n}", "")) for n in range(12)]
    for client in clients:
        assert client.missing([digest]) == []
        assert client.get(digest).exit_code == 6
    address = f"http://127.0.0.1:{server.first['metrics_port']}/metrics"
    with urllib.request.urlopen(address, timeout=10) as answer:
        text = answer.read().decode()
    hits = re.findall(r'lookups_total\{.*outcome="hit"\} ([0-9.]+)', text)
    assert sum(map(float, hits)) == 12
    assert "affected_cache_entries 2.0" in text
    victim = members(server)[0]
    os.kill(victim, 9)
    eventually(lambda: len(members(server)) == 2 and victim not in members(server), 30)

    def answers(client):
        with contextlib.suppress(grpc.RpcError):  # its connection was to the lost one
            return client.get(digest).exit_code == 6
        return False

    for client in clients:
        eventually(lambda client=client: answers(client), 20)
    code, log = server.terminate()
    assert code == 0
    assert [line["event"] for line in log] == [
        "process ended", "process started", "draining", "stopped",
    ]  # fmt: skip


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
def test_processes_end_when_the_one_that_started_them_is_killed(child, eventually):
    """No orphan holds the port or the folder."""
    server = child("--processes", "2")
    left = members(server)
    server.kill()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), 20)
    again = child("--processes", "1")
    assert again.first["event"] == "serving"
