"""`affected init`. Unaware of what is proposed."""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path

import click

from affected.app.compose import Workspace, open_workspace
from affected.app.proposals import Proposal, proposals, wants_hook
from affected.ci.templates import TEMPLATES
from affected.cli.output_files import write_file
from affected.cli.terminal import environment, style_for, write_lines
from affected.errors import UserError
from affected.report.style import Style

LOOKS = {"+": "green", "-": "red", "@": "cyan"}
BUDGET = "60s"


@click.command("init")
@click.option(
    "--ci", "systems", multiple=True, type=click.Choice([*TEMPLATES, "none"]),
    help="CI system to write a file for; may be repeated. Default: those in use here.",
)  # fmt: skip
@click.option("--no-hook", is_flag=True, help="Leave out the pre-push hook.")
@click.option("--yes", is_flag=True, help="Write without asking; what differs is still kept.")
def command(*, systems: tuple[str, ...], no_hook: bool, yes: bool) -> None:
    """Write settings, CI files and the pre-push hook, each after showing it.

    A file that is there and differs is never overwritten without your word.
    """
    style = style_for(sys.stdout, environment())
    asking = sys.stdin.isatty()
    workspace = open_workspace(Path.cwd(), environment())
    try:
        wanted = proposals(workspace, systems)
        written = sum(_propose(found, style, asking=asking, yes=yes) for found in wanted)
        if not no_hook and wants_hook(workspace):
            written += _hook(workspace, asking=asking, yes=yes)
    finally:
        workspace.close()
    if not asking and not yes:
        write_lines(["nothing was written: give --yes, or run it in a terminal"])
    elif not written:
        write_lines(["nothing to write"])
    else:
        write_lines(["next: affected doctor, then affected run"])


def _propose(found: Proposal, style: Style, *, asking: bool, yes: bool) -> int:
    if found.needless:
        return 0
    write_lines(_shown(found, style))
    if yes and not found.addition:
        write_lines([f"kept {found.shown}: it differs, and --yes overwrites nothing", ""])
        return 0
    if not yes and not asking:
        return 0
    question = f"write {found.shown}?" if found.addition else f"OVERWRITE {found.shown}?"
    if not yes and not click.confirm(question, default=found.addition):
        return 0
    write_file(found.path, found.new)
    write_lines([f"wrote {found.shown}", ""])
    return 1


def _shown(found: Proposal, style: Style) -> list[str]:
    """The file as a difference from what is there."""
    before = (found.old or "").splitlines()
    name = found.shown if found.old is not None else os.devnull
    lines = difflib.unified_diff(before, found.new.splitlines(), name, found.shown, lineterm="")
    return [style.paint(line, LOOKS[line[0]]) if line[0] in LOOKS else line for line in lines]


def _hook(workspace: Workspace, *, asking: bool, yes: bool) -> int:
    from affected.git.hooks import install  # noqa: PLC0415

    write_lines([f"a pre-push hook: `affected hook run --budget {BUDGET}` before each push"])
    if not yes and (not asking or not click.confirm("install it?", default=True)):
        return 0
    if workspace.repository is None:
        return 0
    try:
        done = install(
            workspace.repository, [sys.executable, "-m", "affected"], BUDGET, chain=False
        )
    except UserError as trouble:
        write_lines([f"not installed: {trouble.message}", f"hint: {trouble.hint}", ""])
        return 0
    write_lines([f"installed {done.path}", ""])
    return 1
