"""The disk storage: what it finds again, what it does not believe, what it gives up."""

import hashlib
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from cache_server.__main__ import program
from cache_server.keys import BlobKey
from cache_server.storage import disk, disk_upload
from cache_server.storage.disk import DiskStorage, FolderInUse
from cache_server.storage.protocol import NoRoom

LIMIT = 1 << 20


def key_of(content):
    return BlobKey(hashlib.sha256(content).hexdigest(), len(content))


def put(storage, content):
    upload = storage.create(key_of(content))
    upload.append(content)
    upload.commit()
    return key_of(content)


@pytest.fixture
def told():
    return []


@pytest.fixture
def start(tmp_path, told):
    """Starts a storage in one folder, after closing the one before."""
    running = []

    def begin(limit=LIMIT):
        if running:
            running.pop().close()
        running.append(
            DiskStorage(tmp_path / "s", limit, lambda event, name, _: told.append((event, name)))
        )
        return running[0]

    yield begin
    running.pop().close()


def file_of(tmp_path, blob):
    return tmp_path / "s" / "cas" / blob.hash[:2] / blob.hash


def test_a_new_process_finds_what_the_old_one_kept(start):
    """Blobs, action results and how full it is."""
    storage = start()
    blob = put(storage, b"abc")
    storage.save("1" * 64, b"result")
    before = storage.usage()
    storage = start()
    assert storage.usage() == before
    assert storage.fetch(blob) == b"abc"
    assert storage.load("1" * 64) == b"result"


def test_the_order_of_use_survives_a_restart(start):
    """What was asked for last stays when a smaller limit makes the rest go."""
    storage = start()
    blobs = [put(storage, bytes([number]) * 4096) for number in range(3)]
    storage.present(blobs[:1])
    storage = start(limit=4096)
    assert storage.present(blobs) == [True, False, False]
    assert storage.usage().used == 4096


def test_uploads_of_a_killed_process_are_swept(start, tmp_path):
    """They have no owner any more."""
    storage = start()
    upload = storage.create(key_of(b"x" * 300_000))
    upload.append(b"x" * 299_999)
    assert list((tmp_path / "s" / "tmp").iterdir())
    storage = start()
    assert not list((tmp_path / "s" / "tmp").iterdir())
    assert storage.usage().used == 0


def test_two_servers_cannot_share_a_folder(start, tmp_path):
    """Each would evict behind the other's back."""
    start()
    with pytest.raises(FolderInUse, match="another server"):
        DiskStorage(tmp_path / "s", LIMIT, lambda *_: None)


@pytest.mark.parametrize("damage", [b"abd", b"ab", b"", b"abcd"])
@pytest.mark.parametrize("restart", [True, False])
def test_a_damaged_blob_is_missing_and_put_away(start, tmp_path, told, damage, restart):
    """Found at the next read, whether the server ran meanwhile or not."""
    storage = start()
    blob = put(storage, b"abc")
    if not restart:
        assert storage.fetch(blob) == b"abc"
    file_of(tmp_path, blob).write_bytes(damage)
    os.utime(file_of(tmp_path, blob), ns=(1, 1))
    storage = start() if restart else storage
    assert storage.fetch(blob) is None
    assert storage.present([blob]) == [False]
    if len(damage) == 3 or not restart:
        assert not file_of(tmp_path, blob).exists()
        assert ("quarantined", blob.hash) in told
        assert (tmp_path / "s" / "quarantine" / blob.hash).read_bytes() == damage
    put(storage, b"abc")
    assert storage.fetch(blob) == b"abc"


def test_a_damaged_action_result_is_missing_and_put_away(start, tmp_path, told):
    """Its payload is checked at each read."""
    storage = start()
    storage.save("1" * 64, b"result")
    path = tmp_path / "s" / "ac" / "11" / ("1" * 64)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert storage.load("1" * 64) is None
    assert told == [("quarantined", "a" + "1" * 64)]
    assert not path.exists()


def test_only_the_newest_damaged_files_are_kept_for_a_look(start, tmp_path):
    """Damage does not fill the disk."""
    storage = start()
    for number in range(disk.QUARANTINED + 5):
        blob = put(storage, b"%d" % number)
        file_of(tmp_path, blob).write_bytes(b"?" * blob.size)
        assert storage.fetch(blob) is None
    assert len(list((tmp_path / "s" / "quarantine").iterdir())) == disk.QUARANTINED


def test_a_file_that_someone_removed_is_missing(start, tmp_path):
    """And may be sent again."""
    storage = start()
    blob = put(storage, b"abc")
    storage.save("1" * 64, b"result")
    file_of(tmp_path, blob).unlink()
    (tmp_path / "s" / "ac" / "11" / ("1" * 64)).unlink()
    assert storage.fetch(blob) is None
    assert storage.load("1" * 64) is None
    assert storage.usage().used == 0


def test_a_full_disk_is_no_room_and_leaves_what_is_there(start, monkeypatch, tmp_path):
    """The upload is refused, its bytes are given back."""
    storage = start()
    blob = put(storage, b"abc")

    def full(*_):
        raise OSError(disk_upload.errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(disk_upload.os, "write", full)
        with pytest.raises(NoRoom, match="disk is full"):
            put(storage, b"other")
    assert storage.usage().entries == 1
    assert storage.usage().used == 4096
    assert not list((tmp_path / "s" / "tmp").iterdir())
    assert storage.fetch(blob) == b"abc"


def test_small_files_count_as_whole_blocks(start):
    """A thousand files of one byte take more than a thousand bytes of a disk."""
    storage = start()
    for number in range(10):
        put(storage, bytes([number]))
    assert storage.usage().used == 10 * 4096


def test_files_that_are_none_of_ours_are_left_alone(start, tmp_path):
    """They are not counted, served or removed."""
    start()
    stranger = Path(tmp_path / "s" / "cas" / "00" / "notes.txt")
    stranger.parent.mkdir()
    stranger.write_text("mine")
    assert start().usage().entries == 0
    assert stranger.exists()


def test_check_reads_everything_and_puts_away_what_is_damaged(start, tmp_path):
    """Wrong bytes, wrong sizes, damaged results; a second check finds nothing."""
    storage = start()
    blobs = [put(storage, bytes([number]) * 100) for number in range(5)]
    storage.save("1" * 64, b"result")
    storage.save("2" * 64, b"result")

    def check():
        return CliRunner().invoke(program, ["check", "--dir", str(tmp_path / "s")])

    assert check().exit_code == 2
    assert "another server" in check().stderr
    storage.close()
    assert (check().exit_code, check().output) == (0, "7 sound, 0 damaged\n")
    file_of(tmp_path, blobs[0]).write_bytes(b"?" * 100)
    file_of(tmp_path, blobs[1]).write_bytes(b"")
    (tmp_path / "s" / "ac" / "22" / ("2" * 64)).write_bytes(b"")
    answer = check()
    assert answer.exit_code == 1
    assert answer.output.splitlines()[-1] == "4 sound, 3 damaged"
    assert blobs[1].hash in answer.output
    assert (check().exit_code, check().output) == (0, "4 sound, 0 damaged\n")
    assert CliRunner().invoke(program, ["check", "--dir", str(tmp_path)]).exit_code == 2
    assert start().present(blobs) == [False, False, True, True, True]
