"""The `git status` that everything here asks for, as bytes. Unaware of what the answer says."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from affected.git.process import clean_environ

# No ahead/behind count (it walks history), no renames (they read blobs), submodules whatever
# their own setting says.
STATUS: Final = (
    "status",
    "--porcelain=v2",
    "-z",
    "--branch",
    "--untracked-files=all",
    "--no-renames",
    "--no-ahead-behind",
    "--ignore-submodules=none",
)


def start(root: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts it; its standard output is the answer in porcelain format 2."""
    return subprocess.Popen(
        ["git", *STATUS],
        cwd=root,
        env=clean_environ(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
