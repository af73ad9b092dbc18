"""A random monorepo on disk, and what random edits need to know of it. Unaware of edits."""

from __future__ import annotations

import os
import random
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from support.repositories import GitTree
from support.wild_monorepo import World

_NOISE = {".git", "__pycache__", ".pytest_cache"}


@dataclass(slots=True)
class Place:
    """A world on disk, and what random edits need to know of it."""

    world: World
    tree: GitTree
    rng: random.Random
    variables: dict[str, str] = field(default_factory=dict)
    before: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    count: int = 0

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.tree.root

    def paths(self, ending: str = "") -> list[str]:
        """Every file's repo path, sorted."""
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in _NOISE]
            found += [str((Path(folder) / name).relative_to(self.root)) for name in names]
        return sorted(path for path in found if path.endswith(ending) and path != ".git")

    def pick(self, ending: str = "", pattern: str = "") -> str | None:
        """One of the files whose path ends so and matches, at random."""
        found = [path for path in self.paths(ending) if re.search(pattern, path)]
        return self.rng.choice(found) if found else None

    def read(self, path: str) -> str:
        """A file's text; "" when there is none."""
        try:
            return (self.root / path).read_text()
        except OSError:
            return ""

    def write(self, path: str, text: str) -> None:
        """Write a file; a link in its place is replaced."""
        whole = self.root / path
        if whole.is_symlink():
            whole.unlink()
        if not whole.is_dir():
            self.tree.write(path, text)

    def number(self) -> int:
        """A number not used before."""
        self.count += 1
        return 1000 + 37 * self.count + self.rng.randrange(30)

    def package(self) -> str:
        """One of the packages."""
        return self.rng.choice(self.world.packages)

    def keep(self) -> None:
        """Remember all files, for `undo`."""
        self.before = {}
        for path in self.paths():
            whole = self.root / path
            if not whole.is_symlink():
                self.before[path] = (whole.read_bytes(), whole.stat().st_mode)

    def tidy(self) -> None:
        """What a clean checkout does not have: stale byte code, and folders that hold nothing.

        Python trusts size and whole seconds, so that it may miss one of two quick edits; and it
        imports an empty folder as a namespace package, though git knows of no such folder.
        """
        for folder, _, _ in list(os.walk(self.root, topdown=False)):
            path = Path(folder)
            if path.name == "__pycache__":
                shutil.rmtree(path)
            elif ".git" not in path.parts and path.is_dir() and not any(path.iterdir()):
                path.rmdir()
