"""Real commits as a CI sees them: what a full run says, what `affected run` runs, what it misses.

    python -m benchmarks.history [NAME …] [--commits 100] [--minutes 60] [--copy NAME=REPOSITORY]

For each project the newest commits of its mainline, one after the other: a fresh shallow clone, all
tests by plain pytest, then `affected run` with the cache that the commits before left. What was
measured is kept and never measured again; `--fresh` starts over. Results go to
`out/history/results.json` and `out/history/picture.svg`. Exit code 1 when a test was missed.
Unaware of how a commit is checked out and measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from dataclasses import asdict

from benchmarks.history.checkout import Machine
from benchmarks.history.picture import picture
from benchmarks.history.replay import Ledger, Step, replay
from benchmarks.history.stretches import STRETCHES
from benchmarks.history.summary import figures, remarks, table
from benchmarks.trees import make_out


def main() -> int:
    """Replays what is left to replay, then tells everything that is known."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=[], metavar="NAME", help=", ".join(STRETCHES))
    parser.add_argument("--commits", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60.0, help="in all")
    parser.add_argument("--copy", action="append", default=[], help="a clone to fetch from")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured")
    parser.add_argument("--report", action="store_true", help="only tell what is known")
    given = parser.parse_args()
    copies = dict(text.split("=", 1) for text in given.copy)
    names = [name for name in STRETCHES if not given.names or name in given.names]
    until = time.monotonic() + 60 * given.minutes
    for name in names if not given.report else ():
        machine = Machine.begin(STRETCHES[name], copies.get(name, ""))
        ledger = Ledger(machine.home)
        if given.fresh:
            ledger.forget()
            shutil.rmtree(machine.home / "cache", ignore_errors=True)
        commits = machine.commits(given.commits)
        for step in replay(machine, commits, ledger, until - time.monotonic()):
            print(_line(name, len(ledger.steps()) - 1, step), flush=True)
    known = {name: Ledger(make_out() / "history" / name).steps() for name in names}
    return _report({name: steps for name, steps in known.items() if len(steps) > 1})


def _line(name: str, number: int, step: Step) -> str:
    text = (
        f"{name} {number} {step.commit[:8]} {step.subject[:40]!r}: ran {step.ran} of {step.tests}"
    )
    text += f" ({step.ran_blind} blind), changed {len(step.changed)}"
    text += f", CPU {step.plain_cpu:.1f} s, {step.our_cpu:.1f} s"
    for word, tests in (("MISSED", step.missed), ("unlike", step.unlike)):
        if tests:
            test, pair = next(iter(tests.items()))
            text += f"; {word} {len(tests)}: {test} {pair}"
    return text


def _report(known: dict[str, list[Step]]) -> int:
    if not known:
        print("nothing was measured yet")
        return 0
    found = [figures(name, steps) for name, steps in known.items()]
    folder = make_out() / "history"
    results = {
        "load": os.getloadavg()[0],
        "figures": [asdict(one) for one in found],
        "steps": {name: [asdict(step) for step in steps] for name, steps in known.items()},
    }
    (folder / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    (folder / "picture.svg").write_text(picture(known), encoding="utf-8")
    print(table(found) + "\n" + remarks(found))
    return 1 if any(one.missed for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
