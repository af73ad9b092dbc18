"""`affected list`. Unaware of how a change set reaches a target."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from affected.app.listing import everything, listing
from affected.cli.opening import knowledge
from affected.cli.terminal import environment, style_for, write_lines
from affected.report.jsonl import dump, listing_object, matrix_object
from affected.report.protocol import Listing
from affected.report.text import listing_lines


@click.command("list")
@click.option("--base", metavar="REF", help="Compare with this commit, branch or tag.")
@click.option("--all", "all_targets", is_flag=True, help="Every target, affected or not.")
@click.option("--kind", "kinds", metavar="K", multiple=True, help="Only targets of this kind.")
@click.option("--tag", "tags", metavar="T", multiple=True, help="Only targets with this tag.")
@click.option("--matrix", is_flag=True, help="Print the targets as a matrix for a CI's jobs.")
@click.option("--strict", is_flag=True, help="Fail when the base cannot be resolved.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(
    *,
    base: str | None,
    all_targets: bool,
    kinds: tuple[str, ...],
    tags: tuple[str, ...],
    matrix: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """List what a change affects, and why.

    Without --base: the pull request's target branch, or the branch this one left.
    """
    with knowledge() as known:
        if all_targets:
            found = everything(known, kinds, tags)
        else:
            found = listing(known, base, kinds, strict=strict, tags=tags)
    if matrix:
        _matrix(found)
    elif as_json:
        sys.stdout.write(dump(listing_object(found)))
    else:
        write_lines(listing_lines(found, style_for(sys.stdout, environment())))


def _matrix(found: Listing) -> None:
    """One line for a job's matrix; on GitHub also the outputs `matrix` and `any`."""
    text = json.dumps(matrix_object(found))
    sys.stdout.write(text + "\n")
    outputs = environment().get("GITHUB_OUTPUT")
    if outputs:
        with Path(outputs).open("a", encoding="utf-8") as stream:
            stream.write(f"matrix={text}\nany={'true' if found.targets else 'false'}\n")
