"""What the tests of the disk store share: a clock, keys, digests, children. Unaware of pytest."""

import hashlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from affected import cache
from affected.cache.disk import DiskStore

SOURCE = str(Path(cache.__file__).parents[2])
BLOCK = 4096
LARGE = 10**9

T = TypeVar("T")


class Clock:
    """A clock that goes where it is told."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def key(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def digest(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


def on_disk(folder: Path) -> int:
    """Bytes that the files of a store take, counted by hand in whole blocks."""
    sizes = [
        Path(parent, name).stat().st_size
        for kind in ("ac", "bundles", "cas")
        for parent, _, names in os.walk(folder / kind)
        for name in names
    ]
    return sum(max(-(-size // BLOCK), 1) * BLOCK for size in sizes)


def names(store: DiskStore, candidates: Iterable[T]) -> list[T]:
    """Which of `candidates` have a record, without counting as a use."""
    return [name for name in candidates if Path(store._record_path(key(name))).exists()]


def child(script: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A Python of its own that can import the store."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What the child printed."""
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    return printed
