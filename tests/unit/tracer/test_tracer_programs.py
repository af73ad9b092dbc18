"""Which child processes read nothing but what they are given."""

from pathlib import Path

import pytest

from affected.tracer.programs import named_files


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["cat"], []),
        (["/bin/cat", "a.txt", "/b/c.txt"], ["/folder/a.txt", "/b/c.txt"]),
        (["sort", "--files0-from=list"], ["/folder/list"]),
        (["head", "-n", "3", "../x"], ["/folder/3", "/x"]),
        ([b"wc", b"a"], ["/folder/a"]),
    ],
    ids=["its input alone", "files named to it", "in an option", "numbers too", "bytes"],
)
def test_a_plain_program_reads_the_files_that_are_named_to_it(words, files):
    """A word too many does no harm."""
    named = named_files(words[0], words, "/folder", {})
    assert [path for path in named or () if "-n" not in path] == files


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (["python", "x.py"], {}),
        (["./cat", "x"], {}),
        (["/folder/bin/cat", "x"], {}),
        ("cat x | python", {}),
        (["less", "x"], {"LESSOPEN": "|anything %s"}),
        (["cat", "x"], {b"LD_PRELOAD": b"/x.so"}),
    ],
    ids=["another program", "of a folder", "of elsewhere", "a shell's line", "a filter", "preload"],
)
def test_any_other_program_may_read_anything(words, environ):
    """Nor does a plain one that is told to start or load something."""
    program = words if isinstance(words, str) else words[0]
    assert named_files(program, words, None, environ) is None


def test_what_is_not_said_is_our_own():
    """The working folder and the environment."""
    assert named_files("cat", ["cat", "x"], None, None) == [str(Path.cwd() / "x")]
