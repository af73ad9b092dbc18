"""S3 in trouble: gone, slow, refusing, cut off. What is near is served; the log says what is wrong."""

import contextlib
import os
import threading
import time
from urllib.parse import urlsplit

import grpc
import pytest
from click.testing import CliRunner
from support.slow_line import SlowLine

from affected.reapi.remote_execution_pb2 import ActionResult
from cache_server.__main__ import program

SOON = 2.0  # seconds: far less than any deadline of S3 here


@pytest.fixture
def line(seaweed):
    """The line to S3, which can be made slow or cut."""
    line = SlowLine(urlsplit(seaweed.endpoint).port)
    yield line
    line.close()


@pytest.fixture
def over_line(seaweed, serve, line):
    """A server before a bucket, over that line; and the near blob that it holds."""

    def begin(**options):
        corner = seaweed.corner().place
        served = serve(bucket=seaweed.place(corner.bucket, corner.prefix, line.endpoint), **options)
        client = served.client()
        near = os.urandom(3000)
        client.put(near)
        client.update(client.digest_of(near), ActionResult(exit_code=7))
        return served, client, near

    return begin


def still_served(client, near):
    """What is near, and how long it took."""
    started = time.monotonic()
    digest = client.digest_of(near)
    assert client.missing([digest]) == []
    assert client.batch_read([digest])[0].data == near
    assert client.get(digest).exit_code == 7
    assert client.read(client.name_of(near)) == near
    return time.monotonic() - started


def test_a_bucket_that_is_gone_is_said_and_nothing_is_called_kept(seaweed, serve, refused):
    """Reads of what is near go on."""
    bucket = seaweed.bucket()
    served = serve(bucket=bucket)
    client = served.client()
    near = os.urandom(3000)
    client.put(near)
    client.update(client.digest_of(near), ActionResult(exit_code=7))
    for key in seaweed.keys(bucket):
        seaweed.client.delete_object(Bucket=bucket.place.bucket, Key=key)
    seaweed.client.delete_bucket(Bucket=bucket.place.bucket)
    new = os.urandom(100)
    (answer,) = client.batch_update([(client.digest_of(new), new, 0)])
    assert answer.status.code == 14  # UNAVAILABLE
    assert "is gone" in answer.status.message
    with refused("UNAVAILABLE"):
        client.update(client.digest_of(b"new"), ActionResult(exit_code=1))
    assert still_served(client, near) < SOON
    assert served.near.present([(client.digest_of(new).hash, len(new))]) == [False]
    assert served.troubles() == [f"the bucket of {bucket.place} is gone"]


def test_credentials_that_are_revoked_are_said_and_near_reads_go_on(seaweed, serve, eventually):
    """When they are accepted again, so is everything else."""
    bucket = seaweed.corner()
    served = serve(bucket=bucket, cut=0.1)
    client = served.client()
    near = os.urandom(3000)
    client.put(near)
    client.update(client.digest_of(near), ActionResult(exit_code=7))

    def works():
        with contextlib.suppress(grpc.RpcError):
            client.put(os.urandom(100))
            return True
        return False

    seaweed.server.accept("another secret")
    try:
        eventually(lambda: not works(), 30)
        assert still_served(client, near) < SOON
        assert served.troubles() == [f"S3 refuses the credentials for {bucket.place}"]
        assert seaweed.environ["AWS_SECRET_ACCESS_KEY"] not in served.log.getvalue()
    finally:
        seaweed.server.accept(seaweed.environ["AWS_SECRET_ACCESS_KEY"])
    eventually(works, 30)


def test_a_slow_bucket_is_said_and_does_not_slow_what_is_near(over_line, line, refused):
    """Calls that need it take their time or are refused at their deadline."""
    served, client, near = over_line(seconds=1.5, slow=0.2, cut=60.0)
    line.delay = 0.4
    new = os.urandom(100)
    client.put(new)
    assert any("S3 is slow: " in sentence for sentence in served.troubles())
    line.delay = 30.0
    waiting = [threading.Thread(target=attempt, args=(client,)) for _ in range(8)]
    for thread in waiting:
        thread.start()
    assert still_served(client, near) < SOON
    for thread in waiting:
        thread.join()
    started = time.monotonic()
    with refused("UNAVAILABLE") as refusal:
        client.missing([client.digest_of(os.urandom(9))])
    assert time.monotonic() - started < SOON / 2  # the line is cut by now
    assert "not asked again" in refusal.value.details()
    assert any("S3 failed for" in sentence for sentence in served.troubles())


def attempt(client):
    """To ask for something that S3 must be asked for."""
    with contextlib.suppress(Exception):
        client.missing([client.digest_of(os.urandom(9))])


def test_a_line_that_is_cut_and_mended_is_used_again(over_line, line, refused, eventually):
    """After a short while, without a restart."""
    served, client, near = over_line(seconds=2.0, cut=0.2)
    line.cut = True
    line.hang_up()
    with refused("UNAVAILABLE"):
        client.missing([client.digest_of(os.urandom(9))])
    assert still_served(client, near) < SOON
    line.cut = False

    def works():
        new = os.urandom(100)
        return client.batch_update([(client.digest_of(new), new, 0)])[0].status.code == 0

    eventually(works, 30)
    assert len(served.troubles()) == 1  # one line for one trouble


def test_a_full_folder_before_a_bucket_is_no_trouble(seaweed, serve, write_messages):
    """What does not fit near is kept far and served from there."""
    served = serve(bucket=seaweed.corner(), limit=1 << 20)
    client = served.client()
    large = os.urandom(3 << 20)
    client.write(write_messages(client.upload_name(large), large, 1 << 20))
    assert client.missing([client.digest_of(large)]) == []
    assert client.read(client.name_of(large)) == large
    assert served.near.usage().used <= 1 << 20


@pytest.mark.parametrize(
    ("words", "change", "sentence"),
    [
        (["--s3", "bucket"], {}, "is no bucket; write one like s3://BUCKET/PREFIX"),
        (["--s3", "s3://no-such-bucket/x"], {}, "there is no bucket no-such-bucket"),
        (["--s3", "s3://corners"], {"AWS_SECRET_ACCESS_KEY": "wrong"}, "refuses the credentials"),
        (["--s3", "s3://corners", "--s3-endpoint", "here"], {}, "is no endpoint"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_one_sentence(
    tmp_path, seaweed, monkeypatch, words, change, sentence
):
    """And exit code 2, before anything listens."""
    if "--s3-endpoint" not in words:
        words = [*words, "--s3-endpoint", seaweed.endpoint]
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "s"
    answer = CliRunner().invoke(
        program, ["serve", "--listen", "127.0.0.1:0", "--dir", str(folder), *words]
    )
    assert answer.exit_code == 2, answer.stderr
    assert sentence in answer.stderr
    assert not folder.exists()


def test_the_commands_for_buckets_do_what_they_say(seaweed):
    """Rules written, shown and taken away; old objects removed, what is not ours left."""
    bucket = seaweed.bucket()

    def run(*words):
        place = ["--s3", str(bucket.place), "--s3-endpoint", seaweed.endpoint]
        answer = CliRunner().invoke(program, [*words, *place])
        return answer.exit_code, answer.output.strip()

    where = bucket.place.bucket
    seaweed.client.put_object(Bucket=where, Key="cas/ab/abc", Body=b"123")
    seaweed.client.put_object(Bucket=where, Key="mine", Body=b"123")
    assert run("lifecycle") == (0, "no rules of ours")
    written = f"objects below s3://{where} live 30 days; 0 other rules stay"
    assert run("lifecycle", "--days", "30") == (0, written)
    assert run("lifecycle") == (0, "objects live 30 days")
    assert run("lifecycle", "--remove") == (0, "our rules are removed; 0 other rules stay")
    assert run("lifecycle", "--remove", "--days", "9")[0] == 2
    assert run("gc") == (2, "affected-cache: --s3 needs --older-than DAYS")
    assert run("gc", "--older-than", "1") == (0, "0 objects, 0 bytes removed")
    assert bucket.remove_older(time.time() + 100, dry_run=True) == (1, 3)
    assert bucket.remove_older(time.time() + 100, dry_run=False) == (1, 3)
    assert seaweed.keys(bucket) == ["mine"]
