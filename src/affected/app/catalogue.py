"""Keeps projects, test settings, targets, source roots and import graph in step with the files.

Unaware of records and runs. Only what a change touched is read, scanned and resolved again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from affected.app.compose import Workspace
from affected.app.imports import ImportTable
from affected.app.survey import Survey
from affected.graph.graph import Graph
from affected.lang.python.lookup import standard_library
from affected.lang.python.modules import ModuleRoots, module_names, moved_names
from affected.lang.python.roots import find_roots
from affected.lang.python.targets import (
    CollectionSettings,
    conftest_chain,
    discover_projects,
    test_files,
    test_settings,
)
from affected.model.digest import ABSENT
from affected.model.edge import EdgeKind
from affected.model.path import RepoPath, ancestors, is_under, name, parent
from affected.model.selection import Change
from affected.model.target import Project, Target, TargetKind
from affected.state.rows import TargetRow

FORMAT: Final = 1  # 1: the first one
SHAPE_KEY: Final = "catalogue"
ROOTS_KEY: Final = "roots"
SNAPSHOT_KEY: Final = "graph:snapshot"
OVERLAY_KEY: Final = "graph:overlay"
IDENTITY_KEY: Final = "graph:identity"

STRUCTURAL: Final = frozenset(
    {
        "pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini", ".pytest.ini",
        "pytest.toml", ".pytest.toml", "package.json", "go.mod", "Cargo.toml", "affected.toml",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """How the workspace is divided; everything here follows from manifests and file names."""

    projects: tuple[Project, ...]
    settings: Mapping[RepoPath, CollectionSettings]
    notices: tuple[str, ...] = ()

    def settings_of(self, target: Target) -> CollectionSettings:
        """The pytest settings of a test file."""
        return self.settings[target.settings]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Shape, roots and graph of the workspace as it is now."""

    shape: Shape
    roots: ModuleRoots
    graph: Graph
    touched: frozenset[RepoPath] = field(default_factory=frozenset)  # may import otherwise now
    stale_targets: frozenset[str] = field(
        default_factory=frozenset
    )  # they came, went, or have other settings
    reshaped: bool = False  # an edge is another one, or may be


def refresh(workspace: Workspace, found: Survey) -> Catalogue:
    """The catalogue now, stored in the index; call inside a transaction, after `survey.store`."""
    before = None if found.first else load(workspace)
    if before is None:
        return _build(workspace)
    if not found.changes:
        return before
    return _update(workspace, found.changes, before)


def load(workspace: Workspace) -> Catalogue | None:
    """The catalogue as last stored; None when there is none of these formats."""
    index = workspace.index
    shape, roots = index.get(SHAPE_KEY), index.get(ROOTS_KEY)
    snapshot, overlay = index.get(SNAPSHOT_KEY), index.get(OVERLAY_KEY)
    if shape is None or roots is None or snapshot is None:
        return None
    try:
        read = _shape_from(shape)
        return Catalogue(read, ModuleRoots.unpack(roots), Graph.unpack(snapshot, overlay or b""))
    except (ValueError, KeyError, TypeError):  # written by another version: make it anew
        return None


def targets_of(rows: Iterable[TargetRow]) -> list[Target]:
    """Rows of the index as targets."""
    return [
        Target(r.label, TargetKind(r.kind), RepoPath(r.project), r.path, RepoPath(r.settings))
        for r in rows
    ]


def _build(workspace: Workspace) -> Catalogue:
    paths = workspace.index.files()
    shape = _discover(workspace, paths)
    targets = test_files(paths, shape.settings, shape.projects, _reader(workspace))
    roots = _roots(workspace, paths, shape, targets)
    stale = _store_targets(workspace, targets)
    imports = ImportTable.over_all(workspace, roots, paths)
    modules = {path for path in paths if path.endswith(".py")}
    edges = _edges(imports, shape, targets, modules)
    graph = Graph.build(edges)
    _store(workspace, shape, roots, graph)
    return Catalogue(shape, roots, graph, frozenset(modules), stale, reshaped=True)


def _update(
    workspace: Workspace, changes: Mapping[RepoPath, Change], before: Catalogue
) -> Catalogue:
    shape, roots, stale = before.shape, before.roots, frozenset[str]()
    globs = any(settings.doctest_globs for settings in shape.settings.values())
    structural = any(_is_structural(change, any_name=globs) for change in changes.values())
    if structural:
        paths = workspace.index.files()
        shape = _discover(workspace, paths)
        targets = test_files(paths, shape.settings, shape.projects, _reader(workspace))
        roots = _roots(workspace, paths, shape, targets)
        stale = _store_targets(workspace, targets) | {
            t.label
            for t in targets
            if shape.settings_of(t) != before.shape.settings.get(t.settings)
        }
        imports = ImportTable.over_all(workspace, roots, paths)
    else:
        imports = ImportTable.over_index(workspace, roots)
    again = _to_resolve(workspace, changes, before, shape, roots)
    again |= {RepoPath(label) for label in stale}  # a test file's label is its path
    again |= {row.path for row in workspace.index.targets(labels=sorted(changes))}
    present = {path for path in again if imports.exists(path)}
    rows = workspace.index.targets(labels=sorted(present))
    edges: dict[RepoPath, list[tuple[RepoPath, EdgeKind]] | None] = dict.fromkeys(again - present)
    edges.update(_edges(imports, shape, targets_of(rows), present))
    touched = {
        path for path, new in edges.items() if set(new or ()) != set(before.graph.edges(path))
    }
    graph = before.graph
    if touched:
        graph = graph.with_changes({path: edges[path] for path in touched})
    if touched or structural:
        _store(workspace, shape, roots, graph)
    if _shadows_standard(changes, before.roots, roots):
        stale |= {row.label for row in workspace.index.targets()}
    reshaped = bool(touched or structural)
    return Catalogue(shape, roots, graph, frozenset(again), stale, reshaped=reshaped)


def _shadows_standard(changes: Mapping[RepoPath, Change], *known: ModuleRoots) -> bool:
    """True when a file came or went that is named like a module of the standard library.

    What all imports of the standard library resolve to is one input.
    """
    standard = standard_library()
    return any(
        dotted.partition(".")[0] in standard
        for path, change in changes.items()
        if ABSENT in {change.old, change.new}
        for roots in known
        for dotted in module_names(path, roots)
    )


def _is_structural(change: Change, *, any_name: bool) -> bool:
    """`any_name`: files of any name may hold tests."""
    if name(change.path) in STRUCTURAL:
        return True
    if ABSENT not in {change.old, change.new}:
        return False
    return any_name or change.path.endswith((".py", ".so", ".pyd"))


def _to_resolve(
    workspace: Workspace,
    changes: Mapping[RepoPath, Change],
    before: Catalogue,
    shape: Shape,
    roots: ModuleRoots,
) -> set[RepoPath]:
    """Files whose edges may differ: edited ones, and those that a path come or gone may answer."""
    again = {path for path in changes if path.endswith(".py")}
    names: set[str] = set()
    folders: set[RepoPath] = set()  # everything in and below them
    for path, change in changes.items():
        if ABSENT not in {change.old, change.new}:
            continue
        for known in (before.roots, roots):
            names.update(n.rpartition(".")[2] for n in module_names(path, known))
        if name(path) == "__init__.py":
            folders.add(parent(path))
        elif name(path) == "conftest.py":
            rows = workspace.index.targets()
            again.update(r.path for r in rows if is_under(r.path, parent(path)))
    if roots != before.roots:
        names |= moved_names(before.roots, roots)
        folders |= before.roots.projects ^ roots.projects  # each sees its own roots first
    if folders:
        modules = (path for path in workspace.index.files() if path.endswith(".py"))
        again.update(path for path in modules if not folders.isdisjoint(ancestors(path)))
    if names:
        needles = [n.encode("utf-8", "surrogateescape") for n in names if n]
        again.update(workspace.index.files_mentioning(needles))
        again.update(_loading(workspace, shape, names))
    return again


def _loading(workspace: Workspace, shape: Shape, names: Collection[str]) -> set[RepoPath]:
    """Test files whose settings load plugins (`-p`) with one of `names` in theirs."""
    folders = {
        folder
        for folder, settings in shape.settings.items()
        if not set(names).isdisjoint(".".join(settings.plugins).split("."))
    }
    return {row.path for row in workspace.index.targets() if row.settings in folders}


def _edges(
    imports: ImportTable, shape: Shape, targets: Sequence[Target], modules: Iterable[RepoPath]
) -> dict[RepoPath, list[tuple[RepoPath, EdgeKind]]]:
    """The edges of modules and of the test files among `targets`."""
    with_doctests = {t.path for t in targets if has_doctests(t, shape.settings_of(t))}
    edges = imports.edges({*modules, *with_doctests}, with_doctests)
    for target in targets:
        settings = shape.settings_of(target)
        found = edges.setdefault(target.path, [])
        found += [
            (path, EdgeKind.CONFTEST)
            for path in conftest_chain(target.path, settings.rootdir)
            if path != target.path and imports.exists(path)
        ]
        if settings.plugins:
            found += imports.resolver.named(target.project, settings.plugins).edges
    return edges


def has_doctests(target: Target, settings: CollectionSettings) -> bool:
    """True when pytest collects the examples of this target."""
    return settings.doctest_modules or not target.path.endswith(".py")


def _reader(workspace: Workspace) -> Callable[[RepoPath], bytes]:
    def read(path: RepoPath) -> bytes:
        try:
            return (workspace.root / path).read_bytes()
        except OSError:
            return b""

    return read


def _discover(workspace: Workspace, paths: Mapping[RepoPath, Any]) -> Shape:
    read = _reader(workspace)
    projects, notices = discover_projects(paths, read)
    settings, more = test_settings(paths, read, projects)
    return Shape(projects, settings, (*notices, *more))


def _roots(
    workspace: Workspace, paths: Mapping[RepoPath, Any], shape: Shape, targets: Sequence[Target]
) -> ModuleRoots:
    extra = [RepoPath(folder.strip("/")) for folder in workspace.config.source_roots]
    return find_roots(
        paths,
        shape.projects,
        shape.settings,
        tests=[t.path for t in targets],
        read=_reader(workspace),
        extra=extra,
    )


def _store_targets(workspace: Workspace, targets: Iterable[Target]) -> frozenset[str]:
    """Brings the index's targets in step; labels that came, went, or have other settings."""
    known = {row.label: row for row in workspace.index.targets()}
    fresh: list[TargetRow] = []
    stale: set[str] = set()
    labels: set[str] = set()
    for t in targets:
        labels.add(t.label)
        old = known.get(t.label)
        if old is not None and (old.project, old.settings) == (t.project, t.settings):
            continue
        stale.add(t.label)
        fresh.append(new_row(t))
    workspace.index.put_targets(fresh)
    workspace.index.remove_targets(known.keys() - labels)
    return frozenset(stale | (known.keys() - labels))


def new_row(target: Target) -> TargetRow:
    """The row of a target nothing is known of yet."""
    return TargetRow(
        label=target.label,
        kind=target.kind.value,
        project=target.project,
        path=target.path,
        settings=target.settings,
        weak="",
        settled=False,
        reason="new",
        tests=0,
        seconds=0.0,
        outcome="",
        ran=0.0,
    )


def _store(workspace: Workspace, shape: Shape, roots: ModuleRoots, graph: Graph) -> None:
    index = workspace.index
    index.put(SHAPE_KEY, _shape_bytes(shape))
    index.put(ROOTS_KEY, roots.pack())
    if index.get(IDENTITY_KEY) != graph.token.encode():
        snapshot, overlay = graph.pack()
        index.put(SNAPSHOT_KEY, snapshot)
        index.put(IDENTITY_KEY, graph.token.encode())
    else:
        _, overlay = graph.pack()
    index.put(OVERLAY_KEY, overlay)


def _shape_bytes(shape: Shape) -> bytes:
    tree = {
        "format": FORMAT,
        "projects": [asdict(p) for p in shape.projects],
        "settings": [asdict(s) for s in shape.settings.values()],
        "notices": shape.notices,
    }
    return json.dumps(tree).encode("ascii")


def _shape_from(raw: bytes) -> Shape:
    tree = json.loads(raw)
    if tree["format"] != FORMAT:
        raise ValueError("a shape of another format")
    projects = tuple(Project(p["path"], p["name"], tuple(p["manifests"])) for p in tree["projects"])
    settings = [_settings_from(row) for row in tree["settings"]]
    return Shape(projects, {s.folder: s for s in settings}, tuple(tree["notices"]))


def _settings_from(row: dict[str, Any]) -> CollectionSettings:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return CollectionSettings(**values)
