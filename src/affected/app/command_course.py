"""What has come of the commands of a run so far. Unaware of how they run."""

from __future__ import annotations

from dataclasses import dataclass, field

from affected.report.commands import CommandEvent


@dataclass(slots=True)
class CommandCourse:
    """Filled while the commands run."""

    events: list[CommandEvent] = field(default_factory=list)  # how each target ended
    notices: list[str] = field(default_factory=list)
    seconds_saved: float = 0.0
    interrupted: bool = False
