"""Which shared fixtures each context used, and the scope of their set-up. Unaware of accesses."""

from __future__ import annotations

from typing import Any, Dict, List, Set

_OWN = ("module", "class")
SHARED = ("session", "package", "module", "class")


class Fixtures:
    """Follows fixtures of wider scope than a test: they run once and serve many tests."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self._needs: Dict[str, Set[str]] = {}
        self._context = -1
        self._used: Set[str] = set()
        self._fresh: List[List[Any]] = []

    def enter(self, definition: Any, request: Any) -> Any:
        """A shared fixture is about to be set up; what is returned goes to `leave`."""
        before = self._ledger.scope
        name = identity(definition, request._pyfuncitem)  # noqa: SLF001
        self._ledger.enter("fixture:" + name)
        # Finalizers run last in, first out: this one puts the scope back after tear-down.
        state: List[str] = []
        definition.addfinalizer(lambda: self._restore(state))
        return (before, name, state, set(_definitions(request)))

    def leave(self, token: Any, definition: Any, request: Any) -> None:
        """The set-up is over."""
        before, name, state, known = token
        self._ledger.enter(before)
        definitions = _definitions(request)
        asked = definitions if "request" in definition.argnames else set(definitions) - known
        used = set(asked) | set(definition.argnames)
        needs = {
            identity(definitions[other], request._pyfuncitem)  # noqa: SLF001
            for other in used
            if other in definitions and definitions[other].scope in SHARED
        }
        needs.discard(name)
        if needs - self._needs.get(name, set()):
            self._needs.setdefault(name, set()).update(needs)
            self._fresh.append(["needs", name, sorted(needs)])
        definition.addfinalizer(lambda: self._tear_down(name, state))

    def _tear_down(self, name: str, state: List[str]) -> None:
        state.append(self._ledger.scope)
        self._ledger.enter("fixture:" + name)

    def _restore(self, state: List[str]) -> None:
        if state:
            self._ledger.enter(state.pop())

    def used_by(self, context: int, item: Any) -> None:
        """Before a test's tear-down: every shared fixture it resolved, by name or dynamically."""
        if context != self._context:
            self._context = context
            self._used.clear()
        for definition in _definitions(getattr(item, "_request", None)).values():
            if definition.scope in SHARED:
                name = identity(definition, item)
                if name not in self._used:
                    self._used.add(name)
                    self._fresh.append(["uses", context, [name]])

    def drain(self, spool: Any) -> None:
        """Queue what is new on the spool."""
        if self._fresh:
            for line in self._fresh:
                spool.add(line)
            self._fresh.clear()


def identity(definition: Any, item: Any) -> str:
    """A name for what a fixture definition makes for a test, the same in every process.

    A module's or a class's fixture is another one for each module or class.
    """
    function = getattr(definition, "func", None)
    module = getattr(function, "__module__", "") or ""
    name = "%s::%s::%s" % (getattr(definition, "baseid", ""), definition.argname, module)
    if definition.scope in _OWN:
        name += "::" + item.nodeid.partition("::")[0]
        if definition.scope == "class":
            name += "::" + getattr(getattr(item, "cls", None), "__qualname__", "")
    return name


def _definitions(request: Any) -> Dict[str, Any]:
    found = getattr(request, "_fixture_defs", None)
    return found if isinstance(found, dict) else {}
