"""What each exit code means (DESIGN section 7). Unaware of who exits."""

from __future__ import annotations

import enum


class ExitStatus(enum.IntEnum):
    """The process's exit code."""

    OK = 0  # nothing affected included
    FAILED = 1  # a test or target failed
    USAGE = 2  # usage or configuration
    BASE = 3  # the base could not be resolved under --strict
    VERIFICATION = 4  # a verification failed
    INTERRUPTED = 130
