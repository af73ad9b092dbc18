"""Writing a file whole or not at all, and a lock between processes.

Unaware of what is written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PAUSE: Final = 0.02  # seconds between two tries for a lock


def write_atomic(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Put `content` at `path`: readers see the old file or the new one, never a part.

    The folder is made if it is missing. `durable` waits for the disk. OSError (full disk, no
    permission) leaves the old file as it was and nothing beside it.
    """
    beside = path.with_name(f".{path.name[:100]}.{os.getpid()}-{time.monotonic_ns():x}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        number = os.open(beside, flags, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(beside, flags, 0o666)
    try:
        try:
            _write_all(number, content)
            if durable:
                os.fsync(number)
        finally:
            os.close(number)
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def _write_all(number: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(number, left) :]


@contextmanager
def file_lock(path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock that the file `path` stands for, among all processes of this machine.

    Waits at most `timeout` seconds, then TimeoutError. A process that dies lets go of it. The
    file stays: removing it would let two hold the lock.
    """
    import fcntl  # noqa: PLC0415  # no such module on Windows

    path.parent.mkdir(parents=True, exist_ok=True)
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    message = f"another process holds {path} for more than {timeout:g} s"
                    raise TimeoutError(message) from None
                time.sleep(_PAUSE)
        yield
    finally:
        os.close(number)


def read_bytes_or_none(path: Path) -> bytes | None:
    """A file's bytes, None when there is no such file or it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None
