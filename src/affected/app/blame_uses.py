"""What a test was seen to use when it passed, in the terms of what commits change.

Unaware of commits. Without an observation, what its imports say; what is told apart then is files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from affected.app.knowledge import Knowledge
from affected.cache.lookup import Lookup
from affected.cache.record import StoredObservation
from affected.git.commit_log import LoggedCommit
from affected.git.repository import Repository
from affected.lang.python.outline import Outline
from affected.lang.python.targets import conftest_chain
from affected.model.digest import ABSENT, Digest
from affected.model.observation import Input, InputKind
from affected.model.path import RepoPath
from affected.model.target import Target
from affected.selection.reach import plain_key

_SETTINGS: Final = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "affected.toml")
_NO_PATHS: Final = frozenset(
    (
        InputKind.LISTING,
        InputKind.MODULE,
        InputKind.DISTRIBUTION,
        InputKind.INSTALLED,
        InputKind.ENVIRONMENT,
    )
)


@dataclass(frozen=True, slots=True)
class Range:
    """The commits in question and the two states that they lead from and to."""

    repository: Repository
    good: str
    bad: str
    commits: Sequence[LoggedCommit]
    before: Mapping[RepoPath, Digest]
    after: Mapping[RepoPath, Digest]


Entered = Mapping[RepoPath, frozenset[str] | None]
"""Plain keys of the functions entered in each file; None: it is not known which."""


@dataclass(frozen=True, slots=True)
class Uses:
    """What a test was seen to depend on, as paths and names of the repository."""

    label: RepoPath
    project: RepoPath
    test: str  # its id, "" for all of the file
    files: frozenset[RepoPath]
    texts: frozenset[RepoPath]  # read as data, so that a comment counts
    chain: frozenset[RepoPath]  # conftest files
    closure: frozenset[RepoPath]  # what its imports lead to now
    folders: frozenset[str]  # listed
    modules: frozenset[str]  # imported, by dotted name
    installed: bool
    entered: Entered | None  # None: functions are not told apart
    mixed: bool  # what other tests entered stands among it
    exact: bool  # every file was then as it is in the good commit


def uses_of(
    knowledge: Knowledge,
    target: Target,
    lookup: Lookup,
    seen: StoredObservation | None,
    test: str,
    between: Range,
) -> Uses:
    """Of a test, or with "" of all tests of a file."""
    settings = knowledge.catalogue.shape.settings_of(target)
    chain = frozenset(conftest_chain(target.path, settings.rootdir))
    files = {target.path, *chain}
    for folder in (settings.folder, settings.rootdir, target.project, RepoPath("")):
        files |= {RepoPath(f"{folder}/{n}" if folder else n) for n in _SETTINGS}
    closure = frozenset(knowledge.catalogue.graph.closure([target.path]))
    entries = _entries(lookup, seen, test) if seen is not None else None
    if seen is None or entries is None:  # never observed here: what its imports say
        files |= closure
        everything = frozenset(files)
        nothing = frozenset[RepoPath]()
        return Uses(
            target.path, target.project, test, everything, nothing, chain, closure,
            frozenset(), frozenset(), installed=True, entered=None, mixed=False, exact=False,
        )  # fmt: skip
    kinds: dict[InputKind, set[str]] = {}
    for entry in entries:
        kinds.setdefault(entry.kind, set()).add(entry.key)
    used = {RepoPath(k) for kind, keys in kinds.items() if kind not in _NO_PATHS for k in keys}
    code = {RepoPath(e.key): e.digest for e in entries if e.kind is InputKind.CODE}
    texts = {RepoPath(key) for key in kinds.get(InputKind.FILE, ())} - chain if code else set()
    return Uses(
        label=target.path,
        project=target.project,
        test=test,
        files=frozenset(files | used),
        texts=frozenset(texts),
        chain=chain,
        closure=closure,
        folders=frozenset(kinds.get(InputKind.LISTING, ())),
        modules=frozenset(kinds.get(InputKind.MODULE, ())),
        installed=bool({InputKind.DISTRIBUTION, InputKind.INSTALLED} & kinds.keys()),
        entered=_entered(knowledge, seen, test, code) if code else None,
        mixed=_is_mixed(seen, test),
        exact=_is_exact(seen, entries, between) and _passed(seen, test),
    )


def _is_mixed(seen: StoredObservation, test: str) -> bool:
    """Whether the test shares a group with a test that is not asked about."""
    own = _numbers(seen, test)
    others = (numbers for id_, numbers in seen.members.items() if not _is_of(id_, test))
    return any(not own.isdisjoint(numbers) for numbers in others)


def _passed(seen: StoredObservation, test: str) -> bool:
    return all(result.outcome.good for result in seen.results if _is_of(result.id, test))


def _is_exact(seen: StoredObservation, entries: Iterable[Input], between: Range) -> bool:
    """Whether everything that is in git was then as it is in the good commit."""
    same = seen.provenance.commit == between.good and not seen.provenance.dirty
    for entry in entries:
        now = between.before.get(RepoPath(entry.key))
        if entry.kind in (InputKind.FILE, InputKind.CODE):
            if now is not None and now != entry.digest:
                return False
        elif entry.kind is InputKind.PROBE:
            if now is not None and entry.digest == ABSENT:
                return False
        elif entry.kind is InputKind.LISTING and not same:
            return False
    return True


def _is_of(id_: str, test: str) -> bool:
    return not test or id_ == test or id_.startswith((test + "::", test + "["))


def _numbers(seen: StoredObservation, test: str) -> set[int]:
    """The groups of the test."""
    return {n for id_, numbers in seen.members.items() if _is_of(id_, test) for n in numbers}


def _entries(lookup: Lookup, seen: StoredObservation, test: str) -> frozenset[Input] | None:
    """The inputs of the test: every test's, and those of its groups."""
    everything = lookup.inputs(seen)
    if everything is None:
        return None
    own = _numbers(seen, test)
    found, others = set(everything), set[Input]()
    for number, group in enumerate(seen.groups):
        inputs = lookup.at(seen, group.runs)
        if inputs is None:
            return None
        if number not in own:
            others.update(inputs)
    for number in own:
        others.difference_update(lookup.at(seen, seen.groups[number].runs) or ())
    return frozenset(found - others)


def _entered(
    knowledge: Knowledge, seen: StoredObservation, test: str, code: Mapping[RepoPath, str]
) -> Entered:
    groups = [seen.groups[number].blocks for number in _numbers(seen, test)]
    lines: dict[RepoPath, set[int]] = {}
    for blocks in (seen.shared, seen.imported, *groups):
        for path, firsts in blocks.items():
            lines.setdefault(path, set()).update(firsts)
    knowledge.outlines.load(code.values())
    found: dict[RepoPath, frozenset[str] | None] = {}
    for path, digest in code.items():
        outline = knowledge.outlines.of(digest)
        found[path] = _keys(outline, lines.get(path, ())) if outline is not None else None
    return found


def _keys(outline: Outline, lines: Iterable[int]) -> frozenset[str] | None:
    names = {block.first: plain_key(block.key) for block in outline.blocks}
    wanted = set(lines) - {0}  # what is outside of any function changes with the module
    if not wanted <= names.keys():
        return None
    return frozenset(names[line] for line in wanted)
