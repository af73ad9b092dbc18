"""Compares what imports came to, then and now, and says which names a test must have mentioned.

Unaware of records, tests and files. The rules are DESIGN section 1.1's; each widening has a code.
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from affected.lang.python.outline_compare import OutlineChange
from affected.lang.python.outline_parts import Outline, mentions_any
from affected.model.path import RepoPath

_DAMAGE: Final = (ValueError, TypeError, LookupError, AttributeError, RecursionError, zlib.error)
SIGNATURES: Final = frozenset(
    {
        "signature",
        "getfullargspec",
        "get_type_hints",
        "get_annotations",
        "__defaults__",
        "__kwdefaults__",
        "__annotations__",
        "__code__",
        "__signature__",
    }
)


@dataclass(frozen=True, slots=True)
class Binding:
    """A name of a module or class with the fingerprint of the value that import gave it."""

    fingerprint: str
    kind: str  # "function", "class", "module", "plain", "doc", or "opaque:" and why
    refs: tuple[str, ...]  # what it holds by identity: "PATH:QUALNAME", or a module's path
    line: int | None  # of a function's block

    @property
    def opaque(self) -> bool:
        """True when the value cannot be told: equal fingerprints prove nothing."""
        return self.kind.startswith("opaque")


@dataclass(frozen=True, slots=True)
class ImportValues:
    """What one process's imports and collection came to."""

    modules: Mapping[str, Mapping[str, Binding]]  # by path, then by name
    items: Mapping[str, str]  # test id → fingerprint of what it is given


@dataclass(frozen=True, slots=True)
class Moved:
    """What is another value now, in the terms of what a test must have used to be affected."""

    names: frozenset[str] = frozenset()  # entered a block that mentions one of them
    functions: Mapping[RepoPath, frozenset[int]] | None = None  # entered one of these
    widened: str = ""  # every test that loaded the changed files: why, with a code first


def read_values(content: bytes) -> ImportValues | None:
    """From the tracer's JSON, compressed or not; None when it is damaged."""
    try:
        tree = json.loads(zlib.decompress(content) if content[:1] != b"{" else content)
        modules = {
            path: {name: _binding(row) for name, row in bindings.items()}
            for path, bindings in tree["modules"].items()
        }
        return ImportValues(modules, dict(tree["items"]))
    except _DAMAGE:
        return None


def _binding(row: Sequence[object]) -> Binding:
    fingerprint, kind, refs, *line = row
    if not (isinstance(fingerprint, str) and isinstance(kind, str) and isinstance(refs, list)):
        raise TypeError("not a binding")
    return Binding(
        fingerprint, kind, tuple(refs), line[0] if line and isinstance(line[0], int) else None
    )


def merged(values: Iterable[ImportValues]) -> ImportValues:
    """Of each module the first one's word, and of each item."""
    modules: dict[str, Mapping[str, Binding]] = {}
    items: dict[str, str] = {}
    for one in values:
        modules = {**one.modules, **modules}
        items = {**one.items, **items}
    return ImportValues(modules, items)


@dataclass(slots=True)
class _Differences:
    """What differs in one module."""

    trouble: str = ""  # why it cannot be compared
    differs: bool = False
    names: set[str] = field(default_factory=set)
    functions: set[int] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)  # "PATH:CLASS" whose shape or contents differ
    opaque: set[str] = field(default_factory=set)  # names of values that cannot be told
    late: bool = False  # it was imported after collection, then or now
    once: bool = False  # one of the two, so that what it came to cannot be compared


class Comparison:
    """What imports came to, then and now; each module is compared once.

    `changes` are of the files whose source differs; `outline` is of a file's old version, `reaches`
    whether a file's imports lead to one of those.
    """

    def __init__(
        self,
        old: ImportValues,
        new: ImportValues,
        changes: Mapping[RepoPath, OutlineChange],
        outline: Callable[[RepoPath], Outline | None],
        reaches: Callable[[RepoPath], bool],
    ) -> None:
        self._old = old
        self._reaches = reaches
        self._new = new
        self._changes = changes
        self._outline = outline
        self._edited = {name for change in changes.values() for _, name in change.names}
        self._known: dict[RepoPath, _Differences] = {}
        self._holders: dict[str, set[tuple[str, str]]] | None = None

    def moved(
        self, loaded: Iterable[RepoPath], dynamic: frozenset[RepoPath], *, ran: bool
    ) -> Moved:
        """What differs for a test file that had these modules loaded.

        `dynamic` are those loaded by name at run time: whoever loads them may read any name. `ran`:
        the body of a function differs that ran while modules were imported.
        """
        for path, change in self._changes.items():
            if change.effects or change.script:
                words = change.effects[0] if change.effects else "what runs as a script"
                return Moved(widened=f"side-effect: {path} {words}")
        found = {path: self._of(path) for path in sorted(loaded)}
        for path, one in found.items():
            if one.trouble or (one.differs and path in dynamic):
                return Moved(widened=one.trouble or f"dynamic-import: {path}")
        names = {"__doc__"} if any(change.docs for change in self._changes.values()) else set()
        names = names.union(*(one.names for one in found.values()))
        names |= self._spread(set().union(*(one.owners for one in found.values())))
        if ran:
            names = names.union(*(one.opaque for one in found.values()))
        late = [path for path, one in found.items() if one.late]
        hidden = not dynamic.isdisjoint(self._changes)  # who imports it the graph cannot tell
        for path in late:
            if not (hidden or self._reaches(path)):
                continue
            if (ran and found[path].once) or self._may_use(path, names):
                return Moved(widened=f"imported-late: {path}")
        functions = {path: frozenset(one.functions) for path, one in found.items()}
        return Moved(frozenset(names), functions)

    def _of(self, path: RepoPath) -> _Differences:
        if path not in self._known:
            self._known[path] = self._module(path)
        return self._known[path]

    def _may_use(self, path: RepoPath, names: Collection[str]) -> bool:
        """Whether the import of a module may use one of these names."""
        outline = self._outline(path)
        return outline is None or any(mentions_any(s.mentions, names) for s in outline.statements)

    def _module(self, path: RepoPath) -> _Differences:
        old, new = self._old.modules.get(path), self._new.modules.get(path)
        change = self._changes.get(path)
        if old is None and new is None:
            edited = change is not None and change.module_level
            return _Differences(f"not-imported: {path}" if edited else "", late=True)
        if old is None or new is None:
            return _Differences(self._one_sided(path, change), late=True, once=True)
        found = _Differences()
        found.opaque = {
            name.rpartition(".")[2] for name, one in {**old, **new}.items() if one.opaque
        }
        for name in {*old, *new}:
            before, after = old.get(name), new.get(name)
            if before is None or after is None or self._is_other(path, name, before, after):
                self._differ(found, path, name, before, after)
        if change is not None and change.module_level and "__getattr__" in {*old, *new}:
            found.trouble = f"module-getattr: {path}"
        return found

    def _one_sided(self, path: RepoPath, change: OutlineChange | None) -> str:
        """A module that was imported late on one of the two occasions."""
        if change is not None and change.module_level:
            return f"imported-late: {path}"
        return (
            f"imported-late: {path}"
            if self._reaches(path) and self._may_use(path, self._edited)
            else ""
        )

    def _is_other(self, path: RepoPath, name: str, before: Binding, after: Binding) -> bool:
        if before.fingerprint != after.fingerprint or before.kind != after.kind:
            return True
        change = self._changes.get(path)
        if change is not None and before.line is not None and before.line in change.lines:
            return after.line != change.lines[before.line]  # another definition of that name
        return after.opaque and self._doubtful(path, name)

    def _doubtful(self, path: RepoPath, name: str) -> bool:
        """Whether an opaque value may be another one: its statement or what it mentions changed."""
        change = self._changes.get(path)
        top = name.partition(".")[0]
        if change is not None and any(top in (owner, bound) for owner, bound in change.names):
            return True
        outline = self._outline(path)
        if outline is None:
            return True
        return any(
            mentions_any(one.mentions, self._edited)
            for one in outline.statements
            if top in one.names or one.owner.partition(".")[0] == top
        )

    def _differ(
        self,
        found: _Differences,
        path: RepoPath,
        name: str,
        before: Binding | None,
        after: Binding | None,
    ) -> None:
        found.differs = True
        if name.startswith("pytest_"):
            found.trouble = f"pytest-hook: {path} {name}"
        owner, _, leaf = name.rpartition(".")
        kinds = {one.kind for one in (before, after) if one is not None}
        if kinds == {"doc"}:
            found.names.add("__doc__")
            return
        if before is not None and after is not None and kinds == {"function"}:
            if before.line is not None:
                found.functions.add(before.line)
            found.names |= SIGNATURES
            return
        found.names.add(leaf)
        if owner:
            found.owners.add(f"{path}:{owner}")
        if "class" in kinds:
            found.owners.add(f"{path}:{name}")
            if self._header_changed(path, name):
                found.names |= self._all_attributes(path, name)

    def _header_changed(self, path: RepoPath, name: str) -> bool:
        change = self._changes.get(path)
        owner, _, leaf = name.rpartition(".")
        return change is None or (owner, leaf) in change.names

    def _all_attributes(self, path: RepoPath, name: str) -> set[str]:
        """Other bases: any attribute may be found elsewhere."""
        return {
            other.rpartition(".")[2]
            for values in (self._old, self._new)
            for other in values.modules.get(path, {})
            if other.startswith(name + ".")
        }

    def _spread(self, owners: set[str]) -> set[str]:
        """Whoever holds a class that differs, or one of its instances, may read it whole."""
        if self._holders is None:
            self._holders = self._find_holders()
        names: set[str] = set()
        pending = list(owners)
        known = set(pending)
        while pending:
            owner = pending.pop()
            path, _, qualname = owner.partition(":")
            outer, _, leaf = qualname.rpartition(".")
            names.add(leaf)
            holders = set(self._holders.get(owner, ()))
            if outer:
                holders.add((path, outer))
            for holder, name in holders:
                key = f"{holder}:{name}"
                if key not in known:
                    known.add(key)
                    pending.append(key)
        return names

    def _find_holders(self) -> dict[str, set[tuple[str, str]]]:
        holders: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for values in (self._old, self._new):
            for path, bindings in values.modules.items():
                for name, binding in bindings.items():
                    if binding.kind not in ("function", "module", "doc"):
                        for ref in binding.refs:
                            holders[ref].add((path, name))
        return holders
