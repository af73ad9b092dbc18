"""Turns the plainest values into bytes that say exactly what they are. Unaware of objects.

A token delimits itself, so tokens can be joined: an atom is a letter, a length, ":" and its text;
any other value is "#" and eight bytes of BLAKE2b over the joined tokens of its parts.
"""

from __future__ import annotations

import hashlib
import marshal
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Optional, Tuple

_blake2b = hashlib.blake2b
_PLAIN = frozenset(map(id, (str, int, float, bool, bytes, complex, type(None))))
_SORTABLE = frozenset(map(id, (str, int, bytes)))
# Version 0 of the format has neither references nor interned strings: equal values, equal bytes.
_FLAT = 0
ADDRESS = " at 0x"


def node(*parts: bytes) -> bytes:
    """The token of a value that has these parts."""
    return b"#" + _blake2b(b"".join(parts), digest_size=8).digest()


def text(words: str) -> bytes:
    """The token of a string of ours: a tag or a name."""
    raw = words.encode("utf-8", "surrogatepass")
    return b"s%d:%s" % (len(raw), raw)


def names(words: Tuple[str, ...]) -> bytes:
    """The token of identifiers."""
    raw = marshal.dumps(words, _FLAT)
    return b"M%d:%s" % (len(raw), raw)


class Atoms:
    """Tokens of values without parts; the workspace's own place is left out of strings."""

    def __init__(self, roots: Tuple[str, ...], doubt: Callable[[str], None]) -> None:
        self._roots = tuple(sorted((r.rstrip("/") for r in roots if len(r) > 1), reverse=True))
        self._raw_roots = tuple(r.encode("utf-8", "surrogateescape") for r in self._roots)
        self._doubt = doubt
        self.makers: Dict[int, Callable[[Any], bytes]] = {
            id(str): self.string,
            id(int): lambda value: b"i%x;" % value,
            id(bool): lambda value: b"T;" if value else b"F;",
            id(type(None)): lambda _: b"N;",
            id(float): lambda value: b"f%s;" % float.__repr__(value).encode(),
            id(complex): lambda value: b"c%s;" % complex.__repr__(value).encode(),
            id(bytes): self.raw,
            id(type(...)): lambda _: b"...;",
            id(type(NotImplemented)): lambda _: b"!;",
        }

    def string(self, value: str) -> bytes:
        """A string, its place in the workspace put aside."""
        if "/" in value:
            for root in self._roots:
                if root in value:
                    value = value.replace(root, "<workspace>")
        if ADDRESS in value:
            self._doubt("address")
        raw = value.encode("utf-8", "surrogatepass")
        return b"s%d:%s" % (len(raw), raw)

    def raw(self, value: bytes) -> bytes:
        """Bytes, likewise."""
        for root in self._raw_roots:
            if root in value:
                value = value.replace(root, b"<workspace>")
        return b"b%d:%s" % (len(value), value)

    def flat(self, values: Any) -> Optional[bytes]:
        """All of a list or tuple of atoms at once; None when it holds anything else."""
        if not _PLAIN.issuperset(map(id, map(type, values))):
            return None
        raw = marshal.dumps(values if type(values) is tuple else tuple(values), _FLAT)
        for root in self._raw_roots:
            if root in raw:
                return None
        if b" at 0x" in raw:
            return None
        return b"M%d:%s" % (len(raw), raw)

    def many(self, values: Iterable[Any], token: Callable[[Any], bytes]) -> bytes:
        """A sequence of values of any kind; atoms do not cost a call of `token`."""
        makers = self.makers
        parts = []
        for value in values:
            maker = makers.get(id(type(value)))
            parts.append(maker(value) if maker is not None else token(value))
        return joined(parts)

    def flat_set(self, values: FrozenSet[Any]) -> Optional[bytes]:
        """All of a set of strings, of integers or of bytes."""
        kinds = set(map(id, map(type, values)))
        if len(kinds) > 1 or not kinds <= _SORTABLE:
            return None
        return self.flat(tuple(sorted(values)))


def joined(tokens: Iterable[bytes]) -> bytes:
    """A sequence of tokens whose number counts."""
    parts: List[bytes] = list(tokens)
    return b"(%d:" % len(parts) + b"".join(parts)
