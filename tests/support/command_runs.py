"""A workspace with command targets, run in this process as `affected run` does it.

Unaware of what the commands do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from support.repositories import GitTree

from affected.app.choose import choose
from affected.app.compose import open_workspace
from affected.app.conclude import Course, conclude
from affected.app.knowledge import Knowledge
from affected.app.run import perform
from affected.app.session import Present, Request, nothing_to_do
from affected.report.protocol import RunSummary


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did with each target: "ran", "restored", "failed", "skipped", else "reused"."""

    summary: RunSummary
    states: dict[str, str] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    idle: bool = False  # there was nothing to do, and hardly anything was looked at

    def those(self, state: str) -> set[str]:
        """The labels of the targets in one state."""
        return {label for label, found in self.states.items() if found == state}


@dataclass(frozen=True, slots=True)
class CommandWorkspace:
    """A repository and a cache, which another checkout may share."""

    tree: GitTree
    cache: Path

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self.tree.root

    def run(self, request: Request | None = None, labels: Sequence[str] = ()) -> Outcome:
        """`affected run`."""
        asked = request or Request(jobs=2)
        asked = replace(asked, labels=tuple(labels) or asked.labels)
        environ = {**self.tree.environ, "AFFECTED_CACHE_DIR": str(self.cache)}
        workspace = open_workspace(self.root, environ)
        try:
            present = Present(workspace, ())
            quick = nothing_to_do(present, asked)
            if quick is not None:
                return Outcome(quick, idle=True)
            knowledge = Knowledge(present)
            decision, commands = choose(knowledge, asked)
            course = Course()
            if (decision.selected or commands.work) and not asked.dry_run:
                course = perform(
                    knowledge, decision, asked, lambda _: None, color=False, commands=commands
                )
            summary = conclude(knowledge, decision, course, asked, commands)
        finally:
            workspace.close()
        ended = {event.label: event for event in course.commands.events}
        states = dict.fromkeys(commands.order, "reused")
        if asked.dry_run:
            states |= dict.fromkeys(commands.hits, "restored")
            states |= dict.fromkeys(commands.selected, "selected")
        states |= {label: event.state.value for label, event in ended.items()}
        printed = {label: event.output.decode() for label, event in ended.items()}
        return Outcome(summary, states, printed)
