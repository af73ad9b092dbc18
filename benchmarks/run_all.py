"""Asks every question and writes `benchmarks/out/results.json` and `results.md`.

    python -m benchmarks.run_all [--files 36000] [--decision-files 100000] [--remote-tests 10000]
                                  [--only noop,scan]

Unaware of the single questions' reasons. A question that fails is told as such and does not stop
the others; exit code 1 when one failed or a limit is not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import traceback

from benchmarks import decision, full_run, memory, noop, outline, remote_lookup, scan, startup
from benchmarks.answer import Answer, Ask, markdown_table
from benchmarks.trees import OUT


def _questions(chosen: argparse.Namespace) -> list[tuple[str, Ask, argparse.Namespace]]:
    def with_options(**options: object) -> argparse.Namespace:
        return argparse.Namespace(seed=chosen.seed, **options)

    large = chosen.decision_files
    return [
        ("startup", startup.ask, with_options(rounds=15)),
        ("scan", scan.ask, with_options(files=chosen.files, rounds=3)),
        ("outline", outline.ask, with_options(rounds=5)),
        ("noop", noop.ask, with_options(files=chosen.files, rounds=7)),
        ("decision", decision.ask, with_options(files=large, rounds=5, edit=None)),
        ("memory", memory.ask, with_options(files=large, rounds=2)),
        ("remote_lookup", remote_lookup.ask, with_options(tests=chosen.remote_tests, rounds=3)),
        ("full_run", full_run.ask, with_options(rounds=3, project=chosen.project)),
    ]


def main(arguments: list[str] | None = None) -> int:
    """Ask all, write both files, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run_all", description=__doc__)
    parser.add_argument("--files", type=int, default=36_000, help="for scan and noop")
    parser.add_argument("--decision-files", type=int, default=100_000)
    parser.add_argument(
        "--remote-tests", type=int, default=10_000, help="test files for remote_lookup"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--project", default="networkx", help="for full_run")
    parser.add_argument("--only", default="", help="questions, separated by commas")
    chosen = parser.parse_args(arguments)
    wanted = set(filter(None, chosen.only.split(",")))
    answers: list[Answer] = []
    failed: dict[str, str] = {}
    for name, ask, options in _questions(chosen):
        if wanted and name not in wanted:
            continue
        print(f"{name} …", file=sys.stderr)
        try:
            answers += ask(options)
        except Exception:  # noqa: BLE001  # told below; the other questions still count
            failed[name] = traceback.format_exc()
            print(failed[name], file=sys.stderr)
    return _write(answers, failed)


def _write(answers: list[Answer], failed: dict[str, str]) -> int:
    told = [answer.as_json() for answer in answers]
    results = {
        "schema": 1,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "answers": told,
        "failed": failed,
    }
    OUT.mkdir(exist_ok=True)
    (OUT / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    table = markdown_table(told)
    if failed:
        table += "\nFailed: " + ", ".join(failed) + "\n"
    (OUT / "results.md").write_text(table, encoding="utf-8")
    print(table)
    return 0 if not failed and all(answer.holds for answer in answers) else 1


if __name__ == "__main__":
    sys.exit(main())
