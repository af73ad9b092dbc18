"""Sees which function blocks are entered, by `sys.monitoring` (Python 3.12 and later).

Unaware of pytest and of what a block's text is: a block is known by its file and first line.

Only code of the workspace is watched: when a module's body is about to run, the code of each
function in it is armed. A block that was seen is silent until the next scope begins;
`restart_events` wakes all of them, so scopes are few (see `contexts`), and what was seen nowhere
wakes nothing.
https://docs.python.org/3/library/sys.monitoring.html
"""

from __future__ import annotations

import sys
import types
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from .ledger import SESSION
from .memos import Memos

_INLINE = frozenset(("<lambda>", "<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"))
_OWN_LOCALS = 0x1  # CO_OPTIMIZED: set for functions, not for bodies of modules and classes
_NAME = "affected"
_CONTEXT, _FIXTURE = "tests:", "fixture:"  # kinds of scopes
_FIRST_TOOL, _LAST_TOOL = 3, 5  # 0 to 2 are for debuggers, coverage and profilers


class Blocks:
    """The blocks that each scope entered, told once each."""

    def __init__(self, frames: Any, ledger: Any, trouble: Any) -> None:
        self._frames = frames
        self._ledger = ledger
        self._trouble = trouble
        self._monitoring: Any = None
        self._tool = 0
        self._codes: Dict[int, Tuple[int, Any]] = {}  # id of code → (number, the code kept alive)
        self._fresh_codes: List[List[Any]] = []
        self._books: Dict[str, Set[int]] = {}
        self._pending: Dict[str, Set[int]] = {}
        self._current: Set[int] = set()
        self._scope = ""
        self._told = 0  # of what the current scope entered
        self._bodies = 0  # module bodies that were begun and not seen to end
        self._quiet = True  # nothing was seen since the last restart
        self._memos = Memos(frames)
        self._memo_codes: Set[int] = set()  # ids of code that remembers
        self._searched = 0  # how many functions were known at the last look for it
        self._outer: List[Tuple[int, str]] = []  # what runs of it interrupted
        self._uses: Dict[str, Set[str]] = {}  # scope → scopes of what it mentions or made run
        self._missed: Dict[str, bool] = {}  # file → whether it is still to be told

    @property
    def active(self) -> bool:
        """Whether blocks are seen at all."""
        return self._monitoring is not None

    def seen(self) -> int:
        """How many functions were entered since the current scope began."""
        return self._told + len(self._current)

    def install(self) -> bool:
        """Begin to watch; False where this interpreter, or its other tools, leave no way to."""
        monitoring = getattr(sys, "monitoring", None)
        if monitoring is None:
            return False
        for tool in range(_LAST_TOOL, _FIRST_TOOL - 1, -1):
            if monitoring.get_tool(tool) is None:
                monitoring.use_tool_id(tool, _NAME)
                self._tool = tool
                break
        else:
            return False
        events = monitoring.events
        monitoring.register_callback(self._tool, events.PY_START, self._make_entered())
        monitoring.register_callback(self._tool, events.PY_RESUME, self._make_entered())
        monitoring.register_callback(self._tool, events.PY_RETURN, self._over)
        self._monitoring = monitoring
        return True

    def _make_entered(self) -> Any:
        """The callback: as little as can be done; `self` is looked at only while modules load."""
        disable = self._monitoring_disable()
        blocks = self

        def entered(code: Any, _offset: int) -> Any:
            key = id(code)
            blocks._quiet = False
            if key in blocks._memo_codes and not blocks._bodies:
                return blocks._memo_begins(key)
            if blocks._bodies or blocks._scope == SESSION:
                blocks._attribute(code)
            else:
                blocks._current.add(key)
            return disable

        return entered

    @staticmethod
    def _monitoring_disable() -> Any:
        monitoring: Any = getattr(sys, "monitoring")  # noqa: B009  (not known before 3.12)
        return monitoring.DISABLE

    # --- arming

    def arm(self, module_code: Any, path: str) -> None:
        """The body of a first-party module is about to run."""
        if self._monitoring is None:
            return
        events = self._monitoring.events
        lines: List[int] = []
        first = len(self._codes)
        for code, line in _functions(module_code):
            if id(code) not in self._codes:
                self._codes[id(code)] = (first + len(lines), code)
                lines.append(line)
                self._monitoring.set_local_events(
                    self._tool, code, events.PY_START | events.PY_RESUME
                )
        self._monitoring.set_local_events(self._tool, module_code, events.PY_RETURN)
        self._codes.setdefault(id(module_code), (-1, module_code))
        self._fresh_codes.append([path, first, lines])
        self._bodies += 1
        self._restart()

    def _over(self, code: Any, _offset: int, _value: Any) -> None:
        """A module's body, or a function that remembers, ran to its end."""
        if id(code) in self._memo_codes:
            if self._outer and self._outer[-1][0] == id(code):
                self._ledger.enter(self._outer.pop()[1])
        elif self._bodies:
            self._bodies -= 1
            self._restart()

    # --- functions that remember their results

    def find_memos(self) -> None:
        """Look for them in the modules loaded since the last look."""
        if self._monitoring is None or self._searched == len(self._codes):
            return
        self._searched = len(self._codes)
        events = self._monitoring.events
        for code in self._memos.find():
            self._memo_codes.add(id(code))
            watched = events.PY_START | events.PY_RESUME | events.PY_RETURN
            self._monitoring.set_local_events(self._tool, code, watched)
        self._memos.note_mentions(code for _, code in self._codes.values())

    def _memo_begins(self, key: int) -> Any:
        """One runs: what it does counts for itself, and for the scope that made it run."""
        self._current.add(key)
        before = self._scope
        scope = self._memos.scope_of(key)
        if not scope:
            self._memo_codes.discard(key)
        elif before == _FIXTURE + scope:
            self._outer.append((key, before))  # it calls itself
        elif before.startswith((_CONTEXT, _FIXTURE)):
            self._uses.setdefault(before, set()).add(scope)
            self._outer.append((key, before))
            self._ledger.enter(_FIXTURE + scope)
            self._current.add(key)

    def bodies_over(self) -> None:
        """No module's body runs here: any that was left by an exception is forgotten."""
        if self._bodies:
            self._bodies = 0
            self._restart()

    def miss(self, path: str) -> None:
        """Functions of this file may run unseen: they were there before, or are copies."""
        self._missed.setdefault(path, True)

    # --- scopes

    def enter(self, scope: str) -> None:
        """What is entered from now on counts for `scope`."""
        if scope != self._scope:
            if scope.startswith(_CONTEXT):
                self._outer.clear()  # whatever an exception left there
            self._scope = scope
            self._told = 0
            book = self._pending.get(scope)
            if book is None:
                book = self._pending[scope] = set()
            self._current = book
            self._restart()

    def _restart(self) -> None:
        if not self._quiet:
            self._quiet = True
            self._monitoring.restart_events()

    def _attribute(self, code: Any) -> None:
        """While module bodies run, the innermost one takes what is entered."""
        try:
            frame: Optional[Any] = sys._getframe(2)  # noqa: SLF001
            owner = self._frames.running(frame)
            if owner != self._scope:
                self._pending.setdefault(owner, set()).add(id(code))
                return
            self._current.add(id(code))
            if self._bodies and not owner.startswith("module:"):
                self._bodies = 0
        except Exception as error:
            self._trouble(error)

    # --- telling

    def drain(self, spool: Any) -> None:
        """Queue what is new on the spool."""
        for line in self._fresh_codes:
            spool.add(["codes", *line])
        self._fresh_codes.clear()
        for path, untold in self._missed.items():
            if untold:
                self._missed[path] = False
                spool.add(["whole", path])
        for scope, pending in self._pending.items():
            known = self._books.setdefault(scope, set())
            new = pending - known
            if new:
                known |= new
                if scope.startswith((_CONTEXT, _FIXTURE)):
                    mentioned = self._memos.mentioned(new)
                    if mentioned:
                        self._uses.setdefault(scope, set()).update(mentioned)
                numbers = sorted(self._codes[key][0] for key in new if key in self._codes)
                spool.add(["entered", scope, numbers])
        self._tell_uses(spool)
        current = self._current
        self._told += len(current)
        current.clear()
        self._pending = {self._scope: current}

    def _tell_uses(self, spool: Any) -> None:
        for scope, memos in self._uses.items():
            kind, _, name = scope.partition(":")
            if kind + ":" == _CONTEXT:
                spool.add(["uses", int(name), sorted(memos)])
            else:
                spool.add(["needs", name, sorted(memos - {name})])
        self._uses.clear()


def _functions(code: Any) -> Iterator[Tuple[Any, int]]:
    """Every function's code in a module's, with the first line of the block it belongs to.

    Lambdas and comprehensions belong to the function around them, or to line 0: the module's own.
    """
    pending = [(code, 0)]
    while pending:
        outer, line = pending.pop()
        for inner in outer.co_consts:
            if isinstance(inner, types.CodeType):
                own = line
                if inner.co_flags & _OWN_LOCALS:
                    if inner.co_name not in _INLINE:
                        own = inner.co_firstlineno
                    yield inner, own
                pending.append((inner, own))
