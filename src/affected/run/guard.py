"""Says which inputs changed while tests ran. Unaware of what a stamp is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from affected.model.path import RepoPath

S = TypeVar("S")


def changed_since(
    before: Mapping[RepoPath, S], stamp: Callable[[RepoPath], S]
) -> frozenset[RepoPath]:
    """Paths whose stamp now differs from the one in `before`."""
    return frozenset(path for path, old in before.items() if stamp(path) != old)
