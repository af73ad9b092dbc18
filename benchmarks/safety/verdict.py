"""One edit judged: what really changed, what a tool would have run, what it would have missed.

Unaware of how edits are made. A suspected miss is run again, whole and by itself: a test that
differs between identical runs is set aside as unsteady, one that changes only when others ran
before it in the same process as polluted.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.safety.file_edits import Edit
from benchmarks.safety.material import Material
from benchmarks.safety.oracle import Baseline, Outcomes, changed_tests, plain
from benchmarks.safety.place import Hung, Place
from benchmarks.safety.selectors import Selector

_LONGEST_DIFF = 4000


@dataclass(frozen=True, slots=True)
class Truth:
    """What an edit really changes; `state` is "ok", "hung" or "no such edit"."""

    key: str  # seed, project, number and kind
    kind: str
    what: str
    digest: str
    state: str
    diff: str
    tests: int  # that there are with the edit
    changed: Mapping[str, list[str]]  # [before, after] by test
    seconds_changed: float
    seconds_all: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a tool makes of an edit, and what it misses."""

    key: str
    digest: str
    tool: str
    state: str  # "ok", "hung", or "failed": the tool ended with an error
    selected: int
    seconds_selected: float
    missed: Mapping[str, list[str]]
    polluted: tuple[str, ...] = ()
    unsteady: tuple[str, ...] = ()
    causes: Mapping[str, int] | None = None


def patience(base: Baseline) -> float:
    """Seconds after which a run counts as hung."""
    return 90 + 6 * sum(base.outcomes.seconds.values())


def truth_of(place: Place, base: Baseline, key: str, edit: Edit, material: Material) -> Truth:
    """Run everything with the edit, which has been made."""
    state, changed, run = "ok", dict[str, list[str]](), base.outcomes
    try:
        run = plain(place, edit.environ, patience(base))
        changed = changed_tests(base.outcomes.by_test, run.by_test)
    except Hung:
        state = "hung"
    changed = {test: pair for test, pair in changed.items() if test not in base.unsteady}
    seconds = base.outcomes.seconds
    return Truth(
        key,
        edit.kind,
        edit.what,
        edit.digest(),
        state,
        diff_of(edit, material),
        len(_tests(base, run)),
        changed,
        sum(seconds.get(test, 0.0) for test in changed),
        sum(seconds.values()),
    )


def _tests(base: Baseline, run: Outcomes) -> set[str]:
    """Tests that could be selected: those of before that are still there, and new ones."""
    return {test for test in (*base.outcomes.by_test, *run.by_test) if "::" in test}


def diff_of(edit: Edit, material: Material) -> str:
    """The edit as a unified diff, or in words."""
    lines: list[str] = [f"{name}={value}\n" for name, value in edit.environ.items()]
    for path, raw in edit.files.items():
        place = material.tree / path
        old = place.read_bytes() if place.exists() else b""
        before = old.decode("utf-8", "replace").splitlines(keepends=True)
        after = (raw or b"").decode("utf-8", "replace").splitlines(keepends=True)
        lines += difflib.unified_diff(before, after, f"a/{path}", f"b/{path}", n=2)
    return "".join(lines)[:_LONGEST_DIFF]


def judge(place: Place, base: Baseline, truth: Truth, edit: Edit, selector: Selector) -> Judgement:
    """Ask a tool, on the checkout with the edit made, and look closer at what it would miss."""
    try:
        chosen = selector.choose(place, edit.environ, patience(base))
    except Hung:
        return Judgement(truth.key, truth.digest, selector.name, "hung", 0, 0.0, {})
    known = base.outcomes.by_test
    selected = [test for test in known if "::" in test and chosen.has(test)]
    selected += [test for test in truth.changed if test not in known and chosen.has(test)]
    if chosen.failed:
        selected = [test for test in known if "::" in test]
    suspects = {test: pair for test, pair in truth.changed.items() if not chosen.has(test)}
    missed, polluted, unsteady = _looked_at_again(place, base, edit, suspects)
    seconds = base.outcomes.seconds
    return Judgement(
        truth.key,
        truth.digest,
        selector.name,
        "failed" if chosen.failed else "ok",
        len(selected),
        sum(seconds.get(test, 0.0) for test in selected),
        missed,
        polluted,
        unsteady,
        chosen.causes,
    )


def _looked_at_again(
    place: Place,
    base: Baseline,
    edit: Edit,
    suspects: Mapping[str, list[str]],
) -> tuple[dict[str, list[str]], tuple[str, ...], tuple[str, ...]]:
    if not suspects:
        return {}, (), ()
    again = changed_tests(base.outcomes.by_test, plain(place, edit.environ, patience(base)).by_test)
    unsteady = tuple(test for test, pair in suspects.items() if again.get(test) != pair)
    missed, polluted = dict[str, list[str]](), []
    for number, (test, pair) in enumerate(suspects.items()):
        if test in unsteady:
            continue
        alone = number < 5 and _same_alone(place, base, edit, test)
        if alone:
            polluted.append(test)
        else:
            missed[test] = pair
    return missed, tuple(polluted), unsteady


def _same_alone(place: Place, base: Baseline, edit: Edit, test: str) -> bool:
    """Whether a test run by itself has its old outcome with the edit, too."""
    before = base.outcomes.by_test.get(test)
    alone = plain(place, edit.environ, patience(base), test).by_test
    return before is not None and alone.get(test) == before
