"""The help texts, whole: what a user reads is looked at whenever it changes.

Run with UPDATE_PUBLISHED=1 to write the texts anew, then look at the difference.
"""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from support.published import assert_published

from affected.cli.program import COMMANDS, program

TEXTS = Path(__file__).parent / "texts"


def every_command():
    """The program, each command, and each command of a group, by its words."""
    yield ()
    context = click.Context(program)
    for name in COMMANDS:
        yield (name,)
        command = program.get_command(context, name)
        if isinstance(command, click.Group):
            yield from ((name, below) for below in command.list_commands(context))


@pytest.mark.parametrize("words", list(every_command()), ids=lambda words: "-".join(words) or "all")
def test_the_help_is_as_it_was_last_looked_at(words, capsys, monkeypatch):
    """Usage, options and what they mean, at a width of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    program.main([*words, "--help"], prog_name="affected", standalone_mode=False)
    assert_published(TEXTS / ("-".join(["help", *words]) + ".txt"), capsys.readouterr().out)


def test_no_text_is_left_of_a_command_that_is_gone():
    """Every help text has its command."""
    expected = {"-".join(["help", *words]) for words in every_command()}
    assert {path.stem for path in TEXTS.glob("help*.txt")} == expected
