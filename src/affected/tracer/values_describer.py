"""Gives every value its token, each object once as far as cycles allow. Unaware of bindings.

An object that is met again while it is being described is told by how far up the way it is, so
equal shapes give equal tokens whatever was described before.
"""

from __future__ import annotations

import types
from typing import Any, Dict, List, Optional, Set, Tuple

from .values_code import Definitions
from .values_homes import Homes, isinstance_of_type
from .values_objects import Objects
from .values_tokens import Atoms, node

DEEPEST = 60
MOST = 20_000  # parts of one value that no other value had yet
_BEYOND = 1 << 30


class TooLarge(Exception):
    """A value has more parts than are worth looking at."""


class _Known:
    """The token of a finished object, kept alive so that its identity stays its own."""

    __slots__ = ("members", "reason", "refs", "token", "value")

    def __init__(
        self, value: Any, token: bytes, refs: Optional[Set[str]], reason: str, members: Any
    ) -> None:
        self.value = value
        self.token = token
        self.refs = refs
        self.reason = reason
        self.members = members  # of the cycle it closes: while one is being described, not usable


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
        self._stack: Dict[int, int] = {}
        self._refs: Optional[Set[str]] = None
        self._reason = ""
        self._lowest = _BEYOND  # the outermost object on the stack that was met again
        self._members: Set[int] = set()  # objects described within a cycle still open
        self._parts = 0

    def refer(self, name: str) -> None:
        """The value in hand holds this definition."""
        if self._refs is None:
            self._refs = {name}
        else:
            self._refs.add(name)

    def doubt(self, reason: str) -> None:
        """The value in hand has a part that cannot be told."""
        self._reason = self._reason or reason

    def end(self, token: bytes) -> Tuple[str, List[str], str]:
        """(fingerprint, what the value refers to, why it cannot be told or "")."""
        return node(token)[1:].hex(), sorted(self._refs or ()), self._reason

    def token(self, value: Any) -> bytes:
        """The token of any value."""
        kind = type(value)
        maker = self._makers.get(id(kind))
        if maker is not None:
            return maker(value)
        key = id(value)
        known = self._known.get(key)
        if known is not None and (not known.members or known.members.isdisjoint(self._stack)):
            if known.refs:
                self._refs = self._refs | known.refs if self._refs else set(known.refs)
            if known.reason:
                self.doubt(known.reason)
            return known.token
        level = self._stack.get(key)
        if level is None:
            return self._visit(value, kind, key)
        self._lowest = min(self._lowest, level)
        return b"^%d;" % (len(self._stack) - level)

    def _visit(self, value: Any, kind: Any, key: int) -> bytes:
        depth = len(self._stack)
        if depth >= DEEPEST:
            self.doubt("depth")
            self._lowest = -1  # what holds it is not the same when reached another way
            return b"?;"
        self._parts += 1
        if self._parts > MOST:
            raise TooLarge
        before = self._refs, self._reason, self._lowest, self._members
        self._refs, self._reason, self._lowest, self._members = None, "", _BEYOND, set()
        self._stack[key] = depth
        token = self._make(value, kind)
        del self._stack[key]
        refs, reason, lowest, members = self._refs, self._reason, self._lowest, self._members
        self._refs, self._reason, self._lowest, self._members = before
        if lowest >= depth:
            if members or lowest == depth:
                members.add(key)
            self._known[key] = _Known(value, token, refs, reason, members)
        else:
            self._lowest = min(self._lowest, lowest)
            self._members |= members
            self._members.add(key)
        if refs:
            self._refs = refs if self._refs is None else self._refs | refs
        if reason:
            self.doubt(reason)
        return token

    def _make(self, value: Any, kind: Any) -> bytes:
        if kind is type or isinstance_of_type(value):
            return self.definitions.class_(value)
        return self.objects.shape(kind)(value)
