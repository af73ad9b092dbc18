"""Says which command targets would write to the same place. Unaware of what they write.

Two targets that write one file make each other's results depend on which ran last.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from affected.errors import UserError
from affected.model.command import CommandTarget
from affected.model.path import RepoPath, ancestors, display, is_under, name, parent


def is_glob(path: str) -> bool:
    """True when an output names more than one path."""
    return any(sign in path for sign in "*?[")


def place_of(output: RepoPath) -> RepoPath:
    """The innermost folder, or the file itself, that holds all an output may name."""
    while is_glob(output):
        output = parent(output)
    return output


def check_overlaps(targets: Iterable[CommandTarget]) -> None:
    """Raises UserError naming two targets and the place that both would write to."""
    pairs = [(output, target.label) for target in targets for output in target.outputs]
    plain = _owners(pair for pair in pairs if not is_glob(pair[0]))
    globs = _owners(pair for pair in pairs if is_glob(pair[0]))
    for output, label in plain.items():
        for above in ancestors(output):
            if plain.get(above, label) != label:
                raise _overlap(output, plain[above], label)
    for glob, label in globs.items():
        for output, other in plain.items():
            if other != label and _may_hold(glob, output):
                raise _overlap(glob, other, label)


def _owners(pairs: Iterable[tuple[RepoPath, str]]) -> dict[RepoPath, str]:
    owners: dict[RepoPath, str] = {}
    for output, label in pairs:
        if owners.setdefault(output, label) != label:
            raise _overlap(output, owners[output], label)
    return owners


def _may_hold(glob: RepoPath, output: RepoPath) -> bool:
    if is_under(place_of(glob), output):
        return True
    return parent(glob) == parent(output) and fnmatchcase(name(output), name(glob))


def _overlap(path: RepoPath, one: str, other: str) -> UserError:
    return UserError(
        f"{display(one)} and {display(other)} both write {display(path)}",
        "give each target outputs of its own",
    )
