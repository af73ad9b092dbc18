"""A graph frozen into arrays: what is packed, stored and read back in milliseconds.

Unaware of later changes, which `graph.graph` lays over it. Nodes are numbered in the order of
their paths, so a path is found by bisection and no dictionary is ever built. Both directions
are kept as compressed rows (offsets into one array of node numbers).
"""

from __future__ import annotations

import hashlib
import itertools
import os
import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from affected.model.edge import EdgeKind
from affected.model.path import RepoPath

Needs = Sequence[tuple[RepoPath, EdgeKind]]

# Bump whenever the layout below or the meaning of a kind changes; old bytes then raise ValueError.
# 1: first layout.
_VERSION = 1
_HEADER = struct.Struct("<4sHH16sIIII")  # magic, version, encoding length, token, n, m, …
_MAGIC = b"afgr"
_NUMBER = "I"  # 32 bits on every platform Python runs on


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Arrays over `n` nodes and `m` edges; see the module docstring.

    `starts` has n+1 offsets into `needed` and `kinds`; `back_starts` and `needing` are the same
    seen from the needed node. `keys[i]` is 1 for a node that was given edges of its own, even
    none; 0 for one that is only needed by others.
    """

    paths: list[RepoPath]  # sorted
    keys: bytes
    starts: array[int]
    needed: array[int]
    kinds: bytes
    back_starts: array[int]
    needing: array[int]
    token: bytes  # 16 bytes: the identity of all of the above
    packed: bytes

    def find(self, path: str) -> int:
        """The number of `path`, -1 when it is no node."""
        at = bisect_left(self.paths, path)
        return at if at < len(self.paths) and self.paths[at] == path else -1


def canonical(needs: Iterable[tuple[RepoPath, EdgeKind]]) -> list[tuple[RepoPath, EdgeKind]]:
    """`needs` sorted by path, then kind, without repetition."""
    return sorted(set(needs))


def freeze(edges: Mapping[RepoPath, Needs]) -> Snapshot:
    """Number the nodes and lay out the arrays. ValueError for a path with a NUL byte."""
    names: set[RepoPath] = set(edges)
    names.update([path for needs in edges.values() for path, _ in needs])
    paths = sorted(names)
    numbers = {path: number for number, path in enumerate(paths)}
    keys = bytearray(len(paths))
    degrees = [0] * (len(paths) + 1)
    flat: list[int] = []  # number << 8 | kind: sorts faster than a pair, in the same order
    for number, path in enumerate(paths):
        own = edges.get(path)
        if own is not None:
            keys[number] = 1
            row = sorted({numbers[target] << 8 | kind for target, kind in own})
            degrees[number + 1] = len(row)
            flat += row
    starts = array(_NUMBER, itertools.accumulate(degrees))
    needed = array(_NUMBER, [edge >> 8 for edge in flat])
    kinds = bytes([edge & 255 for edge in flat])
    back_starts, needing = _reverse(starts, needed)
    rows = (starts, needed, back_starts, needing)
    body = b"".join([*map(_bytes, rows), keys, kinds, _names(paths)])
    token = hashlib.blake2b(body, digest_size=16).digest()
    encoding = sys.getfilesystemencoding().encode()
    header = _HEADER.pack(
        _MAGIC, _VERSION, len(encoding), token, len(paths), len(needed), len(body), 0
    )
    return Snapshot(
        paths=paths,
        keys=bytes(keys),
        starts=starts,
        needed=needed,
        kinds=kinds,
        back_starts=back_starts,
        needing=needing,
        token=token,
        packed=header + encoding + body,
    )


def thaw(packed: bytes) -> Snapshot:
    """Inverse of `freeze(...).packed`. ValueError for bytes of another layout or machine.

    A flipped bit inside an array is not looked for: whoever stores the bytes keeps a checksum.
    """
    if len(packed) < _HEADER.size:
        raise ValueError("not a packed graph: too short")
    magic, version, width, token, n, m, size, _ = _HEADER.unpack_from(packed)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError("not a packed graph of this version")
    at = _HEADER.size + width
    if packed[_HEADER.size : at] != sys.getfilesystemencoding().encode():
        raise ValueError("packed under another file system encoding")
    arrays = 4 * (2 * (n + 1) + 2 * m) + n + m
    if len(packed) != at + size or size < arrays:
        raise ValueError("not a packed graph: truncated")
    view = memoryview(packed)
    pieces = []
    for length in (n + 1, m, n + 1, m):
        pieces.append(_numbers(view[at : at + 4 * length]))
        at += 4 * length
    keys = packed[at : at + n]
    kinds = packed[at + n : at + n + m]
    names = os.fsdecode(packed[at + n + m :])
    paths = cast("list[RepoPath]", names.split("\0") if n else [])
    if len(paths) != n:
        raise ValueError("not a packed graph: its names do not match its size")
    return Snapshot(
        paths=paths,
        keys=keys,
        starts=pieces[0],
        needed=pieces[1],
        kinds=kinds,
        back_starts=pieces[2],
        needing=pieces[3],
        token=token,
        packed=packed,
    )


def _reverse(starts: array[int], needed: array[int]) -> tuple[array[int], array[int]]:
    """The rows turned round, each sorted."""
    back: list[list[int]] = [[] for _ in range(len(starts) - 1)]
    for node, (first, last) in enumerate(itertools.pairwise(starts)):
        for target in needed[first:last]:
            back[target].append(node)
    back_starts = array(_NUMBER, itertools.accumulate(map(len, back), initial=0))
    return back_starts, array(_NUMBER, itertools.chain.from_iterable(back))


def _names(paths: list[RepoPath]) -> bytes:
    names = "\0".join(paths)
    if paths and names.count("\0") != len(paths) - 1:
        raise ValueError("a path holds a NUL byte")
    return os.fsencode(names)


def _numbers(raw: memoryview) -> array[int]:
    numbers = array(_NUMBER)
    numbers.frombytes(raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _bytes(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()
