"""The command targets of a workspace, resolved from tables and manifests, and kept in the index.

Unaware of keys and runs. Without declared targets, and as long as nobody asks for inferred ones, it
costs one look at the index.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from affected import __version__
from affected.app.catalogue import STRUCTURAL, Catalogue
from affected.app.compose import Workspace
from affected.config.target_tables import TargetTable, read_targets
from affected.errors import UserError
from affected.fs.ignore import Patterns
from affected.fs.outputs import Cover
from affected.graph.command_graph import Closure, Named, resolve
from affected.lang.inference import inferred_targets
from affected.lang.locks import LOCKS, locked_digests
from affected.lang.manifest_files import ManifestFiles
from affected.lang.needs import project_needs, source_of
from affected.lang.python.manifests import Read, table
from affected.lang.scripts import arguments_of
from affected.model.command import INFERRED, CommandTarget, FileSet
from affected.model.path import ROOT, RepoPath, join, name

PLAN_KEY: Final = "commands:plan"
FORMAT: Final = 1  # 1: the first one; bump when a stored plan says less or means something else
_FIELDS: Final = tuple(CommandTarget.__slots__)
_INPUTS: Final = _FIELDS.index("inputs")


@dataclass(frozen=True)
class Plan:
    """Every command target, and which projects need which."""

    targets: Mapping[str, CommandTarget] = field(default_factory=dict)
    needs: Mapping[RepoPath, tuple[RepoPath, ...]] = field(default_factory=dict)
    inferred: bool = False  # inferred targets are among them
    token: str = ""

    @cached_property
    def closure(self) -> Closure:
        """The projects that a project depends on."""
        return Closure(self.needs)

    @cached_property
    def cover(self) -> Cover:
        """What is some target's output, and so nobody's source."""
        return Cover(output for t in self.targets.values() for output in t.outputs)

    @cached_property
    def dependents(self) -> Mapping[str, tuple[str, ...]]:
        """The labels that wait for a label."""
        found: dict[str, list[str]] = {}
        for label, target in self.targets.items():
            for need in target.needs:
                found.setdefault(need, []).append(label)
        return {label: tuple(waiting) for label, waiting in found.items()}

    def with_needs(self, labels: Iterable[str]) -> set[str]:
        """`labels` and everything that they wait for."""
        found: set[str] = set()
        pending = list(labels)
        while pending:
            label = pending.pop()
            if label not in found:
                found.add(label)
                pending += self.targets[label].needs
        return found

    @cached_property
    def plain(self) -> frozenset[str]:
        """The targets that a plain run takes."""
        return frozenset(
            self.with_needs(label for label, t in self.targets.items() if not t.on_request)
        )

    @cached_property
    def needed_by(self) -> Mapping[RepoPath, tuple[RepoPath, ...]]:
        """The projects that need a project directly."""
        found: dict[RepoPath, list[RepoPath]] = {}
        for project, needed in self.needs.items():
            for one in needed:
                found.setdefault(one, []).append(project)
        return {project: tuple(above) for project, above in found.items()}

    def environment(self) -> list[str]:
        """The names of the variables that some target sees."""
        return sorted({n for target in self.targets.values() for n in target.env})


def stored_plan(workspace: Workspace) -> Plan | None:
    """The plan as last stored, None when there is none of this format."""
    raw = workspace.index.get(PLAN_KEY)
    if raw is None:
        return None
    tree = json.loads(raw)
    if tree["format"] != FORMAT:
        return None
    needs = {RepoPath(path): tuple(map(RepoPath, found)) for path, found in tree["needs"].items()}
    targets = {row[0]: _target(row) for row in tree["targets"]}
    return Plan(targets, needs, tree["inferred"], tree["token"])


def refresh_plan(
    workspace: Workspace,
    changed: Iterable[RepoPath],
    catalogue: Catalogue,
    before: Plan | None,
    *,
    inferred: bool,
) -> Plan:
    """The plan now, stored in the place of `before`; call inside a transaction.

    Raises UserError for what tables have wrong.
    """
    inferred = inferred or (before is not None and before.inferred)
    token = _token(workspace)
    if (
        before is not None
        and before.token == token
        and before.inferred == inferred
        and not any(_is_structural(path) for path in changed)
        and not (before.targets and _new_needs(before, catalogue))
    ):
        return before
    plan = _make(workspace, catalogue, token, inferred=inferred)
    workspace.index.put(PLAN_KEY, _packed(plan))
    return plan


def _is_structural(path: RepoPath) -> bool:
    return name(path) in STRUCTURAL or name(path) in LOCKS


def _token(workspace: Workspace) -> str:
    said = repr((__version__, FORMAT, workspace.config.targets))
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()


def _make(workspace: Workspace, catalogue: Catalogue, token: str, *, inferred: bool) -> Plan:
    def read(path: RepoPath) -> bytes:
        return (workspace.root / path).read_bytes()

    if not inferred and not _declared(catalogue, ManifestFiles(read)):
        return Plan(token=token)
    plan = plan_of(catalogue, read, workspace.index.files(), inferred=inferred)
    return replace(plan, token=token)


def plan_of(
    catalogue: Catalogue, read: Read, paths: Collection[RepoPath], *, inferred: bool
) -> Plan:
    """The plan that files make as `read` gives them; `paths` are those of the workspace."""
    projects = catalogue.shape.projects
    files = ManifestFiles(read)
    tables = _declared(catalogue, files)
    needs = {path: set(found) for path, found in project_needs(projects, files).items()}
    for source, needed in _import_needs(catalogue, needs, catalogue.graph.nodes()):
        needs[source].add(needed)
    if inferred:
        taken = {(named.project, named.table.name) for named in tables}
        for one in inferred_targets(projects, files, paths):
            if (one.project, one.table.name) not in taken:
                named = Named(one.table, one.project, True, INFERRED, one.search)
                tables.append(named)
    locked = locked_digests(projects, files, paths)
    tables = [replace(one, locked=locked.get(one.project, "")) for one in tables]
    ordered = {path: tuple(sorted(found)) for path, found in needs.items()}
    return Plan(_resolved(tables, ordered), ordered, inferred)


def _resolved(
    tables: Sequence[Named], needs: Mapping[RepoPath, Sequence[RepoPath]]
) -> dict[str, CommandTarget]:
    """The targets; what is wrong with guesses is nobody's mistake, and costs their order only.

    Packages that need each other in circles are common: their builds cannot wait for each other.
    """
    try:
        return resolve(tables, needs, arguments_of)
    except UserError:
        declared = [named for named in tables if named.origin != INFERRED]
        sure = resolve(declared, needs, arguments_of)
    apart = [named if named.origin != INFERRED else _alone(named) for named in tables]
    try:
        return resolve(apart, needs, arguments_of)
    except UserError:
        return sure


def _alone(named: Named) -> Named:
    values = {**named.table.values, "dependencies": ()}
    return replace(named, table=TargetTable(named.table.name, named.table.source, values))


def _declared(catalogue: Catalogue, files: ManifestFiles) -> list[Named]:
    """Root tables for the root or for many projects, each project's own over them."""
    own: dict[RepoPath, dict[str, TargetTable]] = {}
    for project in catalogue.shape.projects:
        manifest = join(project.path, "pyproject.toml")
        if project.path and manifest in project.manifests:
            found = _tables(files, manifest, project=True)
            own[project.path] = {table.name: table for table in found}
    root = RepoPath("affected.toml")
    shared = _tables(files, root, project=False)
    if not files.text(root):
        shared = _tables(files, RepoPath("pyproject.toml"), project=False)
    named: list[Named] = []
    for stated in shared:
        patterns = stated.values.get("projects")
        if patterns is None:
            named.append(Named(stated, ROOT))
            continue
        chosen = Patterns(patterns)
        for project in catalogue.shape.projects:
            mine = own.get(project.path, {})
            if (project.path and chosen.matches(project.path)) or stated.name in mine:
                refined = mine.pop(stated.name).over(stated) if stated.name in mine else stated
                named.append(Named(refined, project.path, shared=True))
    named += [Named(one, path) for path, tables in own.items() for one in tables.values()]
    return named


def _tables(files: ManifestFiles, path: RepoPath, *, project: bool) -> tuple[TargetTable, ...]:
    """The targets that one file declares; a file that does not name us is not parsed."""
    if "affected" not in path and "affected" not in files.text(path):
        return ()
    ours, shown = files.toml(path), str(path)
    if not path.endswith("affected.toml"):
        ours, shown = table(ours, "tool", "affected"), f"{path} [tool.affected]"
    return read_targets(ours["targets"], shown, project=project) if "targets" in ours else ()


def _new_needs(plan: Plan, catalogue: Catalogue) -> bool:
    """True when an edited import makes one project need another that it did not need before."""
    known = {path: set(found) for path, found in plan.needs.items()}
    return any(True for _ in _import_needs(catalogue, known, catalogue.touched))


def _import_needs(
    catalogue: Catalogue, known: Mapping[RepoPath, set[RepoPath]], paths: Iterable[RepoPath]
) -> Iterable[tuple[RepoPath, RepoPath]]:
    """(project, project it needs) by imports of sources, those that are `known` left out.

    A test's imports make no project depend on another: they would make circles of what is none.
    """
    homes: dict[str, RepoPath] = {}

    def home(path: RepoPath) -> RepoPath:
        folder = path.rpartition("/")[0]
        if folder not in homes:
            homes[folder] = source_of(RepoPath(folder), known)
        return homes[folder]

    for path in paths:
        source = home(path)
        if _is_test(path):
            continue
        for needed, _ in catalogue.graph.edges(path):
            target = home(needed)
            if target not in (source, ROOT) and source and target not in known[source]:
                yield source, target


def _is_test(path: RepoPath) -> bool:
    last = name(path)
    return last.startswith("test_") or last.endswith("_test.py") or last == "conftest.py"


def _packed(plan: Plan) -> bytes:
    tree: dict[str, Any] = {
        "format": FORMAT,
        "token": plan.token,
        "inferred": plan.inferred,
        "needs": plan.needs,
        "targets": [_values(target) for target in plan.targets.values()],
    }
    return json.dumps(tree).encode("ascii")


def _values(target: CommandTarget) -> list[Any]:
    values = [getattr(target, key) for key in _FIELDS]
    values[_INPUTS] = [[chosen.folder, chosen.globs] for chosen in target.inputs]
    return values


def _target(row: list[Any]) -> CommandTarget:
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    values[_INPUTS] = tuple(FileSet(folder, tuple(globs)) for folder, globs in row[_INPUTS])
    return CommandTarget(*values)
