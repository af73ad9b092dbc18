"""Opens the workspace for the commands that ask about it. Unaware of their answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affected.app.compose import open_workspace
from affected.app.knowledge import Knowledge
from affected.app.session import Present
from affected.cli.terminal import environment


@contextmanager
def knowledge() -> Iterator[Knowledge]:
    """Everything known of the workspace around the current folder, in step with its files."""
    workspace = open_workspace(Path.cwd(), environment())
    try:
        yield Knowledge(Present(workspace, ()))
    finally:
        workspace.close()
