"""`affected hook`. Unaware of how a pushed commit is checked out and run."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from affected.app.pushed import Place, Push, place_for, pushes
from affected.cli.exit_status import ExitStatus
from affected.cli.output_files import Reports
from affected.cli.terminal import environment, write_lines
from affected.cli.times import seconds_of
from affected.errors import UserError
from affected.git.repository import Repository
from affected.model.path import display

BUDGET = "60s"
SKIP = "AFFECTED_HOOK"
LEAST = 1.0  # seconds worth starting for


@click.group("hook")
def command() -> None:
    """Check what is pushed, before it is: a pre-push hook."""


@command.command("install")
@click.option("--budget", metavar="TIME", default=BUDGET, show_default=True, help="For one push.")
@click.option("--chain", is_flag=True, help="Keep a hook that is there, and run it first.")
def install_hook(*, budget: str, chain: bool) -> None:
    """Install a pre-push hook; never over another one.

    It runs what the pushed commits affect, not what lies uncommitted around them, for at most
    TIME: what is most likely to fail comes first, what is left is named, and left to CI.
    """
    from affected.git.hooks import install  # noqa: PLC0415

    seconds_of(budget)
    words = [sys.executable, "-m", "affected"]
    done = install(_repository(), words, budget, chain=chain)
    kept = f", after {done.kept.name}" if done.kept else ""
    write_lines(
        [
            f"installed {display(str(done.path))}{kept}: at most {budget} before each push",
            "skip it once with AFFECTED_HOOK=skip git push",
        ]
    )


@command.command("uninstall")
def uninstall_hook() -> None:
    """Take the hook away, and put back one that it kept."""
    from affected.git.hooks import uninstall  # noqa: PLC0415

    done = uninstall(_repository())
    if done is None:
        write_lines(["no pre-push hook is installed"])
    else:
        back = "; the hook that was there before is back" if done.kept else ""
        write_lines([f"uninstalled {display(str(done.path))}{back}"])


@command.command("run")
@click.option("--budget", metavar="TIME", default=BUDGET, show_default=True)
@click.pass_context
def run_hook(ctx: click.Context, *, budget: str) -> None:
    """Check what git says is pushed; the hook runs this.

    Fails (1) when a test fails, which stops the push. Trouble of its own never stops one: it is
    told, and the check is left to CI.
    """
    environ = environment()
    left = seconds_of(budget)
    if environ.get(SKIP) == "skip":
        write_lines([f"not checked: {SKIP}=skip"], sys.stderr)
        return
    lines = [] if sys.stdin.isatty() else sys.stdin.read().splitlines()
    found = pushes(lines, environ)
    if not found:
        write_lines(["nothing to check: no commit is pushed"])
    worst = ExitStatus.OK
    for push in found:
        began = time.monotonic()
        worst = max(worst, _checked(push, max(left, LEAST)))
        left -= time.monotonic() - began
    if worst:
        word = "interrupted" if worst is ExitStatus.INTERRUPTED else "a test failed"
        write_lines([f"push stopped: {word} (to push all the same: git push --no-verify)"])
    ctx.exit(worst)


def _checked(push: Push, seconds: float) -> ExitStatus:
    try:
        with place_for(Path.cwd(), push, environment()) as place:
            write_lines([_opening(push, place)])
            return _run(place, push, seconds)
    except UserError as trouble:
        write_lines(
            [f"{push.commit[:10]} was not checked, and is left to CI: {trouble.message}"],
            sys.stderr,
        )
        if trouble.hint:
            write_lines([f"hint: {trouble.hint}"], sys.stderr)
        return ExitStatus.OK


def _run(place: Place, push: Push, seconds: float) -> ExitStatus:
    from affected.app.session import Request  # noqa: PLC0415
    from affected.cli.run_rest import finish  # noqa: PLC0415

    repository = place.workspace.repository
    known = repository.resolve(push.remote_commit) if repository and push.remote_commit else None
    request = Request(base=known or "auto", budget=seconds)
    return finish(
        place.present, request, time.monotonic(), Reports(None, None, None, as_json=False)
    )


def _opening(push: Push, place: Place) -> str:
    name = push.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    shown = f"{push.commit[:10]} ({display(name)})" if name else push.commit[:10]
    words = "as it was committed, without what lies around it" if place.apart else "in place"
    return f"affected: checking {shown} {words}"


def _repository() -> Repository:
    found = Repository.discover(Path.cwd(), os.environ)
    if found is None:
        raise UserError("this is not a git repository, so there is no push to check", "git init")
    return found
