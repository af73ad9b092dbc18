"""Today's digests of inputs: what the cache's look-up asks when it checks an observation.

Unaware of records. Each answer is computed once; the file table must be up to date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from affected.app.compose import Workspace
from affected.app.outlines import Outlines
from affected.fs.digests import listing_digest, probe_digest
from affected.lang.python.distributions import (
    external_digest,
    installed_digest,
    required_digest,
    shadowed_tops,
)
from affected.lang.python.outline_compare import OutlineChange
from affected.lang.python.resolve import Resolver
from affected.model.digest import ABSENT
from affected.model.observation import Input, InputKind
from affected.model.path import RepoPath
from affected.model.platform import Distribution


class PresentInputs:
    """The workspace seen through one interpreter's installed distributions."""

    def __init__(
        self,
        workspace: Workspace,
        resolver: Callable[[], Resolver],
        distributions: Callable[[], Mapping[str, Distribution]],
        outlines: Outlines,
    ) -> None:
        self._workspace = workspace
        self._resolver = resolver
        self._distributions = distributions
        self._outlines = outlines
        self._known: dict[tuple[InputKind, str], str] = {}

    def digests(self, inputs: Sequence[Input]) -> list[str]:
        """Today's digest of each input, in order."""
        self._files([i.key for i in inputs if i.kind in (InputKind.FILE, InputKind.CODE)])
        return [self.digest(i.kind, i.key) for i in inputs]

    def code_changes(self, inputs: Sequence[Input]) -> list[OutlineChange | None]:
        """What was done to each CODE input since; None where that cannot be told."""
        now = {item.key: self.digest(item.kind, item.key) for item in inputs}
        return self._outlines.changes(inputs, now) if inputs else []

    def digest(self, kind: InputKind, key: str) -> str:
        """Today's digest of one input."""
        if kind is InputKind.CODE:
            kind = InputKind.FILE
        known = self._known.get((kind, key))
        if known is None:
            known = self._known[kind, key] = self._compute(kind, key)
        return known

    def make(self, kind: InputKind, key: str) -> Input:
        """The input with today's digest."""
        return Input(kind, key, self.digest(kind, key))

    def shadowed(self, tops: Iterable[str]) -> frozenset[str]:
        """Those of the workspace's top-level names that something installed answers too."""
        return frozenset(shadowed_tops(tops, self._distributions()))

    def files(self, paths: Sequence[RepoPath], kind: InputKind = InputKind.FILE) -> list[Input]:
        """FILE inputs, or CODE ones, with today's digests, looked up together."""
        self._files(paths)
        return [self.make(kind, path) for path in paths]

    def _files(self, keys: Sequence[str]) -> None:
        unknown = [RepoPath(key) for key in keys if (InputKind.FILE, key) not in self._known]
        if unknown:
            for path, digest in self._workspace.index.digests(unknown).items():
                self._known[InputKind.FILE, path] = digest

    def _compute(self, kind: InputKind, key: str) -> str:
        match kind:
            case InputKind.MODULE:
                return module_digest(self._resolver().candidates(key))
            case InputKind.DISTRIBUTION:
                return self._external(key)
            case InputKind.INSTALLED:
                return installed_digest(self._distributions())
            case InputKind.ENVIRONMENT:
                return value_digest(self._workspace.environ.get(key))
            case _:
                return self._on_disk(kind, RepoPath(key))

    def _on_disk(self, kind: InputKind, path: RepoPath) -> str:
        root = self._workspace.root
        if kind is InputKind.PROBE:
            return probe_digest(root, path)
        if kind is InputKind.LISTING:
            return listing_digest(root, path)
        # a file that is not in the table: ignored by git, absent, or a folder
        return self._workspace.digest(path)

    def _external(self, key: str) -> str:
        """Of a top-level import name, a `distribution:NAME` or an `entry-points:GROUP`."""
        kind, _, name = key.partition(":")
        if kind == "entry-points":
            return installed_digest(self._distributions())
        if kind == "distribution":
            return required_digest(name, self._distributions())
        return external_digest(key, self._distributions())


def module_digest(candidates: Sequence[str]) -> str:
    """The digest of the files that could answer an import, in order."""
    if not candidates:
        return ABSENT
    joined = "\0".join(candidates).encode("utf-8", "surrogateescape")
    return hashlib.sha256(joined).hexdigest()[:32]


def value_digest(value: str | None) -> str:
    """The digest of an environment variable's value."""
    if value is None:
        return ABSENT
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()
