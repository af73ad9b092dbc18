"""What one process's spool says of its contexts, fixtures and functions, by number or name.

Unaware of accesses. The format is described in `affected/tracer/spool.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from affected.model.path import RepoPath
from affected.run.spool_reader import Event

CONTEXT = "tests"  # the kind of a context's scope
MEMO = "memo"  # how the name of a remembering function's scope begins: MEMO:FILE:LINE


@dataclass(frozen=True, slots=True)
class ProcessLog:
    """Look-up tables of one process, from all its events."""

    files: Mapping[int, RepoPath]  # context → its test file
    tests: Mapping[int, str]  # number → test id
    users: Mapping[str, frozenset[int]]  # fixture → contexts that used it, directly or not
    functions: Mapping[int, tuple[RepoPath, int]]  # number → file and first line
    blocks: bool  # functions were seen

    def entered(self, numbers: Iterable[int]) -> list[tuple[RepoPath, int]]:
        """The functions behind numbers; those of a damaged line are left out."""
        return [self.functions[number] for number in numbers if number in self.functions]


def process_log(events: Sequence[Event]) -> ProcessLog:
    """The tables of one process's events."""
    files: dict[int, RepoPath] = {}
    functions: dict[int, tuple[RepoPath, int]] = {}
    blocks = False
    for event in events:
        match event.tag, event.values:
            case "test", values:
                files[values[8]] = RepoPath(values[1])
            case "codes", (path, first, lines):
                functions.update(
                    (first + n, (RepoPath(path), line)) for n, line in enumerate(lines)
                )
            case "blocks", (seen,):
                blocks = bool(seen)
    return ProcessLog(files, numbered_tests(events), _fixture_users(events), functions, blocks)


def numbered_tests(events: Iterable[Event]) -> dict[int, str]:
    """Test ids of one process by the numbers its lines use."""
    found: dict[int, str] = {}
    for event in events:
        if event.tag == "collected":
            _, first, ids = event.values
            found.update(enumerate(ids, first))
    return found


def _fixture_users(events: Iterable[Event]) -> dict[str, frozenset[int]]:
    needs: dict[str, set[str]] = defaultdict(set)
    uses: dict[int, set[str]] = defaultdict(set)
    for event in events:
        if event.tag == "needs":
            needs[event.values[0]].update(event.values[1])
        elif event.tag == "uses":
            uses[event.values[0]].update(event.values[1])
    users: dict[str, set[int]] = defaultdict(set)
    for context, fixtures in uses.items():
        pending = list(fixtures)
        while pending:
            name = pending.pop()
            if context not in users[name]:
                users[name].add(context)
                pending.extend(needs.get(name, ()))
    return {name: frozenset(contexts) for name, contexts in users.items()}
