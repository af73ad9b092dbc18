"""Compares what imports came to, then and now, and says which names a test must have mentioned.

Unaware of records, tests and files. The rules are DESIGN section 1.1's; each widening has a code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from affected.lang.python.outline_compare import OutlineChange
from affected.lang.python.outline_parts import Outline, mentions_any
from affected.model.path import RepoPath
from affected.selection.import_values import Binding, ImportValues

DOCUMENTS: Final = frozenset({"__doc__", "getdoc", "help()"})
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

_ASKED_FOR: Final = frozenset({"__slots__", "__match_args__", "__version__", "__all__"})
_MODULES: Final = frozenset({"modules", "getmodule", "__globals__"})
_Holders = Mapping[str, Collection[tuple[str, str]]]
_REMEMBERING: Final = frozenset({"globals", "setattr", "__dict__", "vars", "modules", "*"})


@dataclass(frozen=True, slots=True)
class Moved:
    """What is another value now, in the terms of what a test must have used to be affected."""

    names: frozenset[str] = frozenset()  # entered a block that mentions one of them
    attributes: frozenset[str] = frozenset()  # the same; no module has a name like these
    spelled: frozenset[str] = frozenset()  # the same, but for the beginnings of names
    reach: frozenset[str] = (
        frozenset()
    )  # who mentions one of these may compute a name of what moved
    homes: frozenset[RepoPath] = frozenset()  # modules of which a name moved: their own code may
    unspelled: Mapping[str, frozenset[str]] | None = None  # attribute → names, if data spells it
    functions: Mapping[RepoPath, frozenset[int]] | None = None  # entered one of these
    widened: str = ""  # every test that loaded the changed files: why, with a code first

    @property
    def is_named(self) -> bool:
        """Whether what a function mentions matters at all."""
        return bool(self.names or self.attributes or self.spelled)


@dataclass(slots=True)
class _Differences:
    """What differs in one module."""

    trouble: str = ""  # why it cannot be compared
    bound: set[str] = field(default_factory=set)  # names of the module that differ, of classes too
    names: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    spelled: set[str] = field(default_factory=set)
    held: set[tuple[str, str]] = field(default_factory=set)  # attribute and its owner
    functions: set[int] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)  # "PATH:CLASS" whose shape or contents differ
    opaque: set[str] = field(default_factory=set)  # names of values that cannot be told
    late: bool = False  # it was imported after collection, then or now
    once: bool = False  # one of the two, so that what it came to cannot be compared


class Comparison:
    """What imports came to, then and now; each module is compared once.

    `changes` are of the files whose source differs; `outline` is of a file's old version, `reaches`
    whether a file's imports lead to one of those, `spelled` tells the names that libraries may use.
    """

    def __init__(
        self,
        old: ImportValues,
        new: ImportValues,
        changes: Mapping[RepoPath, OutlineChange],
        outline: Callable[[RepoPath], Outline | None],
        reaches: Callable[[RepoPath], bool],
        spelled: Callable[[Collection[str]], Collection[str]],
    ) -> None:
        self._spelled = spelled
        self._old = old
        self._reaches = reaches
        self._new = new
        self._changes = changes
        self._outline = outline
        self._edited = {name for change in changes.values() for _, name in change.names}
        self._known: dict[RepoPath, _Differences] = {}
        self._spelled_by: dict[RepoPath, frozenset[str]] = {}
        self._holders = _find_holders((old, new), ("function", "module", "doc"))
        self._all_holders = _find_holders((old, new), ("doc",))

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
        owners = set().union(*(one.owners for one in found.values()))
        held = set().union(*(one.held for one in found.values()))
        everyone = owners | {owner for _, owner in held}
        texts = self._texts(found) if held else frozenset()
        owners |= {owner for name, owner in held if "'" + name in texts}
        holding, asked = self._spread(everyone), _asked(dynamic)
        for path, one in found.items():
            named = path in asked and self._is_named(path, one.bound | holding, asked[path])
            if one.trouble or named:
                return Moved(widened=one.trouble or f"dynamic-import: {path}")
        names = set().union(*(one.names for one in found.values())) | self._spread(owners)
        if ran:
            names = names.union(*(one.opaque for one in found.values()))
        attributes = set().union(*(one.attributes for one in found.values()))
        late = [path for path, one in found.items() if one.late]
        hidden = not asked.keys().isdisjoint(self._changes)  # who imports it the graph cannot tell
        for path in late:
            if not (hidden or self._reaches(path)):
                continue
            if (ran and found[path].once) or self._may_use(path, names, attributes):
                return Moved(widened=f"imported-late: {path}")
        docs = any(change.docs for change in self._changes.values())
        spelled = set(DOCUMENTS if docs else ()).union(*(one.spelled for one in found.values()))
        functions = {path: frozenset(one.functions) for path, one in found.items()}
        unspelled: dict[str, frozenset[str]] = {}
        for name, owner in held:
            unspelled[name] = unspelled.get(name, frozenset()) | self._spread({owner})
        homes = frozenset(path for path, one in found.items() if one.names)
        return Moved(
            frozenset(names),
            frozenset(attributes),
            frozenset(spelled),
            self._reach(everyone, homes),
            homes,
            unspelled,
            functions,
        )

    def _texts(self, loaded: Iterable[RepoPath]) -> frozenset[str]:
        """What texts of these modules spell where no function can be entered."""
        return frozenset().union(*map(self._texts_of, loaded))

    def _texts_of(self, path: RepoPath) -> frozenset[str]:
        if path not in self._spelled_by:
            outline = self._outline(path)
            every = (one.mentions for one in outline.statements) if outline else ()
            self._spelled_by[path] = frozenset(
                name for mentions in every for name in mentions if name[:1] == "'"
            )
        return self._spelled_by[path]

    def _reach(self, owners: set[str], homes: Collection[RepoPath]) -> frozenset[str]:
        """Names through which code gets hold of the classes and modules that differ."""
        if not homes and not owners:
            return frozenset()
        return frozenset(self._spread({*owners, *homes}, self._all_holders) | _MODULES)

    def _of(self, path: RepoPath) -> _Differences:
        if path not in self._known:
            self._known[path] = self._module(path)
        return self._known[path]

    def _may_use(
        self, path: RepoPath, names: Collection[str], attributes: Collection[str] = ()
    ) -> bool:
        """Whether the import of a module may use one of these names."""
        if not names and not attributes:
            return False
        outline = self._outline(path)
        return outline is None or any(
            mentions_any(one.mentions, names, attributes) for one in outline.statements
        )

    def _is_named(self, path: RepoPath, moved: set[str], asked: frozenset[str] | None) -> bool:
        """Whether a module is loaded by code nobody sees for a name that moved; None: for any."""
        if asked is not None:
            return not asked.isdisjoint(moved)
        return any(
            name.partition(".")[0] in moved
            for values in (self._old, self._new)
            for name in values.modules.get(path, {})
        )

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
            if before is None or after is None:
                other = not self._only_imported(before, after)
            else:
                other = self._is_other(path, name, before, after)
            if other:
                self._differ(found, path, name, before, after)
        if found.bound and self._remembers(path, {**old, **new}.get("__getattr__")):
            found.trouble = f"module-getattr: {path}"
        return found

    def _only_imported(self, before: Binding | None, after: Binding | None) -> bool:
        """Whether a name is there or not because a submodule was imported or not."""
        there, values = (before, self._new) if after is None else (after, self._old)
        return (
            there is not None
            and there.kind == "module"
            and len(there.refs) == 1
            and there.refs[0] not in values.modules
            and RepoPath(there.refs[0]) not in self._changes
        )

    def _remembers(self, path: RepoPath, lazy: Binding | None) -> bool:
        """Whether a module's `__getattr__` may put what it finds where nobody asks it again."""
        if lazy is None:
            return False
        change, outline = self._changes.get(path), self._outline(path)
        if outline is None or (change is not None and ("", "__getattr__") in change.names):
            return True
        found = [block for block in outline.blocks if block.key == "__getattr__"]
        return not found or any(not _REMEMBERING.isdisjoint(one.mentions) for one in found)

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
        owner, _, leaf = name.rpartition(".")
        found.bound.add(name.partition(".")[0])
        if leaf.startswith(("pytest_", "collect_ignore")):
            found.trouble = f"pytest-hook: {path} {name}"
        both = [one for one in (before, after) if one is not None]
        kinds = {one.kind for one in both}
        if kinds == {"doc"}:
            if self._is_in_both(path, owner):
                found.spelled |= DOCUMENTS
            return
        if before is not None and after is not None and kinds == {"function"}:
            if before.line is not None:
                found.functions.add(before.line)
            found.spelled |= SIGNATURES
            return
        if not owner:
            found.names.add(leaf)
        else:
            self._differ_in_class(found, path, owner, leaf)
        if any(one.is_class for one in both):
            found.owners.add(f"{path}:{name}")
            if self._header_changed(path, name):
                found.attributes |= self._all_attributes(path, name)

    def _is_in_both(self, path: RepoPath, name: str) -> bool:
        """Whether a name was bound then and is now; the module itself is."""
        both = (self._old, self._new)
        return not name or all(name in values.modules.get(path, {}) for values in both)

    def _differ_in_class(self, found: _Differences, path: RepoPath, owner: str, leaf: str) -> None:
        """An attribute concerns who mentions it; who holds the class, where others may read it."""
        special = leaf.startswith("__") and leaf.endswith("__")
        if not special or leaf in _ASKED_FOR:
            found.attributes.add(leaf)
        if special or self._is_read_by_others(path, owner) or self._spelled((leaf,)):
            found.owners.add(f"{path}:{owner}")
        else:
            found.held.add((leaf, f"{path}:{owner}"))

    def _is_read_by_others(self, path: RepoPath, owner: str) -> bool:
        """Whether a library may go through the attributes of a class by what it is."""
        found = [values.modules.get(path, {}).get(owner) for values in (self._old, self._new)]
        return not all(one is not None and one.kind == "class" for one in found)

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

    def _spread(self, owners: set[str], holders: _Holders | None = None) -> set[str]:
        """Whoever holds a class that differs, or one of its instances, may read it whole.

        An owner is "PATH:CLASS", or the path of a module.
        """
        known = set(owners)
        names: set[str] = set()
        pending = list(owners)
        while pending:
            owner = pending.pop()
            path, _, qualname = owner.partition(":")
            outer, _, leaf = qualname.rpartition(".")
            names.add(leaf or _module_name(path))
            held = set((self._holders if holders is None else holders).get(owner, ()))
            if outer:
                held.add((path, outer))
            for holder, name in held:
                key = f"{holder}:{name}"
                if key not in known:
                    known.add(key)
                    pending.append(key)
        return names


def _asked(dynamic: Iterable[str]) -> dict[str, frozenset[str] | None]:
    """By module, the names that are imported from it unseen; None where it is loaded whole."""
    found: dict[str, frozenset[str] | None] = {}
    for one in dynamic:
        path, _, name = one.rpartition(":")
        if not (path and name.isidentifier()):  # a colon of the path itself, or none
            found[one] = None
            continue
        known = found.get(path, frozenset())
        found[path] = None if known is None else known | {name}
    return found


def _module_name(path: str) -> str:
    """What a module is called in its package."""
    return path.removesuffix("/__init__.py").rpartition("/")[2].removesuffix(".py")


def _find_holders(every: Iterable[ImportValues], unlike: Collection[str]) -> _Holders:
    """What each class or module is held by, in bindings that are not of these kinds."""
    holders: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for values in every:
        for path, bindings in values.modules.items():
            for name, binding in bindings.items():
                if binding.kind not in unlike:
                    for ref in binding.refs:
                        holders[ref].add((path, name))
    return holders
