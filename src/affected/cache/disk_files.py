"""Files of a store, read and written whole. Unaware of what is in them."""

# A Path costs more than the system calls that one file takes.
# ruff: noqa: PTH103, PTH105, PTH120

from __future__ import annotations

import os
from typing import Final

WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def content_of(file: int) -> bytes:
    """Everything in an open file."""
    size = os.fstat(file).st_size
    content = os.read(file, size + 1)
    if len(content) == size:
        return content
    pieces = [content]
    while piece := os.read(file, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def write_new(path: str, content: bytes) -> None:
    """A file that was not there, and its folder if need be."""
    try:
        file = os.open(path, WRITE, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = os.open(path, WRITE, 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(file, rest) :]
    finally:
        os.close(file)


def move(written: str, path: str) -> None:
    """Rename, making the folder if need be."""
    try:
        os.replace(written, path)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.replace(written, path)
