"""Compares two result files of `benchmarks.run_all`: what got faster, what got slower.

    python -m benchmarks.compare OLD.json NEW.json [--slack 1.1]

Unaware of how results came about. Ratios and values are compared answer by answer; exit code 1
when one is worse by more than the slack, or is over its limit and was not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.answer import shown


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], slack: float
) -> tuple[list[str], bool]:
    """Lines for a person, and True when something got worse."""
    before = {_key(answer): answer for answer in old["answers"]}
    after = {_key(answer): answer for answer in new["answers"]}
    lines: list[str] = []
    worse = False
    for key in sorted(before.keys() | after.keys()):
        name = " · ".join(key)
        if key not in after:
            lines.append(f"gone    {name}")
        elif key not in before:
            lines.append(f"new     {name}: {_said(after[key])}")
        else:
            verdict = _verdict(before[key], after[key], slack)
            worse = worse or verdict == "worse"
            lines.append(f"{verdict:<7} {name}: {_said(before[key])} → {_said(after[key])}")
    return lines, worse


def _key(answer: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(answer["question"]), str(answer["case"]), str(answer["what"])


def _said(answer: Mapping[str, Any]) -> str:
    said = shown(float(answer["value"]), str(answer["unit"]))
    return said if answer["holds"] else f"{said} (over)"


def _verdict(before: Mapping[str, Any], after: Mapping[str, Any], slack: float) -> str:
    if before["holds"] and not after["holds"]:
        return "worse"
    # Judged by the share of the limit: the limit moves with the machine, as the value does.
    old, new = (float(answer["value"]) / float(answer["limit"]) for answer in (before, after))
    if new > old * slack:
        return "worse"
    return "better" if new * slack < old else "same"


def main(arguments: list[str] | None = None) -> int:
    """Compare and tell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--slack", type=float, default=1.1, help="how much worse is still the same")
    chosen = parser.parse_args(arguments)
    old, new = (json.loads(path.read_text("utf-8")) for path in (chosen.old, chosen.new))
    lines, worse = differences(old, new, chosen.slack)
    for line in lines:
        print(line)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
