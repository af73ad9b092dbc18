"""Digests, stamps, listings and probes of what is on disk."""

from __future__ import annotations

import os
import socket
import subprocess
import time

import pytest
from support.repositories import isolated_environ

from affected.fs.digests import (
    RACY_NS,
    Stamp,
    blob_digest,
    digest_path,
    is_racy,
    listing_digest,
    probe_digest,
    stamp_from,
    stamp_of,
)
from affected.model.digest import ABSENT, FOLDER, UNREADABLE

as_root = os.geteuid() == 0
needs_permissions = pytest.mark.skipif(as_root, reason="nothing is unreadable for root")


@pytest.mark.parametrize("content", [b"", b"a\n", b"\r\n\0\xff", b"x" * 3_000_000])
def test_a_files_digest_is_gits_blob_id(tmp_path, content):
    """The same that git says of the same bytes, unfiltered."""
    (tmp_path / "f").write_bytes(content)
    said = subprocess.run(
        ["git", "hash-object", "--no-filters", "f"],
        cwd=tmp_path, env=isolated_environ(), capture_output=True, check=True, text=True,
    ).stdout.strip()  # fmt: skip
    assert digest_path(tmp_path, "f") == blob_digest(content) == said


def test_the_object_format_decides_the_length(tmp_path):
    """SHA-256 repositories have digests of 64 letters."""
    (tmp_path / "f").write_bytes(b"a")
    assert digest_path(tmp_path, "f", "sha256") == blob_digest(b"a", "sha256")
    assert len(blob_digest(b"a", "sha256")) == 64


def test_kinds_are_part_of_a_digest(tmp_path):
    """Executables, links, folders and nothing."""
    (tmp_path / "f").write_bytes(b"f")
    plain = digest_path(tmp_path, "f")
    (tmp_path / "f").chmod(0o755)
    assert digest_path(tmp_path, "f") == plain + "x"
    assert digest_path(tmp_path, "f", file_mode=False) == plain
    (tmp_path / "l").symlink_to("f")
    assert digest_path(tmp_path, "l") == blob_digest(b"f") + "l"
    (tmp_path / "dangling").symlink_to("no/such")
    assert digest_path(tmp_path, "dangling") == blob_digest(b"no/such") + "l"
    (tmp_path / "d").mkdir()
    assert digest_path(tmp_path, "d") == FOLDER
    assert digest_path(tmp_path, "") == FOLDER
    assert digest_path(tmp_path, "none") == ABSENT
    assert digest_path(tmp_path, "f/below") == ABSENT


def test_names_that_cannot_exist_are_absent(tmp_path):
    """Too long, with a zero byte, or behind links that go in circles."""
    (tmp_path / "loop").symlink_to("loop")
    for path in ("x" * 5000, "a\0b", "loop/x"):
        assert digest_path(tmp_path, path) == ABSENT
        assert listing_digest(tmp_path, path) == ABSENT
        assert probe_digest(tmp_path, path) == ABSENT
        assert stamp_of(f"{tmp_path}/{path}") is None


def test_a_path_through_a_linked_folder_is_read(tmp_path):
    """Folders on the way are followed, as programs do."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/f").write_bytes(b"f")
    (tmp_path / "link").symlink_to("real")
    assert digest_path(tmp_path, "link/f") == blob_digest(b"f")


def test_pipes_and_sockets_are_unreadable_and_do_not_block(tmp_path, monkeypatch):
    """They exist, but have no content to speak of."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert digest_path(tmp_path, "pipe") == UNREADABLE
        assert digest_path(tmp_path, "socket") == UNREADABLE


@needs_permissions
def test_without_permission_it_is_unreadable(tmp_path):
    """A file, a folder's listing, and a file in a closed folder."""
    (tmp_path / "f").write_bytes(b"f")
    (tmp_path / "f").chmod(0)
    assert digest_path(tmp_path, "f") == UNREADABLE
    (tmp_path / "d").mkdir()
    (tmp_path / "d/x").touch()
    (tmp_path / "d").chmod(0)
    assert listing_digest(tmp_path, "d") == UNREADABLE
    assert digest_path(tmp_path, "d/x") == UNREADABLE
    (tmp_path / "d").chmod(0o755)


def test_names_that_are_not_utf8(tmp_path):
    """Files and links with any bytes in name or text."""
    raw = os.fsencode(tmp_path) + b"/\xff\n"
    with open(raw, "wb") as file:  # noqa: PTH123  # a name in bytes
        file.write(b"f")
    os.symlink(b"\xfe", raw + b"l")  # noqa: PTH211
    assert digest_path(tmp_path, os.fsdecode(b"\xff\n")) == blob_digest(b"f")
    assert digest_path(tmp_path, os.fsdecode(b"\xff\nl")) == blob_digest(b"\xfe") + "l"
    assert len(listing_digest(tmp_path, "")) == 64


def test_a_stamp_changes_with_whatever_changes(tmp_path):
    """Content, mode, replacement by a file of the same length and time."""
    file = tmp_path / "f"
    file.write_bytes(b"1")
    first = stamp_of(file)
    assert first == stamp_from(os.lstat(file))
    assert first is not None
    assert first.size == 1
    file.chmod(0o755)
    second = stamp_of(file)
    (tmp_path / "g").write_bytes(b"2")
    os.utime(tmp_path / "g", ns=(first.mtime_ns, first.mtime_ns))
    (tmp_path / "g").chmod(0o755)
    (tmp_path / "g").rename(file)
    third = stamp_of(file)
    assert len({first, second, third}) == 3
    assert stamp_of(tmp_path / "none") is None


def test_a_stamp_survives_packing():
    """36 bytes, and other bytes are refused."""
    stamp = Stamp(1, 2, 3, 2**64 - 1, 0o100644)
    assert Stamp.unpack(stamp.pack()) == stamp
    assert len(stamp.pack()) == 36
    with pytest.raises(ValueError, match="not a stamp"):
        Stamp.unpack(b"short")


def test_a_file_changed_just_now_is_racy(tmp_path):
    """Within the clock's resolution a later change could leave the same stamp."""
    file = tmp_path / "f"
    file.write_bytes(b"1")
    stamp = stamp_of(file)
    assert stamp is not None
    assert is_racy(stamp, time.time_ns() - RACY_NS)
    assert is_racy(stamp, stamp.ctime_ns)
    assert not is_racy(stamp, stamp.ctime_ns + RACY_NS + 1)
    assert is_racy(stamp, stamp.ctime_ns - 10**12)  # the clock went back


def test_a_disk_with_whole_seconds_is_racy_for_longer():
    """Some disks keep seconds only."""
    stamp = Stamp(1, 5 * 10**9, 7 * 10**9, 1, 0)
    assert is_racy(stamp, 8 * 10**9)
    assert not is_racy(stamp, 9 * 10**9 + 1)


def test_a_listing_depends_on_names_and_kinds_alone(tmp_path):
    """Content and noise do not matter; a new name, a lost one or another kind does."""
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a").write_bytes(b"1")
    first = listing_digest(tmp_path, "d")
    (folder / "a").write_bytes(b"2")
    (folder / "__pycache__").mkdir()
    (folder / "x.pyc").touch()
    (folder / ".coverage.host.1").touch()
    assert listing_digest(tmp_path, "d") == first
    (folder / "b").touch()
    second = listing_digest(tmp_path, "d")
    (folder / "b").unlink()
    (folder / "b").mkdir()
    third = listing_digest(tmp_path, "d")
    (folder / "b").rmdir()
    (folder / "b").symlink_to("a")
    fourth = listing_digest(tmp_path, "d")
    assert len({first, second, third, fourth}) == 4
    (folder / "b").unlink()
    assert listing_digest(tmp_path, "d") == first


def test_listings_of_what_is_no_folder(tmp_path):
    """A file, nothing, a link to a folder."""
    (tmp_path / "f").touch()
    (tmp_path / "d").mkdir()
    (tmp_path / "l").symlink_to("d")
    assert listing_digest(tmp_path, "f") == "file"
    assert listing_digest(tmp_path, "f/x") == ABSENT
    assert listing_digest(tmp_path, "none") == ABSENT
    assert listing_digest(tmp_path, "l") == listing_digest(tmp_path, "d")


def test_names_cannot_run_into_each_other(tmp_path):
    """Two listings are equal only if their names are."""
    for folder, names in {"one": ["a", "bf"], "two": ["af", "b"], "three": ["afbf"]}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).touch()
    assert len({listing_digest(tmp_path, name) for name in ("one", "two", "three")}) == 3


def test_probes_tell_kinds(tmp_path):
    """A link's answer changes when what it leads to does."""
    (tmp_path / "f").touch()
    (tmp_path / "d").mkdir()
    (tmp_path / "l").symlink_to("goal")
    assert probe_digest(tmp_path, "f") == "file"
    assert probe_digest(tmp_path, "d") == "folder"
    assert probe_digest(tmp_path, "") == "folder"
    assert probe_digest(tmp_path, "none") == ABSENT
    assert probe_digest(tmp_path, "f/x") == ABSENT
    assert probe_digest(tmp_path, "l") == "link"
    (tmp_path / "goal").touch()
    assert probe_digest(tmp_path, "l") == "link-file"
    (tmp_path / "goal").unlink()
    (tmp_path / "goal").mkdir()
    assert probe_digest(tmp_path, "l") == "link-folder"
