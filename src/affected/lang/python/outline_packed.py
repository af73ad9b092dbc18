"""The stored form of an outline: deflated JSON whose mentions are numbers into one list of names.

Unaware of where it is kept and by which key. Format: `[version, names, blocks, statements, docs]`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Any, Final

from affected.lang.python.outline_parts import VERSION, Block, Outline, Statement

__all__ = ["pack", "unpack"]

_LARGEST: Final = 256 * 1024 * 1024
"""Bytes that an outline may have when inflated; more is taken for damage."""


def pack(outline: Outline) -> bytes:
    """The stored form of an outline."""
    every = (one.mentions for part in (outline.blocks, outline.statements) for one in part)
    names = sorted(set().union(*every))
    number = {name: index for index, name in enumerate(names)}

    def numbers(mentions: frozenset[str]) -> list[int]:
        """Ascending, each as its distance from the one before."""
        found = sorted([number[name] for name in mentions])
        return [after - before for before, after in zip([0, *found], found, strict=False)]

    blocks = [
        [b.key, b.first, b.body, b.last, b.digest, b.shape, b.definition, numbers(b.mentions)]
        for b in outline.blocks
    ]
    statements = [
        [
            s.owner,
            s.names,
            s.kind,
            s.digest,
            s.effect * 1 + s.inline * 2 + s.script * 4,
            s.line,
            s.text,
            numbers(s.mentions),
        ]
        for s in outline.statements
    ]
    content = [VERSION, names, blocks, statements, dict(outline.docs)]
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode("ascii"), 6)


def unpack(content: bytes) -> Outline | None:
    """The outline of a stored form; None where that is damaged or of another version."""
    try:
        inflate = zlib.decompressobj()
        plain = inflate.decompress(content, _LARGEST)
        if not inflate.eof or inflate.unused_data:
            return None
        stored = json.loads(plain)
        if not isinstance(stored, list) or stored[0] != VERSION:
            return None
        _, names, blocks, statements, docs = stored
        return Outline(
            tuple(_block(one, names) for one in blocks),
            tuple(_statement(one, names) for one in statements),
            dict(docs),
        )
    except (zlib.error, ValueError, TypeError, LookupError, RecursionError):
        return None


def _mentions(numbers: Iterable[int], names: list[str]) -> frozenset[str]:
    found, at = [], 0
    for step in numbers:
        at += step
        found.append(names[at])
    return frozenset(found)


def _block(stored: list[Any], names: list[str]) -> Block:
    *fields, mentions = stored
    key, first, body, last, digest, shape, definition = fields
    return Block(key, first, body, last, digest, shape, definition, _mentions(mentions, names))


def _statement(stored: list[Any], names: list[str]) -> Statement:
    owner, bound, kind, digest, flags, line, text, mentions = stored
    return Statement(
        owner=owner,
        names=tuple(bound),
        kind=kind,
        digest=digest,
        effect=bool(flags & 1),
        inline=bool(flags & 2),
        script=bool(flags & 4),
        line=line,
        text=text,
        mentions=_mentions(mentions, names),
    )
