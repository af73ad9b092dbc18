"""A shared cache in a process of its own, as bad as it is told to be. Unaware of who uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
WAYS = (
    "good", "hang", "hang-writes", "slow", "full", "read-only", "no-token", "no-capabilities",
    "wrong-bytes", "wrong-size", "wrong-record", "empty-result", "malformed", "huge", "broken",
    "drip", "crowded", "absurd-digest", "unasked", "cut-once",
)  # fmt: skip


class FakeCache:
    """The server as its users see it: an address, and what it is told and tells."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.fake_cache_server"],
            cwd=HERE.parents[1],
            env={"PYTHONPATH": f"{HERE.parents[1]}:{HERE.parents[2] / 'src'}", "PATH": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._words, self._answers = self._process.stdin, self._process.stdout
        self.port = int(self._answers.readline())

    @property
    def address(self) -> str:
        """For AFFECTED_REMOTE."""
        return f"grpc://127.0.0.1:{self.port}"

    def reset(self, way: str = "good", **told: Any) -> None:
        """Empty, and behaving in that way; `empty=False` keeps what is there."""
        assert way in WAYS
        self._say({"way": way, **told})

    def tell(self) -> dict[str, Any]:
        """Its calls by name, violations, numbers of records and blobs, tokens seen."""
        return self._say({})

    def close(self) -> None:
        """Ends it."""
        self._process.communicate("", timeout=10)

    def _say(self, told: dict[str, Any]) -> dict[str, Any]:
        self._words.write(json.dumps(told) + "\n")
        self._words.flush()
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer
