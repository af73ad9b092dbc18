"""What becomes of commands, and how it is said. Unaware of processes and of the terminal."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from affected.report.style import Style, displayed, duration, plural, printable, without_escapes


class CommandState(enum.StrEnum):
    """What became of a command target in a run."""

    STARTED = "started"
    RAN = "ran"
    RESTORED = "restored"  # from the cache, with what it printed
    FAILED = "failed"
    SKIPPED = "skipped"  # what it waits for failed, or the run stopped before


@dataclass(frozen=True, slots=True)
class CommandEvent:
    """Something happened to a target; `output` is what its command printed, both streams."""

    label: str
    state: CommandState
    seconds: float = 0.0
    output: bytes = b""
    why: str = ""  # it failed


@dataclass(frozen=True, slots=True)
class CommandCounts:
    """How many targets ended how."""

    ran: int = 0
    restored: int = 0  # from the cache
    reused: int = 0  # nothing was to be done
    failed: int = 0
    skipped: int = 0
    selected: int = 0  # a dry run: they would run
    seconds_saved: float = 0.0

    @property
    def total(self) -> int:
        """All of them."""
        return sum((self.ran, self.restored, self.reused, self.failed, self.skipped, self.selected))


def count_events(events: Iterable[CommandEvent], reused: int, saved: float) -> CommandCounts:
    """The figures of a run."""
    tally = dict.fromkeys(CommandState, 0)
    for event in events:
        tally[event.state] += 1
    return CommandCounts(
        ran=tally[CommandState.RAN],
        restored=tally[CommandState.RESTORED],
        reused=reused,
        failed=tally[CommandState.FAILED],
        skipped=tally[CommandState.SKIPPED],
        seconds_saved=saved,
    )


_LOOKS = {
    CommandState.RAN: ("ran", "green"),
    CommandState.RESTORED: ("restored", "cyan"),
    CommandState.FAILED: ("FAILED", "red"),
    CommandState.SKIPPED: ("skipped", "yellow"),
}


def event_lines(event: CommandEvent, style: Style) -> list[str]:
    """One line for a target, and what it printed."""
    if event.state is CommandState.STARTED:
        return []
    word, color = _LOOKS[event.state]
    line = f"{style.paint(word, color, 'bold')} {printable(event.label)}"
    if event.state in {CommandState.RAN, CommandState.FAILED}:
        line += f" in {duration(event.seconds)}"
    if event.why:
        line += f": {event.why}"
    text = displayed(event.output.decode("utf-8", "replace"))
    if not style.color:
        text = without_escapes(text)
    return [line, *(f"  {one}" for one in text.rstrip("\n").split("\n") if text.strip())]


def command_lines(counts: CommandCounts, style: Style) -> list[str]:
    """The closing line about commands; none without any."""
    said = [
        style.paint(f"{plural(number, 'target')} {word}", *looks)
        for number, word, looks in (
            (counts.failed, "failed", ("red", "bold")),
            (counts.skipped, "skipped", ("yellow",)),
            (counts.ran, "ran", ("green",)),
            (counts.selected, "would run", ()),
            (counts.restored, "restored from the cache", ()),
            (counts.reused, "as before", ()),
        )
        if number
    ]
    if not said:
        return []
    saved = f", {duration(counts.seconds_saved)} saved" if counts.seconds_saved else ""
    return [", ".join(said) + saved]
