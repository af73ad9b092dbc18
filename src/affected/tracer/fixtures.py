"""Which shared fixtures a test file used, and the scope of their set-up. Unaware of accesses."""

from __future__ import annotations

from typing import Any, Dict, List, Set

SHARED = ("session", "package")


class Fixtures:
    """Follows session- and package-scoped fixtures: they run once and serve many files."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self._needs: Dict[str, Set[str]] = {}
        self._file = ""
        self._used: Set[Any] = set()
        self._fresh: List[List[Any]] = []

    def enter(self, definition: Any, request: Any) -> Any:
        """A shared fixture is about to be set up; what is returned goes to `leave`."""
        before = self._ledger.scope
        name = identity(definition)
        self._ledger.scope = "fixture:" + name
        # Finalizers run last in, first out: this one puts the scope back after tear-down.
        state: List[str] = []
        definition.addfinalizer(lambda: self._restore(state))
        return (before, name, state, set(_definitions(request)))

    def leave(self, token: Any, definition: Any, request: Any) -> None:
        """The set-up is over."""
        before, name, state, known = token
        self._ledger.scope = before
        definitions = _definitions(request)
        asked = definitions if "request" in definition.argnames else set(definitions) - known
        used = set(asked) | set(definition.argnames)
        needs = {
            identity(definitions[other])
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
        self._ledger.scope = "fixture:" + name

    def _restore(self, state: List[str]) -> None:
        if state:
            self._ledger.scope = state.pop()

    def used_by(self, path: str, item: Any) -> None:
        """Before a test's tear-down: every shared fixture it resolved, by name or dynamically."""
        if path != self._file:
            self._file = path
            self._used.clear()
        used = self._used
        for definition in _definitions(getattr(item, "_request", None)).values():
            if definition not in used:
                used.add(definition)
                if definition.scope in SHARED:
                    self._fresh.append(["uses", path, [identity(definition)]])

    def drain(self, spool: Any) -> None:
        """Queue what is new on the spool."""
        if self._fresh:
            for line in self._fresh:
                spool.add(line)
            self._fresh.clear()


def identity(definition: Any) -> str:
    """A name for a fixture definition, the same in every process."""
    function = getattr(definition, "func", None)
    module = getattr(function, "__module__", "") or ""
    return "%s::%s::%s" % (getattr(definition, "baseid", ""), definition.argname, module)


def _definitions(request: Any) -> Dict[str, Any]:
    found = getattr(request, "_fixture_defs", None)
    return found if isinstance(found, dict) else {}
