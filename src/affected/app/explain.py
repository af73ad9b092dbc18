"""`affected explain`: why a target or test runs, or what proves that it may be skipped.

Unaware of how the answer is worded.
"""

from __future__ import annotations

from dataclasses import replace

from affected.app.catalogue import targets_of
from affected.app.entered import entered
from affected.app.knowledge import Knowledge
from affected.cache.lookup import Difference, Lookup, Miss, Partial
from affected.cache.record import StoredObservation
from affected.errors import UserError
from affected.graph.why import why
from affected.model.digest import ABSENT
from affected.model.edge import Edge
from affected.model.path import RepoPath, display
from affected.model.selection import Cause
from affected.model.target import Target
from affected.report.protocol import ExplainReport, Proof, count
from affected.state.rows import TargetRow


def explain(knowledge: Knowledge, asked: str) -> ExplainReport:
    """The explanation for a label, a test id or a path; UserError when nothing has that name."""
    if ":" in asked and "::" not in asked:
        knowledge.commands.with_inferred()
        if asked in knowledge.commands.plan.targets:
            from affected.app.command_explain import explain_command  # noqa: PLC0415

            return explain_command(knowledge, asked)
    row, test = find_target(knowledge, asked)
    target = targets_of([row])[0]
    key = knowledge.manifests.weak(target)
    lookup = Lookup(knowledge.workspace.records, knowledge.present(target.project))
    verdict = lookup.check({row.label: key})[row.label]
    if isinstance(verdict, Partial):
        report = _partly(knowledge, lookup, row, target, key, verdict, test, asked)
        return replace(report, facts=entered(knowledge, lookup, verdict.judged.observation, test))
    if test and not isinstance(verdict, Miss):
        _known_test(verdict.observation, test, asked)
    if isinstance(verdict, Miss):
        causes = knowledge.verifier.why(target, row, key, verdict)
        seen = verdict.nearest
        return ExplainReport(
            facts=entered(knowledge, lookup, seen, test) if seen else (),
            label=row.label,
            runs=True,
            causes=causes,
            test=test,
            proof=_proof(lookup, seen) if seen else None,
            differences=tuple(map(_words, verdict.differences)),
            chain=_chain(knowledge, target, causes),
            fingerprint=key,
            records=_observations(lookup, row.label, key),
        )
    return ExplainReport(
        label=row.label,
        runs=False,
        test=test,
        facts=entered(knowledge, lookup, verdict.observation, test),
        proof=_proof(lookup, verdict.observation),
        fingerprint=key,
        records=_observations(lookup, row.label, key),
    )


def _partly(
    knowledge: Knowledge,
    lookup: Lookup,
    row: TargetRow,
    target: Target,
    key: str,
    partial: Partial,
    test: str,
    asked: str,
) -> ExplainReport:
    """The explanation of a file some of whose tests run, or of one of these tests."""
    observation = partial.judged.observation
    causes = knowledge.verifier.why_partly(target, partial)
    runs = True
    if test:
        _known_test(observation, test, asked)
        mine = [id_ for id_ in (*partial.results, *partial.reasons, *partial.asked) if id_ == test]
        runs = not (mine and test in partial.results)
        if test in partial.reasons:
            causes = knowledge.verifier.why_test(target, partial.reasons[test])
    return ExplainReport(
        label=row.label,
        runs=runs,
        causes=causes if runs else (),
        test=test,
        proof=_proof(lookup, observation),
        chain=_chain(knowledge, target, causes) if runs else (),
        fingerprint=key,
        records=_observations(lookup, row.label, key),
    )


def find_target(knowledge: Knowledge, asked: str) -> tuple[TargetRow, str]:
    """The row of a label or test id, and the test's id; UserError with the nearest name."""
    label, _, rest = asked.partition("::")
    label = label.removeprefix("./")
    rows = list(knowledge.workspace.index.targets(labels=[label]))
    if rows:
        return rows[0], f"{label}::{rest}" if rest else ""
    known = [row.label for row in knowledge.workspace.index.targets()]
    known += knowledge.commands.plan.targets
    raise UserError(f"no target is called {display(asked)}", _nearest(label, known))


def _nearest(label: str, known: list[str]) -> str:
    import difflib  # noqa: PLC0415  (only on the way to an error)

    close = difflib.get_close_matches(label, known, n=1, cutoff=0.4)
    if close:
        return f"did you mean {display(close[0])}?"
    return "`affected list --all` names every target"


def _known_test(observation: StoredObservation, test: str, asked: str) -> None:
    ids = [result.id for result in observation.results]
    if not any(known == test or known.startswith((test + "::", test + "[")) for known in ids):
        label = test.partition("::")[0]
        raise UserError(f"{display(label)} holds no test {display(asked)}", _nearest(test, ids))


def _proof(lookup: Lookup, observation: StoredObservation) -> Proof:
    return Proof(
        provenance=observation.provenance,
        inputs=lookup.inputs(observation) or (),
        counts=count(observation.results),
        seconds=observation.seconds,
        blind_spots=observation.blind_spots,
    )


def _observations(lookup: Lookup, label: str, key: str) -> int:
    record = lookup.records({label: key}).get(label)
    return len(record.observations) if record else 0


def _words(item: Difference) -> str:
    then, now = item.then.digest, item.now
    what = f"{item.then.kind.value} {display(item.then.key)}"
    if then == ABSENT:
        return f"{what}: was absent, now {_short(now)}"
    if now == ABSENT:
        return f"{what}: was {_short(then)}, now absent"
    return f"{what}: {_short(then)} → {_short(now)}"


def _short(digest: str) -> str:
    return digest if len(digest) < 20 else digest[:12]  # noqa: PLR2004  (words stay whole)


def _chain(knowledge: Knowledge, target: Target, causes: tuple[Cause, ...]) -> tuple[Edge, ...]:
    for cause in causes:
        if cause.path:
            found = why(knowledge.catalogue.graph, target.path, RepoPath(cause.path))
            if found:
                return found
    return ()
