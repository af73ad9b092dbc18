"""`affected list`. Unaware of how a change set reaches a target."""

from __future__ import annotations

import sys

import click

from affected.app.listing import everything, listing
from affected.cli.opening import knowledge
from affected.cli.terminal import environment, style_for, write_lines
from affected.report.jsonl import dump, listing_object
from affected.report.text import listing_lines


@click.command("list")
@click.option("--base", metavar="REF", help="Compare with this commit, branch or tag.")
@click.option("--all", "all_targets", is_flag=True, help="Every target, affected or not.")
@click.option("--kind", metavar="K", help="Only targets of this kind.")
@click.option("--strict", is_flag=True, help="Fail when the base cannot be resolved.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(
    *, base: str | None, all_targets: bool, kind: str | None, strict: bool, as_json: bool
) -> None:
    """List what a change affects, and why.

    Without --base: the pull request's target branch, or the branch this one left.
    """
    with knowledge() as known:
        found = (
            everything(known, kind) if all_targets else listing(known, base, kind, strict=strict)
        )
    if as_json:
        sys.stdout.write(dump(listing_object(found)))
    else:
        write_lines(listing_lines(found, style_for(sys.stdout, environment())))
