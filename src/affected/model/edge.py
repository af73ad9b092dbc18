"""An edge: "A needs B", with its kind. Unaware of what A and B are."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from affected.model.path import RepoPath


class EdgeKind(enum.IntEnum):
    """Why A needs B. Values are stored: append only."""

    IMPORT = 0  # an import statement at module level
    LAZY = 1  # an import statement inside a function
    TYPING = 2  # under `if TYPE_CHECKING:`
    PARENT = 3  # a parent package's __init__, run before the module
    STAR = 4  # from x import *
    STRING = 5  # a dotted name in a string: import_module("a.b"), mock.patch("a.b.c"), plugins
    CONFTEST = 6  # a conftest.py that pytest loads for a test file
    OBSERVED = 7  # seen during a run, not told by the source
    PROJECT = 8  # a project that needs another, by manifest
    TARGET = 9  # a command target that waits for another


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` needs `needed`."""

    source: RepoPath
    needed: RepoPath
    kind: EdgeKind
