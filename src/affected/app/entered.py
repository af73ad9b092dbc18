"""Which functions one test entered, in words. Unaware of why it is asked."""

from __future__ import annotations

from affected.app.knowledge import Knowledge
from affected.cache.lookup import Lookup
from affected.cache.record import StoredObservation
from affected.model.observation import InputKind
from affected.model.path import RepoPath

_MOST = 8  # functions named of one file


def entered(
    knowledge: Knowledge, lookup: Lookup, observation: StoredObservation, test: str
) -> tuple[tuple[str, str], ...]:
    """("entered FILE", "function, method, …") of each file, sorted; () where it is not known."""
    blocks: dict[RepoPath, set[int]] = {}
    for number in observation.members.get(test, ()):
        for path, lines in observation.groups[number].blocks.items():
            blocks.setdefault(path, set()).update(lines)
    inputs = lookup.inputs(observation) or ()
    digests = {i.key: i.digest for i in inputs if i.kind is InputKind.CODE and i.key in blocks}
    knowledge.outlines.load(digests.values())
    found: list[tuple[str, str]] = []
    for path in sorted(blocks):
        outline = knowledge.outlines.of(digests.get(path, ""))
        names = {block.first: block.key for block in outline.blocks} if outline else {}
        shown = [names.get(line, f"line {line}") for line in sorted(blocks[path] - {0})]
        more = f" and {len(shown) - _MOST} more" if len(shown) > _MOST else ""
        if shown:
            found.append((f"entered {path}", ", ".join(shown[:_MOST]) + more))
    return tuple(found)
