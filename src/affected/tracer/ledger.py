"""Keeps what each scope did, once each and in order, until it is told.

Unaware of how it was seen and of the disk.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Set, Tuple

READ, LISTING, PROBE, WRITTEN, LOADED, EXTERNAL, INSTALLED, BODY = 1, 2, 4, 8, 16, 32, 64, 128
NAMED = 256
_LETTERS = {
    READ: "r",
    LISTING: "l",
    PROBE: "p",
    WRITTEN: "w",
    LOADED: "m",
    EXTERNAL: "x",
    INSTALLED: "i",
    BODY: "b",
    NAMED: "n",
}
_INPUT = READ | LISTING | PROBE
SESSION = "session"


class Ledger:
    """The accesses of one process.

    `scope` is what an access counts for unless a module body is running; `starting` says that
    plugins are still being loaded, `testing` that tests have begun.
    """

    def __init__(self) -> None:
        self.scope = SESSION
        self.starting = True
        self.testing = False
        self.follower: Callable[[str], None] = _nobody  # told of each `enter`
        self._books: Dict[str, Dict[str, int]] = {}
        self._made: Dict[str, Set[str]] = {}
        self._pending: List[Tuple[str, int, str]] = []
        self._blind: Set[Tuple[str, str, str]] = set()
        self._blind_pending: List[Tuple[str, str, str]] = []

    def enter(self, scope: str) -> None:
        """What happens from now on counts for `scope`."""
        self.scope = scope
        self.follower(scope)

    def knows(self, scope: str, kind: int, name: str) -> bool:
        """Whether `note` would change nothing."""
        book = self._books.get(scope)
        return book is not None and bool(book.get(name, 0) & kind)

    def note(self, scope: str, kind: int, name: str) -> None:
        """One access. What the same scope made before is no input of it."""
        book = self._books.get(scope)
        if book is None:
            book = self._books[scope] = {}
        mask = book.get(name, 0)
        if mask & kind:
            return
        if kind & _INPUT and (mask & WRITTEN or self._is_made(scope, name)):
            return
        book[name] = mask | kind
        self._pending.append((scope, kind, name))

    def made_folder(self, scope: str, name: str) -> None:
        """The scope made this folder, so nothing below it is an input."""
        self.note(scope, WRITTEN, name)
        self._made.setdefault(scope, set()).add(name)

    def _is_made(self, scope: str, name: str) -> bool:
        made = self._made.get(scope)
        while made and name:
            if name in made:
                return True
            name = name.rpartition("/")[0]
        return False

    def blind(self, scope: str, code: str, what: str) -> None:
        """Something that cannot be seen through happened."""
        key = (scope, code, what)
        if key not in self._blind:
            self._blind.add(key)
            self._blind_pending.append(key)

    def drain(self, spool: Any) -> None:
        """Queue what is new on the spool."""
        if self._pending:
            pending, self._pending = self._pending, []
            last, seen = "", []  # type: str, List[List[str]]
            for scope, kind, name in pending:
                if scope != last:
                    if seen:
                        spool.add(["seen", last, seen])
                    last, seen = scope, []
                seen.append([_LETTERS[kind], name])
            spool.add(["seen", last, seen])
        if self._blind_pending:
            blind, self._blind_pending = self._blind_pending, []
            for scope, code, what in blind:
                spool.add(["blind", scope, code, what])


def _nobody(_scope: str) -> None:
    """Follows no scope."""
