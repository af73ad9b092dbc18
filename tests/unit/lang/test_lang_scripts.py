"""Command lines that need no shell are started without one."""

from __future__ import annotations

import pytest

from affected.lang.scripts import arguments_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("make", ("make",)),
        ("tsc -p  tsconfig.json", ("tsc", "-p", "tsconfig.json")),
        ("echo 'a b' \"c d\"", ("echo", "a b", "c d")),
        ("grep 'a*|b$' file", ("grep", "a*|b$", "file")),
        ("./run.sh --x=1", ("./run.sh", "--x=1")),
    ],
)
def test_simple_lines_are_cut_into_words(text, words):
    """As a shell would cut them."""
    assert arguments_of(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "a && b",
        "a | b",
        "echo $HOME",
        'echo "$HOME"',
        "rm *.js",
        "X=1 make",
        "cd src",
        "export A",
        "a > b",
        "echo 'open",
        "a; b",
        "~/bin/x",
        "a\nb",
    ],
)
def test_what_means_more_to_a_shell_goes_to_one(text):
    """Pipes, variables, globs, assignments, built-ins and quotes that stay open."""
    assert arguments_of(text) == ("sh", "-c", text)
