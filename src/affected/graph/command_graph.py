"""Command targets from their tables: one for each project that gets it, names made into labels.

Unaware of the disk and of how tables are written. Whatever is wrong with the whole of them is said
here: cycles, outputs that overlap, dependencies that do not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from affected.config.target_tables import TargetTable
from affected.errors import UserError
from affected.graph.output_overlap import check_overlaps, is_glob
from affected.model.command import DECLARED, CommandTarget, FileSet, label_of
from affected.model.path import ROOT, RepoPath, display, join

DEFAULT_INPUTS: Final = ("**/*", "^**/*")
TEST: Final = "test"  # the kind of pytest's test files


@dataclass(frozen=True, slots=True)
class Named:
    """A table for one project. `shared`: the root gave it to many by a pattern."""

    table: TargetTable
    project: RepoPath
    shared: bool = False
    origin: str = DECLARED
    search: tuple[RepoPath, ...] = ()
    locked: str = ""


def resolve(
    tables: Sequence[Named],
    needs: Mapping[RepoPath, Sequence[RepoPath]],
    words: Callable[[str], tuple[str, ...]],
) -> dict[str, CommandTarget]:
    """The targets by label, in label order.

    `needs` are the projects that each project depends on directly; `words` cuts a command line.
    Raises UserError, see above.
    """
    targets = {label_of(n.project, n.table.name): _target(n, words) for n in tables}
    closure = Closure(needs)
    names = frozenset(target.name for target in targets.values())
    kinds: dict[str, list[CommandTarget]] = {}
    for target in targets.values():
        kinds.setdefault(target.kind, []).append(target)
    found: dict[str, CommandTarget] = {}
    for named in sorted(tables, key=lambda n: label_of(n.project, n.table.name)):
        label = label_of(named.project, named.table.name)
        wanted = named.table.values.get("dependencies", ())
        labels: dict[str, None] = {}
        tests: dict[RepoPath, None] = {}
        for text in wanted:
            more, projects = _Dependency(named, text, targets, names, kinds, closure).found()
            labels.update(dict.fromkeys(more))
            tests.update(dict.fromkeys(projects))
        labels.pop(label, None)
        found[label] = replace(targets[label], needs=tuple(labels), tests_of=tuple(tests))
    check_cycles({label: target.needs for label, target in found.items()})
    check_overlaps(found.values())
    return found


class Closure:
    """Everything that a project depends on, directly or not, itself left out."""

    def __init__(self, needs: Mapping[RepoPath, Sequence[RepoPath]]) -> None:
        self.needs = needs
        self._known: dict[RepoPath, tuple[RepoPath, ...]] = {}

    def of(self, project: RepoPath) -> tuple[RepoPath, ...]:
        """Sorted."""
        known = self._known.get(project)
        if known is None:
            found: set[RepoPath] = set()
            pending = list(self.needs.get(project, ()))
            while pending:
                one = pending.pop()
                if one not in found:
                    found.add(one)
                    pending += self.needs.get(one, ())
            found.discard(project)
            known = self._known[project] = tuple(sorted(found))
        return known


@dataclass(frozen=True, slots=True)
class _Dependency:
    """One text of `dependencies`."""

    named: Named
    text: str
    targets: Mapping[str, CommandTarget]
    names: frozenset[str]
    kinds: Mapping[str, Sequence[CommandTarget]]
    closure: Closure

    def found(self) -> tuple[list[str], list[RepoPath]]:
        """The labels it means, and the projects whose tests it means."""
        above = self.text.startswith("^")
        word = self.text.removeprefix("^")
        if word.startswith("kind:"):
            return self._kind(word.removeprefix("kind:"), above=above)
        if ":" in word:
            if above or word not in self.targets:
                raise self._missing()
            return [word], []
        if word not in self.names:
            raise self._missing()
        if above:
            return self._above(word), []
        label = label_of(self.named.project, word)
        if label in self.targets:
            return [label], []
        if self.named.shared:
            return [], []
        raise self._missing()

    def _kind(self, kind: str, *, above: bool) -> tuple[list[str], list[RepoPath]]:
        projects = self.closure.of(self.named.project) if above else (self.named.project,)
        chosen = set(projects)
        labels = [t.label for t in self.kinds.get(kind, ()) if t.project in chosen]
        if kind == TEST:
            return labels, list(projects)
        if kind not in self.kinds:
            raise self._missing()
        return labels, []

    def _above(self, name: str) -> list[str]:
        """`name` in the projects depended on; through those without one to what they depend on."""
        labels: list[str] = []
        pending = list(self.closure.needs.get(self.named.project, ()))
        seen = {self.named.project}
        while pending:
            project = pending.pop(0)
            if project in seen:
                continue
            seen.add(project)
            label = label_of(project, name)
            if label in self.targets:
                labels.append(label)
            else:
                pending += self.closure.needs.get(project, ())
        return labels

    def _missing(self) -> UserError:
        import difflib  # noqa: PLC0415  (only on the way to an error)

        own = [t.name for t in self.targets.values() if t.project == self.named.project]
        names = sorted(self.names)
        kinds = sorted(f"kind:{kind}" for kind in {*self.kinds, TEST})
        sign = "^" if self.text.startswith("^") else ""
        known = [*own, *self.targets] if not sign else names
        choices = [sign + word for word in dict.fromkeys([*known, *names, *kinds])]
        close = difflib.get_close_matches(self.text, choices, n=1, cutoff=0.4)
        hint = (
            f"did you mean `{close[0]}`?" if close else "`affected list --all` names every target"
        )
        who = label_of(self.named.project, self.named.table.name)
        return UserError(
            f"{self.named.table.source}: `{self.text}`, a dependency of {display(who)},"
            " is no target",
            hint,
        )


def _target(named: Named, words: Callable[[str], tuple[str, ...]]) -> CommandTarget:
    values = named.table.values
    project, source = named.project, named.table.source
    command = values.get("command")
    if command is None:
        raise UserError(f"{source}: `command` is missing", "say what is to be run")
    arguments = words(command) if isinstance(command, str) else tuple(command)
    inputs, needed = _inputs(values.get("inputs", DEFAULT_INPUTS), project, source)
    cache = values.get("cache", True)
    return CommandTarget(
        label=label_of(project, named.table.name),
        name=named.table.name,
        project=project,
        kind=values.get("kind", named.table.name),
        origin=named.origin,
        arguments=arguments,
        folder=_below(project, values.get("folder", "."), source, "folder"),
        inputs=inputs,
        needed_inputs=needed,
        outputs=tuple(_output(project, text, source) for text in values.get("outputs", ())),
        env=tuple(values.get("env", ())),
        search=named.search,
        tags=tuple(values.get("tags", ())),
        timeout=values.get("timeout"),
        cache=cache,
        on_request=values.get("on-request", not cache),
        weight=values.get("weight", 1),
        resources=tuple(values.get("resources", ())),
        sandbox=values.get("sandbox", False),
        locked=named.locked,
    )


def _inputs(
    globs: Sequence[str], project: RepoPath, source: str
) -> tuple[tuple[FileSet, ...], tuple[str, ...]]:
    """The file sets of the project and of the root, and the globs for projects depended on."""
    own: list[str] = []
    root: list[str] = []
    needed: list[str] = []
    for text in globs:
        sign = "!" if text.startswith("!") else ""
        glob = text.removeprefix("!")
        if ".." in glob.split("/"):
            raise UserError(
                f"{source}: the input `{text}` leaves its project",
                "begin it with `/` to start at the workspace's root",
            )
        if glob.startswith("^"):
            needed.append(sign + glob[1:].removeprefix("/"))
        elif glob.startswith("/"):
            root.append(sign + glob)
        else:
            own.append(sign + glob.removeprefix("./"))
            if sign:
                needed.append(sign + glob)
    if all(glob.startswith("!") for glob in needed):
        needed = []
    sets = [FileSet(project, tuple(own))] if own else []
    if root:
        sets.append(FileSet(ROOT, tuple(root)))
    return tuple(sets), tuple(needed)


def _below(project: RepoPath, text: str, source: str, key: str) -> RepoPath:
    """`text` below the project, or below the root when it starts with `/`; normalised."""
    start = ROOT if text.startswith("/") else project
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise UserError(
            f"{source}: `{key}` names `{text}`, which leaves its project",
            "begin it with `/` to start at the workspace's root",
        )
    return join(start, "/".join(parts))


def _output(project: RepoPath, text: str, source: str) -> RepoPath:
    path = _below(project, text, source, "outputs")
    parts = path.split("/")
    if path == project or not path or ".git" in parts or is_glob(parts[0]):
        raise UserError(
            f"{source}: the output `{text}` is not a place of its own",
            "name a file or folder that holds nothing but what this target writes",
        )
    return path


def check_cycles(needs: Mapping[str, Iterable[str]]) -> None:
    """Raises UserError that prints a cycle, when there is one."""
    done: set[str] = set()
    for start in needs:
        if start in done:
            continue
        path = [start]
        on_path = {start}
        rest = [iter(needs[start])]
        while rest:
            following = next(rest[-1], None)
            if following is None:
                rest.pop()
                last = path.pop()
                on_path.discard(last)
                done.add(last)
            elif following in on_path:
                cycle = [*path[path.index(following) :], following]
                raise UserError(
                    "targets that wait for each other: " + " → ".join(map(display, cycle)),
                    "take one of these out of the `dependencies` of the one before it",
                )
            elif following not in done:
                path.append(following)
                on_path.add(following)
                rest.append(iter(needs.get(following, ())))
