"""What a process's imports and collection came to, as its tracer wrote it down.

Unaware of what is made of it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_DAMAGE: Final = (ValueError, TypeError, LookupError, AttributeError, RecursionError, zlib.error)


@dataclass(frozen=True, slots=True)
class Binding:
    """A name of a module or class with the fingerprint of the value that import gave it."""

    fingerprint: str
    kind: str  # "function", "class", "class:library", "module", "plain", "doc", or "opaque:…"
    refs: tuple[str, ...]  # what it holds by identity: "PATH:QUALNAME", or a module's path
    line: int | None  # of a function's block

    @property
    def opaque(self) -> bool:
        """True when the value cannot be told: equal fingerprints prove nothing."""
        return self.kind.startswith("opaque")

    @property
    def is_class(self) -> bool:
        """True for a class, of its module or of another."""
        return self.kind.startswith("class")


@dataclass(frozen=True, slots=True)
class ImportValues:
    """What one process's imports and collection came to."""

    modules: Mapping[str, Mapping[str, Binding]]  # by path, then by name
    items: Mapping[str, str]  # test id → fingerprint of what it is given


def read_values(content: bytes) -> ImportValues | None:
    """From the tracer's JSON, compressed or not; None when it is damaged."""
    try:
        tree = json.loads(zlib.decompress(content) if content[:1] != b"{" else content)
        modules = {
            path: {name: _binding(row) for name, row in bindings.items()}
            for path, bindings in tree["modules"].items()
        }
        return ImportValues(modules, dict(tree["items"]))
    except _DAMAGE:
        return None


def _binding(row: Sequence[object]) -> Binding:
    fingerprint, kind, refs, *line = row
    if not (isinstance(fingerprint, str) and isinstance(kind, str) and isinstance(refs, list)):
        raise TypeError("not a binding")
    return Binding(
        fingerprint, kind, tuple(refs), line[0] if line and isinstance(line[0], int) else None
    )


def merged(values: Iterable[ImportValues]) -> ImportValues:
    """Of each module the first one's word, and of each item."""
    modules: dict[str, Mapping[str, Binding]] = {}
    items: dict[str, str] = {}
    for one in values:
        modules = {**one.modules, **modules}
        items = {**one.items, **items}
    return ImportValues(modules, items)
