"""The server before a bucket of a real S3 server: durable, shared, checked, sparing of calls."""

import hashlib
import os
import time

import pytest
from support.stored import damage

from affected.reapi.affected_v1_pb2 import LookUpRequest, Record, UpdateRequest
from affected.reapi.remote_execution_pb2 import ActionResult

MIB = 1 << 20


def objects(seaweed, bucket):
    return [key.removeprefix(bucket.place.prefix + "/") for key in seaweed.keys(bucket)]


def key_in(content):
    name = hashlib.sha256(content).hexdigest()
    return f"cas/{name[:2]}/{name}"


def put_object(seaweed, bucket, name, content):
    where = bucket.place
    seaweed.client.put_object(Bucket=where.bucket, Key=where.key(name), Body=content)


def get_object(seaweed, bucket, name):
    where = bucket.place
    return seaweed.client.get_object(Bucket=where.bucket, Key=where.key(name))["Body"].read()


@pytest.fixture
def bucket(seaweed):
    return seaweed.corner()


@pytest.fixture
def behind(serve, bucket):
    """A server before the bucket, and one more each time it is called."""
    return lambda **options: serve(bucket=bucket, **options)


def upload(client, content, write_messages, piece=MIB):
    name = client.upload_name(content)
    return client.write(write_messages(name, content, piece))


def test_what_the_client_was_told_to_be_kept_is_in_the_bucket(
    behind, seaweed, bucket, write_messages
):
    """Small and large blobs and results, whichever way they came; nothing else is there."""
    client = behind().client()
    small, large = os.urandom(100), os.urandom(9 * MIB + 5)
    client.put(small)
    assert get_object(seaweed, bucket, key_in(small)) == small
    assert upload(client, large, write_messages) == len(large)
    assert get_object(seaweed, bucket, key_in(large)) == large
    client.update(client.digest_of(b"action"), ActionResult(exit_code=4))
    names = objects(seaweed, bucket)
    assert sorted(name[:3] for name in names) == ["ac/", "cas", "cas"]


def test_any_server_serves_what_another_one_kept(behind, write_messages):
    """Two servers with empty folders of their own; large blobs too, each way of reading."""
    one, other = behind().client(), behind().client()
    small, large = os.urandom(1000), os.urandom(2 * MIB)
    one.put(small)
    upload(one, large, write_messages)
    result = ActionResult(stdout_digest=one.digest_of(large))
    one.update(one.digest_of(b"a"), result)
    assert other.missing([one.digest_of(small), one.digest_of(large)]) == []
    assert other.get(one.digest_of(b"a")) == result
    assert other.batch_read([one.digest_of(small)])[0].data == small
    assert other.read(other.name_of(large)) == large
    assert other.read(other.name_of(large), offset=MIB, limit=10) == large[MIB:][:10]


def test_records_go_through_the_bucket_too(behind):
    """Updated at one server, looked up at another that never heard of them."""
    one, other = behind().client(), behind().client()
    many = [
        Record(key=one.digest_of(b"k%d" % n), result=ActionResult(stdout_raw=b"p%d" % n))
        for n in range(60)
    ]
    (reply,) = one.update_records(UpdateRequest(records=many))
    assert {part.status.code for part in reply.records} == {0}
    (found,) = other.look_up(LookUpRequest(keys=[one.key for one in many]))
    assert [part.result for part in found.found] == [one.result for one in many]


def test_a_result_kept_again_through_another_server_is_seen_after_a_while(behind):
    """Within ten seconds; a server sees its own at once."""
    first, second = behind(), behind()
    one, other = first.client(), second.client()
    action = one.digest_of(b"again")
    one.update(action, ActionResult(exit_code=1))
    assert other.get(action).exit_code == 1
    one.update(action, ActionResult(exit_code=2))
    assert one.get(action).exit_code == 2
    now = time.monotonic
    second.storage._now = lambda: now() + 11
    assert other.get(action).exit_code == 2


def test_a_blob_is_asked_for_once_and_then_known(behind, bucket, serve):
    """No storm of HEADs: not for what is near, not for what was found, not for what was sent."""
    served = behind()
    client = served.client()
    blobs = [os.urandom(50 + n) for n in range(40)]
    digests = [client.digest_of(blob) for blob in blobs]
    for _ in range(3):
        assert len(client.missing(digests)) == 40
    assert served.s3_calls() == {("head", "absent"): 40}
    client.put(*blobs)
    for _ in range(3):
        assert client.missing(digests) == []
    assert served.s3_calls() == {("head", "absent"): 40, ("put", "ok"): 40}
    another = behind()
    for _ in range(3):
        assert another.client().missing(digests) == []
    assert another.s3_calls() == {("head", "ok"): 40}


def test_what_was_read_once_is_read_from_the_folder(behind):
    """Also after a restart with S3 cut off."""
    one = behind()
    content = os.urandom(5000)
    one.client().put(content)
    other = behind()
    client = other.client()
    for _ in range(3):
        assert client.batch_read([client.digest_of(content)])[0].data == content
    assert other.s3_calls() == {("get", "ok"): 1}


def test_many_readers_of_a_blob_that_is_far_bring_it_once(behind, write_messages):
    """Together they wait for one transfer."""
    content = os.urandom(3 * MIB)
    upload(behind().client(), content, write_messages)
    other = behind()
    client = other.client()
    call = client.channel.unary_stream("/google.bytestream.ByteStream/Read")
    name = client.name_of(content).encode()
    requests = [call(b"\x0a" + bytes([len(name)]) + name, timeout=20) for _ in range(8)]
    for request in requests:
        assert sum(len(part) for part in request) > len(content)
    assert other.s3_calls() == {("get", "ok"): 1}


@pytest.mark.parametrize("size", [500, 9 * MIB])
def test_a_damaged_object_is_put_away_and_missing(
    behind, seaweed, bucket, refused, write_messages, size
):
    """Never served; the blob can be sent again."""
    content = os.urandom(size)
    damaged = bytes([content[0] ^ 1]) + content[1:]
    put_object(seaweed, bucket, key_in(content), damaged)
    served = behind()
    client = served.client()
    assert client.missing([client.digest_of(content)]) == []  # it looks sound from outside
    with refused("NOT_FOUND"):
        client.read(client.name_of(content))
    assert client.missing([client.digest_of(content)]) == [client.digest_of(content)]
    name = hashlib.sha256(content).hexdigest()
    assert objects(seaweed, bucket) == [f"quarantine/{name}"]
    assert get_object(seaweed, bucket, f"quarantine/{name}") == damaged
    upload(client, content, write_messages)
    assert client.read(client.name_of(content)) == content


def test_a_damaged_result_is_a_miss(behind, seaweed, bucket, refused):
    """Put away like a blob."""
    served = behind()
    client = served.client()
    action = client.digest_of(b"result")
    client.update(action, ActionResult(exit_code=3))
    (name,) = objects(seaweed, bucket)
    put_object(seaweed, bucket, name, b"no result at all")
    with refused("NOT_FOUND"):
        behind().client().get(action)
    assert [key[:11] for key in objects(seaweed, bucket)] == ["quarantine/"]


def test_a_damaged_copy_in_the_folder_is_replaced_from_the_bucket(behind):
    """The near one is put away, the far one served."""
    served = behind()
    client = served.client()
    content = os.urandom(300_000)
    client.put(content)
    name = hashlib.sha256(content).hexdigest()
    damage(served.folder, content, b"!" + content[1:])
    assert client.batch_read([client.digest_of(content)])[0].data == content
    assert (served.folder / "quarantine" / name).exists()


def test_an_object_that_exists_is_not_written_again(behind, seaweed, bucket, write_messages):
    """Conditional put: the first one stays."""
    content = os.urandom(2000)
    put_object(seaweed, bucket, key_in(content), content)
    where = bucket.place
    written = seaweed.client.head_object(Bucket=where.bucket, Key=where.key(key_in(content)))
    served = behind()
    served.storage.keep_all([(_key(content), content)])
    assert served.s3_calls() == {("put", "exists"): 1, ("head", "ok"): 1}
    after = seaweed.client.head_object(Bucket=where.bucket, Key=where.key(key_in(content)))
    assert after["LastModified"] == written["LastModified"]


def _key(content):
    from cache_server.keys import BlobKey  # noqa: PLC0415

    return BlobKey(hashlib.sha256(content).hexdigest(), len(content))


@pytest.mark.parametrize("wrong", ["bytes", "broken off"])
def test_a_large_upload_that_is_wrong_leaves_nothing(
    behind, seaweed, bucket, write_messages, refused, wrong
):
    """No object, and no parts that would cost money for ever."""
    served = behind()
    client = served.client()
    content = os.urandom(10 * MIB)
    other = content[:-1] + bytes([content[-1] ^ 1])
    name = client.upload_name(content)
    if wrong == "bytes":
        with refused("INVALID_ARGUMENT"):
            client.write(write_messages(name, other, MIB))
    else:
        pieces = list(write_messages(name, content, MIB))[:9]
        client.write(pieces)
        assert client.status(name).committed_size == 9 * MIB
        served.server._waiting.close()
    assert objects(seaweed, bucket) == []
    assert bucket.unfinished() == []
    assert client.missing([client.digest_of(content)])


def test_rules_of_the_buckets_life_cycle_are_written_and_others_kept(seaweed):
    """Twice the same; taken away again they leave what is not ours."""
    bucket = seaweed.bucket()
    where = bucket.place
    other = {
        "ID": "somebody's", "Status": "Enabled", "Filter": {"Prefix": "logs/"},
        "Expiration": {"Days": 3},
    }  # fmt: skip
    assert bucket.lifetime() is None
    seaweed.client.put_bucket_lifecycle_configuration(
        Bucket=where.bucket, LifecycleConfiguration={"Rules": [other]}
    )
    for days in (30, 20):
        assert bucket.write_rules(days) == 1
        assert bucket.lifetime() == days
        assert len(bucket.rules()) == 5
    assert bucket.write_rules(None) == 1
    assert [rule["ID"] for rule in bucket.rules()] == ["somebody's"]


def test_an_object_in_the_second_half_of_its_life_is_renewed_when_it_is_used(
    seaweed, bucket, eventually
):
    """So rules do not take what is in use."""
    from cache_server.storage.s3 import S3Storage  # noqa: PLC0415
    from cache_server.storage.s3_line import Line  # noqa: PLC0415

    class Quiet:
        def call(self, *_):
            pass

        def trouble(self, *_):
            pass

    content = b"used"
    put_object(seaweed, bucket, key_in(content), content)
    renewed = []
    for lifetime, expected in [(10, []), (0, [key_in(content)])]:
        far = S3Storage(
            bucket.store(20.0), Line("S3", Quiet()), lambda *_: None, lifetime=lifetime,
            renew=lambda key: (bucket.renew(key), renewed.append(key)),
        )  # fmt: skip
        assert far.present([_key(content)]) == [True]
        eventually(lambda wanted=expected: renewed == wanted)
        far.close()
    assert get_object(seaweed, bucket, key_in(content)) == content
