"""The second stage of a selection: what imports came to decides on tests that loaded an edit.

Unaware of processes: it is given what the tracer wrote after collection, and says what need
not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from affected.app.knowledge import Knowledge
from affected.cache.judge import Judged
from affected.cache.lookup import Partial
from affected.lang.python.outline import Outline, OutlineChange, mentions_any
from affected.model.observation import Blocks
from affected.model.path import RepoPath
from affected.model.result import TestResult
from affected.model.selection import Cause, CauseKind
from affected.selection.values import Comparison, ImportValues, Moved, merged, read_values


@dataclass(slots=True)
class Answers:
    """What came of the second stage, by label."""

    reused: dict[str, dict[str, TestResult]] = field(default_factory=dict)
    causes: dict[str, dict[str, Cause]] = field(default_factory=dict)  # of tests that must run


@dataclass(frozen=True, slots=True)
class _Known:
    """A comparison that many targets share, and the code that they had loaded, with its digests."""

    comparison: Comparison
    code: dict[RepoPath, str]


class SecondStage:
    """Answers for the partly proved targets of one run."""

    def __init__(self, knowledge: Knowledge, partials: Mapping[str, Partial]) -> None:
        self._knowledge = knowledge
        self._partials = partials
        self._values: dict[tuple[str, ...], ImportValues | None] = {}
        self._mentions: dict[tuple[str, int], frozenset[str]] = {}
        self.answers = Answers()

    def skip(self, labels: Iterable[str], content: bytes) -> set[str]:
        """The ids of the tests in doubt that need not run, of one batch's targets."""
        now = read_values(content)
        found: set[str] = set()
        comparisons: dict[tuple[object, ...], _Known] = {}
        for label in labels:
            partial = self._partials.get(label)
            if partial is None or not partial.asked:
                continue
            move, old = self._moved(partial, now, comparisons)
            found |= self._decide(label, partial, move, old, now)
        return found

    def _moved(
        self,
        partial: Partial,
        now: ImportValues | None,
        known: dict[tuple[object, ...], _Known],
    ) -> tuple[Moved, ImportValues | None]:
        judged, digests = partial.judged, partial.code
        old = self._old(judged)
        if old is None or now is None:
            return Moved(widened="values-lost: what imports came to then is not known"), old
        changes = {p: c for p, c in judged.changes.items() if not c.quiet}
        key = (judged.observation.values, frozenset((p, digests[p]) for p in changes))
        self._knowledge.outlines.load(digests.values())
        if key not in known:
            code: dict[RepoPath, str] = {}
            known[key] = _Known(self._comparison(old, now, changes, code), code)
        known[key].code.update(digests)
        seen = judged.observation
        ran = any(
            lines & changes[path].bodies for path, lines in seen.imported.items() if path in changes
        )
        return known[key].comparison.moved(digests, seen.dynamic, ran=ran), old

    def _comparison(
        self,
        old: ImportValues,
        now: ImportValues,
        changes: Mapping[RepoPath, OutlineChange],
        code: Mapping[RepoPath, str],
    ) -> Comparison:
        """Of imports then and now; `code` grows with each target that asks."""
        graph = self._knowledge.catalogue.graph

        def outline(path: RepoPath) -> Outline | None:
            return self._knowledge.outlines.of(code.get(path, ""))

        def reaches(path: RepoPath) -> bool:
            return not graph.closure([path]).isdisjoint(changes)

        return Comparison(old, now, changes, outline, reaches)

    def _decide(
        self,
        label: str,
        partial: Partial,
        move: Moved,
        old: ImportValues | None,
        now: ImportValues | None,
    ) -> set[str]:
        judged = partial.judged
        digests = partial.code
        path = next(iter(sorted(p for p, c in judged.changes.items() if not c.quiet)), RepoPath(""))
        results = {result.id: result for result in judged.observation.results}
        reused = self.answers.reused.setdefault(label, {})
        causes = self.answers.causes.setdefault(label, {})
        everyone = move.widened or self._used(judged.observation.shared, move, digests)
        for id_ in partial.asked:
            detail = everyone or _other_item(id_, old, now)
            for number in judged.observation.members.get(id_, ()):
                if detail:
                    break
                detail = self._used(judged.observation.groups[number].blocks, move, digests)
            if detail:
                causes[id_] = Cause(CauseKind.CHANGED, path, (), detail)
            else:
                reused[id_] = results[id_]
        return set(reused)

    def _used(self, blocks: Blocks, move: Moved, digests: Mapping[RepoPath, str]) -> str:
        """How the functions entered use what is another value now; "" when they do not."""
        functions = move.functions or {}
        for path, lines in blocks.items():
            hit = lines & functions.get(path, frozenset())
            if hit:
                return f"defaults: the function at line {min(hit)} of {path} is another one"
            for line in lines if move.names else ():
                mentions = self._mentioned(digests.get(path, ""), line)
                if mentions is None:
                    return f"no-outline: {path}"
                if mentions_any(mentions, move.names):
                    return f"value: line {line} of {path} mentions {_one(mentions, move.names)}"
        return ""

    def _mentioned(self, digest: str, line: int) -> frozenset[str] | None:
        key = (digest, line)
        if key not in self._mentions:
            outline = self._knowledge.outlines.of(digest)
            if outline is None:
                return None
            if line:
                found = [block.mentions for block in outline.blocks if block.first == line]
            else:
                found = [one.mentions for one in outline.statements if one.inline]
            self._mentions[key] = frozenset().union(*found) if found else frozenset({"*"})
        return self._mentions[key]

    def _old(self, judged: Judged) -> ImportValues | None:
        names = judged.observation.values
        if names not in self._values:
            blobs = self._knowledge.workspace.records.get_blobs(list(names))
            read = [read_values(blobs[name]) for name in names if name in blobs]
            good = [one for one in read if one is not None]
            self._values[names] = merged(good) if good else None
        return self._values[names]


def _other_item(id_: str, old: ImportValues | None, now: ImportValues | None) -> str:
    """Why a test is given something else than then, or may be."""
    before = old.items.get(id_) if old else None
    after = now.items.get(id_) if now else None
    if before is None or after is None:
        return "item: it was not collected then, or is not now"
    if before != after or "?" in before:
        return "item: its parameters, marks or fixtures are others, or cannot be told"
    return ""


def _one(mentions: frozenset[str], names: frozenset[str]) -> str:
    return min(mentions & names, default="any name")


def reused_tests(
    partials: Mapping[str, Partial], stage: SecondStage, label: str, ids: Iterable[str]
) -> dict[str, tuple[TestResult, Judged]]:
    """Of the tests that were left out: the outcome that is reused, and what proves it."""
    partial = partials.get(label)
    if partial is None:
        return {}
    answered = stage.answers.reused.get(label, {})
    found: dict[str, tuple[TestResult, Judged]] = {}
    for id_ in ids:
        if id_ in partial.results:
            found[id_] = (partial.results[id_], partial.sources[id_])
        elif id_ in answered:
            found[id_] = (answered[id_], partial.judged)
    return found
