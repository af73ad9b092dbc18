"""The pure parsers, on output written by hand."""

from __future__ import annotations

import pytest

from affected.git.output import (
    RawChange,
    StatusEntry,
    StatusKind,
    feed,
    parse_attributes,
    parse_configuration,
    parse_listing,
    parse_paths,
    parse_raw_diff,
    parse_status,
    parse_tree,
)

HEADER = b"# branch.oid 11aa\0# branch.head main\0# stash 3\0"
ZERO = "0" * 40


def test_a_rename_in_a_status_is_both_its_names():
    """Should git tell one although asked not to, neither name is lost."""
    line = b"2 R. N... 100644 100644 100644 aa aa R100 new name\0old name\0"
    parsed = parse_status(HEADER + line + b"? other\0")
    assert parsed.entries == (
        StatusEntry("new name", StatusKind.MODIFIED),
        StatusEntry("old name", StatusKind.DELETED),
        StatusEntry("other", StatusKind.UNTRACKED),
    )


def test_a_conflicted_entry_and_a_submodules_letters():
    """Paths with spaces stay whole; gitlinks carry their two commits."""
    conflict = b"u UU N... 100644 100644 100644 100644 a b c two words\0"
    bump = b"1 MM SC.U 160000 160000 160000 aa bb sub mod\0"
    parsed = parse_status(HEADER + conflict + bump)
    assert parsed.entries == (
        StatusEntry("two words", StatusKind.CONFLICTED),
        StatusEntry("sub mod", StatusKind.MODIFIED, "SC.U", "aa", "bb"),
    )
    assert (parsed.head, parsed.branch) == ("11aa", "main")


@pytest.mark.parametrize("raw", [b"", b"? a\0", HEADER + b"fatal: no\0"])
def test_an_answer_cut_off_or_of_another_kind_is_no_clean_status(raw):
    """Nothing that is not a whole status reads as one."""
    with pytest.raises(ValueError, match="git status"):
        parse_status(raw)


def test_a_raw_diff_refuses_what_it_does_not_know():
    """Renames and other formats are errors, never silently skipped."""
    fine = f":100644 000000 aa {ZERO} D\0gone\0".encode()
    assert list(parse_raw_diff(fine)) == [RawChange("100644", "000000", "aa", ZERO, "gone")]
    with pytest.raises(ValueError, match="rename"):
        list(parse_raw_diff(b":100644 100644 aa bb R100\0old\0new\0"))
    with pytest.raises(ValueError, match="raw diff"):
        list(parse_raw_diff(b"diff --git a b\0"))


def test_listings_keep_tabs_and_newlines_in_names():
    """Only the first tab separates."""
    [entry] = parse_listing(b"h 100755 aa 0\ta\tb\nc\0")
    assert entry == ("h", "100755", "aa", "a\tb\nc")
    [found] = parse_tree(b"120000 blob aa\ta\tb\nc\0")
    assert found == ("120000", "aa", "a\tb\nc")


def test_attributes_come_path_by_path():
    """The values of each path, in the order in which they were asked for."""
    raw = b"a\0text\0auto\0a\0eol\0unspecified\0b\0text\0set\0b\0eol\0lf\0"
    assert list(parse_attributes(raw, 2)) == [("a", ("auto", "unspecified")), ("b", ("set", "lf"))]
    assert list(parse_attributes(b"", 3)) == []


def test_configuration_keys_without_a_value_are_true():
    """And values keep their newlines; the last one wins."""
    raw = b"core.bare\0a.b\n1\0a.b\n2\n3\0"
    assert parse_configuration(raw) == {"core.bare": "true", "a.b": "2\n3"}


def test_paths_go_in_and_out_as_bytes():
    """Undecodable bytes survive both ways."""
    raw = b"a\0\xff\n\0"
    assert feed(parse_paths(raw)) == raw
