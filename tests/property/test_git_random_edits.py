"""Random repositories and random edits: listing and status together are the truth on disk."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.repositories import GitTree

from affected.fs.digests import digest_path
from affected.fs.workspace import walk
from affected.git.output import StatusKind
from affected.git.repository import Repository
from affected.model.digest import ABSENT

NAMES = ["a", "b", "d/a", "d/b", "d/e/c", "e", "e/x", "sp ace", "n\nl", 'q"t', os.fsdecode(b"\xff")]
PATHS = st.sampled_from(NAMES)
EDITS = st.one_of(
    st.tuples(st.just("write"), PATHS, st.sampled_from(["", "1\n", "1\r\n", "$Id$\n", "22\n"])),
    st.tuples(st.just("link"), PATHS, st.sampled_from(["a", "no/such", "d"])),
    st.tuples(st.just("delete"), PATHS, st.just("")),
    st.tuples(st.just("executable"), PATHS, st.just("")),
    st.tuples(st.just("attributes"), st.sampled_from(["", "d/", "d/e/"]), st.sampled_from(
        ["* text=auto\n", "a text eol=crlf\n", "b ident\n", "* -text\n"])),
    st.tuples(st.just("stage"), PATHS, st.just("")),
    st.tuples(st.just("unstage"), PATHS, st.just("")),
    st.tuples(st.just("commit"), st.just(""), st.just("")),
    st.tuples(st.just("checkout"), PATHS, st.just("")),
    st.tuples(st.just("move"), PATHS, PATHS),
)  # fmt: skip
STEPS = st.lists(EDITS, max_size=10)
numbers = itertools.count()


def clear(path: Path) -> None:
    """Make room for a file at `path`, folders turned to files and back included."""
    for above in path.parents:
        if above.is_symlink() or above.is_file():
            above.unlink()
            break
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def apply(tree: GitTree, edit: tuple[str, str, str]) -> None:
    """One edit; one that makes no sense in this state does nothing."""
    kind, path, text = edit
    file = tree.root / path
    match kind:
        case "write" | "link":
            clear(file)
            tree.write(path, text) if kind == "write" else tree.link(path, text)
        case "attributes":
            clear(file / ".gitattributes")
            tree.write(f"{path}.gitattributes", text)
        case "delete":
            with contextlib.suppress(OSError):
                file.unlink()
        case "executable":
            if file.is_file() and not file.is_symlink():
                file.chmod(0o755)
        case "stage":
            tree.git("--literal-pathspecs", "add", "-A", "--", path, accept=(0, 1, 128))
        case "unstage":
            tree.git(
                "--literal-pathspecs", "rm", "-rqf", "--cached", "--", path, accept=(0, 1, 128)
            )
        case "checkout":
            tree.git("--literal-pathspecs", "checkout", "-q", "--", path, accept=(0, 1, 128))
        case "move":
            tree.git("mv", "-f", path, text, accept=(0, 1, 128))
        case "commit":
            tree.commit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("edits")


SETTINGS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SETTINGS
@given(steps=STEPS)
def test_listing_and_status_together_are_the_truth_on_disk(folder, steps):
    """Whatever is not a change has on disk the digest that the listing says; nothing is missing."""
    tree = GitTree.init(folder / str(next(numbers)))
    tree.commit_files({"a": "1\n", "d/a": "1\n", "d/e/c": "$Id$\n"})
    for step in steps:
        apply(tree, step)
    repository = Repository.discover(tree.root, tree.environ)
    status = repository.start_status().result()
    listing = repository.listing()
    converted = repository.converted(listing)
    on_disk = {path for path, _ in walk(tree.root)}
    assert on_disk <= set(listing) | set(status.changes)
    for path, entry in listing.items():
        if path not in status.changes and path not in converted:
            assert digest_path(tree.root, path) == entry.digest
    for path, kind in status.changes.items():
        exists = path in on_disk
        assert exists == (kind is not StatusKind.DELETED)
        assert (kind is StatusKind.UNTRACKED) == (path not in listing and exists)


@SETTINGS
@given(before=STEPS, after=STEPS)
def test_a_difference_of_commits_leads_from_one_listing_to_the_other(folder, before, after):
    """Applied to the old tree, the changes give exactly the new one."""
    tree = GitTree.init(folder / str(next(numbers)))
    for step in before:
        apply(tree, step)
    old = tree.commit()
    for step in after:
        apply(tree, step)
    new = tree.commit()
    repository = Repository.discover(tree.root, tree.environ)
    listing = repository.tree_listing(old)
    for change in repository.tree_changes(old, new):
        assert listing.pop(change.path, ABSENT) == change.old
        if change.new != ABSENT:
            listing[change.path] = change.new
    assert listing == repository.tree_listing(new)
    assert listing == {path: entry.digest for path, entry in repository.listing().items()}
