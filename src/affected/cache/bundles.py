"""Many records and blobs that came at once, in one file. Unaware of limits and of what is in them.

Ten thousand files take a second of CPU, one file with the same bytes next to nothing.

    FOLDER/bundles/xx/NAME   MAGIC · length of the list u64 · XXH3-128 of the list · list · contents

The list has a line for each file that would otherwise be there, in ASCII: its path below FOLDER,
where its content begins (behind the list) and its length. A bundle never changes; damage is a miss.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import xxhash

MAGIC: Final = b"afb1"  # 1: first layout
HEAD: Final = struct.Struct("<4sQ16s")
KIND: Final = "bundles"
MANY: Final = 64  # files; fewer are written one by one
MOST: Final = 16  # bundles; each is looked into for whatever has no file
LARGEST: Final = 64 << 20  # bytes of the contents of one
Places = Mapping[str, tuple[int, int]]


class Bundles:
    """The bundles below `root`, the folder of a store."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._known: dict[str, Places] = {}

    def suit(self, files: Mapping[str, bytes]) -> bool:
        """Whether files, by path, should become a bundle."""
        if len(files) < MANY or sum(map(len, files.values())) > LARGEST:
            return False
        return sum(1 for _ in self._paths()) < MOST

    def bundled(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """The path of a new bundle, and its bytes."""
        lines: list[str] = []
        at = 0
        for path, content in files.items():
            lines.append(f"{path[len(self._root) + 1 :]} {at} {len(content)}\n")
            at += len(content)
        listed = "".join(lines).encode("ascii")
        head = HEAD.pack(MAGIC, len(listed), xxhash.xxh3_128_digest(listed))
        name = os.urandom(16).hex()
        path = f"{self._root}/{KIND}/{name[:2]}/{name}"
        return {path: b"".join((head, listed, *files.values()))}

    def find(self, paths: Iterable[str]) -> Iterator[tuple[str, str, bytes]]:
        """(path, bundle, content) of those that are in a bundle, the newest that has it."""
        left = dict.fromkeys(paths)
        start = len(self._root) + 1
        for bundle in self._newest_first():
            places = self._places(bundle)
            here = [path for path in left if path[start:] in places]
            if not here:
                continue
            try:
                file = os.open(bundle, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except OSError:
                continue
            try:
                for path in here:
                    at, length = places[path[start:]]
                    del left[path]
                    yield path, bundle, os.pread(file, length, at)
            finally:
                os.close(file)

    def names(self) -> Iterator[str]:
        """The paths below the root of everything in them; some more than once."""
        for bundle in self._paths():
            yield from self._places(bundle)

    def _places(self, bundle: str) -> Places:
        """Where in a bundle things begin, and their lengths; nothing for a damaged one."""
        if bundle not in self._known:
            try:
                with open(bundle, "rb") as file:  # noqa: PTH123  (a path as text)
                    magic, length, checksum = HEAD.unpack(file.read(HEAD.size))
                    if magic != MAGIC or length > os.fstat(file.fileno()).st_size:
                        return {}
                    listed = file.read(length)
            except (OSError, struct.error):
                return {}
            if xxhash.xxh3_128_digest(listed) != checksum:
                return {}
            start = HEAD.size + length
            rows = (line.split(" ") for line in listed.decode("ascii").splitlines())
            self._known[bundle] = {path: (start + int(at), int(size)) for path, at, size in rows}
        return self._known[bundle]

    def _newest_first(self) -> list[str]:
        """By last use, which is as good as by age."""
        found: list[tuple[int, str]] = []
        for path in self._paths():
            try:
                found.append((os.stat(path).st_mtime_ns, path))  # noqa: PTH116
            except OSError:
                continue
        return [path for _, path in sorted(found, reverse=True)]

    def _paths(self) -> Iterator[str]:
        try:
            for folder in os.listdir(f"{self._root}/{KIND}"):  # noqa: PTH208
                for name in os.listdir(f"{self._root}/{KIND}/{folder}"):  # noqa: PTH208
                    yield f"{self._root}/{KIND}/{folder}/{name}"
        except OSError:
            return
