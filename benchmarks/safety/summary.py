"""The figures of one tool: shares, misses and bounds, by project and by kind of edit.

Unaware of how they are shown. A share is of the tests that there are with the edit; means over
projects are means of the projects' means, so that a project with many tests counts no more.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.safety.archives import SUBJECTS
from benchmarks.safety.bounds import upper_bound
from benchmarks.safety.deck import MIX, NOTHING
from benchmarks.safety.ledger import Ledger
from benchmarks.safety.verdict import Judgement, Truth


@dataclass(frozen=True, slots=True)
class Case:
    """One edit with what a tool made of it."""

    project: str
    truth: Truth
    judgement: Judgement

    @property
    def in_mix(self) -> bool:
        """Whether its kind is one of those that shares are compared on."""
        return self.truth.kind in MIX

    @property
    def share(self) -> float:
        """Tests selected, of all."""
        return self.judgement.selected / max(self.truth.tests, 1)


@dataclass(frozen=True, slots=True)
class Figures:
    """What is told of a group of edits."""

    edits: int
    share: float  # of tests selected, mean over edits
    time_share: float  # the same of their seconds
    truth: float  # share of tests really changed
    unsafe: int  # edits with a miss
    missed: int  # outcomes missed
    changed: int  # outcomes changed
    changing: int  # edits that change an outcome
    bound: float  # 95 % upper bound of the share of edits with a miss


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything about one tool."""

    tool: str
    projects: Mapping[str, Figures]  # on the mix of edits
    kinds: Mapping[str, Figures]  # over all projects
    mix: Figures  # means of the projects' means; counts are sums
    core: Figures  # the same over the five core projects
    everything: Figures  # all kinds and projects, pooled
    hung: int  # edits that end no run
    failed: int  # edits on which the tool ended with an error
    polluted: int  # outcomes that change only behind other tests
    unsteady: int
    costs: Mapping[str, float]  # CPU time over plain pytest, by project
    causes: Mapping[str, int]  # tests selected, by the kind of their cause
    misses: Sequence[Case]

    def as_json(self) -> str:
        """One object; misses with diff and tests."""
        document: dict[str, Any] = asdict(self)
        document["misses"] = [
            {"key": c.truth.key, "diff": c.truth.diff, "tests": dict(c.judgement.missed)}
            for c in self.misses
        ]
        return json.dumps(document, indent=1)


def summaries(ledgers: Mapping[str, Ledger], tools: Sequence[str]) -> list[Summary]:
    """The figures of each tool, all on the same edits: those that every tool has judged."""
    by_tool: dict[str, list[Case]] = {tool: [] for tool in tools}
    hung = 0
    for name, ledger in ledgers.items():
        for key, truth in ledger.truths.items():
            hung += truth.state != "ok"
            judgements = [ledger.judgements.get((key, tool)) for tool in tools]
            fitting = [j for j in judgements if j is not None and j.digest == truth.digest]
            if truth.state != "ok" or len(fitting) < len(tools):
                continue
            for judgement in fitting:
                if judgement.state != "hung":
                    by_tool[judgement.tool].append(Case(name, truth, judgement))
    return [_summary(tool, cases, hung, ledgers) for tool, cases in by_tool.items()]


def _summary(tool: str, cases: Sequence[Case], hung: int, ledgers: Mapping[str, Ledger]) -> Summary:
    mix = [case for case in cases if case.in_mix]
    projects = _grouped(mix, lambda case: case.project)
    core = {name: figures for name, figures in projects.items() if SUBJECTS[name].core}
    causes: dict[str, int] = {}
    for case in cases:
        for kind, count in (case.judgement.causes or {}).items():
            causes[kind] = causes.get(kind, 0) + count
    costs = {
        name: min(float(cost["cpu"]) for cost in ledger.costs if cost["tool"] == tool)
        for name, ledger in ledgers.items()
        if any(cost["tool"] == tool for cost in ledger.costs)
    }
    return Summary(
        tool,
        projects,
        _grouped(cases, lambda case: case.truth.kind),
        _mean_of(projects.values()),
        _mean_of(core.values()),
        _figures([case for case in cases if case.truth.kind != NOTHING]),
        hung,
        sum(case.judgement.state == "failed" for case in cases),
        sum(len(case.judgement.polluted) for case in cases),
        sum(len(case.judgement.unsteady) for case in cases),
        costs,
        causes,
        tuple(case for case in cases if case.judgement.missed),
    )


def _grouped(cases: Sequence[Case], key: Callable[[Case], str]) -> dict[str, Figures]:
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)
    return {name: _figures(group) for name, group in sorted(groups.items())}


def _figures(cases: Sequence[Case]) -> Figures:
    unsafe = sum(bool(case.judgement.missed) for case in cases)
    return Figures(
        len(cases),
        _mean(case.share for case in cases),
        _mean(case.judgement.seconds_selected / (case.truth.seconds_all or 1.0) for case in cases),
        _mean(len(case.truth.changed) / max(case.truth.tests, 1) for case in cases),
        unsafe,
        sum(len(case.judgement.missed) for case in cases),
        sum(len(case.truth.changed) for case in cases),
        sum(bool(case.truth.changed) for case in cases),
        upper_bound(unsafe, len(cases)),
    )


def _mean_of(groups: Iterable[Figures]) -> Figures:
    found = list(groups)
    edits, unsafe = sum(f.edits for f in found), sum(f.unsafe for f in found)
    return Figures(
        edits,
        _mean(f.share for f in found),
        _mean(f.time_share for f in found),
        _mean(f.truth for f in found),
        unsafe,
        sum(f.missed for f in found),
        sum(f.changed for f in found),
        sum(f.changing for f in found),
        upper_bound(unsafe, edits),
    )


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return statistics.fmean(found) if found else 0.0
