"""What the place that shows our text can do, and what the user means by a path."""

from __future__ import annotations

import io

import pytest

from affected.cli.terminal import is_live, label_here, style_for, wants_color, write_lines


class Stream(io.TextIOWrapper):
    """A stream that is a terminal or not, with an encoding."""

    def __init__(self, *, terminal, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)
        self._terminal = terminal

    def isatty(self):
        return self._terminal


@pytest.mark.parametrize(
    ("terminal", "environ", "color"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"FORCE_COLOR": "0"}, False),
        (True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_terminals_unless_told_otherwise(terminal, environ, color):
    """NO_COLOR and FORCE_COLOR as their conventions say; NO_COLOR wins."""
    stream = Stream(terminal=terminal)
    assert wants_color(stream, environ) is color
    assert style_for(stream, environ).color is color


@pytest.mark.parametrize(
    ("terminal", "environ", "live"),
    [
        (True, {}, True),
        (True, {"CI": "true"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_lines_are_redrawn_only_where_somebody_watches(terminal, environ, live):
    """A log keeps every line."""
    assert is_live(Stream(terminal=terminal), environ) is live


@pytest.mark.parametrize(
    ("encoding", "unicode"), [("utf-8", True), ("UTF8", True), ("ascii", False)]
)
def test_signs_beyond_ascii_are_for_streams_that_have_them(encoding, unicode):
    """Others get plain ones."""
    assert style_for(Stream(terminal=True, encoding=encoding), {}).unicode is unicode


def test_a_log_has_no_width():
    """Nothing is cut where nobody looks at a screen."""
    assert style_for(Stream(terminal=False), {}).width == 0


@pytest.mark.parametrize(
    ("encoding", "written"), [("utf-8", "ü \\udcff\n"), ("ascii", "\\xfc \\udcff\n")]
)
def test_lines_are_written_whatever_the_stream_can_encode(encoding, written):
    """A file name that is no UTF-8, or a stream that is none."""
    stream = Stream(terminal=False, encoding=encoding)
    write_lines(["ü \udcff"], stream)
    assert stream.buffer.getvalue().decode(encoding) == written


def test_no_lines_write_nothing():
    """Not even an empty one."""
    stream = Stream(terminal=False)
    write_lines([], stream)
    assert stream.buffer.getvalue() == b""


@pytest.fixture
def root(tmp_path):
    """A workspace with a link in it."""
    for path in ("pkg/tests/test_a.py", "other/test_b.py"):
        file = tmp_path / path
        file.parent.mkdir(parents=True)
        file.write_text("")
    (tmp_path / "pkg/test_link.py").symlink_to("../other/test_b.py")
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "typed", "label"),
    [
        ("", "pkg/tests/test_a.py", "pkg/tests/test_a.py"),
        ("", "./pkg/tests/", "pkg/tests"),
        ("", ".", "."),
        ("pkg", "tests/test_a.py", "pkg/tests/test_a.py"),
        ("pkg", ".", "pkg"),
        ("pkg/tests", "../tests/test_a.py::test_x[a::b]", "pkg/tests/test_a.py::test_x[a::b]"),
        ("pkg", "../other", "other"),
        ("pkg", "pkg/tests/test_a.py", "pkg/tests/test_a.py"),  # a label, whatever the folder
        ("pkg", "no/such.py", "no/such.py"),
        ("pkg", "test_link.py", "pkg/test_link.py"),
        ("", "..", ".."),
    ],
)
def test_a_path_is_what_the_user_sees_from_here(root, monkeypatch, folder, typed, label):
    """Relative to the current folder where it exists there; labels stay as they are."""
    monkeypatch.chdir(root / folder)
    assert label_here(typed, root) == label


def test_an_absolute_path_is_a_label_too(root, monkeypatch):
    """From anywhere."""
    monkeypatch.chdir(root / "other")
    assert label_here(str(root / "pkg/tests/test_a.py"), root) == "pkg/tests/test_a.py"
    assert label_here(str(root), root) == "."
