"""Runs the command line in a child process and tells which modules it came to load.

Unaware of what is asserted about them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "src"

# What the interpreter had loaded before us (site, .pth files of the environment) is not ours.
_FOLLOWED = """
import atexit, os, sys
before = set(sys.modules)
out = os.fdopen(int(os.environ.pop("MODULES_FD")), "w")
def tell():
    loaded = set(sys.modules) - before
    with out:
        out.write("\\n".join(sorted(loaded)))
atexit.register(tell)
from affected.cli.main import main
main()
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a child ended: its exit code, its words, the modules it loaded."""

    code: int
    out: str
    err: str
    modules: frozenset[str] = frozenset()

    def json(self) -> object:
        """Standard output as one JSON value."""
        return json.loads(self.out)


def ask(folder: Path, environ: Mapping[str, str], *arguments: str) -> Answer:
    """`affected ARGUMENTS` in `folder`, with the modules it loaded."""
    reading, writing = os.pipe()
    try:
        child = subprocess.Popen(
            [sys.executable, "-c", _FOLLOWED, *arguments],
            cwd=folder,
            env={**environ, "PYTHONPATH": str(SOURCES), "MODULES_FD": str(writing)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(writing,),
        )
    finally:
        os.close(writing)
    out, err = child.communicate(timeout=120)
    with os.fdopen(reading, "rb") as stream:
        modules = frozenset(stream.read().decode().split())
    return Answer(child.returncode, out.decode(), err.decode(), modules)
