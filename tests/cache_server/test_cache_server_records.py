"""affected.v1: thousands of results a call, over the entries that the plain interface serves."""

import hashlib
import os

import pytest
from support.stored import damage

from affected.reapi.affected_v1_pb2 import Blob, LookUpRequest, Record, UpdateRequest
from affected.reapi.remote_execution_pb2 import ActionResult, Digest

MIB = 1 << 20


def key(material):
    return Digest(hash=hashlib.sha256(material).hexdigest(), size_bytes=len(material))


@pytest.fixture
def seed():
    """Makes keys and contents that no other test has."""
    return os.urandom(8).hex()


def record(name, payload, *tables):
    result = ActionResult(stdout_raw=payload)
    for table in tables:
        digest = key(table)
        result.output_files.add(path=f"tables/{digest.hash}", digest=digest)
    return Record(key=key(name.encode()), result=result)


def blob(content):
    return Blob(digest=key(content), data=content)


def answered(replies):
    """All parts of a look-up's replies together: found by hash, missing hashes, blobs by hash."""
    found = {part.key.hash: part.result for reply in replies for part in reply.found}
    missing = [part.hash for reply in replies for part in reply.missing]
    blobs = {part.digest.hash: part.data for reply in replies for part in reply.blobs}
    return found, missing, blobs


def codes(reply):
    return [part.status.code for part in reply.records]


def test_what_was_updated_in_one_call_is_looked_up_in_one_call(client, seed):
    """Thousands of keys, each answered once; a table that many name comes once."""
    table = (seed * 100).encode()
    many = [record(f"{seed}/{number}", b"payload %d" % number, table) for number in range(2500)]
    (reply,) = client.update_records(UpdateRequest(blobs=[blob(table)], records=many))
    assert codes(reply) == [0] * 2500
    assert not reply.blobs
    asked = [one.key for one in many] + [key(f"{seed}/never".encode())]
    replies = client.look_up(LookUpRequest(keys=asked, blob_bytes=MIB))
    assert sum(len(part.blobs) for part in replies) == 1
    assert sum(len(part.found) for part in replies) == 2500
    found, missing, blobs = answered(replies)
    assert found == {one.key.hash: one.result for one in many}
    assert missing == [asked[-1].hash]
    assert blobs == {key(table).hash: table}


def test_the_plain_interface_has_the_same_entries(client, seed):
    """A record of either way in is read the other way."""
    ours, theirs = record(f"{seed}/1", b"one"), record(f"{seed}/2", b"two")
    client.update_records(UpdateRequest(records=[ours], instance_name="both"))
    client.update(theirs.key, theirs.result, instance_name="both")
    assert client.get(ours.key, instance_name="both") == ours.result
    found, missing, _ = answered(
        client.look_up(LookUpRequest(keys=[theirs.key, ours.key], instance_name="/both/"))
    )
    assert found[theirs.key.hash] == theirs.result
    assert not missing
    _, missing, _ = answered(client.look_up(LookUpRequest(keys=[ours.key], instance_name="else")))
    assert missing == [ours.key.hash]


def test_a_large_payload_becomes_a_blob_and_comes_inline_only_up_to_the_bound(client, seed):
    """Over 64 KiB; the digest stays beside the bytes."""
    payload = os.urandom(70_000)
    small = os.urandom(65_536)
    one, other = record(f"{seed}/1", payload), record(f"{seed}/2", small)
    (reply,) = client.update_records(UpdateRequest(records=[one, other]))
    assert codes(reply) == [0, 0]
    assert client.get(one.key) == ActionResult(stdout_digest=key(payload))
    assert client.get(other.key) == ActionResult(stdout_raw=small)
    assert client.read(client.name_of(payload)) == payload
    for most, raw in [(0, b""), (69_999, b""), (200_000, payload)]:
        found, _, _ = answered(client.look_up(LookUpRequest(keys=[one.key], payload_bytes=most)))
        result = found[one.key.hash]
        assert (result.stdout_digest, result.stdout_raw) == (key(payload), raw)


def test_messages_stay_below_what_every_client_takes(client, seed, write_messages):
    """Whatever bounds it names: 4 MiB; a blob over 3 MiB is for streams."""
    tables = [os.urandom(size * MIB) for size in (3, 2, 2)] + [os.urandom(3 * MIB + 1)]
    client.write(write_messages(client.upload_name(tables[3]), tables[3], MIB))
    many = [record(f"{seed}/{number}", bytes(60_000), *tables) for number in range(40)]
    for table in tables[:3]:
        client.update_records(UpdateRequest(blobs=[blob(table)]))
    client.update_records(UpdateRequest(records=many))
    replies = client.look_up(
        LookUpRequest(keys=[one.key for one in many], payload_bytes=1 << 40, blob_bytes=1 << 40)
    )
    assert max(reply.ByteSize() for reply in replies) < 4 * MIB
    found, _, blobs = answered(replies)
    assert len(found) == 40
    assert blobs == {key(table).hash: table for table in tables[:3]}


def test_a_blob_comes_no_later_than_the_first_record_that_names_it(client, seed):
    """So a client can decode as it reads."""
    tables = [os.urandom(700_000) for _ in range(4)]
    client.update_records(UpdateRequest(blobs=[blob(table) for table in tables]))
    many = [record(f"{seed}/{n}", b"p" * 30_000, tables[n % 4]) for n in range(40)]
    client.update_records(UpdateRequest(records=many))
    seen = set()
    for reply in client.look_up(LookUpRequest(keys=[r.key for r in many], blob_bytes=MIB)):
        seen |= {part.digest.hash for part in reply.blobs}
        for part in reply.found:
            assert {file.digest.hash for file in part.result.output_files} <= seen


def test_a_record_whose_table_is_not_here_is_refused_alone(client, seed):
    """The others of the request are kept."""
    absent = os.urandom(30)
    good, bad = record(f"{seed}/1", b"one"), record(f"{seed}/2", b"two", absent)
    wrong = Blob(digest=key(absent), data=b"other bytes")
    (reply,) = client.update_records(UpdateRequest(blobs=[wrong], records=[bad, good]))
    assert codes(reply) == [9, 0]  # FAILED_PRECONDITION
    assert [(part.digest, part.status.code) for part in reply.blobs] == [(key(absent), 3)]
    found, missing, _ = answered(client.look_up(LookUpRequest(keys=[bad.key, good.key])))
    assert list(found) == [good.key.hash]
    assert missing == [bad.key.hash]


def test_a_result_with_a_lost_blob_is_missing(served, client, seed):
    """As for GetActionResult."""
    table = os.urandom(50)
    one = record(f"{seed}/1", b"one", table)
    client.update_records(UpdateRequest(blobs=[blob(table)], records=[one]))
    digest = key(table)
    damage(served.folder, table, b"damaged")
    client.batch_read([digest])  # found out
    _, missing, _ = answered(client.look_up(LookUpRequest(keys=[one.key])))
    assert missing == [one.key.hash]


def test_several_requests_of_one_stream_are_answered_in_order(client, seed):
    """Keys of the first are all answered before any of the second."""
    many = [record(f"{seed}/{number}", b"x" * 100) for number in range(20)]
    replies = client.update_records(*(UpdateRequest(records=[one]) for one in many))
    assert [codes(reply) for reply in replies] == [[0]] * 20
    asked = [LookUpRequest(keys=[one.key for one in many[start : start + 5]]) for start in (5, 0)]
    order = [part.key for reply in client.look_up(*asked) for part in reply.found]
    assert order == [one.key for one in many[5:10] + many[0:5]]
    assert client.look_up() == []


def test_a_malformed_key_or_a_wrong_instance_ends_the_call(client, refused):
    """As it would end GetActionResult."""
    with refused("INVALID_ARGUMENT"):
        client.look_up(LookUpRequest(keys=[Digest(hash="xyz", size_bytes=1)]))
    with refused("INVALID_ARGUMENT"):
        client.look_up(LookUpRequest(instance_name="a/blobs/b"))
    (reply,) = client.update_records(
        UpdateRequest(records=[Record(key=Digest(hash="xyz"), result=ActionResult(exit_code=1))])
    )
    assert codes(reply) == [3]


def test_readers_look_up_and_do_not_update(serve, tokens, reader, writer, refused, seed):
    """The scopes of the plain interface."""
    server = serve(tokens=tokens, anonymous=None)
    one = record(f"{seed}/1", b"one")
    with refused("UNAUTHENTICATED"):
        server.client().look_up(LookUpRequest(keys=[one.key]))
    with refused("PERMISSION_DENIED"):
        server.client(token=reader).update_records(UpdateRequest(records=[one]))
    server.client(token=writer).update_records(UpdateRequest(records=[one]))
    found, _, _ = answered(server.client(token=reader).look_up(LookUpRequest(keys=[one.key])))
    assert list(found) == [one.key.hash]
