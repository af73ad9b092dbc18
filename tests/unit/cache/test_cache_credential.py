"""Where the token for the shared cache comes from, and that nobody ever sees it."""

from __future__ import annotations

import sys

import pytest

from affected.cache.credential import find_token
from affected.errors import RemoteTrouble


def prints(code):
    return [sys.executable, "-c", code]


def test_the_variable_goes_before_the_command(tmp_path):
    """AFFECTED_TOKEN without the spaces around it; then no command is run."""
    assert find_token({"AFFECTED_TOKEN": " abc\n"}, ["no-such-command"], tmp_path) == "abc"


def test_the_command_prints_it_in_its_first_line(tmp_path):
    """It runs in the workspace's root, so that a script may lie there."""
    (tmp_path / "token.txt").write_text("from-a-file\nand more\n")
    assert find_token({}, prints("print(open('token.txt').read())"), tmp_path) == "from-a-file"


def test_without_either_there_is_none(tmp_path):
    """A cache on loopback needs no token."""
    assert find_token({"AFFECTED_TOKEN": ""}, (), tmp_path) == ""


@pytest.mark.parametrize(
    ("environ", "command", "said"),
    [
        ({}, prints("print('s3cret'); raise SystemExit(3)"), "exit code 3"),
        ({}, prints("import sys; sys.stderr.write('s3cret')"), "printed nothing"),
        ({}, ["no-such-command", "s3cret"], "cannot be run"),
        ({}, prints("print('s3cret\\x07')"), "no token has"),
        ({"AFFECTED_TOKEN": "s3cret\nmore"}, (), "no token has"),
    ],
)
def test_what_goes_wrong_is_told_without_a_word_of_the_secret(tmp_path, environ, command, said):
    """The command's name and how it ended, never what it printed."""
    with pytest.raises(RemoteTrouble) as raised:
        find_token(environ, command, tmp_path)
    assert said in str(raised.value)
    assert "s3cret" not in str(raised.value)
