"""Files whose bytes on disk may differ from the blob although git calls them clean."""

from __future__ import annotations

import os
import subprocess

import pytest
from support.repositories import GitTree

from affected.fs.digests import digest_path
from affected.git.output import StatusKind
from affected.git.repository import Repository


@pytest.fixture
def tree(tmp_path):
    return GitTree.init(tmp_path / "repo")


def repository(tree):
    found = Repository.discover(tree.root, tree.environ)
    assert found is not None
    return found


def really_different(tree):
    """The oracle: clean files whose bytes on disk do not have the listed digest."""
    found = repository(tree)
    dirty = found.start_status().result().changes
    return {
        path
        for path, entry in found.listing().items()
        if path not in dirty and digest_path(tree.root, path) != entry.digest
    }


def converted(tree):
    found = repository(tree)
    return found.converted(found.listing())


def test_nothing_is_converted_where_nothing_says_so(tree, monkeypatch):
    """No attribute file, no autocrlf: no file is asked about."""
    tree.commit_files({"a.txt": "a\r\n", "b/c.txt": "x"})
    found = repository(tree)
    listing = found.listing()
    found.settings()
    monkeypatch.setattr(subprocess, "Popen", None)
    assert found.converted(listing) == set()
    assert not found.conversions_in_force(listing)


def test_attributes_that_convert_nothing(tree):
    """Attributes about diffs, merges and language statistics do not count."""
    tree.commit_files({".gitattributes": "* -text\n*.py diff=python linguist-vendored\n"})
    tree.commit_files({"a.txt": "a\r\n", "b.py": ""})
    assert converted(tree) == set()


def test_text_auto_with_plain_line_ends_is_free_of_suspicion(tree):
    """`* text=auto` is common; only files that really hold CRLF are told."""
    tree.commit_files({".gitattributes": "* text=auto\n", "unix.txt": "a\nb\n", "bin": b"\0\r\n"})
    tree.write("dos.txt", "a\r\nb\r\n")
    tree.git("add", "-A")
    tree.commit()
    assert really_different(tree) == {"dos.txt"}
    assert converted(tree) == {"dos.txt"}


@pytest.mark.parametrize(
    "attributes",
    ["*.txt text eol=crlf", "*.txt eol=crlf", "*.txt text=auto eol=crlf", "*.txt crlf"],
)
def test_line_ends_made_at_checkout(tree, attributes):
    """`eol=crlf` writes CRLF although the blob has LF."""
    tree.git("config", "core.eol", "crlf")
    tree.commit_files({".gitattributes": attributes + "\n", "a.txt": "1\n2\n", "b.py": "1\n"})
    tree.delete("a.txt")
    tree.git("checkout", "-q", "a.txt")
    assert (tree.root / "a.txt").read_bytes() == b"1\r\n2\r\n"
    assert really_different(tree) == {"a.txt"}
    assert converted(tree) == {"a.txt"}


@pytest.mark.parametrize("value", ["true", "input"])
def test_autocrlf(tree, value):
    """Both settings let CRLF on disk pass as clean."""
    tree.git("config", "core.autocrlf", value)
    tree.write("dos.txt", "1\r\n")
    tree.write("unix.txt", "1\n")
    tree.write("bin", b"\0\r\n")
    tree.commit()
    assert really_different(tree) == {"dos.txt"}
    assert converted(tree) == {"dos.txt"}


def test_filters_encodings_and_ident(tree):
    """What a program or an encoding makes of a file cannot be told by its length."""
    tree.git("config", "filter.upper.clean", "tr a-z A-Z")
    tree.git("config", "filter.upper.smudge", "tr A-Z a-z")
    tree.write(
        ".gitattributes",
        "*.big filter=upper\n*.u16 text working-tree-encoding=UTF-16\n*.id ident\n"
        "*.none filter=unknown\n",
    )
    tree.write("a.big", "same length\n")
    tree.write("b.u16", "text\n".encode("utf-16"))
    tree.write("c.id", "$Id$\n")
    tree.write("d.none", "d\n")
    tree.commit()
    tree.delete("c.id")
    tree.git("checkout", "-q", "c.id")
    assert really_different(tree) == {"a.big", "b.u16", "c.id"}
    assert converted(tree) == {"a.big", "b.u16", "c.id", "d.none"}


def test_large_file_pointers_are_told_whatever_is_on_disk(tree):
    """With `filter=lfs` the blob is a pointer; the bytes on disk may be the content."""
    tree.git("config", "filter.lfs.clean", "printf pointer")
    tree.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    tree.write("model.bin", b"content of another length")
    tree.commit()
    assert repository(tree).start_status().result().changes == {}
    assert really_different(tree) == {"model.bin"}
    assert converted(tree) == {"model.bin"}


def test_attributes_in_a_nested_folder_that_git_ignores(tree):
    """An attribute file counts for git even when it is not tracked."""
    tree.commit_files({".gitignore": ".gitattributes\n", "deep/er/a.txt": "1\n"})
    tree.write("deep/.gitattributes", "*.txt eol=crlf\n")
    tree.delete("deep/er/a.txt")
    tree.git("checkout", "-q", ".")
    assert really_different(tree) == {"deep/er/a.txt"}
    assert converted(tree) == {"deep/er/a.txt"}


def test_attributes_outside_the_tree(tree, tmp_path):
    """info/attributes, core.attributesFile and the user's own file."""
    tree.commit_files({"a.txt": "1\n", "b.txt": "1\n", "c.txt": "1\n"})
    tree.write(".git/info/attributes", "a.txt ident\n")
    assert converted(tree) == {"a.txt"}
    (tmp_path / "attributes").write_text("b.txt ident\n")
    tree.git("config", "core.attributesFile", str(tmp_path / "attributes"))
    assert converted(tree) == {"a.txt", "b.txt"}
    tree.git("config", "--unset", "core.attributesFile")
    (tmp_path / "settings/git").mkdir(parents=True)
    (tmp_path / "settings/git/attributes").write_text("c.txt ident\n")
    other = GitTree(tree.root, {**tree.environ, "XDG_CONFIG_HOME": str(tmp_path / "settings")})
    assert converted(other) == {"a.txt", "c.txt"}


def test_attributes_of_files_left_out_by_a_sparse_checkout(tree):
    """An attribute file that is only in git's index counts where it is not on disk."""
    tree.commit_files({"d/.gitattributes": "*.txt ident\n", "d/a.txt": "$Id$\n", "top": ""})
    tree.git("sparse-checkout", "set", "--no-cone", "/d/a.txt", "/top")
    assert not (tree.root / "d/.gitattributes").exists()
    assert converted(tree) == {"d/a.txt"}


def test_submodules_have_their_own_attributes(tree, tmp_path):
    """The parent's attribute file does not reach inside, the submodule's does."""
    library = GitTree.init(tmp_path / "library")
    library.commit_files({".gitattributes": "x.id ident\n", "x.id": "$Id$\n", "y.id": "$Id$\n"})
    tree.commit_files({".gitattributes": "*.id ident\n", "z.id": "$Id$\n"})
    tree.submodule("lib", library)
    tree.commit()
    assert converted(tree) == {"z.id", "lib/x.id"}


def test_flipped_line_ends_are_a_change_until_the_index_knows(tree):
    """The length differs, so git tells it; once it is added, `converted` does."""
    tree.commit_files({".gitattributes": "* text=auto\n", "a.txt": "1\n"})
    token = repository(tree).witness()
    tree.write("a.txt", "1\r\n")
    assert repository(tree).start_status().result().changes == {"a.txt": StatusKind.MODIFIED}
    tree.git("add", "a.txt")
    assert repository(tree).start_status().result().changes == {}
    assert repository(tree).witness() != token
    assert converted(tree) == {"a.txt"}


def test_a_change_that_git_calls_clean_is_told_by_its_stat(tree):
    """Other bytes of the same length behind a filter: only `stat_changes` sees them at once."""
    tree.git("config", "filter.lower.clean", "tr A-Z a-z")
    tree.commit_files({".gitattributes": "*.txt filter=lower\n", "a.txt": "abc\n"})
    token = repository(tree).witness()
    tree.write("a.txt", "ABC\n")
    os.utime(tree.root / "a.txt", ns=(1, 1))
    assert repository(tree).start_status().result().changes == {}
    assert repository(tree).witness() == token
    told = repository(tree).start_status(stat_changes=True).result().changes
    assert told == {"a.txt": StatusKind.MODIFIED}
    assert converted(tree) == {"a.txt"}


def test_odd_names_are_asked_about_rightly(tree):
    """Names with newlines, quotes and bytes that are not UTF-8."""
    tree.write(".gitattributes", "* ident\n")
    names = [b"n\nl", b'q"', b"t\t", b"\xff", b":x"]
    for name in names:
        tree.write(os.fsdecode(name), "$Id$")
    tree.commit()
    assert converted(tree) == {".gitattributes", *map(os.fsdecode, names)}
