"""Texts kept in files: a test holds them equal to what the code says now.

Unaware of what the texts mean. With UPDATE_PUBLISHED=1 in the environment a test writes the file
anew instead of comparing: look at the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "UPDATE_PUBLISHED"


def assert_published(path: Path, text: str) -> None:
    """The file at `path` holds exactly `text`; AssertionError with both where it does not."""
    if os.environ.get(VARIABLE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    assert path.exists(), f"{path.name} is missing: run this test with {VARIABLE}=1 to write it"
    assert path.read_text(encoding="utf-8") == text, (
        f"{path.name} is not what the code says: run this test with {VARIABLE}=1 to write it anew"
    )
