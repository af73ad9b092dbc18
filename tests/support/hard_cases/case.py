"""One hard case: a folder of files, an edit, and exactly which of its tests the edit concerns.

Unaware of how it is checked. All cases stand side by side in one repository, so in paths and texts
`NAME` stands for the case's own name: modules of two cases never have the same one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

Change = tuple[str, str] | str | None  # replace one text by another; be this; be gone


class Group(Enum):
    """Edits that are made at once."""

    CALM = "calm"  # every file can still be collected
    LATE = "late"  # of modules that no collection imports: all later tests of the process have them
    BREAKING = "breaking"  # some cannot
    ROOT = "root"  # what concerns every case


@dataclass(frozen=True, slots=True)
class Case:
    """A case in its own folder, named like it; `runs` are the ends of test ids, all in `NAME`."""

    name: str
    files: Mapping[str, str]
    edit: Mapping[str, Change]
    runs: frozenset[str]
    group: Group = Group.CALM
    installed: Mapping[str, str] = field(default_factory=dict)  # below site-packages, at first

    @property
    def ids(self) -> frozenset[str]:
        """The tests that must run, by id."""
        return frozenset(f"{self.name}/{end}" for end in self.runs)


def case(
    name: str,
    files: Mapping[str, str],
    edit: Mapping[str, Change],
    runs: str,
    group: Group = Group.CALM,
    installed: Mapping[str, str] | None = None,
) -> Case:
    """A case; `runs` names tests of its `test_NAME.py` ("one two[3]"), or "FILE.py::one"."""

    def put(text: str) -> str:
        return textwrap.dedent(text).lstrip("\n").replace("NAME", name)

    changes: dict[str, Change] = {}
    for path, change in edit.items():
        if isinstance(change, tuple):
            old, new = (text.replace("NAME", name) for text in change)
            changes[put(path)] = (old, new)
        else:
            changes[put(path)] = None if change is None else put(change)
    ends = [end if "::" in end else f"test_NAME.py::test_{end}" for end in runs.split()]
    return Case(
        name,
        {put(path): put(text) for path, text in files.items()},
        changes,
        frozenset(put(end) for end in ends),
        group,
        {put(path): put(text) for path, text in (installed or {}).items()},
    )
