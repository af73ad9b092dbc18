"""Which names the text of given files spells: code that nobody traces, data that a test reads.

Unaware of what the names are of. A name in a longer one does not count; a binary file counts
like any other, since what C code looks up stands in it as text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

_MOST: Final = 64 << 20  # bytes of one file; a larger one may spell anything


class Spelled:
    """A set of files, each read when first asked; every name is looked for once."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = tuple(files)
        self._known: dict[str, bool] = {}

    def any_of(self, names: Collection[str]) -> frozenset[str]:
        """Those that stand in one of the files; all of them where a file cannot be read."""
        fresh = {name for name in names if name not in self._known}
        for file in self._files if fresh else ():
            found = _in_file(file, fresh)
            fresh -= found
            self._known.update(dict.fromkeys(found, True))
            if not fresh:
                break
        self._known.update(dict.fromkeys(fresh, False))
        return frozenset(name for name in names if self._known[name])


def _in_file(file: Path, names: Collection[str]) -> set[str]:
    try:
        content = file.read_bytes() if file.stat().st_size <= _MOST else None
    except OSError:
        content = None
    if content is None:
        return set(names)
    return {name for name in names if _stands_in(name.encode("utf-8", "surrogatepass"), content)}


def _stands_in(name: bytes, content: bytes) -> bool:
    if name not in content:
        return False
    whole = rb"(?<![A-Za-z0-9_\x80-\xff])" + re.escape(name) + rb"(?![A-Za-z0-9_\x80-\xff])"
    return re.search(whole, content) is not None
