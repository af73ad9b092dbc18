"""The verdict that proofs alone are not enough here, kept until it is lifted.

Unaware of who found it out and of what follows. While it stands, an observation proves a skip only
if, besides, the import graph leads from nothing that changed since its commit to the test: two
independent reasons.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Final

from affected.app.compose import Workspace

KEY: Final = "widened"


@dataclass(frozen=True, slots=True)
class Widening:
    """Why, and since when in seconds since the epoch."""

    why: str
    since: float

    def sentence(self) -> str:
        """For the user, with the way out."""
        day = time.strftime("%Y-%m-%d", time.gmtime(self.since))
        return (
            f"precision is widened since {day}: {self.why}. What the import graph reaches runs, "
            "proved or not; `affected audit --reset` ends that"
        )


def widening(workspace: Workspace) -> Widening | None:
    """The verdict that stands; None when proofs are enough."""
    raw = workspace.index.get(KEY)
    if raw is None:
        return None
    try:
        stored = json.loads(raw)
        return Widening(str(stored["why"]), float(stored["since"]))
    except (ValueError, TypeError, KeyError):
        return Widening("an earlier audit said so", 0.0)


def widen(workspace: Workspace, found: Widening) -> None:
    """Keep the verdict."""
    stored = {"why": found.why, "since": found.since}
    workspace.index.put(KEY, json.dumps(stored).encode("ascii"))


def narrow(workspace: Workspace) -> None:
    """Lift it."""
    workspace.index.delete(KEY)
