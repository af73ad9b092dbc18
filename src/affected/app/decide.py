"""Decides what a run must run, each with its causes, and what it may reuse.

Unaware of how tests run. Only what may have changed is looked at: a decision about one edited file
does not load the rows of twenty thousand others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from affected.app.knowledge import Knowledge
from affected.app.session import Request
from affected.app.widening import widening
from affected.cache.lookup import Partial
from affected.errors import UserError
from affected.model.path import display, is_under
from affected.model.selection import Cause, CauseKind
from affected.state.rows import TargetRow, Totals

BASELESS = "Without a base this costs time only: no test is left out, and results are still reused"


@dataclass(frozen=True, slots=True)
class Decision:
    """What will run and what will not, before anything runs."""

    selected: Mapping[str, tuple[Cause, ...]]  # label → causes
    rows: Mapping[str, TargetRow]  # of the selected
    left_out: tuple[str, ...]  # by the graph alone
    saved: Totals  # what is reused
    reused: tuple[TargetRow, ...]  # the same one by one, if details were asked for
    notices: tuple[str, ...] = ()  # what the user should know, one sentence each
    elsewhere: int = 0  # selected targets that other shards run
    left: Mapping[str, float] = field(default_factory=dict)  # beyond the budget, with their seconds
    partials: Mapping[str, Partial] = field(default_factory=dict)  # of the selected, partly proved

    @property
    def doubtful(self) -> frozenset[str]:
        """The selected targets about whose tests the values of imports decide."""
        return frozenset(label for label, partial in self.partials.items() if partial.asked)

    @property
    def proved(self) -> Totals:
        """The tests of selected targets that are proved already."""
        results = [r for partial in self.partials.values() for r in partial.results.values()]
        return Totals(0, len(results), sum(result.seconds for result in results))


def decide(knowledge: Knowledge, request: Request) -> Decision:
    """What must run, each with its causes; everything else with its proof.

    Raises UserError for a label or path that names no target.
    """
    widened = widening(knowledge.workspace)
    # A widened precision judges each proof once more.
    verdicts = knowledge.verify(anew=_anew(knowledge, request) or widened is not None)
    rows = _asked(knowledge, request, every=widened is not None)
    causes: dict[str, tuple[Cause, ...]] = {}
    for label, row in rows.items():
        if request.everything:
            causes[label] = verdicts.causes.get(label) or (Cause(CauseKind.FORCED),)
        elif not row.settled:
            causes[label] = verdicts.causes.get(label) or (_remembered(row),)
    left_out: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
    if widened is not None:
        from affected.app.widened_reach import also_affected  # noqa: PLC0415

        notices = (widened.sentence(),)
        also = also_affected(knowledge, verdicts.proofs)
        causes |= {label: also[label] for label in also.keys() & rows.keys() - causes.keys()}
    if request.base is not None and not request.everything:
        left_out, told = _beyond_reach(knowledge, request, causes)
        notices += told
        causes = {label: found for label, found in causes.items() if label not in left_out}
    here = _own(knowledge, request, causes)
    elsewhere = len(causes) - len(here)
    causes, left = _afforded(request, here, rows)
    reused = tuple(row for row in rows.values() if row.settled and row.label not in causes)
    return Decision(
        selected=causes,
        rows={label: rows[label] for label in causes},
        left_out=tuple(sorted(left_out)),
        saved=_sum(reused) if _in_full(request) or widened else knowledge.workspace.index.totals(),
        reused=reused,
        notices=notices,
        elsewhere=elsewhere,
        left=left,
        partials=_kept(verdicts.partials, causes, whole=request.everything or widened is not None),
    )


def _own(
    knowledge: Knowledge, request: Request, causes: dict[str, tuple[Cause, ...]]
) -> dict[str, tuple[Cause, ...]]:
    """What this shard runs."""
    if request.shard is None:
        return causes
    from affected.app.sharding import own_part  # noqa: PLC0415

    own = own_part(knowledge, causes, request.shard)
    return {label: found for label, found in causes.items() if label in own}


def _afforded(
    request: Request, causes: dict[str, tuple[Cause, ...]], rows: Mapping[str, TargetRow]
) -> tuple[dict[str, tuple[Cause, ...]], dict[str, float]]:
    """What the budget allows, and what is left with its seconds."""
    if request.budget is None:
        return causes, {}
    from affected.app.budget import within  # noqa: PLC0415

    chosen, left = within(causes, rows, request.budget)
    return {label: found for label, found in causes.items() if label in chosen}, left


def _kept(
    partials: Mapping[str, Partial], selected: Mapping[str, object], *, whole: bool
) -> dict[str, Partial]:
    """What is proved of the selected files; nothing where they run as a whole."""
    return {} if whole else {label: one for label, one in partials.items() if label in selected}


def _anew(knowledge: Knowledge, request: Request) -> bool:
    """True when a report names the proof of each skip, or the local cache may not vouch for it."""
    return request.details or not knowledge.workspace.policy.local.reads


def _in_full(request: Request) -> bool:
    """True when the rows of reused targets are needed too."""
    return bool(request.labels or request.everything or request.details)


def _sum(rows: Sequence[TargetRow]) -> Totals:
    return Totals(len(rows), sum(row.tests for row in rows), sum(row.seconds for row in rows))


def _asked(knowledge: Knowledge, request: Request, *, every: bool) -> dict[str, TargetRow]:
    index = knowledge.workspace.index
    if not _in_full(request) and not every:
        return {row.label: row for row in index.targets(unsettled_only=True)}
    rows = {row.label: row for row in index.targets()}
    if not request.labels:
        return rows
    chosen: dict[str, TargetRow] = {}
    for label in request.labels:
        wanted = label.partition("::")[0].removeprefix("./").rstrip("/")
        found = [row for row in rows.values() if wanted == "." or is_under(row.label, wanted)]
        if not found:
            raise UserError(
                f"no target is called {display(label)} and none lies below it",
                "`affected list --all` names every target",
            )
        chosen.update((row.label, row) for row in found)
    return chosen


def _remembered(row: TargetRow) -> Cause:
    known = {kind.value: kind for kind in CauseKind}
    return Cause(known.get(row.reason, CauseKind.NEW))


def _beyond_reach(
    knowledge: Knowledge, request: Request, causes: Mapping[str, tuple[Cause, ...]]
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Targets without any observation that the change since the base cannot reach; notices."""
    from affected.app.listing import change_set, select_by_graph  # noqa: PLC0415

    diff = change_set(knowledge.workspace, request.base, strict=request.strict)
    targets = knowledge.targets()
    reached = {s.label for s in select_by_graph(knowledge, diff.change_set, targets)}
    new = {label for label, found in causes.items() if found[0].kind is CauseKind.NEW}
    reason = diff.change_set.reason
    return frozenset(new - reached), (f"{reason}. {BASELESS}",) if reason else ()
