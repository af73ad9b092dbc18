"""Failed tests run again: a pass then ends the run well, and proves nothing.

Unaware of how tests run. What ran again is never recorded: the record keeps the failure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from affected.app.conclude import Course
from affected.model.observation import Provenance
from affected.model.result import TestResult
from affected.report.protocol import Flake, Sighting

Results = Mapping[str, Sequence[TestResult]]  # by label


def retry(
    course: Course, times: int, again: Callable[[set[str]], Results], provenance: Provenance
) -> None:
    """Runs the test files with failures again, up to `times` times, until all are well.

    `again` runs the files of these labels. Each test that passed only then is a flake, proven.
    """
    for _ in range(times):
        failed = {
            label
            for label, results in course.results.items()
            if any(not result.outcome.good for result in results)
        }
        if not failed:
            return
        fresh = again(failed)
        for label in failed:
            later = {result.id: result for result in fresh.get(label, ())}
            course.results[label] = tuple(
                _better(course, result, later.get(result.id), provenance)
                for result in course.results[label]
            )


def _better(
    course: Course, first: TestResult, later: TestResult | None, provenance: Provenance
) -> TestResult:
    if first.outcome.good or later is None or not later.outcome.good:
        return first
    course.retried.append(first.id)
    then, now = Sighting(first.outcome, provenance), Sighting(later.outcome, provenance)
    course.flakes.append(Flake(first.id, then, now))
    return replace(later, rerun=True)
