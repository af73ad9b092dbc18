"""What a request means: which tests and which command targets, and what is to be done for each.

Unaware of how either is decided or run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from affected.app.commands import CommandDecision, below
from affected.app.decide import Decision, decide
from affected.app.knowledge import Knowledge
from affected.app.session import Request
from affected.errors import UserError
from affected.graph.command_graph import TEST
from affected.model.path import RepoPath, display, is_under
from affected.state.rows import Totals

NO_TESTS = Decision({}, {}, (), Totals(0, 0, 0.0), ())


def choose(knowledge: Knowledge, request: Request) -> tuple[Decision, CommandDecision]:
    """The decisions on tests and on commands.

    Raises UserError for a label or path that names neither.
    """
    commands = knowledge.commands
    if (
        any(_is_label(label) for label in request.labels)
        or request.tags
        or (request.kinds and set(request.kinds) != {TEST})
    ):
        commands.with_inferred()
    named = [label for label in request.labels if _is_command(knowledge, label)]
    folders = [label for label in request.labels if label not in named]
    wanted = [*named, *(label for one in folders for label in below(commands.plan, _bare(one)))]
    decided = CommandDecision()
    runs_them = request.shard is None or request.shard[0] == 1  # one machine does
    if runs_them and commands.chosen(request, wanted):
        from affected.app.command_deciding import decide_commands  # noqa: PLC0415

        decided = decide_commands(commands, request, wanted)
    tests = _tests_meant(knowledge, request, folders)
    gates = _gates(knowledge, decided)
    if tests is None and not gates:
        return NO_TESTS, decided
    if tests is None:
        return decide(knowledge, replace(request, labels=gates, everything=False)), decided
    if tests and gates:
        tests = (*tests, *gates)
    return decide(knowledge, replace(request, labels=tests)), decided


def _tests_meant(
    knowledge: Knowledge, request: Request, folders: Sequence[str]
) -> tuple[str, ...] | None:
    """The labels that mean tests; () for all tests, None for none."""
    if request.tags or (request.kinds and TEST not in request.kinds):
        return None
    if not request.labels:
        return ()
    paths = [row.label for row in knowledge.workspace.index.targets()] if folders else []
    plan = knowledge.commands.plan
    meant = [
        one
        for one in folders
        if any(is_under(path, _bare(one)) for path in paths) or not below(plan, _bare(one))
    ]
    return tuple(meant) or None


def _gates(knowledge: Knowledge, decided: CommandDecision) -> tuple[str, ...]:
    """The folders whose tests must pass before some selected command."""
    targets = [knowledge.commands.plan.targets[label] for label in decided.selected]
    projects = {project for target in targets for project in target.tests_of}
    if not projects:
        return ()
    known = {row.project for row in knowledge.workspace.index.targets()}
    return tuple(sorted(project or "." for project in projects & known))


def _is_label(text: str) -> bool:
    return ":" in text and "::" not in text


def _bare(label: str) -> RepoPath:
    path = label.partition("::")[0].removeprefix("./").rstrip("/")
    return RepoPath("" if path == "." else path)


def _is_command(knowledge: Knowledge, label: str) -> bool:
    targets = knowledge.commands.plan.targets
    if label in targets:
        return True
    if not _is_label(label) or knowledge.workspace.index.targets(labels=[label]):
        return False
    import difflib  # noqa: PLC0415  (only on the way to an error)

    close = difflib.get_close_matches(label, targets, n=1, cutoff=0.4)
    raise UserError(
        f"no target is called {display(label)}",
        f"did you mean {display(close[0])}?" if close else "`affected list --all` names them",
    )
