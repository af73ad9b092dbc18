"""`affected list`: what a change affects, by the graph and by what was observed.

Unaware of records: it says what a change reaches, not what may be reused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from affected.app.ci_system import hints_of, this_ci
from affected.app.command_listing import affected_commands, every_command
from affected.app.compose import Workspace
from affected.app.imports import ImportTable
from affected.app.knowledge import Knowledge
from affected.app.session import LAST_STATE_KEY
from affected.fs.ignore import Patterns
from affected.git.base_revision import resolve_base
from affected.lang.python.modules import module_names
from affected.lang.python.resolve import Resolver
from affected.lang.python.targets import owner
from affected.model.digest import ABSENT
from affected.model.path import RepoPath, ancestors
from affected.model.selection import Change, ChangeSet, Selected
from affected.model.target import Project, Target
from affected.report.protocol import Listing, TargetEntry, extent
from affected.selection.select import Reach, select

AUTO: Final = "auto"  # as a base: find it as if none were named


@dataclass(frozen=True, slots=True)
class Diff:
    """A change set and how its base was found."""

    change_set: ChangeSet
    how: str


def listing(
    knowledge: Knowledge,
    base: str | None,
    kinds: Sequence[str],
    *,
    strict: bool,
    tags: Sequence[str] = (),
) -> Listing:
    """The affected targets against `base`, or against what the base resolution finds."""
    diff = change_set(knowledge.workspace, base, strict=strict)
    knowledge.commands.with_inferred()
    targets = _tests(knowledge, kinds, tags)
    chosen = select_by_graph(knowledge, diff.change_set, targets)
    by_label = {target.label: target for target in targets}
    entries = [_entry(by_label[item.label], item) for item in chosen]
    entries += affected_commands(knowledge, diff.change_set, kinds, tags)
    known = len(targets) + len(every_command(knowledge, kinds, tags))
    return Listing(
        base=diff.change_set.base or None,
        head=diff.change_set.head,
        selection=extent(len(entries), known),
        changed=tuple(change.path for change in diff.change_set.changes),
        targets=tuple(sorted(entries, key=lambda entry: entry.label)),
        known_targets=known,
        how=diff.how,
        reason=diff.change_set.reason,
        notices=knowledge.catalogue.shape.notices,
    )


def change_set(workspace: Workspace, requested: str | None, *, strict: bool) -> Diff:
    """What differs between the base and the working tree as it is; never "no changes" by mistake.

    Raises UserError for a base the user named that does not exist, BaseUnresolved under `strict`.
    """
    repository = workspace.repository
    if repository is None:
        return Diff(ChangeSet("", "", (), complete=False, reason="no-git: not a repository"), "")
    hints = hints_of(this_ci(workspace.environ))
    requested = None if requested == AUTO else requested
    last = workspace.index.get(LAST_STATE_KEY)
    recorded = last.decode() if last else None
    base = resolve_base(repository, requested, workspace.environ, hints, recorded, strict=strict)
    head = repository.resolve("HEAD") or ""
    if base.commit is None:
        return Diff(ChangeSet("", head, (), complete=False, reason=base.reason), base.how)
    return Diff(against(workspace, base.commit, head), base.how)


def select_by_graph(
    knowledge: Knowledge, changes: ChangeSet, targets: list[Target]
) -> tuple[Selected, ...]:
    """The targets that the changes reach, with causes."""
    projects = knowledge.catalogue.shape.projects
    inert = Patterns(knowledge.workspace.config.inert)
    index = knowledge.workspace.index
    graph = knowledge.catalogue.graph

    def observers(change: Change) -> set[str]:
        seen_at = [change.path]
        if ABSENT in {change.old, change.new}:  # other names in a folder above
            seen_at += ancestors(change.path)
        return set(index.observed(seen_at))

    @cache
    def proved() -> frozenset[str]:
        return frozenset(row.label for row in index.targets() if row.settled)

    reach = Reach(
        dependents=graph.dependents,
        observers=observers,
        observed=lambda label: label in proved(),
        in_graph=lambda path: path.endswith(".py"),
        owner=lambda path: owner(path, projects),
        needed_by=lambda project: _needing(knowledge, project),
        inert=inert.matches,
    )
    return select(changes, targets, reach, _shadowed(knowledge, changes))


def against(workspace: Workspace, commit: str, head: str) -> ChangeSet:
    """The file table (the working tree, just surveyed) against a commit's tree."""
    if workspace.repository is None:
        return ChangeSet("", head, (), complete=False, reason="no-git: not a repository")
    tree = workspace.repository.tree_listing(commit)
    if tree is None:
        return ChangeSet(commit, head, (), complete=False, reason="base-missing")
    now = workspace.index.files()
    differing = {path for path, digest in now.items() if tree.get(path) != digest}
    # Bytes on disk are not the blob there: ask git itself what became of them.
    converted = workspace.repository.converted(differing & tree.keys())
    if converted:
        differing -= converted - _git_changes(workspace, commit, head)
    changes = [Change(path, tree.get(path, ABSENT), now[path]) for path in differing]
    changes += [
        Change(path, digest, ABSENT)
        for path, digest in tree.items()
        if path not in now and not workspace.outside(path)
    ]
    return ChangeSet(commit, head, tuple(sorted(changes, key=lambda c: c.path)))


def _git_changes(workspace: Workspace, base: str, head: str) -> set[RepoPath]:
    """Paths that git itself takes for changed, in commits or in the working tree."""
    if workspace.repository is None:
        return set()
    moved = workspace.repository.tree_changes(base, head) or []
    status = workspace.repository.start_status().result()
    return {change.path for change in moved} | set(status.changes)


def _shadowed(knowledge: Knowledge, changes: ChangeSet) -> set[RepoPath]:
    """Files with an import that a module come or gone answers, or answered."""
    moved = {
        change.path: change
        for change in changes.changes
        if ABSENT in {change.old, change.new} and change.path.endswith((".py", ".so", ".pyd"))
    }
    roots, index = knowledge.catalogue.roots, knowledge.workspace.index
    names = {name.rpartition(".")[2] for path in moved for name in module_names(path, roots)}
    needles = [name.encode("utf-8", "surrogateescape") for name in names if name]
    if not needles:
        return set()

    def existed(path: RepoPath) -> bool:
        return path in moved or index.has_file(path)

    table = ImportTable(knowledge.workspace, Resolver(roots, existed, index.has_folder), existed)
    edges = table.edges(index.files_mentioning(needles))
    return {
        importer
        for importer, needed in edges.items()
        if importer not in moved and any(path in moved for path, _ in needed)
    }


def _needing(knowledge: Knowledge, project: Project) -> set[RepoPath]:
    """The project and every project with a file that needs one of its files."""
    graph = knowledge.catalogue.graph
    projects = knowledge.catalogue.shape.projects
    own: Mapping[RepoPath, Project | None] = {p: owner(p, projects) for p in graph.nodes()}
    starts = [path for path, holder in own.items() if holder == project]
    reached = {own[path] for path in graph.dependents(starts) if path in own}
    return {project.path} | {p.path for p in reached if p is not None}


def _entry(target: Target, item: Selected) -> TargetEntry:
    return TargetEntry(target.label, target.kind.value, target.project, item.causes)


def _tests(knowledge: Knowledge, kinds: Sequence[str], tags: Sequence[str]) -> list[Target]:
    """The test files that the filters let through; they have no tags."""
    if tags:
        return []
    return [t for t in knowledge.targets() if not kinds or t.kind.value in kinds]


def everything(knowledge: Knowledge, kinds: Sequence[str], tags: Sequence[str] = ()) -> Listing:
    """Every target there is, whatever changed."""
    knowledge.commands.with_inferred()
    tests = _tests(knowledge, kinds, tags)
    found = [TargetEntry(t.label, t.kind.value, t.project) for t in tests]
    found += every_command(knowledge, kinds, tags)
    entries = tuple(sorted(found, key=lambda entry: entry.label))
    return Listing(
        base=None,
        head=knowledge.found.state.head,
        selection=extent(len(entries), len(entries)),
        changed=(),
        targets=entries,
        known_targets=len(entries),
        how="asked for all",
        notices=knowledge.catalogue.shape.notices,
    )
