"""Outputs are found and restored exactly, and nothing in a cache can make us write elsewhere."""

from __future__ import annotations

import os
import stat

import pytest

from affected.fs import outputs as module
from affected.fs.outputs import Cover, OutputTrouble, Written, harvest, remove, stays_inside
from affected.fs.restore import check, restore
from affected.hashing.wire import blob_name

HELLO = blob_name(b"hello")


def read(blob):
    """The only blobs that there are."""
    return {HELLO.sha256: b"hello", blob_name(b"").sha256: b""}[blob.sha256]


def file(path, *, executable=False, blob=HELLO):
    return Written(path, blob, executable)


def link(path, text):
    return Written(path, None, link=text)


def put(root, outputs, written, folders=()):
    """Check and restore, as a run does."""
    check(outputs, written)
    restore(root, outputs, written, folders, read)


def everything(root):
    """Path → what is there, for all below a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        else:
            found[name] = path.read_text() + ("*" if path.stat().st_mode & 0o100 else "")
    return found


@pytest.fixture
def root(tmp_path):
    """A workspace beside something that is not ours."""
    (tmp_path / "ws/src").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("mine")
    return tmp_path / "ws"


def test_what_is_found_is_what_is_restored(root):
    """Files with their mode, links, empty folders; other things around stay as they are."""
    (root / "dist/a/b").mkdir(parents=True)
    (root / "dist/empty").mkdir()
    (root / "dist/a/b/run").write_text("hello")
    (root / "dist/a/b/run").chmod(0o755)
    (root / "dist/plain").write_text("")
    (root / "dist/link").symlink_to("a/b/run")
    (root / "one.txt").write_text("hello")
    (root / "src/keep").write_text("source")
    before = everything(root)
    found = harvest(root, ("dist", "one.txt", "gone"))
    assert found.missing == ("gone",)
    remove(root, ("dist", "one.txt"))
    assert everything(root) == {"src": "folder", "src/keep": "source"}
    put(root, ("dist", "one.txt"), found.written, found.folders)
    assert everything(root) == before
    assert harvest(root, ("dist", "one.txt")).written == found.written


def test_globs_name_files_and_leave_others_alone(root):
    """A restored glob is exact, too: what it named before and has no place any more goes."""
    for name in ("a.js", "b.js", "c.css"):
        (root / name).write_text("hello")
    found = harvest(root, ("*.js",))
    assert [one.path for one in found.written] == ["a.js", "b.js"]
    (root / "a.js").write_text("edited")
    (root / "z.js").write_text("stale")
    put(root, ("*.js",), found.written)
    assert everything(root) == {"a.js": "hello", "b.js": "hello", "c.css": "hello", "src": "folder"}


def test_a_restored_folder_replaces_what_was_there(root):
    """Stale files, and a file in a folder's place, are gone afterwards."""
    (root / "dist").write_text("a file")
    put(root, ("dist",), [file("dist/x")])
    (root / "dist/stale").write_text("")
    put(root, ("dist",), [file("dist/x")])
    assert everything(root) == {"dist": "folder", "dist/x": "hello", "src": "folder"}
    put(root, ("dist",), [])
    assert "dist" not in everything(root)


ATTACKS = {
    "up": file("dist/../../outside/x"),
    "up at once": file("../outside/x"),
    "absolute": file("/etc/cron.d/x"),
    "not an output": file("src/evil.py"),
    "git's own": file(".git/hooks/pre-push"),
    "git's own below": file("dist/.git/config"),
    "an empty name": file("dist//x"),
    "a dot": file("dist/./x"),
    "a zero byte": file("dist/a\0b"),
    "a link up": link("dist/l", "../../outside"),
    "a link to the root of the disk": link("dist/l", "/etc"),
    "a link that hides its way up": link("dist/l", "a/../../../outside"),
    "a link to nothing": link("dist/l", ""),
    "a link into git": link("dist/l", "../.git/config"),
    "huge": file("dist/x", blob=HELLO._replace(size=1 << 50)),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_would_escape_is_refused_before_anything_is_written(root, attack):
    """Each attack, hidden among good files, leaves the workspace untouched."""
    before = everything(root.parent)
    with pytest.raises(OutputTrouble):
        put(root, ("dist",), [file("dist/good"), ATTACKS[attack]])
    assert everything(root.parent) == before


def test_two_things_of_one_name_are_refused(root):
    """The same path twice, and a file where another needs a folder."""
    for both in (
        [file("dist/a"), file("dist/a", executable=True)],
        [file("dist/a"), file("dist/a/b")],
        [link("dist/a", "b"), file("dist/a/b")],
    ):
        with pytest.raises(OutputTrouble):
            put(root, ("dist",), both)
    assert "dist" not in everything(root)


def test_names_that_differ_in_case_only_are_refused_where_the_disk_folds_case():
    """Where they are two names they are fine."""
    both = [file("dist/README"), file("dist/readme")]
    check(("dist",), both)
    with pytest.raises(OutputTrouble, match="two of them"):
        check(("dist",), both, folds_case=True)
    with pytest.raises(OutputTrouble, match="both a file and a folder"):
        check(("dist",), [file("dist/A"), file("dist/a/b")], folds_case=True)


def test_a_link_in_the_way_is_not_followed(root):
    """Somebody put a link where outputs go: nothing is written, read or removed behind it."""
    (root / "dist").symlink_to(root.parent / "outside")
    before = everything(root.parent / "outside")
    put(root, ("dist",), [file("dist/x")])
    assert not (root / "dist").is_symlink()
    assert everything(root.parent / "outside") == before
    remove(root, ("dist",))
    (root / "build").symlink_to(root.parent / "outside")
    for action in (
        lambda: put(root, ("build/dist",), [file("build/dist/x")]),
        lambda: harvest(root, ("build/secret",)),
        lambda: remove(root, ("build/secret",)),
    ):
        with pytest.raises(OutputTrouble, match="build"):
            action()
    assert everything(root.parent / "outside") == before


def test_a_blob_that_is_not_what_it_should_be_leaves_everything_as_it_was(root):
    """A wrong size, or a blob that is gone in the middle."""
    (root / "dist").mkdir()
    (root / "dist/old").write_text("old")
    before = everything(root)
    wrong = file("dist/x", blob=HELLO._replace(size=4))
    gone = file("dist/x", blob=blob_name(b"gone"))
    for one, trouble in ((wrong, OutputTrouble), (gone, KeyError)):
        with pytest.raises(trouble):
            put(root, ("dist",), [file("dist/a"), one])
        assert everything(root) == before


def test_devices_pipes_and_links_out_are_not_kept(root):
    """What a command wrote must be files, folders and links that stay inside."""
    (root / "dist").mkdir()
    os.mkfifo(root / "dist/pipe")
    with pytest.raises(OutputTrouble, match="a device, a pipe or a socket"):
        harvest(root, ("dist",))
    (root / "dist/pipe").unlink()
    (root / "dist/out").symlink_to("/etc/passwd")
    with pytest.raises(OutputTrouble, match="leaves the workspace"):
        harvest(root, ("dist",))


def test_a_huge_file_is_not_kept(root, monkeypatch):
    """It is told by its size before it is read; what is sparse counts as what it claims."""
    (root / "dist").mkdir()
    with (root / "dist/huge").open("wb") as stream:
        stream.truncate(module.MOST_BYTES + 1)
    with pytest.raises(OutputTrouble, match="larger than"):
        harvest(root, ("dist",))
    monkeypatch.setattr(module, "MOST_ENTRIES", 2)
    (root / "dist/huge").unlink()
    for name in "abc":
        (root / "dist" / name).touch()
    with pytest.raises(OutputTrouble, match="more than 2 files"):
        harvest(root, ("dist",))


def test_the_mode_of_restored_files_is_the_umask_s(root):
    """Only the executable bit is kept; nobody gets more rights than a new file gives."""
    put(root, ("dist",), [file("dist/run", executable=True), file("dist/plain")])
    umask = os.umask(0)
    os.umask(umask)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (root / "dist").iterdir()}
    assert modes == {"run": 0o777 & ~umask, "plain": 0o666 & ~umask}


def test_links_that_stay_inside():
    """Steps up come first and no more than there are folders above."""
    assert stays_inside("a/b/c", "../../d/e")
    assert stays_inside("c", "d")
    assert not stays_inside("c", "../d")
    assert not stays_inside("a/c", "d/../e")


def test_what_outputs_cover():
    """Files, folders with all below them, and globs."""
    cover = Cover(["a/dist", "b/*.js"])
    assert [cover.holds(p) for p in ("a/dist", "a/dist/x/y", "b/x.js")] == [True] * 3
    assert [cover.holds(p) for p in ("a", "a/dist2", "b/x.css", "b")] == [False] * 4
