"""The cache server as a process of its own, over a folder. Unaware of who calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Served:
    """`affected-cache serve` on a free port of loopback, or on the one it had before."""

    def __init__(
        self, folder: Path, *options: str, port: int = 0, environ: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "cache_server", "serve", "--dir", str(folder)),
                *("--listen", f"127.0.0.1:{port}", *options),
            ],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths, **(environ or {})},
        )
        assert self.process.stderr is not None
        first: dict[str, Any] = json.loads(self.process.stderr.readline())
        self.port = int(first["port"])

    @property
    def address(self) -> str:
        """For AFFECTED_REMOTE."""
        return f"grpc://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """With -9."""
        self.process.kill()
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()
