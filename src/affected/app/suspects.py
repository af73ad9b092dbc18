"""Which commits changed an input of a test: from its observation, without running anything.

Unaware of how the answer is shown and confirmed. A commit is left out when the interpreter sees no
difference in what it changed, or when what it changed is in the end as it was in the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from affected.app.catalogue import targets_of
from affected.app.explain import find_target
from affected.app.knowledge import Knowledge
from affected.cache.lookup import Lookup
from affected.cache.record import StoredObservation
from affected.errors import UserError
from affected.git.commit_log import LoggedCommit, commits_between, states_before
from affected.git.repository import Repository
from affected.lang.python.modules import module_names
from affected.lang.python.outline import outline
from affected.lang.python.outline_compare import compare
from affected.lang.python.targets import conftest_chain
from affected.model.digest import ABSENT, Digest
from affected.model.observation import InputKind
from affected.model.path import RepoPath, ancestors, name, parent
from affected.model.target import Target
from affected.report.protocol import BlameReport, Suspect

_INSTALLED: Final = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")
_CONTENTS: Final = ("file", "code")  # kinds of inputs whose digest is git's own, of a file
MOST_COMMITS: Final = 2000  # looked back for one at which the test passed
_SETTINGS: Final = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "affected.toml")


@dataclass(frozen=True, slots=True)
class Range:
    """The commits in question and the two states that they lead from and to."""

    repository: Repository
    good: str
    bad: str
    commits: list[LoggedCommit]
    before: Mapping[RepoPath, Digest]
    after: Mapping[RepoPath, Digest]


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What a test was seen to depend on, as paths and names of the repository."""

    files: frozenset[str]
    folders: frozenset[str]  # listed
    modules: frozenset[str]  # imported, by dotted name
    installed: bool


def blame(knowledge: Knowledge, asked: str, good: str | None, bad: str) -> BlameReport:
    """The commits between good and bad that changed an input of the test, oldest first.

    Without `good`: the newest commit at which the test is known to have passed. UserError when the
    test, a revision or such a commit is not known.
    """
    row, test = find_target(knowledge, asked)
    target = targets_of([row])[0]
    lookup = Lookup(knowledge.workspace.records, knowledge.present(target.project))
    observations = _observations(knowledge, target, lookup)
    between = _range(knowledge, lookup, observations, test or row.label, good, bad)
    seen = _nearest(observations, between.good)
    inputs = _inputs(knowledge, target, lookup, seen)
    suspects = [_suspect(knowledge, between, commit, inputs) for commit in between.commits]
    return BlameReport(
        test=test or row.label,
        label=row.label,
        good=between.good,
        bad=between.bad,
        commits=len(between.commits),
        suspects=tuple(found for found in suspects if found is not None),
        observed=seen is not None,
    )


def _observations(
    knowledge: Knowledge, target: Target, lookup: Lookup
) -> tuple[StoredObservation, ...]:
    key = knowledge.manifests.weak(target)
    record = lookup.records({target.label: key}).get(target.label)
    return record.observations if record is not None else ()


def _range(
    knowledge: Knowledge,
    lookup: Lookup,
    observations: Iterable[StoredObservation],
    test: str,
    good: str | None,
    bad: str,
) -> Range:
    repository = knowledge.workspace.repository
    if repository is None:
        raise UserError("this is not a git repository, so there is no commit to blame")
    end = _commit(repository, bad, "--bad")
    after = repository.tree_listing(end) or {}
    if good is not None:
        start = _commit(repository, good, "--good")
    else:
        passed = [seen for seen in observations if _passed(seen, test)]
        start = _last_good([_contents(lookup, seen) for seen in passed], repository, end, after)
    if not start:
        raise UserError(
            f"no commit is on record at which {test} passed", "name one with --good REV"
        )
    before = repository.tree_listing(start) or {}
    return Range(repository, start, end, commits_between(repository.git, start, end), before, after)


def _commit(repository: Repository, revision: str, option: str) -> str:
    found = repository.resolve(revision)
    if found is None:
        raise UserError(f"{option} {revision} is not a commit here", "git fetch, or name another")
    return found


def _passed(seen: StoredObservation, test: str) -> bool:
    outcomes = [r.outcome.good for r in seen.results if r.id == test or "::" not in test]
    return bool(outcomes) and all(outcomes)


def _contents(lookup: Lookup, seen: StoredObservation) -> dict[RepoPath, str]:
    """The files that an observation depended on, as they were then."""
    entries = lookup.inputs(seen) or ()
    return {RepoPath(e.key): e.digest for e in entries if e.kind.value in _CONTENTS}


def _last_good(
    observed: Iterable[Mapping[RepoPath, str]],
    repository: Repository,
    end: str,
    after: Mapping[RepoPath, Digest],
) -> str:
    """The last commit before `end` in which all files are as they were when the test passed.

    By content, so it holds whatever branch or clone it passed in. What git does not know of is left
    out. "" when there is none.
    """
    differing = [
        {path for path, digest in files.items() if after.get(path, ABSENT) != digest}
        for files in observed
    ]
    states = list(states_before(repository.git, end, MOST_COMMITS))
    tracked = after.keys() | {path for _, before in states for path in before}
    pairs = [(files, left & tracked) for files, left in zip(observed, differing, strict=True)]
    for commit, before in states:
        for files, left in pairs:
            touched = files.keys() & before.keys()
            left -= {path for path in touched if before[path] == files[path]}
            left |= {path for path in touched if before[path] != files[path]}
            if files and not left:
                return commit
    return ""


def _nearest(observations: Iterable[StoredObservation], good: str) -> StoredObservation | None:
    """The observation of the good commit, else the newest good one, else any."""
    ordered = sorted(
        observations,
        key=lambda seen: (
            seen.provenance.commit != good or seen.provenance.dirty,
            not all(result.outcome.good for result in seen.results),
            -seen.provenance.written,
        ),
    )
    return ordered[0] if ordered else None


def _inputs(
    knowledge: Knowledge, target: Target, lookup: Lookup, seen: StoredObservation | None
) -> _Inputs:
    settings = knowledge.catalogue.shape.settings_of(target)
    files = {target.path, *conftest_chain(target.path, settings.rootdir)}
    for folder in (settings.folder, settings.rootdir, target.project, RepoPath("")):
        files |= {RepoPath(f"{folder}/{n}" if folder else n) for n in _SETTINGS}
    entries = lookup.inputs(seen) if seen is not None else None
    if entries is None:  # never observed here: what its imports say
        closure = knowledge.catalogue.graph.closure([target.path])
        return _Inputs(frozenset(files | closure), frozenset(), frozenset(), installed=True)
    by_kind: dict[InputKind, set[str]] = {}
    for entry in entries:
        by_kind.setdefault(entry.kind, set()).add(entry.key)
    used = {key for kind, keys in by_kind.items() if kind in _PATHS for key in keys}
    return _Inputs(
        files=frozenset(files | used),
        folders=frozenset(by_kind.get(InputKind.LISTING, ())),
        modules=frozenset(by_kind.get(InputKind.MODULE, ())),
        installed=bool({InputKind.DISTRIBUTION, InputKind.INSTALLED} & by_kind.keys()),
    )


_PATHS: Final = frozenset(InputKind) - {
    InputKind.LISTING,
    InputKind.MODULE,
    InputKind.DISTRIBUTION,
    InputKind.INSTALLED,
    InputKind.ENVIRONMENT,
}


def _suspect(
    knowledge: Knowledge, between: Range, commit: LoggedCommit, inputs: _Inputs
) -> Suspect | None:
    touched = [
        path
        for path, status in commit.changed.items()
        if between.before.get(path, ABSENT) != between.after.get(path, ABSENT)
        and _is_input(knowledge, path, status, inputs)
        and not _quiet(between.repository, commit, path, status)
    ]
    if not touched:
        return None
    return Suspect(commit.id, commit.time, commit.subject, tuple(sorted(touched)))


def _is_input(knowledge: Knowledge, path: RepoPath, status: str, inputs: _Inputs) -> bool:
    if path in inputs.files:
        return True
    if inputs.installed and (name(path) in _INSTALLED or "requirements" in name(path)):
        return True
    if status not in {"A", "D"}:
        return False
    if inputs.folders & {parent(path), *ancestors(path)}:
        return True
    names = set(module_names(path, knowledge.catalogue.roots))
    return bool(names & inputs.modules)


def _quiet(repository: Repository, commit: LoggedCommit, path: RepoPath, status: str) -> bool:
    """True when the interpreter sees no difference: comments, blank lines, formatting."""
    if status != "M" or not path.endswith(".py") or len(commit.parents) != 1:
        return False
    old, new = repository.show(commit.parents[0], path), repository.show(commit.id, path)
    before = outline(old) if old is not None else None
    after = outline(new) if new is not None else None
    return before is not None and after is not None and compare(before, after).quiet
