"""What the parent process asked for by environment variables, and taking it out of sight.

Unaware of tests.
"""

from __future__ import annotations

import os
import sys
from typing import Any, List, NamedTuple, Optional

_VARIABLES = (
    "AFFECTED_SPOOL",
    "AFFECTED_ROOT",
    "AFFECTED_LOG",
    "AFFECTED_TESTS",
    "AFFECTED_BLOCKS",
    "AFFECTED_CHOICE",
)


class Wishes(NamedTuple):
    """`spool` is a folder, `root` the workspace's; `log` and `tests` are files, "" for none."""

    entry: str  # the folder that was put on the module search path for our sake
    spool: str
    root: str
    log: str
    tests: str
    blocks: bool  # which functions run is wanted too
    choice: str  # the file that says which tests to leave out, "" for none
    worker: str  # xdist's name of this process; "" outside its workers


def wishes(entry: str) -> Optional[Wishes]:
    """What is asked for; None when nothing is."""
    spool, root, log, tests, blocks, choice = (os.environ.get(name, "") for name in _VARIABLES)
    if not spool or not root:
        return None
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return Wishes(entry, spool, root, log, tests, blocks == "1", choice, worker)


def conceal(entry: str) -> None:
    """Take every trace of ours out of what user code sees."""
    sys.path[:] = [folder for folder in sys.path if folder != entry]
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if inherited[0] == entry:
        if len(inherited) == 1:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = os.pathsep.join(inherited[1:])
    for name in _VARIABLES:
        os.environ.pop(name, None)


def spreads(config: Any) -> bool:
    """Whether this pytest hands its tests to xdist workers."""
    options = config.known_args_namespace
    return bool(
        getattr(options, "numprocesses", None)
        or getattr(options, "tx", None)
        or getattr(options, "dist", "no") not in ("no", None)
    )


def listed_tests(path: str) -> List[str]:
    """The arguments in a file, one a line; [] without a file."""
    if not path:
        return []
    with open(path, "rb") as stream:
        return [os.fsdecode(line) for line in stream.read().splitlines() if line]


def plugin_distributions(config: Any) -> List[List[str]]:
    """[name, version] of the distributions that plugins come from, sorted."""
    found = {(d.project_name, d.version) for _, d in config.pluginmanager.list_plugin_distinfo()}
    return [list(pair) for pair in sorted(found)]
