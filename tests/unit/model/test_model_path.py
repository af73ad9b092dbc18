"""Repo paths: plain strings that any file name fits into."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affected.model.path import (
    ROOT,
    ancestors,
    decode,
    display,
    encode,
    is_under,
    join,
    name,
    parent,
    relative_to,
)

parts = st.lists(st.sampled_from(["a", "b.py", "sp ace", "ü", "\udcff", ".x"]), max_size=4)
quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
paths = parts.map("/".join)


@quick
@given(paths)
def test_a_path_is_its_parent_and_its_name(path):
    """Taken apart and put together."""
    assert join(parent(path), name(path)) == path


@quick
@given(paths)
def test_ancestors_lead_to_the_root(path):
    """Nearest first; the root has none."""
    found = ancestors(path)
    assert found == ([] if path == ROOT else [parent(path), *ancestors(parent(path))])
    assert all(is_under(path, folder) for folder in found)


@quick
@given(paths, paths)
def test_what_lies_under_a_folder_is_relative_to_it(folder, below):
    """Putting together and taking apart undo each other."""
    path = join(folder, below)
    assert is_under(path, folder)
    if folder and below:
        assert relative_to(path, folder) == below


@pytest.mark.parametrize(
    ("path", "folder", "under"),
    [
        ("a/b", "a", True),
        ("a", "a", True),
        ("ab", "a", False),
        ("a", "a/b", False),
        ("anything", "", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_folder_holds_whole_names_only(path, folder, under):
    """`ab` does not lie under `a`."""
    assert is_under(path, folder) is under


@quick
@given(st.binary(max_size=8).filter(lambda raw: b"\0" not in raw))
def test_every_name_of_a_file_survives(raw):
    """Bytes that are no UTF-8 come back as they were."""
    assert encode(decode(raw)) == raw


def test_what_cannot_be_shown_is_shown_as_its_bytes():
    """Printable everywhere, and told apart."""
    assert display(os.fsdecode(b"caf\xe9/\xc3\xbc")) == "caf\\xe9/ü"
    assert display("plain.py") == "plain.py"
