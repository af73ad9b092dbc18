"""`affected cache`. Unaware of how the cache is laid out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from affected.app.cache_status import cache_status, clear, collect
from affected.app.compose import Workspace, open_workspace
from affected.cache.disk import Evicted
from affected.cli.terminal import environment, style_for, write_lines
from affected.errors import UserError
from affected.report.answers import cache_lines
from affected.report.jsonl import cache_object, dump
from affected.report.style import plural, size


@click.group("cache")
def command() -> None:
    """Show, trim or empty the local cache."""


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def status(*, as_json: bool) -> None:
    """What the cache holds and where it is."""
    with _workspace() as workspace:
        found = cache_status(workspace)
    if as_json:
        sys.stdout.write(dump(cache_object(found)))
    else:
        write_lines(cache_lines(found, style_for(sys.stdout, environment())))


@command.command("gc")
def gc() -> None:
    """Evict what was used longest ago, down to the configured bound."""
    _remove(collect)


@command.command("clear")
def clear_all() -> None:
    """Remove every record: the next run runs everything."""
    _remove(clear)


def _remove(action: Callable[[Workspace], Evicted]) -> None:
    with _workspace() as workspace:
        removed = action(workspace)
        notice = workspace.store.notice
    if notice:
        raise UserError(notice, "name a cache folder that can be written with AFFECTED_CACHE_DIR")
    if removed.files:
        write_lines([f"removed {plural(removed.files, 'file')}, {size(removed.bytes)} freed"])
    else:
        write_lines(["nothing to remove"])


@contextmanager
def _workspace() -> Iterator[Workspace]:
    workspace = open_workspace(Path.cwd(), environment())
    try:
        yield workspace
    finally:
        workspace.close()
