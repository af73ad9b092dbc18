"""The shared cache's client against a server that is good, absent, hanging, slow, full or lying."""

from __future__ import annotations

import hashlib
import socket
import threading
import time

import pytest
from support.fake_cache import FakeCache

from affected.cache.disk import DiskStore
from affected.cache.patience import Patience
from affected.cache.plain_calls import Line
from affected.cache.remote import Connection
from affected.cache.shared import SharedStore
from affected.cache.tiered import TieredStore
from affected.config.remote import CachePolicy, Mode, parse_address

SIZE = 12_000
BIG = bytes(range(256)) * SIZE  # 3 MB: a stream of its own
LIMIT = 64_000_000
TOKEN = f"a-secret-{SIZE}"
SECONDS = 0.7  # patience of most tests: each bad cache takes all of it


def key(name):
    return hashlib.sha256(str(name).encode()).hexdigest()


def digest(blob):
    return hashlib.sha256(blob).hexdigest()


def blobs_of(record):
    """Our records here are words; those of 64 letters name blobs."""
    return [word for word in record.decode().split() if len(word) == 64]


def combine(ours, theirs):
    return b" ".join(sorted({*ours.split(), *theirs.split()}))


def naming(*blobs, word="record"):
    """A record that names blobs, and the blobs by digest."""
    named = {digest(blob): blob for blob in blobs}
    return " ".join(sorted([word, *named])).encode(), named


@pytest.fixture(scope="module")
def fake():
    server = FakeCache()
    yield server
    server.close()


class Machine:
    """A machine with a disk of its own and the shared cache."""

    def __init__(self, folder, address, policy=None, token="", seconds=SECONDS):
        where = parse_address(address)
        policy = policy or CachePolicy()
        self.disk = DiskStore(folder, LIMIT)
        self.shared = SharedStore(
            address,
            where.instance,
            lambda: Connection(where, token=token),
            reads=policy.remote.reads,
            writes=policy.remote.writes,
            patience=Patience(seconds),
        )
        self.store = TieredStore(self.disk, policy, self.shared, combine, blobs_of)

    def share(self, **records):
        """Put records without blobs, and see them off."""
        for name, record in records.items():
            self.store.put(key(name), record, {})
        self.store.close()


@pytest.fixture
def machine(tmp_path, fake):
    """Makes machines; each is closed in the end."""
    made = []

    def make(address=None, **options):
        made.append(Machine(tmp_path / f"disk-{len(made)}", address or fake.address, **options))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


KINDS = pytest.mark.parametrize("batched", [True, False], ids=["batched", "plain"])


@KINDS
@pytest.mark.parametrize("zstd", [True, False], ids=["zstd", "identity"])
def test_what_one_machine_put_another_one_gets(fake, machine, batched, zstd):
    """Records and blobs, small, large and empty, through either interface, without a violation."""
    fake.reset(batched=batched, zstd=zstd)
    contents = [b"", b"small", b"two" * 100_000, BIG]
    record, blobs = naming(*contents)
    long = b"long " * 30_000  # kept as a blob of its own
    one = machine()
    one.store.put(key("a"), record, blobs)
    one.store.put(key("b"), long, {})
    one.store.close()
    assert fake.tell()["violations"] == []
    two = machine()
    assert two.store.get([key("a"), key("b"), key("c")]) == {key("a"): record, key("b"): long}
    assert two.store.get_blobs([*blobs, digest(b"none")]) == blobs
    assert (one.shared.notice, two.shared.notice) == ("", "")
    assert fake.tell()["violations"] == []
    two.store.close()  # by now it is on the second machine's disk, too
    assert two.disk.get([key("a"), key("b")]) == {key("a"): record, key("b"): long}
    assert two.disk.get_blobs(list(blobs)) == blobs
    assert (fake.tell()["calls"].get("compressed", 0) > 0) == zstd


def test_hundreds_of_records_are_one_call(fake, machine):
    """With our own server everything comes in one look-up, blobs that records name included."""
    fake.reset()
    record, blobs = naming(*(b"table %d" % number for number in range(20)))
    one = machine(seconds=10.0)
    for number in range(300):
        one.store.put(key(number), record, {} if number else blobs)
    one.store.close()
    fake.reset(empty=False)
    two = machine(seconds=10.0)
    assert len(two.store.get([key(number) for number in range(300)])) == 300
    assert two.store.get_blobs(list(blobs)) == blobs
    assert fake.tell()["calls"] == {"LookUp": 1}


@KINDS
def test_two_machines_that_write_one_record_lose_nothing(fake, machine, batched):
    """What is there by the time of writing is combined with ours, blobs of either side included."""
    fake.reset(batched=batched)
    one, two = machine(), machine()
    for here, word in ((one, "first"), (two, "second")):
        record, blobs = naming(word.encode(), word=word)
        here.store.put(key("a"), record, blobs)
        here.store.close()
    three = machine()
    expected = combine(naming(b"first", word="first")[0], naming(b"second", word="second")[0])
    assert three.store.get([key("a")]) == {key("a"): expected}
    both = [digest(b"first"), digest(b"second")]
    assert three.store.get_blobs(both) == dict(zip(both, [b"first", b"second"], strict=True))
    assert fake.tell()["violations"] == []


def test_a_record_that_did_not_prove_enough_is_asked_for_elsewhere(fake, machine):
    """`refresh` joins what the shared cache has with what is here; each key is asked for once."""
    fake.reset()
    machine().share(a=b"theirs", b=b"same")
    two = machine(policy=CachePolicy(remote=Mode.READ))
    two.disk.put(key("a"), b"ours", {})
    two.disk.put(key("b"), b"same", {})
    assert two.store.get([key("a"), key("b")]) == {key("a"): b"ours", key("b"): b"same"}
    assert two.store.refresh([key("a"), key("b"), key("c")]) == {key("a")}
    assert two.store.get([key("a")]) == {key("a"): b"ours theirs"}
    fake.reset(empty=False)
    assert two.store.refresh([key("a"), key("c")]) == set()
    assert two.store.get([key("c")]) == {}
    assert fake.tell()["calls"] == {}


@pytest.mark.parametrize(("local", "remote"), [(a, b) for a in Mode for b in Mode], ids=str)
def test_each_cache_is_read_and_written_as_the_run_was_told(fake, machine, local, remote):
    """Every pair of modes: what is found, and where a new record goes."""
    fake.reset()
    machine().share(there=b"there")
    here = machine(policy=CachePolicy(local, remote))
    here.disk.put(key("here"), b"here", {})
    found = here.store.get([key("here"), key("there")])
    assert (key("here") in found) == local.reads
    assert (key("there") in found) == remote.reads
    here.store.put(key("new"), b"new", {})
    assert (
        here.store.get([key("new")]) == {key("new"): b"new"}
        or not (local.reads or local.writes or remote.reads)
        or local is Mode.READ
    )
    here.store.close()
    assert (key("there") in here.disk.get([key("there")])) == (remote.reads and local.writes)
    assert (key("new") in here.disk.get([key("new")])) == local.writes
    assert fake.tell()["records"] == 1 + remote.writes


FALSE = ["wrong-bytes", "wrong-size", "wrong-record", "empty-result", "malformed", "huge",
         "absurd-digest", "unasked", "broken", "hang", "slow", "no-token"]  # fmt: skip


@KINDS
@pytest.mark.parametrize("way", FALSE)
def test_a_bad_cache_costs_our_patience_and_one_line(fake, machine, way, batched):
    """Nothing false is ever handed on; what is on the disk is still found; the rest is a miss."""
    fake.reset(batched=batched)
    one = machine()
    good, sent = {}, {}
    for number in range(8):
        record, blobs = naming(b"blob %d" % number, word=f"record-{number}")
        one.store.put(key(number), record, blobs)
        good[key(number)] = record
        sent |= blobs
    one.store.close()
    fake.reset(way, empty=False)
    two = machine(token=TOKEN)
    two.disk.put(key("mine"), b"mine", {})
    began = time.monotonic()
    found = two.store.get([*good, key("mine")])
    came = two.store.get_blobs(list(sent))
    two.store.put(key("new"), b"new", {})
    two.store.close()
    assert time.monotonic() - began < SECONDS + 1.5  # on a busy machine
    assert found.pop(key("mine")) == b"mine"
    assert found.items() <= good.items()
    assert came.items() <= sent.items()
    false_records = way in {"wrong-record", "empty-result", "malformed", "absurd-digest"}
    assert not (false_records and found)
    assert not (way.startswith("wrong-") and came)
    if way != "unasked" or not batched:
        assert two.shared.notice.startswith(f"the shared cache {fake.address} ")
        assert "\n" not in two.shared.notice
        assert "secret" not in two.shared.notice


@pytest.mark.parametrize("kind", ["refusing", "silent", "no such name"])
def test_a_dead_cache_costs_our_patience_and_one_line(machine, kind):
    """Nobody listens, somebody listens and never speaks, or the name is nobody's."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        if kind == "refusing":
            listening.close()
        host = "nobody.invalid" if kind == "no such name" else "127.0.0.1"
        here = machine(f"grpc://{host}:{port}")
        here.disk.put(key("mine"), b"mine", {})
        began = time.monotonic()
        assert here.store.get([key("a"), key("mine")]) == {key("mine"): b"mine"}
        here.store.put(key("b"), b"b", {})
        here.store.close()
        assert time.monotonic() - began < SECONDS + 1.5
    assert here.shared.notice.startswith("the shared cache grpc://")
    assert here.disk.get([key("b")]) == {key("b"): b"b"}


@KINDS
def test_a_full_cache_is_still_read(fake, machine, batched):
    """Results of this run are not shared, and it says so; what is there is found."""
    fake.reset(batched=batched)
    machine().share(a=b"a")
    fake.reset("full", empty=False)
    two = machine()
    two.share(b=b"b")
    assert "is full" in two.shared.notice
    assert two.shared.reads
    assert fake.tell()["records"] == 1


@KINDS
def test_a_cache_that_may_only_be_read_is_not_complained_of(fake, machine, batched):
    """The first refusal ends the writing, without a word in the run; `doctor` knows."""
    fake.reset("read-only", batched=batched)
    here = machine()
    here.share(a=b"a")
    assert (here.shared.notice, here.shared.refused, here.shared.reads) == ("", True, True)
    health = here.shared.look() if not batched else machine().shared.look()
    assert health.trouble == "" or not batched


def test_a_cache_that_hangs_while_it_is_written_to_ends_with_the_run(fake, machine):
    """The run waits for its uploads while patience lasts, and says that some are not shared."""
    fake.reset("hang-writes")
    here = machine()
    began = time.monotonic()
    here.share(a=b"a")
    assert time.monotonic() - began < SECONDS + 1.5
    assert "some are not shared" in here.shared.notice


def test_an_upload_disturbs_nobody(fake, machine):
    """Putting takes no time, whatever the cache does."""
    fake.reset("hang")
    here = machine()
    began = time.monotonic()
    for number in range(200):
        here.store.put(key(number), b"record", {})
    assert time.monotonic() - began < 1
    here.shared.patience.spend(10)


@KINDS
def test_a_lost_connection_is_tried_again(fake, machine, batched):
    """Once, for reading as for writing: a server that was restarted is found."""
    fake.reset(batched=batched)
    machine().share(a=b"a")
    fake.reset("cut-once", empty=False, cut=False)
    two = machine()
    assert two.store.get([key("a")]) == {key("a"): b"a"}
    fake.reset("cut-once", empty=False, cut=False)
    two.share(b=b"b")
    assert (two.shared.notice, fake.tell()["records"]) == ("", 2)


def test_what_came_before_patience_ended_is_of_use(fake, machine):
    """A cache that drips is cut off; records that arrived by then count."""
    fake.reset()
    machine().share(**{f"k{number}": b"record" for number in range(40)})
    fake.reset("drip", empty=False)
    two = machine()
    began = time.monotonic()
    found = two.store.get([key(f"k{number}") for number in range(40)])
    assert time.monotonic() - began < SECONDS + 2.5
    assert 1 < len(found) < 40
    assert "in time" in two.shared.notice


def test_a_server_that_takes_few_calls_at_once_is_asked_more_slowly(fake, machine):
    """Calls that it refuses for the crowd are made again, fewer at once; everything is found."""
    fake.reset(batched=False)
    machine(seconds=10.0).share(**{f"k{number}": b"record" for number in range(100)})
    fake.reset("crowded", empty=False)
    two = machine(seconds=10.0)
    assert len(two.store.get([key(f"k{number}") for number in range(100)])) == 100
    two.share(b=b"b")
    assert (two.shared.notice, fake.tell()["records"]) == ("", 101)


def test_the_token_goes_with_every_call(fake, machine):
    """As a bearer token; nothing of it is told when the server repeats it."""
    fake.reset()
    here = machine(token=TOKEN)
    here.share(a=b"a")
    assert fake.tell()["tokens"] == [f"Bearer {TOKEN}"]


def test_threads_end_with_the_store(fake, machine):
    """Nothing of ours goes on once the store is closed."""
    fake.reset()
    here = machine()
    here.share(a=b"a")
    here.store.get([key("x")])
    here.store.close()
    deadline = time.monotonic() + 5
    while any(t.name.startswith("affected-") for t in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_connection_is_a_line():
    """What the calls are made over has what they ask of it."""
    line: Line = Connection(parse_address("grpc://127.0.0.1:1"))
    line.close()
