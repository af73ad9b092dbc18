"""`affected explain` and `graph` for command targets. Unaware of how answers are worded."""

from __future__ import annotations

import shlex

from affected.app.command_deciding import decide_commands
from affected.app.command_results import look_up
from affected.app.commands import CommandDecision
from affected.app.knowledge import Knowledge
from affected.app.session import Request
from affected.model.command import CommandTarget, FileSet
from affected.model.edge import Edge, EdgeKind
from affected.model.path import RepoPath, display
from affected.report.protocol import ExplainReport, GraphNode


def explain_command(knowledge: Knowledge, label: str) -> ExplainReport:
    """Why a target would run now, or what its result rests on."""
    commands = knowledge.commands
    target = commands.plan.targets[label]
    decided = decide_commands(commands, Request(labels=(label,)), [label])
    row = commands.state.rows.get(label)
    waits = label in decided.waiting
    key = "" if waits else commands.key(label).name.sha256
    notices = []
    if label in decided.hits:
        notices.append("its result is in the cache; the next run restores its outputs")
    elif waits:
        notices.append("what it waits for is to run first, and may spare it")
    return ExplainReport(
        label=label,
        runs=label in decided.selected,
        causes=decided.selected.get(label, ()),
        fingerprint=key,
        records=len(look_up(commands.workspace.records, {label: key})) if key else 0,
        facts=tuple(_facts(knowledge, target, decided, row.seconds if row else 0.0)),
        notices=tuple(notices),
    )


def _facts(
    knowledge: Knowledge, target: CommandTarget, decided: CommandDecision, seconds: float
) -> list[tuple[str, str]]:
    """What a target is, as (name, words); what it has not is left out."""
    keys = knowledge.commands.keys
    sets = keys.sets_of(target)
    count = sum(len(keys.files(chosen)) for chosen in sets)
    seen = sorted(keys.seen_by(target))
    facts = {
        "command": shlex.join(target.arguments),
        "folder": display(target.folder) or ".",
        "inputs": f"{count} files: " + ", ".join(map(_set_words, sets)) if sets else "none",
        "outputs of": ", ".join(map(display, seen)),
        "outputs": ", ".join(map(display, target.outputs)),
        "after": ", ".join(
            f"{display(need)}{' (to run)' if need in decided.selected else ''}"
            for need in target.needs
        ),
        "after the tests of": ", ".join(display(p) or "." for p in target.tests_of),
        "variables": ", ".join(target.env),
        "program": keys.tools.path(target) or "not found",
        "locked packages": target.locked[:12],
        "last took": f"{seconds:.2f} s" if seconds else "",
        "origin": target.origin,
    }
    return [(name, words) for name, words in facts.items() if words]


def _set_words(chosen: FileSet) -> str:
    where = f" in {display(chosen.folder)}" if chosen.folder else ""
    return " ".join(chosen.globs) + where


def command_nodes(knowledge: Knowledge, focus: str | None) -> tuple[list[GraphNode], list[Edge]]:
    """The command targets and who waits for whom; around `focus` both ways."""
    plan = knowledge.commands.plan
    chosen = set(plan.targets)
    if focus is not None:
        chosen = plan.with_needs([focus])
        pending = [focus]
        while pending:
            waiting = [one for one in plan.dependents.get(pending.pop(), ()) if one not in chosen]
            chosen.update(waiting)
            pending += waiting
    nodes = [
        GraphNode(label, "command", knowledge.commands.plan.targets[label].project)
        for label in sorted(chosen)
    ]
    edges = [
        Edge(RepoPath(label), RepoPath(need), EdgeKind.TARGET)
        for label in sorted(chosen)
        for need in plan.targets[label].needs
        if need in chosen
    ]
    return nodes, edges
