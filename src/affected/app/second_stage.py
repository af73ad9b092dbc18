"""The second stage of a selection: what imports came to decides on tests that loaded an edit.

Unaware of processes: it is given what the tracer wrote after collection, and says what need
not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from affected.app.knowledge import Knowledge
from affected.app.spelled import Spelled
from affected.cache.judge import Judged
from affected.cache.lookup import Partial
from affected.lang.python.outline import Outline, OutlineChange
from affected.model.observation import Blocks
from affected.model.path import RepoPath
from affected.model.result import TestResult
from affected.model.selection import Cause, CauseKind
from affected.selection.import_values import ImportValues, merged, read_values
from affected.selection.mentioned import Entered, Seen, entered_at
from affected.selection.values import Comparison, Moved


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
        self._libraries = Spelled(())
        self._texts: dict[tuple[RepoPath, ...], Spelled] = {}
        self._mentions: dict[tuple[str, int], Entered] = {}
        self.answers = Answers()

    def skip(self, labels: Iterable[str], content: bytes, libraries: Iterable[str]) -> set[str]:
        """The ids of the tests in doubt that need not run, of one batch's targets.

        `libraries` are the files of code that nobody traces, and that was loaded by now.
        """
        now = read_values(content)
        self._libraries = Spelled([Path(name) for name in libraries])
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

        return Comparison(old, now, changes, outline, reaches, self._libraries.any_of)

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
        move = self._with_texts(move, partial.texts)
        shared = Seen(move.widened)
        self._look(judged.observation.shared, move, digests, shared)
        for id_ in partial.asked:
            seen = Seen(
                shared.detail or _other_item(id_, old, now), shared.computes, shared.reaches
            )
            for number in judged.observation.members.get(id_, ()):
                self._look(judged.observation.groups[number].blocks, move, digests, seen)
            detail = seen.verdict
            if detail:
                causes[id_] = Cause(CauseKind.CHANGED, path, (), detail)
            else:
                reused[id_] = results[id_]
        return set(reused)

    def _with_texts(self, move: Moved, files: tuple[RepoPath, ...]) -> Moved:
        """An attribute that a template or other data spells is read by who reads that."""
        if not move.unspelled:
            return move
        if files not in self._texts:
            root = self._knowledge.workspace.root
            self._texts[files] = Spelled([root / path for path in files])
        found = self._texts[files].any_of(move.unspelled.keys())
        return replace(move, names=move.names.union(*(move.unspelled[name] for name in found)))

    def _look(
        self, blocks: Blocks, move: Moved, digests: Mapping[RepoPath, str], seen: Seen
    ) -> None:
        """How the functions entered use what is another value now."""
        functions = move.functions or {}
        for path, lines in blocks.items():
            if seen.detail:
                return
            hit = lines & functions.get(path, frozenset())
            if hit:
                seen.detail = f"defaults: the function at line {min(hit)} of {path} is another one"
                return
            for line in lines if move.is_named else ():
                entered = self._entered(digests.get(path, ""), line)
                if entered is None:
                    seen.detail = f"no-outline: {path}"
                    return
                seen.add(entered, move, path, line)

    def _entered(self, digest: str, line: int) -> Entered | None:
        key = (digest, line)
        if key not in self._mentions:
            outline = self._knowledge.outlines.of(digest)
            if outline is None:
                return None
            self._mentions[key] = entered_at(outline, line)
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
