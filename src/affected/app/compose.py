"""Opens everything a use case needs; the only module that names concrete classes.

Unaware of what the use cases do with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from affected.app.seal import cache_folder, workspace_folder
from affected.app.sharing import open_shared
from affected.cache.disk import DiskStore
from affected.cache.tiered import TieredStore
from affected.config.load import load
from affected.config.remote import CachePolicy
from affected.config.schema import Config
from affected.fs.digests import digest_path
from affected.fs.ignore import Patterns, is_noise
from affected.fs.workspace import find_root
from affected.git.repository import Repository
from affected.model.digest import Digest
from affected.model.path import RepoPath
from affected.state.index import Index

if TYPE_CHECKING:
    from affected.cache.shared import SharedStore


@dataclass(frozen=True, slots=True)
class Workspace:
    """The checked-out monorepo, opened: its root, its settings and what is remembered of it."""

    root: Path
    home: Path  # whose virtual environments and cache folder are used; `root` but for a worktree
    config: Config
    repository: Repository | None
    index: Index
    store: DiskStore
    shared: SharedStore | None
    records: TieredStore  # where records are looked up and written: the two above
    policy: CachePolicy
    cache_folder: Path
    index_path: Path
    environ: Mapping[str, str]
    ignored: Patterns

    @property
    def object_format(self) -> str:
        """The hash that file digests are made with: git's own for this repository."""
        return self.repository.object_format if self.repository else "sha1"

    def digest(self, path: RepoPath) -> Digest:
        """The digest of what is on disk at `path` now."""
        file_mode = self.repository.file_mode if self.repository else True
        return digest_path(self.root, path, self.object_format, file_mode=file_mode)

    def outside(self, path: RepoPath) -> bool:
        """True for names that are never an input and never a change."""
        return is_noise(path) or self.ignored.matches(path)

    def notices(self) -> list[str]:
        """What went wrong with the index or a cache, a sentence each."""
        shared = self.shared.notice if self.shared else ""
        return [said for said in (self.index.notice, self.store.notice, shared) if said]

    def close(self) -> None:
        """Gives everything back."""
        self.records.close()
        self.index.close()


def open_workspace(
    start: Path,
    environ: Mapping[str, str],
    home: Path | None = None,
    policy: CachePolicy | None = None,
) -> Workspace:
    """The workspace that holds `start`; with the environments and cache of `home`, if given.

    `policy` says what may be done with the caches.

    Raises UserError for a broken configuration or an unusable git.
    """
    policy = policy or CachePolicy()
    repository = Repository.discover(start, environ)
    root = repository.root if repository else find_root(start)
    config = load(root)
    folder = cache_folder(home or root, config.cache_dir, environ)
    index_path = workspace_folder(folder, root) / "index.sqlite"
    store = DiskStore(folder / "records", config.cache_size)
    shared = open_shared(root, config, environ, policy)
    return Workspace(
        root=root,
        home=home or root,
        config=config,
        repository=repository,
        index=Index.open(index_path),
        index_path=index_path,
        store=store,
        shared=shared,
        records=_tiered(store, policy, shared, folder),
        policy=policy,
        cache_folder=folder,
        environ=environ,
        ignored=Patterns(config.ignore),
    )


def _tiered(
    store: DiskStore, policy: CachePolicy, shared: SharedStore | None, cache: Path
) -> TieredStore:
    if shared is None:
        return TieredStore(store, policy)
    from affected.cache.backlog import Backlog, place  # noqa: PLC0415  (not on the hot path)
    from affected.cache.combine import blobs_of, combine  # noqa: PLC0415

    backlog = Backlog(place(cache, shared.name))
    return TieredStore(store, policy, shared, combine, blobs_of, backlog)
