"""Confirms a blame: bisects over just the suspected commits, in a worktree of our own.

Unaware of how suspects were found. A commit at which the test is proved need not be run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from affected.app.compose import Workspace, open_workspace
from affected.app.conclude import Course
from affected.app.decide import Decision, decide
from affected.app.knowledge import Knowledge
from affected.app.seal import workspace_folder
from affected.app.session import Present, Request
from affected.errors import UserError
from affected.fs.atomic import file_lock
from affected.git.worktree import check_out
from affected.report.protocol import BlameReport, Confirmation

FOLDER: Final = "blamed"
WAIT: Final = 10.0  # seconds for another bisection of the same repository

Run = Callable[[Knowledge, Decision, Request], Course]


def confirm(workspace: Workspace, report: BlameReport, run: Run) -> Confirmation:
    """The suspect with which the test began to fail; "" when the suspects do not hold it.

    `run` runs what a decision selects. UserError when the repository is in use by another.
    """
    repository = workspace.repository
    if repository is None:
        raise UserError("this is not a git repository")
    folder = workspace_folder(workspace.cache_folder, workspace.home) / FOLDER
    probes: list[tuple[str, bool]] = []

    def passes(commit: str) -> bool:
        check_out(repository, folder, commit)
        good = _passes(folder, workspace, report, run)
        probes.append((commit, good))
        return good

    try:
        with file_lock(folder.with_name(f"{FOLDER}.lock"), WAIT):
            guilty = first_failing([s.commit for s in report.suspects], passes)
            sure = bool(guilty)
            if guilty:
                parents = repository.parents(guilty)
                sure = bool(parents) and passes(parents[0])
    except TimeoutError as error:
        raise UserError("another blame of this repository is running") from error
    return Confirmation(guilty if sure else "", tuple(probes))


def first_failing(commits: Sequence[str], passes: Callable[[str], bool]) -> str:
    """The first of the commits, in order, from which on the test fails.

    "" if it passes at the last. Takes for granted that it passed before the first.
    """
    if not commits or passes(commits[-1]):
        return ""
    low, high = 0, len(commits) - 1
    while low < high:
        middle = (low + high) // 2
        if passes(commits[middle]):
            low = middle + 1
        else:
            high = middle
    return commits[high]


def _passes(folder: Path, workspace: Workspace, report: BlameReport, run: Run) -> bool:
    opened = open_workspace(folder, workspace.environ, workspace.home)
    try:
        request = Request(labels=(report.label,))
        knowledge = Knowledge(Present(opened, ()))
        decision = decide(knowledge, request)
        if not decision.selected:
            return True  # an observation proves that it passes
        course = run(knowledge, decision, request)
        results = [*course.results.get(report.label, ())]
        results += course.reused.get(report.label, {}).values()
        if report.label in decision.partials:  # proved, while others of its file ran
            results += decision.partials[report.label].results.values()
        wanted = [r for r in results if _is_asked(r.id, report)]
        return bool(wanted) and all(result.outcome.good for result in wanted)
    except UserError:  # the test file is not there at that commit
        return False
    finally:
        opened.close()


def _is_asked(test: str, report: BlameReport) -> bool:
    asked = report.test
    return asked in (report.label, test) or test.startswith((asked + "::", asked + "["))
