"""The disk storage: what it finds again, what it does not believe, what it gives up."""

import hashlib
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.stored import damage, file_of, spot_of

from cache_server.__main__ import program
from cache_server.keys import BlobKey
from cache_server.storage import disk, disk_upload, index_log, packs
from cache_server.storage.disk import DiskStorage
from cache_server.storage.disk_files import FolderInUse
from cache_server.storage.protocol import NoRoom

LIMIT = 1 << 20


def key_of(content):
    return BlobKey(hashlib.sha256(content).hexdigest(), len(content))


def put(storage, content):
    upload = storage.create(key_of(content))
    try:
        upload.append(content)
        upload.commit()
    finally:
        upload.discard()
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


LARGE = b"abc" * 100_000


@pytest.mark.parametrize("wrong", [b"abd" * 100_000, b"ab", b"", b"abcd" * 100_000])
@pytest.mark.parametrize("restart", [True, False])
def test_a_damaged_file_is_missing_and_put_away(start, tmp_path, told, wrong, restart):
    """Found at the next read, whether the server ran meanwhile or not."""
    storage = start()
    blob = put(storage, LARGE)
    if not restart:
        assert storage.fetch(blob) == LARGE
    file = file_of(tmp_path / "s", LARGE)
    file.write_bytes(wrong)
    os.utime(file, ns=(1, 1))
    storage = start() if restart else storage
    assert storage.fetch(blob) is None
    assert storage.present([blob]) == [False]
    if len(wrong) == len(LARGE) or not restart:
        assert not file.exists()
        assert ("quarantined", blob.hash) in told
        assert (tmp_path / "s" / "quarantine" / blob.hash).read_bytes() == wrong
    put(storage, LARGE)
    assert storage.fetch(blob) == LARGE


@pytest.mark.parametrize("restart", [True, False])
def test_a_damaged_blob_of_a_pack_is_missing_and_put_away(start, tmp_path, told, restart):
    """At any read, not only at the first one; its neighbours are sound."""
    storage = start()
    blobs = [put(storage, b"abc%d" % number) for number in range(3)]
    assert None not in storage.fetch_all(blobs)
    damage(tmp_path / "s", b"abc1", b"abd1")
    storage = start() if restart else storage
    assert storage.fetch_all(blobs) == [b"abc0", None, b"abc2"]
    assert storage.present(blobs) == [True, False, True]
    assert told == [("quarantined", blobs[1].hash)]
    assert (tmp_path / "s" / "quarantine" / blobs[1].hash).read_bytes() == b"abd1"
    put(storage, b"abc1")
    assert storage.open(blobs[1]).read(0, 10) == b"abc1"


def test_a_damaged_action_result_is_missing_and_put_away(start, tmp_path, told):
    """Its payload is checked at each read."""
    storage = start()
    storage.save("1" * 64, b"result")
    damage(tmp_path / "s", b"result", b"resulx")
    assert storage.load("1" * 64) is None
    assert told == [("quarantined", "a" + "1" * 64)]
    assert storage.usage().used == 0


@pytest.mark.parametrize("cut", [1, 71, 73])
def test_an_index_that_was_not_written_to_its_end_is_read_to_its_last_whole_record(
    start, tmp_path, cut
):
    """A process that is killed, or a disk that is full, leaves such a thing."""
    storage = start()
    blobs = [put(storage, bytes([number])) for number in range(4)]
    whole = (tmp_path / "s" / "index").read_bytes()
    storage.close()
    (tmp_path / "s" / "index").write_bytes(whole[:-cut])
    lost = -(-cut // 72)
    storage = start()
    assert storage.present(blobs) == [True] * (4 - lost) + [False] * lost
    blobs.append(put(storage, b"another"))
    assert start().present(blobs) == [True] * (4 - lost) + [False] * lost + [True]


def test_an_index_of_something_else_is_begun_anew_and_said(start, tmp_path, told):
    """Large blobs are found again by their names; packs are swept."""
    storage = start()
    small, large = put(storage, b"abc"), put(storage, LARGE)
    storage.close()
    (tmp_path / "s" / "index").write_bytes(b"not an index, at any rate" * 100)
    storage = start()
    assert told == [("failed", "index")]
    assert storage.present([small, large]) == [False, True]
    assert storage.fetch(large) == LARGE
    assert list((tmp_path / "s" / "packs").iterdir()) == []


def test_what_goes_gives_its_blocks_back(start, tmp_path):
    """A pack is full of holes, or gone, when its things are; no more is taken than is counted."""
    storage = start()
    for number in range(600):
        put(storage, number.to_bytes(2, "big") * 2048)
        storage.save(f"{number % 7:064x}", b"result" * (number % 11))
    files = list((tmp_path / "s" / "packs").iterdir())
    taken = sum(file.stat().st_blocks * 512 for file in files)
    assert taken <= storage.usage().used + 8 * 4096 <= LIMIT + 8 * 4096
    storage = start()
    assert storage.usage().used <= LIMIT


def test_where_blocks_cannot_be_given_back_packs_go_as_a_whole(start, tmp_path, monkeypatch):
    """On file systems without holes: the limit is kept there too."""
    monkeypatch.setattr(packs, "hole_maker", lambda: None)
    monkeypatch.setattr(packs, "UNPUNCHED_BYTES", 16 * 4096)
    storage = start()
    for number in range(600):
        blob = put(storage, number.to_bytes(2, "big") * 2048)
        assert storage.fetch(blob) == number.to_bytes(2, "big") * 2048
    taken = sum(file.stat().st_blocks * 512 for file in (tmp_path / "s" / "packs").iterdir())
    assert taken <= LIMIT
    assert storage.usage().entries > 100


def test_only_the_newest_damaged_files_are_kept_for_a_look(start, tmp_path):
    """Damage does not fill the disk."""
    storage = start()
    for number in range(disk.QUARANTINED + 5):
        blob = put(storage, b"number %d" % number)
        damage(tmp_path / "s", b"number %d" % number, b"?" * blob.size)
        assert storage.fetch(blob) is None
    assert len(list((tmp_path / "s" / "quarantine").iterdir())) == disk.QUARANTINED


def test_a_file_that_someone_removed_is_missing(start, tmp_path):
    """And may be sent again."""
    storage = start()
    blob = put(storage, LARGE)
    file_of(tmp_path / "s", LARGE).unlink()
    assert storage.fetch(blob) is None
    assert storage.usage().used == 0
    assert storage.fetch(put(storage, LARGE)) == LARGE


def test_a_pack_that_someone_removed_is_missing(start, tmp_path):
    """Noticed at the next start, since an open file stays what it is."""
    storage = start()
    blob = put(storage, b"abc")
    storage.save("1" * 64, b"result")
    path, _ = spot_of(tmp_path / "s", b"abc")
    path.unlink()
    storage = start()
    assert storage.fetch(blob) is None
    assert storage.load("1" * 64) is None
    assert storage.usage().used == 0


def full(*_):
    raise OSError(disk_upload.errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("content", [b"other", LARGE], ids=["packed", "file"])
def test_a_full_disk_is_no_room_and_leaves_what_is_there(start, monkeypatch, tmp_path, content):
    """The upload is refused, its bytes are given back."""
    storage = start()
    blob = put(storage, b"abc")
    with monkeypatch.context() as patched:
        patched.setattr(packs.os, "pwritev", full)
        with pytest.raises(NoRoom, match="disk is full"):
            put(storage, content)
        (error,) = storage.keep_all([(key_of(content), content)])
        assert isinstance(error, NoRoom)
    assert storage.usage().entries == 1
    assert storage.usage().used == 4096
    assert not list((tmp_path / "s" / "tmp").iterdir())
    assert storage.fetch(blob) == b"abc"
    assert storage.fetch(put(storage, content)) == content


def test_an_index_that_cannot_be_written_is_no_room(start, monkeypatch):
    """What cannot be remembered is not kept."""
    storage = start()
    blob = put(storage, b"abc")
    with monkeypatch.context() as patched:
        patched.setattr(index_log.os, "write", full)
        with pytest.raises(NoRoom, match="index cannot be written"):
            put(storage, b"other")
        with pytest.raises(NoRoom, match="index cannot be written"):
            storage.save("1" * 64, b"result")
    assert storage.usage().used == 4096
    assert start().present([blob, key_of(b"other")]) == [True, False]


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
    blobs = [
        put(storage, bytes([number]) * 100 * (number % 2 or 1000 * number))
        for number in range(1, 6)
    ]
    storage.save("1" * 64, b"result 1")
    storage.save("2" * 64, b"result 2")

    def check():
        return CliRunner().invoke(program, ["check", "--dir", str(tmp_path / "s")])

    assert check().exit_code == 2
    assert "another server" in check().stderr
    storage.close()
    assert (check().exit_code, check().output) == (0, "7 sound, 0 damaged\n")
    damage(tmp_path / "s", bytes([1]) * 100, b"?" * 100)
    damage(tmp_path / "s", bytes([2]) * 200_000, b"?" * 200_000)
    damage(tmp_path / "s", b"result 2", b"resulx 2")
    answer = check()
    assert answer.exit_code == 1
    assert answer.output.splitlines()[-1] == "4 sound, 3 damaged"
    assert blobs[1].hash in answer.output
    assert (check().exit_code, check().output) == (0, "4 sound, 0 damaged\n")
    assert CliRunner().invoke(program, ["check", "--dir", str(tmp_path)]).exit_code == 2
    assert start().present(blobs) == [False, False, True, True, True]
