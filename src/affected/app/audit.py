"""`affected audit`: a sample of what would be skipped is run anyway, and remembered.

Unaware of argv and of how a run is shown. A test that its proof says passes, and that fails each
time it is run, was missed; one that fails once and then passes is a flake.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from affected.app.compose import Workspace
from affected.app.conclude import Course
from affected.app.decide import Decision
from affected.app.knowledge import Knowledge
from affected.app.seal import workspace_folder
from affected.app.session import Request
from affected.app.widening import Widening, narrow, widen
from affected.cache.lookup import Proof
from affected.errors import UserError
from affected.fs.atomic import read_bytes_or_none, write_atomic
from affected.model.selection import Cause, CauseKind
from affected.report.protocol import AuditReport
from affected.selection.sampling import draw, draw_within, upper_bound
from affected.state.rows import Totals

FILE: Final = "audits.jsonl"
KEPT: Final = 500  # audits
AGAIN: Final = 2  # more runs of what failed, to tell a miss from a flake
LIMIT: Final = 0.001  # of the audited test files


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit, as it is kept."""

    at: float  # seconds since the epoch
    head: str
    seed: int
    files: int
    tests: int
    misses: tuple[str, ...]
    flakes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """What will be run although it could be skipped."""

    seed: int
    skipped: int  # test files that a run would skip
    proofs: dict[str, Proof]  # of the sample, by label
    decision: Decision


def sample(knowledge: Knowledge, share: float, seconds: float | None, seed: int) -> Sample:
    """A seeded sample of the test files that a run would skip, by share or by time.

    UserError when a run would skip nothing.
    """
    verdicts = knowledge.verify(anew=True)
    rows = {row.label: row for row in knowledge.workspace.index.targets() if row.settled}
    proofs = {label: proof for label, proof in verdicts.proofs.items() if label in rows}
    if not proofs:
        raise UserError("nothing would be skipped, so there is nothing to audit", "affected run")
    if seconds is None:
        chosen = draw(proofs, share, seed)
    else:
        chosen = draw_within({label: rows[label].seconds for label in proofs}, seconds, seed)
    asked = (Cause(CauseKind.FORCED, detail="audited"),)
    decision = Decision(
        selected=dict.fromkeys(chosen, asked),
        rows={label: rows[label] for label in chosen},
        left_out=(),
        saved=Totals(0, 0, 0.0),
        reused=(),
    )
    return Sample(seed, len(proofs), {label: proofs[label] for label in chosen}, decision)


def judge(
    knowledge: Knowledge, drawn: Sample, course: Course, again: Callable[[set[str]], Course]
) -> AuditReport:
    """What the sample says; kept, and the precision widened when the misses are past the limit.

    `again` runs the files of some labels once more.
    """
    suspects = _contradicted(drawn, course)
    flaky: set[str] = set()
    for _ in range(AGAIN):
        left = set(suspects) - flaky
        if not left:
            break
        files = {label for label in drawn.proofs if any(_of(test, label) for test in left)}
        results = again(files).results
        good = {r.id for label in files for r in results.get(label, ()) if r.outcome.good}
        flaky |= left & good
    audit = Audit(
        at=time.time(),
        head=knowledge.found.state.head,
        seed=drawn.seed,
        files=len(course.results),
        tests=sum(map(len, course.results.values())),
        misses=tuple(sorted(set(suspects) - flaky)),
        flakes=tuple(sorted(flaky)),
    )
    kept = [*history(knowledge.workspace), audit] if audit.files else history(knowledge.workspace)
    _keep(knowledge.workspace, kept)
    return _report(knowledge.workspace, drawn, audit, kept)


def history(workspace: Workspace) -> list[Audit]:
    """The audits kept, oldest first; lines that cannot be read are left out."""
    raw = read_bytes_or_none(_path(workspace)) or b""
    found: list[Audit] = []
    for line in raw.decode("utf-8", "replace").splitlines():
        try:
            tree = json.loads(line)
            tree["misses"], tree["flakes"] = tuple(tree["misses"]), tuple(tree["flakes"])
            found.append(Audit(**tree))
        except (ValueError, TypeError, KeyError):
            continue
    return found


def forget(workspace: Workspace) -> None:
    """Drop the history, and the verdict that came of it."""
    _path(workspace).unlink(missing_ok=True)
    narrow(workspace)


def _contradicted(drawn: Sample, course: Course) -> list[str]:
    """Tests that their proof says pass, and that did not."""
    found: list[str] = []
    for label, proof in drawn.proofs.items():
        proved = {result.id for result in proof.observation.results}
        found += [
            result.id
            for result in course.results.get(label, ())
            if not result.outcome.good and (result.id in proved or result.id == label)
        ]
    return found


def _of(test: str, label: str) -> bool:
    return test == label or test.startswith(label + "::")


def _report(
    workspace: Workspace, drawn: Sample, audit: Audit, kept: Sequence[Audit]
) -> AuditReport:
    files, misses = sum(one.files for one in kept), sum(len(one.misses) for one in kept)
    missed = sum(len({test.partition("::")[0] for test in one.misses}) for one in kept)
    widened = ""
    if missed and missed > files * LIMIT:
        widened = f"{misses} of the tests in {files} audited test files were missed"
        widen(workspace, Widening(widened, audit.at))
    return AuditReport(
        seed=audit.seed,
        skipped=drawn.skipped,
        files=audit.files,
        tests=audit.tests,
        misses=audit.misses,
        flakes=audit.flakes,
        bound=upper_bound(_files_of(audit.misses), audit.files),
        audits=len(kept),
        all_files=files,
        all_missed=missed,
        all_bound=upper_bound(missed, files),
        since=kept[0].at if kept else audit.at,
        widened=widened,
    )


def _files_of(tests: Sequence[str]) -> int:
    return len({test.partition("::")[0] for test in tests})


def _keep(workspace: Workspace, audits: Sequence[Audit]) -> None:
    lines = [json.dumps(asdict(one)) + "\n" for one in audits[-KEPT:]]
    try:
        write_atomic(_path(workspace), "".join(lines).encode("ascii"))
    except OSError as error:
        raise UserError(f"{_path(workspace)} cannot be written: {error.strerror}") from error


def _path(workspace: Workspace) -> Path:
    return workspace_folder(workspace.cache_folder, workspace.home) / FILE


def request_for(drawn: Sample) -> Request:
    """The run of a sample."""
    return Request(labels=tuple(drawn.proofs), everything=True)
