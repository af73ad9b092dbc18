"""What differs between two outlines of one file, for those who know what tests entered and saw.

Unaware of tests. Where the order of statements changed, every statement that was moved, and every
one that it moved across and may have to do with, counts as different.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from affected.lang.python.outline_parts import Outline, Statement, mentions_any

__all__ = ["OutlineChange", "compare"]

_Identity: TypeAlias = tuple[str, str, tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class OutlineChange:
    """What an edit did to a file, in the terms of what was seen of the old version.

    `bodies`: old first lines of the blocks whose body or shape differs, or that are gone.
    `lines`: old first line to new first line, of every block that is the same.
    `names`: (owner, name) of what different statements bind. `functions`: old first lines of the
    blocks whose definition differs or is gone. `effects`: statements that differ, or stand in
    another order, and may do more than bind names, in words. `inline`: one that differs holds a
    lambda, comprehension or generator. `docs`: keys whose docstring differs. `script`: what
    differs is also what runs when the file is run as `__main__`.
    """

    bodies: frozenset[int]
    lines: Mapping[int, int]
    names: frozenset[tuple[str, str]]
    functions: frozenset[int]
    effects: tuple[str, ...]
    inline: bool
    docs: frozenset[str]
    script: bool

    @property
    def module_level(self) -> bool:
        """Whether an import of the new version may come to something else."""
        return bool(self.names or self.effects or self.inline)

    @property
    def quiet(self) -> bool:
        """Whether the interpreter sees no difference but line numbers."""
        return not (self.bodies or self.functions or self.docs or self.script or self.module_level)


def compare(old: Outline, new: Outline) -> OutlineChange:
    """What differs between two versions of one file; both outlines of this `VERSION`."""
    now = {block.key: block for block in new.blocks}
    bodies, functions, lines = set(), set(), {}
    for block in old.blocks:
        after = now.get(block.key)
        if after is None or (after.digest, after.shape) != (block.digest, block.shape):
            bodies.add(block.first)
        else:
            lines[block.first] = after.first
        if after is None or after.definition != block.definition:
            functions.add(block.first)
    different, moved = _different(old.statements, new.statements)
    touched = (*different, *moved)
    return OutlineChange(
        bodies=frozenset(bodies),
        lines=lines,
        names=frozenset((one.owner, name) for one in touched for name in one.names),
        functions=frozenset(functions),
        effects=_effects(different, moved),
        inline=any(one.inline for one in different),
        docs=_documented(old, new),
        script=any(one.script for one in different),
    )


def _effects(different: Sequence[Statement], moved: Sequence[Statement]) -> tuple[str, ...]:
    words = [
        f"line {one.line}{word}: {one.text or one.kind}"
        for word, statements in (("", different), (", moved", moved))
        for one in statements
        if one.effect or not (one.names or one.script)
    ]
    return tuple(dict.fromkeys(words))


def _documented(old: Outline, new: Outline) -> frozenset[str]:
    """Keys whose docstring differs, of functions that both versions have and of classes."""
    before, after = ({block.key for block in one.blocks} for one in (old, new))
    differing = {
        key for key in old.docs.keys() | new.docs.keys() if old.docs.get(key) != new.docs.get(key)
    }
    return frozenset(differing - (before ^ after))


def _identity(one: Statement) -> _Identity:
    return one.owner, one.kind, one.names, one.digest


def _different(
    old: Sequence[Statement], new: Sequence[Statement]
) -> tuple[list[Statement], list[Statement]]:
    """The statements that one side alone has, and those whose order came to differ."""
    before, after = [_identity(one) for one in old], [_identity(one) for one in new]
    start, shorter = 0, min(len(before), len(after))
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    middle = range(start, len(before) - end)
    places: dict[_Identity, list[int]] = defaultdict(list)
    for index in reversed(middle):
        places[before[index]].append(index)
    different: list[Statement] = []
    order: list[int] = []
    for index in range(start, len(after) - end):
        found = places[after[index]]
        if found:
            order.append(found.pop())
        else:
            different.append(new[index])
    matched = frozenset(order)
    different = [old[index] for index in middle if index not in matched] + different
    return different, _moved(old, order)


def _moved(old: Sequence[Statement], order: Sequence[int]) -> list[Statement]:
    """The statements out of order, and those they crossed that they may have to do with.

    `order` holds the places in `old` of what stayed, in the order of the new version.
    """
    moved = _displaced(order)
    found = set(moved)
    position = {place: index for index, place in enumerate(order)}
    for place in moved:
        at = position[place]
        for other, index in position.items():
            if (other < place) != (index < at) and _related(old[place], old[other]):
                found.add(other)
    return [old[place] for place in sorted(found)]


def _displaced(order: Sequence[int]) -> list[int]:
    """What is not in one longest ascending run through `order` (patience sorting)."""
    tails: list[int] = []
    heights: list[int] = []
    for place in order:
        height = bisect.bisect_left(tails, place)
        tails[height : height + 1] = [place]
        heights.append(height)
    wanted = len(tails) - 1
    kept = set()
    ceiling = None
    for place, height in zip(reversed(order), reversed(heights), strict=True):
        if height == wanted and (ceiling is None or place < ceiling):
            kept.add(place)
            wanted, ceiling = wanted - 1, place
    return [place for place in order if place not in kept]


def _related(one: Statement, other: Statement) -> bool:
    return (
        one.effect
        or other.effect
        or mentions_any(one.mentions, other.names)
        or mentions_any(other.mentions, one.names)
        or not set(one.names).isdisjoint(other.names)
    )
