"""Which functions a test may come to enter, once something that it used is not as it was.

Unaware of commits and of what a test was seen to enter. By names alone, so it is always an upper
bound: a function can only be called by what mentions its name, by what runs at import, or by the
interpreter, pytest and base classes, whose ways are known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from affected.lang.python.outline_parts import ANY, OWN, Block, Outline, Statement
from affected.model.path import RepoPath, name, parent

Reached: TypeAlias = Mapping[RepoPath, frozenset[str]] | None
"""Plain keys of the functions that may be entered, by file; None: any may."""

_Place: TypeAlias = tuple[RepoPath, str, Block]
_HOOK: Final = "pytest_"
_PLAIN: Final = frozenset(("import", "function", "class", "assign"))
"""Kinds of statements after which a function is known by the name bound alone."""


def plain_key(key: str) -> str:
    """The key of a function without the numbers of second definitions."""
    return ".".join(part.partition("#")[0] for part in key.split("."))


def reach(
    versions: Mapping[RepoPath, Sequence[Outline]], entered: Mapping[RepoPath, Collection[str]]
) -> Reached:
    """What may be entered by a test that enters these functions, given by plain keys.

    `versions` are all outlines of each file that counts: mentions of all of them are followed. A
    module's own function needs a mention in that module, or one beside a mention of the module.
    """
    return _Reach(versions).run(entered)


class _Reach:
    """A closure over names: each name, and each function, is looked at once."""

    def __init__(self, versions: Mapping[RepoPath, Sequence[Outline]]) -> None:
        self._blocks: dict[str, list[_Place]] = defaultdict(list)
        self._binding: dict[str, list[tuple[RepoPath, Statement]]] = defaultdict(list)
        self._of_file: dict[RepoPath, list[_Place]] = defaultdict(list)
        self._modules: dict[str, list[RepoPath]] = defaultdict(list)
        self._found: dict[RepoPath, set[str]] = defaultdict(set)
        self._seen: set[tuple[RepoPath, str, str]] = set()
        self._waiting: list[_Place] = []  # functions whose mentions were not followed yet
        self._pending: list[str] = []  # names that were not followed yet
        self._known: set[str] = set()
        self._known_in: dict[RepoPath, set[str]] = defaultdict(set)
        self._starts: set[str] = set()
        self._given: list[_Place] = []
        self._everything = False
        for path, outlines in versions.items():
            self._modules[_module(path)].append(path)
            for one in outlines:
                self._add(path, one)
        for path, outlines in versions.items():
            for one in outlines:
                self._import(path, one)

    def _add(self, path: RepoPath, outline: Outline) -> None:
        for block in outline.blocks:
            place = (path, plain_key(block.key), block)
            last = place[1].rpartition(".")[2]
            self._blocks[last].append(place)
            self._of_file[path].append(place)
            if (last.startswith("__") and last.endswith("__")) or last.startswith(_HOOK):
                self._given.append(place)
        for one in outline.statements:
            for bound in one.names:
                self._binding[bound].append((path, one))

    def _import(self, path: RepoPath, outline: Outline) -> None:
        """What runs when a file is imported mentions; what it may keep without a name."""
        lines = {block.first for block in outline.blocks}
        for one in outline.statements:
            if one.kind != "import":
                self._mention(path, one.mentions)
            elif ANY in one.names:  # of a star, whatever is mentioned has the module
                self._mention(path, one.mentions - {ANY, OWN})
            kept = one.kind == "function" and one.line not in lines  # decorated
            if kept or one.kind not in _PLAIN:
                self._mention(path, one.names)

    def run(self, entered: Mapping[RepoPath, Collection[str]]) -> Reached:
        """Follow every mention to its end, from these functions on."""
        for path, keys in entered.items():
            self._given += [place for place in self._of_file.get(path, ()) if place[1] in keys]
        for place in self._given:
            self._enter(place)
        while (self._waiting or self._pending) and not self._everything:
            if self._waiting:
                path, key, block = self._waiting.pop()
                self._mention(path, block.mentions)
                self._below(path, f"{key}.<locals>.")
            else:
                self._follow(self._pending.pop())
        if self._everything:
            return None
        return {path: frozenset(keys) for path, keys in self._found.items()}

    def _mention(self, path: RepoPath, mentions: Iterable[str]) -> None:
        """Code in a file mentions names: its own module's functions, and what is known by them."""
        for mention in mentions:
            one = mention.removeprefix("@")
            if one in {ANY, OWN}:
                self._everything = True
            elif one.endswith(ANY):
                self._start(path, one[:-1])
            elif one not in self._known_in[path]:
                self._known_in[path].add(one)
                if one not in self._known:
                    self._known.add(one)
                    self._pending.append(one)
                for place in self._blocks.get(one, ()):
                    if place[0] == path:
                        self._enter(place)

    def _start(self, path: RepoPath, beginning: str) -> None:
        if beginning not in self._starts:
            self._starts.add(beginning)
            every = [*self._blocks, *self._binding]
            self._mention(path, [one for one in every if one.startswith(beginning)])

    def _enter(self, place: _Place) -> None:
        path, key, block = place
        if (path, key, block.digest) not in self._seen:
            self._seen.add((path, key, block.digest))
            self._found[path].add(key)
            self._waiting.append(place)

    def _below(self, path: RepoPath, prefix: str) -> None:
        """The functions inside a function or class."""
        for place in self._of_file[path]:
            if place[1].startswith(prefix):
                self._enter(place)

    def _follow(self, known: str) -> None:
        for place in self._blocks.get(known, ()):
            path, key, _ = place
            module = _module(path)
            if "." in key or module in self._known or not module.isidentifier():
                self._enter(place)
        for path in self._modules.get(known, ()):  # its own functions that were mentioned before
            for place in self._of_file[path]:
                if place[1] in self._known:
                    self._enter(place)
        for path, one in self._binding.get(known, ()):
            self._mention(path, one.mentions)
            if one.kind == "class":  # whoever has an instance may call what others know it has
                owner = plain_key(one.owner)
                self._below(path, f"{owner}.{known}." if owner else f"{known}.")


def _module(path: RepoPath) -> str:
    """The last part of a module's name: nobody has its functions who does not mention that."""
    stem = name(path).removesuffix(".py")
    return name(parent(path)) if stem == "__init__" else stem
