"""Is a skipped test ever one that should have run? Seeded edits of real projects, everything run.

    python -m benchmarks.safety [--project NAME]… [--edits N] [--seed S] [--kind K] [-j N]
                                [--minutes M] [--with testmon] [--without affected]
                                [--overhead ROUNDS] [--report]

Each project is unpacked from its source archive, committed and left unconfigured; its tests are run
plainly three times and recorded once. Then, edit by edit: plain pytest on everything says what the
edit changes, a dry run says what would have been selected, and the checkout is restored. A changed
outcome that was not selected is a miss: it is printed with the edit and the test, and the exit code
is 1. Everything is kept in `benchmarks/out/safety/`, so that a measurement goes on where it was;
`--report` only tells what is known, `--publish` also writes the table and the picture that the
README shows. Unaware of how any tool decides.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.safety.archives import SUBJECTS
from benchmarks.safety.deck import KINDS
from benchmarks.safety.ledger import Ledger
from benchmarks.safety.measuring import PURPOSE, Measuring
from benchmarks.safety.picture import picture
from benchmarks.safety.selectors import Affected, Selector, Testmon
from benchmarks.safety.summary import Summary, summaries
from benchmarks.safety.tables import missed, report
from benchmarks.trees import OUT

_PUBLISHED = Path(__file__).resolve().parent / "published"


def main(arguments: list[str] | None = None) -> int:
    """Measure within the time there is, then report; 1 when the tool missed anything."""
    chosen = _parser().parse_args(arguments)
    names = chosen.project or sorted(SUBJECTS)
    selectors: list[Selector] = [] if chosen.without else [Affected()]
    if "testmon" in chosen.others:
        selectors.append(Testmon())
    if not chosen.report:
        _measure(names, selectors, chosen)
    ledgers = {name: Ledger(OUT / PURPOSE / name / "measured.jsonl") for name in names}
    found = summaries(ledgers, [selector.name for selector in selectors])
    if found:
        print(report(found))
    if chosen.publish and found:
        _publish(found)
    for summary in found:
        print(missed(summary))
    return 1 if found and found[0].misses else 0


def _publish(found: Sequence[Summary]) -> None:
    _PUBLISHED.mkdir(exist_ok=True)
    (_PUBLISHED / "safety.md").write_text(report(found), encoding="utf-8")
    (_PUBLISHED / "safety.svg").write_text(picture(found), encoding="utf-8")
    (_PUBLISHED / "safety.json").write_text(
        "[" + ",\n".join(summary.as_json() for summary in found) + "]\n", encoding="utf-8"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.safety",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--project", action="append", choices=sorted(SUBJECTS), metavar="NAME")
    parser.add_argument("--edits", type=int, default=120, help="for each project")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=KINDS, default="", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("-j", type=int, default=1, dest="jobs", help="projects at a time")
    parser.add_argument("--minutes", type=float, default=60, help="no edit begins after that")
    parser.add_argument("--with", action="append", default=[], choices=["testmon"], dest="others")
    parser.add_argument("--without", action="append", default=[], choices=["affected"])
    parser.add_argument("--overhead", type=int, default=0, metavar="ROUNDS")
    parser.add_argument("--report", action="store_true", help="only tell what is known")
    parser.add_argument("--publish", action="store_true", help="write what the README shows")
    return parser


def _measure(
    names: Sequence[str], selectors: Sequence[Selector], chosen: argparse.Namespace
) -> None:
    end = time.monotonic() + chosen.minutes * 60
    lock = threading.Lock()

    def say(line: str) -> None:
        with lock:
            print(line, file=sys.stderr, flush=True)

    def begin(name: str) -> Measuring:
        say(f"{name}: making ready")
        return Measuring.begin(SUBJECTS[name], selectors)

    with ThreadPoolExecutor(chosen.jobs) as pool:
        ready = list(pool.map(begin, names))

        def go_through(share: Sequence[Measuring]) -> None:
            if chosen.overhead:
                for measuring in share:
                    measuring.cost(chosen.overhead)
            for number, measuring in itertools.product(range(chosen.edits), share):
                if time.monotonic() > end:
                    say("the time is up")
                    return
                measuring.measure(chosen.seed, number, chosen.kind, say)

        list(pool.map(go_through, _shares(ready, chosen.jobs)))


def _shares(ready: Sequence[Measuring], jobs: int) -> Iterator[Sequence[Measuring]]:
    """Each worker's projects: one checkout is never used by two at once."""
    yield from (ready[start::jobs] for start in range(min(jobs, len(ready))))


if __name__ == "__main__":
    sys.exit(main())
