"""Damages what a cache server's folder holds. Unaware of why."""

from __future__ import annotations

import hashlib
from pathlib import Path

BLOCK = 4096


def file_of(folder: Path, content: bytes) -> Path:
    """Where a large blob has its file."""
    name = hashlib.sha256(content).hexdigest()
    return folder / "cas" / name[:2] / name


def spot_of(folder: Path, content: bytes) -> tuple[Path, int]:
    """The pack that holds the content last, and the byte at which it starts there."""
    for path in sorted((folder / "packs").iterdir(), reverse=True):
        held = path.read_bytes()
        for start in range(len(held) // BLOCK * BLOCK, -1, -BLOCK):
            if held[start : start + len(content)] == content and content:
                return path, start
    raise AssertionError("no pack holds that")


def damage(folder: Path, content: bytes, wrong: bytes) -> None:
    """Put other bytes in the place of a blob or of a result's payload."""
    if file_of(folder, content).exists():
        file_of(folder, content).write_bytes(wrong)
        return
    path, start = spot_of(folder, content)
    with path.open("r+b") as file:
        file.seek(start)
        file.write(wrong.ljust(len(content), b"\0")[: len(content)])
