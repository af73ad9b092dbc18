"""Names that are never an input, documents that change nothing, and gitignore-like patterns.

Unaware of the disk and of git's own ignore files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from affected.model.path import RepoPath, name, parent

# Folders and files that tools leave behind: never an input, never a change.
BUILT_IN: Final = (
    "__pycache__",
    "*.pyc",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".coverage",
    ".coverage.*",
    ".git",
    ".tox",
    ".nox",
    ".venv",
    "node_modules",
    ".affected-cache",
)

_NOISY: Final = frozenset(pattern for pattern in BUILT_IN if "*" not in pattern)

# Documents that no test reads by default. Deliberately short: source-like names (README.py),
# folders (news/), and text beside code or tests are not in it. One that a test was seen to read
# counts all the same.
_DOCUMENTS: Final = (
    "README", "LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS", "CONTRIBUTORS",
    "CONTRIBUTING", "CODE_OF_CONDUCT", "SECURITY", "SUPPORT", "CHANGELOG", "CHANGES",
    "HISTORY", "NEWS", "MAINTAINERS", "CITATION",
)  # fmt: skip
INERT: Final = (
    *_DOCUMENTS,
    *(
        f"{spelling}.{kind}"
        for stem in _DOCUMENTS
        for spelling in (stem, stem.lower(), stem.capitalize())
        for kind in ("md", "rst", "txt")
    ),
    "CODEOWNERS",
    "LICENSE-*",
    "CITATION.cff",
    "/*.md",
    "/*.rst",
    "docs/**/*.md",
    "docs/**/*.rst",
    "doc/**/*.md",
    "doc/**/*.rst",
    ".github/**/*.md",
    ".github/ISSUE_TEMPLATE/",
    ".gitignore",
    ".editorconfig",
    ".mailmap",
    ".git-blame-ignore-revs",
    "!*.py",  # whatever folder it is in
)


def is_noise(path: str) -> bool:
    """True for a path that has a built-in ignored name anywhere in it."""
    parts = path.split("/")
    if not _NOISY.isdisjoint(parts) or path.endswith(".pyc"):
        return True
    return "/.coverage." in path or path.startswith(".coverage.") or ".pyc/" in path


def environments(paths: Iterable[str]) -> frozenset[RepoPath]:
    """The folders among `paths` that are virtual environments, by their pyvenv.cfg."""
    return frozenset(parent(path) for path in paths if name(path) == "pyvenv.cfg")


class Patterns:
    """Globs read the way git reads an ignore file; the last one that matches decides.

    `*` and `?` stay within a name, `**` crosses folders, `[...]` is a set of characters; a `/` at
    the start or inside binds a pattern to the root, one at the end to folders; `!` takes back;
    `#` starts a comment. A pattern that matches a folder matches everything below it.
    """

    __slots__ = ("_rules", "globs")

    def __init__(self, globs: Iterable[str]) -> None:
        self.globs = tuple(globs)
        rules: list[tuple[bool, list[str]]] = []
        for glob in self.globs:
            taken_back, expression = _expression(glob)
            if not expression:
                continue
            if not rules or rules[-1][0] != taken_back:
                rules.append((taken_back, []))
            rules[-1][1].append(expression)
        self._rules = tuple(
            (not taken_back, re.compile("|".join(expressions), re.DOTALL))
            for taken_back, expressions in reversed(rules)
        )

    def matches(self, path: str) -> bool:
        """True when the last pattern that speaks of the file `path` is not a taking back."""
        for verdict, expression in self._rules:
            if expression.fullmatch(path):
                return verdict
        return False

    def __bool__(self) -> bool:
        return bool(self._rules)


def _expression(glob: str) -> tuple[bool, str]:
    """Whether a pattern takes back, and the regular expression of the paths it speaks of."""
    text = glob.rstrip("\r\n")
    while text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1]
    if text.startswith("#"):
        return False, ""
    taken_back = text.startswith("!")
    text = text[taken_back:]
    folder_only = text.endswith("/")
    text = text.rstrip("/")
    bound = "/" in text
    text = text.removeprefix("/")
    if not text:
        return False, ""
    head = "" if bound else "(?:.*/)?"
    tail = "/.+" if folder_only else "(?:/.*)?"
    return taken_back, head + _translate(text) + tail


def _translate(text: str) -> str:
    found: list[str] = []
    at = 0
    while at < len(text):
        letter = text[at]
        if text.startswith("**", at) and (at == 0 or text[at - 1] == "/"):
            end = at + 2
            if end == len(text):
                found.append(".+")
                break
            if text[end] == "/":
                found.append("(?:.*/)?")
                at = end + 1
                continue
        piece, at = _piece(text, at, letter)
        found.append(piece)
    return "".join(found)


def _piece(text: str, at: int, letter: str) -> tuple[str, int]:
    """The expression of one glob element, and where the next one starts."""
    if letter == "*":
        while at < len(text) and text[at] == "*":
            at += 1
        return "[^/]*", at
    if letter == "?":
        return "[^/]", at + 1
    if letter == "\\" and at + 1 < len(text):
        return re.escape(text[at + 1]), at + 2
    if letter == "[":
        end = text.find("]", at + 3 if text[at + 1 : at + 2] in ("!", "^") else at + 2)
        if end > at:
            inside = text[at + 1 : end]
            negated = inside[:1] in ("!", "^")
            body = (inside[1:] if negated else inside).replace("\\", "\\\\").replace("[", "\\[")
            return f"(?!/)[{'^' if negated else ''}{body}]", end + 1
    return re.escape(letter), at + 1
