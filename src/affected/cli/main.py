"""The entry point: answers a run with nothing to do at once, else hands over to the commands.

Unaware of what any command does. What it imports every run pays for.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import NoReturn

REPORTED = ("GITHUB_STEP_SUMMARY",)  # somebody waits for more than one line


def main() -> NoReturn:
    """Run the command line and exit."""
    gc.disable()  # a short life: what it makes is freed by counting, cycles with the process
    if sys.argv[1:] == ["run"] and not any(os.environ.get(name) for name in REPORTED):
        _nothing_to_do()
    from affected.cli.program import execute  # noqa: PLC0415  (loads click)

    execute()


def _nothing_to_do() -> None:
    """Exits when the workspace is sealed: everything was proved and nothing changed since."""
    from affected.app.seal import unbroken  # noqa: PLC0415
    from affected.cli.terminal import wants_color  # noqa: PLC0415

    try:
        words = unbroken(Path.cwd(), os.environ)
    except (KeyboardInterrupt, OSError):
        return
    if words is not None:
        print(words[wants_color(sys.stdout, os.environ)])  # noqa: T201
        sys.exit(0)
