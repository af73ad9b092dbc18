"""Blocks as small lists of numbers, and back. Unaware of observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from affected.model.observation import Blocks
from affected.model.path import RepoPath


def pack_blocks(blocks: Blocks, number: Mapping[RepoPath, int]) -> list[list[int]]:
    """[[number of a file, first line, …], …]: lines sorted, each as the step from the last one."""
    return [[number[path], *_steps(sorted(blocks[path]))] for path in sorted(blocks)]


def unpack_blocks(rows: Sequence[Sequence[int]], files: Sequence[RepoPath]) -> Blocks:
    """Inverse of `pack_blocks`; ValueError, TypeError or IndexError for anything else."""
    found: dict[RepoPath, frozenset[int]] = {}
    for position, *steps in rows:
        if position < 0:
            raise ValueError("not the position of a file")
        line, lines = 0, []
        for step in steps:
            line += step
            lines.append(line)
        found[files[position]] = frozenset(lines)
    return found


def _steps(lines: Sequence[int]) -> list[int]:
    return [line - before for before, line in zip((0, *lines), lines, strict=False)]
