"""Colours, widths, durations, plurals."""

from __future__ import annotations

import os

import pytest

from affected.report.style import (
    Style,
    columns,
    displayed,
    duration,
    pad,
    plural,
    printable,
    shorten,
    shorten_path,
    size,
    without_escapes,
    wrap,
)

PLAIN = Style()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0ms"),
        (0, "0ms"),
        (0.0421, "42ms"),
        (0.0995, "0.1s"),
        (0.44, "0.4s"),
        (12.34, "12.3s"),
        (59.94, "59.9s"),
        (59.96, "1m 00s"),
        (65, "1m 05s"),
        (723.2, "12m 03s"),
        (3599.6, "1h 00m"),
        (7500, "2h 05m"),
        (3600 * 2000, "2,000h 00m"),
    ],
)
def test_durations_read_as_people_say_them(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (5 * 1024**3, "5.0 GiB"),
        (2 * 1024**4, "2.0 TiB"),
    ],
)
def test_sizes_are_in_powers_of_1024(count, said):
    assert size(count) == said


def test_plurals_and_thousands_are_right():
    assert plural(1, "file") == "1 file"
    assert plural(0, "file") == "0 files"
    assert plural(1204, "entry", "entries") == "1,204 entries"


def test_plain_style_writes_no_escape():
    assert Style(color=False).paint("x", "red", "bold") == "x"
    assert Style(color=True).paint("x", "red", "bold") == "\x1b[31;1mx\x1b[0m"
    assert Style(color=True).paint("", "red") == ""


def test_a_path_can_neither_move_the_cursor_nor_break_the_line():
    hostile = "a\x1b[2Jb\nc\rd\u202ee\x85f"
    assert printable(hostile) == r"a\x1b[2Jb\nc\rd\u202ee\x85f"


def test_undecodable_bytes_are_shown_escaped():
    assert printable(os.fsdecode(b"caf\xe9.py")) == r"caf\xe9.py"


def test_a_surrogate_that_is_no_byte_is_shown_too():
    assert displayed("x\ud800y") == r"x\ud800y"


def test_columns_count_wide_and_combining_characters():
    assert columns("日本") == 4
    assert columns("e\u0301") == 1
    assert columns("\x1b[31mred\x1b[0m") == 3


def test_escape_sequences_of_all_sorts_are_removed():
    assert (
        without_escapes("\x1b[1;31mE\x1b[0m \x1b]8;;http://x\x07l\x1b]8;;\x1b\\ \x1b[K") == "E l "
    )


@pytest.mark.parametrize("width", range(1, 30))
def test_shortened_text_never_exceeds_its_width(width):
    for style in (Style(unicode=True), Style(unicode=False)):
        for text in ("packages/日本/src/module_name.py", "a/b"):
            assert columns(shorten(text, width, style)) <= width
            assert columns(shorten_path(text, width, style)) <= width


def test_a_shortened_path_keeps_both_ends():
    assert (
        shorten_path("packages/billing/tests/unit/test_money.py", 25, PLAIN)
        == "packages…nit/test_money.py"[:8] + "…" + "nit/test_money.py"[-16:]
    )


def test_no_width_means_no_limit():
    assert shorten("x" * 500, 0, PLAIN) == "x" * 500
    assert wrap("a " * 200, 0) == [" ".join(["a"] * 200)]


def test_words_wrap_within_the_width():
    lines = wrap("the quick brown fox jumps over the lazy dog", 16, "  ")
    assert lines == ["  the quick", "  brown fox", "  jumps over the", "  lazy dog"]


def test_padding_counts_columns():
    assert pad("日", 4) == "日  "
    assert pad("abcdef", 4) == "abcdef"
