"""What was measured, as JSON lines: one file a project, one line for an edit, an answer, a cost.

Unaware of how it was measured. A line is found again by the edit's key and content and the tool's
version, so an interrupted measurement goes on where it was.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.safety.verdict import Judgement, Truth

_FORMAT = 1


class Ledger:
    """The lines of one project."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.truths: dict[str, Truth] = {}
        self.judgements: dict[tuple[str, str], Judgement] = {}
        self.costs: list[dict[str, Any]] = []
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        if line.pop("format") != _FORMAT:
            return
        what = line.pop("line")
        if what == "truth":
            truth = Truth(**line)
            self.truths[truth.key] = truth
        elif what == "judgement":
            judgement = Judgement(**line)
            self.judgements[judgement.key, judgement.tool] = judgement
        else:
            self.costs.append(line)

    def truth(self, key: str, digest: str) -> Truth | None:
        """What is known of an edit, if it is still that edit."""
        found = self.truths.get(key)
        return found if found is not None and found.digest == digest else None

    def judgement(self, key: str, digest: str, tool: str) -> Judgement | None:
        """What a tool said of it."""
        found = self.judgements.get((key, tool))
        return found if found is not None and found.digest == digest else None

    def add_truth(self, truth: Truth) -> None:
        """Keep what an edit really changes."""
        self.truths[truth.key] = truth
        self._write("truth", asdict(truth))

    def add_judgement(self, judgement: Judgement) -> None:
        """Keep what a tool makes of it."""
        self.judgements[judgement.key, judgement.tool] = judgement
        self._write("judgement", asdict(judgement))

    def add_cost(self, cost: dict[str, Any]) -> None:
        """Keep what watching costs."""
        self.costs.append(cost)
        self._write("cost", cost)

    def _write(self, what: str, line: dict[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"format": _FORMAT, "line": what, **line}) + "\n")
