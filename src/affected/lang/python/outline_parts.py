"""The nouns of an outline: blocks, statements, and what a block or statement may look up by name.

Unaware of how they are read out of a source, how they are stored and how two are compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = [
    "ANY",
    "OWN",
    "VERSION",
    "Block",
    "Outline",
    "Statement",
    "block_at",
    "computes",
    "mentions_any",
    "spells_any",
]

VERSION: Final = "2"
"""Of digests and of the stored form alike: outlines of two versions are never compared."""

ANY: Final = "*"
"""The mention of whatever name there is; "visit_*" is that of every name that starts so."""
# "@name" mentions the module that `from name import …` imports from: it is not held by that.
OWN: Final = ".*"
"""The mention of whatever attribute an instance or class has; a module's names are none."""


@dataclass(frozen=True, slots=True)
class Block:
    """One function's own body; apart from the statement or the block that defines it.

    `key` is a path like CPython's `__qualname__`, with "#2" for the second definition of that
    name; `first` is CPython's `co_firstlineno`. `digest` covers what the interpreter sees of the
    body but the docstring, with the definitions of functions in it; `shape` the kind, parameters
    and where names live; `definition` what is seen without a call: decorators, defaults,
    annotations, kind and parameters. The lines from `body` to `last` are the body's.
    """

    key: str
    first: int
    body: int
    last: int
    digest: str
    shape: str
    definition: str
    mentions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that runs at import, of the module's body or of a class body.

    `owner` is the class's key, or "" for the module, `names` what it binds there ("*" for a star
    import). `script` says that it runs only where the file is run as `__main__`; `text` is its
    beginning, where `effect` says that it may do more than bind its names. Of `mentions`, those
    that a text spells stand there with a quote ahead, too.
    """

    owner: str
    names: tuple[str, ...]
    kind: str
    digest: str
    effect: bool
    inline: bool
    script: bool
    line: int
    text: str
    mentions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outline:
    """The blocks and the statements of one file version, in the order of their lines.

    `docs` gives the digest of each docstring by the key of its function or class ("": the module).
    """

    blocks: tuple[Block, ...]
    statements: tuple[Statement, ...]
    docs: Mapping[str, str]


def block_at(outline: Outline, line: int) -> Block | None:
    """The innermost block whose body has `line`; None where that runs at import.

    So a lambda or generator expression, known by its line, is told its function; one that stands
    in a decorator or a default belongs to what encloses the function.
    """
    found = None
    for block in outline.blocks:
        if block.first > line:
            break
        if block.body <= line <= block.last:
            found = block
    return found


def mentions_any(
    mentions: frozenset[str], names: Collection[str], attributes: Collection[str] = ()
) -> bool:
    """Whether one of `names`, or of the attributes of classes, may be looked up by these."""
    if not names and not attributes:
        return False
    return computes(mentions, attributes) or spells_any(mentions, names, attributes)


def computes(mentions: frozenset[str], attributes: Collection[str] = ()) -> bool:
    """Whether a name is looked up that may be any, of whatever object is at hand."""
    return ANY in mentions or (bool(attributes) and OWN in mentions)


def spells_any(
    mentions: frozenset[str], names: Collection[str], attributes: Collection[str] = ()
) -> bool:
    """Whether one of these names is mentioned, or begins as a mentioned one does."""
    if not mentions.isdisjoint(names) or not mentions.isdisjoint(attributes):
        return True
    starts = tuple(one[:-1] for one in mentions if one.endswith(ANY) and one not in (ANY, OWN))
    return bool(starts) and any(name.startswith(starts) for name in (*names, *attributes))
