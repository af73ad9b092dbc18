"""The README documents every command and every setting."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from affected.cli.program import COMMANDS, program
from affected.config.schema import KEYS

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture(scope="module")
def readme():
    """The README's text."""
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    if not re.search(r"^#+ .*\bcommands?\b", text, re.IGNORECASE | re.MULTILINE):
        pytest.skip("the README has no section on commands yet")
    return text


def every_command():
    """`run`, `cache status`, …: each command, and each command of a group."""
    context = click.Context(program)
    for name in COMMANDS:
        command = program.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (f"{name} {below}" for below in command.list_commands(context))
        else:
            yield name


@pytest.mark.parametrize("command", list(every_command()))
def test_every_command_is_in_the_readme(readme, command):
    """What can be called is described; `cache status|gc|clear` counts for each."""
    group, _, below = command.partition(" ")
    lines = [line for line in readme.splitlines() if f"affected {group}" in line]
    assert lines, f"`affected {group}` is not in the README"
    assert not below or any(re.search(rf"\b{below}\b", line) for line in lines)


@pytest.mark.parametrize("key", [key.name for key in KEYS])
def test_every_setting_is_in_the_readme(readme, key):
    """What can be configured is described, by its name in code marks or in an example."""
    assert re.search(rf"`{key}`|^{key} = ", readme, re.MULTILINE), f"`{key}` is not in the README"
