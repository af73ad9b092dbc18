"""Reads the tracer's spool files as they grow. Unaware of what their lines mean.

The format is described in `affected/tracer/spool.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One line: the process that wrote it (its file's name), its tag, and the rest."""

    process: str
    tag: str
    values: tuple[Any, ...]


class SpoolReader:
    """Follows every file of one spool folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[str, int] = {}

    def poll(self) -> list[Event]:
        """What was added since the last call, in order per process; [] when nothing was.

        A half-written last line is left for later; a line that is no JSON array is passed over.
        """
        events: list[Event] = []
        try:
            names = sorted(path.name for path in self._folder.iterdir())
        except OSError:
            return events
        for name in names:
            if name.endswith(".jsonl"):
                events.extend(self._read(name))
        return events

    def _read(self, name: str) -> list[Event]:
        offset = self._offsets.get(name, 0)
        try:
            with (self._folder / name).open("rb") as stream:
                stream.seek(offset)
                content = stream.read()
        except OSError:
            return []
        end = content.rfind(b"\n") + 1
        self._offsets[name] = offset + end
        return [event for line in content[:end].splitlines() if (event := _parse(name, line))]


def _parse(process: str, line: bytes) -> Event | None:
    try:
        values = json.loads(line)
    except ValueError:
        return None
    if not isinstance(values, list) or not values or not isinstance(values[0], str):
        return None
    return Event(process, values[0], tuple(values[1:]))
