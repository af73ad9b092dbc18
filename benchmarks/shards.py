"""How evenly planned shards really divide a real project's tests.

    python -m benchmarks.shards [--project networkx] [--machines 8]

Everything is recorded once, by plain `affected run`; then all of it is planned for the machines, by
those times, and each part is run by itself, one after the other, with a cache of its own. Predicted
is the longest part against the mean by recorded times, real the same by the seconds that the tests
then took, and by the CPU of the whole command less that of one with nothing to run. Unaware of how
parts are chosen.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys

from benchmarks.measure import affected_command, run_once
from benchmarks.projects import PROJECTS, prepare
from benchmarks.trees import git, run_quietly

LIMIT = 1.10


def main() -> int:
    """Records, plans, runs each part; prints predicted and real imbalance."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--project", default="networkx")
    parser.add_argument("--machines", type=int, default=8)
    given = parser.parse_args()
    tree = prepare(PROJECTS[given.project], "shards").tree
    git(tree, "checkout", "-q", "--", ".")
    home = tree.parent
    cache, times = home / "cache", home / "times"
    shutil.rmtree(cache, ignore_errors=True)
    run_quietly(affected_command("record", tree, cache, "run", accepted=(0, 1)))
    idle = run_once(affected_command("idle", tree, cache, "list", "--all")).cpu
    tests, cpus = [], []
    for number in range(1, given.machines + 1):
        shutil.rmtree(times, ignore_errors=True)
        shutil.copytree(cache, times)
        part = f"{number}/{given.machines}"
        words = ("run", "--all", "--shard", part, "--json", "-j", "1")
        command = affected_command(part, tree, times, *words, accepted=(0, 1))
        before = os.times()
        answer = json.loads(run_quietly(command))
        after = os.times()
        cpus.append(after[2] - before[2] + after[3] - before[3] - idle)
        tests.append(answer["tests"]["seconds_run"])
        planned = sum(one["state"] in {"ran", "failed"} for one in answer["targets"])
        print(f"{part}  {planned:4} files  {tests[-1]:7.1f} s of tests  {cpus[-1]:7.1f} s CPU")
    for name, taken in (("by the tests' seconds", tests), ("by CPU", cpus)):
        print(f"real imbalance {name}: {max(taken) / (sum(taken) / len(taken)):.3f}")
    print(f"load average {os.getloadavg()[0]:.1f}; the limit is {LIMIT}")
    shutil.rmtree(times, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
