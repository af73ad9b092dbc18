"""What a run with nothing to do must look at for the sake of command targets: names and programs.

Unaware of targets. Kept apart from the plan, which such a run does not load.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from affected.app.compose import Workspace
from affected.fs.digests import stamp_of
from affected.run.environment import environment_inputs

TOOLS_KEY: Final = "commands:tools"
NAMES_KEY: Final = "commands:names"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a run with nothing to do says and looks at."""

    names: tuple[str, ...] = ()  # of the variables that commands see
    targets: int = 0  # that a plain run takes
    seconds: float = 0.0  # that they last took


def remember(workspace: Workspace, remembered: Remembered) -> None:
    """Stores it; call inside a transaction."""
    rows = [remembered.names, remembered.targets, remembered.seconds]
    packed = json.dumps(rows).encode("ascii")
    if workspace.index.get(NAMES_KEY) != packed:
        workspace.index.put(NAMES_KEY, packed)


def remembered(workspace: Workspace) -> Remembered:
    """What was stored last."""
    raw = workspace.index.get(NAMES_KEY)
    if raw is None:
        return Remembered()
    names, targets, seconds = json.loads(raw)
    return Remembered(tuple(names), targets, seconds)


def programs_of(workspace: Workspace) -> list[str]:
    """The programs that commands start: where they were found, and where links lead."""
    raw = workspace.index.get(TOOLS_KEY)
    stored = json.loads(raw) if raw else {}
    return sorted({path for found, known in stored.items() for path in (found, known[0])})


def present_token(workspace: Workspace) -> str:
    """Changes when a variable or a program that some command uses does; "" without commands."""
    raw = workspace.index.get(TOOLS_KEY)
    if raw is None:
        return ""
    return environment_token(workspace, remembered(workspace).names, tools_token(json.loads(raw)))


def tools_token(stored: Mapping[str, list[str]]) -> str:
    """One text for the programs as they are now."""
    rows = []
    for found in sorted(stored):
        real = os.path.realpath(found)
        stamp = stamp_of(real)
        rows.append(f"{found} {real} {stamp.pack().hex() if stamp else ''}")
    return "\n".join(rows)


def environment_token(workspace: Workspace, names: Iterable[str], tools: str) -> str:
    """One digest of the variables by value and of the programs by stamp."""
    environ = workspace.environ
    variables = environment_inputs(environ, tuple(names), str(workspace.root))
    said = repr((variables, environ.get("PATH"), tools))
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()
