"""Whether the functions that a test entered may have looked up what is another value now.

Unaware of files and records. A name that is spelled decides; a computed one counts where the test
also got hold of a module or class that has a name or attribute that moved.
"""

from __future__ import annotations

from dataclasses import dataclass

from affected.lang.python.outline import Outline, computes, spells_any
from affected.model.path import RepoPath
from affected.selection.values import Moved


@dataclass(frozen=True, slots=True)
class Entered:
    """What one function mentions, and the classes it stands in."""

    mentions: frozenset[str]
    classes: frozenset[str] = frozenset()


def entered_at(outline: Outline, line: int) -> Entered:
    """The function of that first line; line 0: lambdas and comprehensions run at import."""
    if line:
        found = [block.mentions for block in outline.blocks if block.first == line]
        keys = [block.key for block in outline.blocks if block.first == line]
    else:
        found = [one.mentions for one in outline.statements if one.inline]
        keys = [one.owner + "." for one in outline.statements if one.inline]
    if not found:
        return Entered(frozenset({"*"}))
    classes = frozenset(part for key in keys for part in key.split(".")[:-1] if part)
    return Entered(frozenset().union(*found), classes)


@dataclass(slots=True)
class Seen:
    """What is known of one test so far; `detail`: why it must run, "" while nothing says so."""

    detail: str = ""
    computes: str = ""  # a function that computes names, in words
    reaches: bool = False  # it got hold of something of which an attribute moved

    @property
    def verdict(self) -> str:
        """Why the test must run; "" when it need not."""
        return self.detail or (self.computes if self.reaches else "")

    def add(self, entered: Entered, move: Moved, path: RepoPath, line: int) -> None:
        """One more function that it entered."""
        mentions, named = entered.mentions, move.names | move.attributes
        where = f"value: line {line} of {path} mentions"
        if spells_any(mentions, move.names, move.attributes):
            self.detail = f"{where} {min(mentions & named, default='one of the names')}"
        elif not mentions.isdisjoint(move.spelled):
            self.detail = f"{where} {min(mentions & move.spelled)}"
        elif named and computes(mentions, move.attributes):
            self.computes = self.computes or f"{where} any name"
            if path in move.homes:
                self.detail = self.computes
        if not (mentions.isdisjoint(move.reach) and entered.classes.isdisjoint(move.reach)):
            self.reaches = True
