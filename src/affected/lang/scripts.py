"""Command lines in one text: told apart into words where no shell is needed to understand them.

Unaware of what they run. A shell between us and the program costs time and swallows signals.
"""

from __future__ import annotations

import shlex
from typing import Final

# Whatever a shell would do more with than cutting words.
_MEANING: Final = frozenset("|&;<>()$`*?[]{}~!#\n\r%^")
_BUILT_IN: Final = frozenset(
    (
        *(".", ":", "alias", "bg", "break", "case", "cd", "command", "continue", "eval", "exec"),
        *("exit", "export", "fg", "for", "if", "jobs", "local", "read", "readonly", "return"),
        *("set", "shift", "source", "time", "times", "trap", "type", "ulimit", "umask", "unalias"),
        *("unset", "until", "wait", "while", "function", "let", "declare", "pushd", "popd"),
    )
)


def arguments_of(text: str) -> tuple[str, ...]:
    """The words of a command line, or a shell that is given it."""
    quoted = _outside_quotes(text)
    if quoted is not None and not _MEANING.intersection(quoted):
        words = _words(text)
        if words and "=" not in words[0] and words[0] not in _BUILT_IN:
            return tuple(words)
    return ("sh", "-c", text)


def _outside_quotes(text: str) -> str | None:
    """The text with what stands in single quotes left out; None where a quote stays open."""
    parts = text.split("'")
    if len(parts) % 2 == 0:
        return None
    return "".join(parts[::2])


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that stays open: the shell will say so
        return []
