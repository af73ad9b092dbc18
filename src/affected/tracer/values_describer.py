"""Gives every value its token, each object once. Unaware of bindings.

Objects that hold each other in circles are told apart as states of automata are: all of a circle
begin equal, and each round tells each by what it holds, until a round tells no more of them apart.
So a token depends neither on where the circle was entered nor on what was described before.
"""

from __future__ import annotations

import types
from typing import Any, Dict, List, Optional, Set, Tuple

from .values_code import Definitions
from .values_homes import Homes, isinstance_of_type
from .values_objects import Objects
from .values_tokens import Atoms, node, text

DEEPEST = 60
MOST = 20_000  # parts of one value that no other value had yet
_BEYOND = 1 << 60
_ALIKE = text("alike")


class TooLarge(Exception):
    """A value has more parts, or deeper ones, than are worth looking at."""


class _Known:
    """The token of a finished object, kept alive so that its identity stays its own."""

    __slots__ = ("reason", "refs", "token", "value")

    def __init__(self, value: Any, token: bytes, refs: Optional[Set[str]], reason: str) -> None:
        self.value = value
        self.token = token
        self.refs = refs
        self.reason = reason


class Describer:
    """Gives values their tokens, each object once as far as cycles allow."""

    def __init__(self, homes: Homes, roots: Tuple[str, ...]) -> None:
        self.homes = homes
        self.atoms = Atoms(roots, self.doubt)
        self.definitions = Definitions(homes, self.atoms, self.token, self.refer)
        self.objects = Objects(self.atoms, self.token, self.doubt, homes.paths, self.refer)
        self.objects.add(types.FunctionType, self.definitions.function)
        self.objects.add(types.CodeType, self.definitions.code)
        self._makers = self.atoms.makers
        self._known: Dict[int, _Known] = {}
        self.begin()

    def begin(self) -> None:
        """Another value, on its own."""
        self._refs: Optional[Set[str]] = None
        self._reason = ""
        self._depth = 0
        self._parts = 0
        # Objects begun and not finished: identity → number; the least number met again.
        self._open: Dict[int, int] = {}
        self._trail: List[Any] = []
        self._lowest = _BEYOND

    def refer(self, name: str) -> None:
        """The value in hand holds this definition."""
        self._refs = self._refs | {name} if self._refs else {name}

    def doubt(self, reason: str) -> None:
        """The value in hand has a part that cannot be told."""
        self._reason = self._reason or reason

    def end(self, token: bytes) -> Tuple[str, List[str], str]:
        """(fingerprint, what the value refers to, why it cannot be told or "")."""
        refs = sorted(self._refs) if self._refs else []
        return node(token)[1:].hex(), refs, self._reason

    def token(self, value: Any) -> bytes:
        """The token of any value."""
        kind = type(value)
        maker = self._makers.get(id(kind))
        if maker is not None:
            return maker(value)
        key = id(value)
        known = self._known.get(key)
        if known is not None:
            if known.refs:
                self._refs = self._refs | known.refs if self._refs else known.refs
            if known.reason:
                self.doubt(known.reason)
            return known.token
        number = self._open.get(key)
        if number is None:
            return self._visit(value, kind, key)
        self._lowest = min(self._lowest, number)
        return _ALIKE

    def _visit(self, value: Any, kind: Any, key: int) -> bytes:
        number = self._parts
        self._count(1)
        if self._depth >= DEEPEST:
            raise TooLarge("depth")
        before = self._refs, self._reason, self._lowest
        self._refs, self._reason, self._lowest = None, "", _BEYOND
        self._open[key] = number
        place = len(self._trail)
        self._trail.append(value)
        self._depth += 1
        token = self._make(value, kind)
        self._depth -= 1
        refs, reason, lowest = self._refs, self._reason, self._lowest
        self._refs, self._reason, self._lowest = before
        if lowest < number:  # a part of a circle that began further up
            self._lowest = min(self._lowest, lowest)
        else:
            if lowest == number:
                token = self._close(self._trail[place:], refs, reason)
            else:
                self._known[key] = _Known(value, token, refs, reason)
            for done in self._trail[place:]:
                del self._open[id(done)]
            del self._trail[place:]
        if refs:
            self._refs = self._refs | refs if self._refs else refs
        if reason:
            self.doubt(reason)
        return token

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MOST:
            raise TooLarge("size")

    def _close(self, circle: List[Any], refs: Optional[Set[str]], reason: str) -> bytes:
        """Give the objects of a circle their tokens; that of the first is returned."""
        before = self._refs, self._reason
        known = [_Known(value, _ALIKE, refs, reason) for value in circle]
        self._known.update((id(one.value), one) for one in known)
        kinds = 1
        while True:
            self._count(len(circle))
            tokens = [self._make(value, type(value)) for value in circle]
            for place, token in enumerate(tokens):
                known[place].token = token
            found = len(set(tokens))
            if found <= kinds:
                break
            kinds = found
        everything = node(*sorted(tokens))
        for one in known:
            one.token = node(one.token, everything)
        self._refs, self._reason = before
        return known[0].token

    def give_up(self, reason: str) -> None:
        """Do not look again into what was too large."""
        for one in self._trail[:1] if reason == "depth" else self._trail:
            self._known[id(one)] = _Known(one, b"?;", None, reason)

    def _make(self, value: Any, kind: Any) -> bytes:
        if kind is type or isinstance_of_type(value):
            return self.definitions.class_(value)
        return self.objects.shape(kind)(value)
