"""What can be edited in a project: its files by role, read from git's list and parsed when asked.

Unaware of what an edit is.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.projects import Prepared
from benchmarks.safety.archives import Subject
from benchmarks.safety.source import Source
from benchmarks.trees import git

_CONFIGURATION = ("pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini", ".pytest.ini")
_LARGEST = 400_000


@dataclass(frozen=True, slots=True)
class Material:
    """The files of one project, by role; repo paths, sorted."""

    subject: Subject
    tree: Path
    sources: tuple[str, ...]  # modules under test
    tests: tuple[str, ...]  # test files
    conftests: tuple[str, ...]
    data: tuple[str, ...]  # not Python, beside tests or sources
    configuration: tuple[str, ...]
    installed: tuple[str, ...]  # modules of the installed distribution that is edited
    _parsed: dict[str, Source | None] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        return (self.tree / path).read_bytes()

    def parsed(self, path: str) -> Source | None:
        """A Python file; None where it does not parse."""
        if path not in self._parsed:
            self._parsed[path] = Source.of(path, self.read(path))
        return self._parsed[path]

    def by_size(self, paths: Sequence[str], rng: Random) -> list[str]:
        """All of them in random order, large ones likely to come first."""
        sizes = {path: max(_size(self.tree / path), 1) for path in paths}
        return sorted(paths, key=lambda path: -(rng.random() ** (1 / sizes[path])))


@functools.cache
def _size(path: Path) -> int:
    return path.stat().st_size


def material_of(project: Prepared[Subject]) -> Material:
    """Sort the files of a clean tree by role."""
    subject, tree = project.recipe, project.tree
    paths = sorted(git(tree, "ls-files", "-z").split("\0")[:-1])
    tests = [path for path in paths if _below(path, subject.tests)]
    code = [path for path in paths if _below(path, subject.sources) and not _is_test(path)]
    beside = (*subject.tests, *subject.sources, *subject.data)
    return Material(
        subject,
        tree,
        tuple(path for path in code if path.endswith(".py")),
        tuple(path for path in tests if _is_test(path) and not path.endswith("conftest.py")),
        tuple(path for path in paths if path.rpartition("/")[2] == "conftest.py"),
        tuple(
            path
            for path in paths
            if _below(path, beside)
            and not path.endswith((".py", ".pyi", "py.typed"))
            and (tree / path).is_file()
            and (tree / path).stat().st_size < _LARGEST
        ),
        tuple(path for path in paths if path in _CONFIGURATION),
        _installed(tree, subject.distribution),
    )


def _below(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def _is_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    tested = name.startswith("test") or name.endswith("_test.py") or name == "conftest.py"
    return path.endswith(".py") and (tested or "/tests/" in path or path.startswith("tests/"))


def _installed(tree: Path, distribution: str) -> tuple[str, ...]:
    """Modules that the distribution's RECORD lists, as paths from the tree."""
    found: list[str] = []
    if not distribution:
        return ()
    name = distribution.replace("-", "_")
    for record in tree.glob(f".venv/lib/python*/site-packages/{name}-*/RECORD"):
        place = record.parent.parent.relative_to(tree).as_posix()
        rows = record.read_text(encoding="utf-8").splitlines()
        modules = [row.split(",")[0] for row in rows]
        found += [f"{place}/{path}" for path in modules if path.endswith(".py")]
    return tuple(sorted(found))
