"""Which commits changed an input of a test: from its observation, without running anything.

Unaware of how the answer is shown and confirmed. A commit is left out when the interpreter sees no
difference in what it changed, or when what it changed is in the end as it was in the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from affected.app.blame_uses import Range, uses_of
from affected.app.catalogue import targets_of
from affected.app.explain import find_target
from affected.app.knowledge import Knowledge
from affected.app.suspicion import Suspicion
from affected.cache.lookup import Lookup
from affected.cache.record import StoredObservation
from affected.errors import UserError
from affected.fs.ignore import Patterns
from affected.git.commit_log import commits_between, states_before
from affected.git.repository import Repository
from affected.model.digest import ABSENT, Digest
from affected.model.path import RepoPath
from affected.model.target import Target
from affected.report.protocol import BlameReport

_CONTENTS: Final = ("file", "code")  # kinds of inputs whose digest is git's own, of a file
MOST_COMMITS: Final = 2000  # looked back for one at which the test passed


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
    seen = _nearest(lookup, observations, between)
    uses = uses_of(knowledge, target, lookup, seen, test, between)
    inert = Patterns(knowledge.workspace.config.inert).matches
    judge = Suspicion(between, uses, knowledge.catalogue.roots, knowledge.outlines, inert)
    suspects = [judge.suspect(commit) for commit in between.commits]
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


def _nearest(
    lookup: Lookup, observations: Iterable[StoredObservation], between: Range
) -> StoredObservation | None:
    """The observation of the good commit, else a good one of the same contents, else any."""
    before = between.before
    ordered = sorted(
        observations,
        key=lambda seen: (
            seen.provenance.commit != between.good or seen.provenance.dirty,
            not all(result.outcome.good for result in seen.results),
            any(before.get(p, then) != then for p, then in _contents(lookup, seen).items()),
            -seen.provenance.written,
        ),
    )
    return ordered[0] if ordered else None
