"""Commands for a store that is kept: check it, make it smaller, let its bucket empty itself.

Unaware of how anything is served.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from cache_server import settings as parse
from cache_server.settings import SettingsError
from cache_server.storage.disk import DiskStorage
from cache_server.storage.disk_files import FolderInUse

if TYPE_CHECKING:
    from cache_server.storage.s3_bucket import Bucket

USAGE = 2
DAY = 86_400
FOLDER = click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Where blobs are kept."
)
ENDPOINT = click.option("--s3-endpoint", metavar="URL", help="Where S3 is, if not at Amazon.")


@click.command()
@FOLDER
def check(folder: Path | None) -> None:
    """Read everything that is kept and put away what is damaged; no server may run there.

    Exit code 1 when something was damaged.
    """
    folder = existing(folder)
    damaged: list[str] = []
    with opened(folder, sys.maxsize, damaged) as storage:
        sound = storage.verify()
    for name in damaged:
        click.echo(f"damaged, moved to {folder / 'quarantine' / name}")
    click.echo(f"{sound} sound, {len(damaged)} damaged")
    sys.exit(1 if damaged else 0)


@click.command()
@FOLDER
@click.option("--max-size", metavar="SIZE", help="Remove the least recently used over it (folder).")
@click.option("--s3", "place", metavar="s3://BUCKET/PREFIX", help="Clean a bucket, not a folder.")
@ENDPOINT
@click.option("--older-than", metavar="DAYS", type=click.IntRange(1), help="Remove those (bucket).")
@click.option("--dry-run", is_flag=True, help="Only say what would go (bucket).")
def gc(
    folder: Path | None,
    max_size: str | None,
    place: str | None,
    s3_endpoint: str | None,
    older_than: int | None,
    dry_run: bool,
) -> None:
    """Make a store smaller: a folder by --max-size, a bucket by --older-than.

    A running server keeps its folder small by itself, and a bucket is best emptied by rules
    (`affected-cache lifecycle`).
    """
    if place is not None:
        if older_than is None:
            stop("--s3 needs --older-than DAYS")
        empty_bucket(bucket_of(place, s3_endpoint), older_than, dry_run=dry_run)
        return
    if max_size is None:
        stop("give --max-size SIZE for a folder, or --s3 and --older-than for a bucket")
    try:
        limit = parse.parse_size(max_size)
    except SettingsError as trouble:
        stop(str(trouble))
    gone: list[str] = []
    with opened(existing(folder), limit, gone) as storage:
        usage = storage.usage()
    click.echo(f"{len(gone)} removed, {usage.entries} left with {usage.used} bytes")


@click.command()
@click.option("--s3", "place", metavar="s3://BUCKET/PREFIX", required=True)
@ENDPOINT
@click.option("--days", type=click.IntRange(2), help="How long an object lives.")
@click.option("--remove", is_flag=True, help="Take our rules away.")
def lifecycle(place: str, s3_endpoint: str | None, days: int | None, remove: bool) -> None:
    """Write rules into a bucket that empty it: objects go after --days, half sent ones after one.

    A server started afterwards renews what is used in the second half of its life. Without --days
    and --remove it shows the rules. Other rules of the bucket stay.
    """
    from cache_server.storage.s3_bucket import BucketError  # noqa: PLC0415  (needs boto3)

    if remove and days is not None:
        stop("give --days or --remove, not both")
    bucket = bucket_of(place, s3_endpoint)
    try:
        if not remove and days is None:
            lifetime = bucket.lifetime()
            click.echo("no rules of ours" if lifetime is None else f"objects live {lifetime} days")
            return
        others = bucket.write_rules(days)
    except BucketError as trouble:
        stop(str(trouble))
    said = f"objects below {bucket.place} live {days} days" if days else "our rules are removed"
    click.echo(f"{said}; {others} other rules stay")


def empty_bucket(bucket: Bucket, days: int, *, dry_run: bool) -> None:
    """Delete what was written more than `days` ago; says how much."""
    from cache_server.storage.s3_bucket import BucketError  # noqa: PLC0415  (needs boto3)

    try:
        number, size = bucket.remove_older(time.time() - days * DAY, dry_run=dry_run)
    except BucketError as trouble:
        stop(str(trouble))
    click.echo(f"{number} objects, {size} bytes {'would be ' if dry_run else ''}removed")


def bucket_of(place: str, endpoint: str | None) -> Bucket:
    """The bucket, found to be there."""
    try:
        from cache_server.storage.s3_bucket import (  # noqa: PLC0415  (needs boto3)
            Bucket,
            BucketError,
            parse_place,
        )
    except ModuleNotFoundError as missing:
        stop(f"{missing.name} is not installed: pip install 'affected-ci[server,s3]'")
    try:
        bucket = Bucket(parse_place(place, endpoint), os.environ)
        bucket.require()
    except BucketError as trouble:
        stop(str(trouble))
    return bucket


def existing(folder: Path | None) -> Path:
    """The folder, which must hold a cache."""
    folder = folder or parse.default_folder(os.environ)
    if not (folder / "cas").is_dir():
        stop(f"{folder} holds no cache")
    return folder


class opened:  # noqa: N801  (used like a function)
    """The folder's storage while no server runs there; `names` gets what it did unasked."""

    def __init__(self, folder: Path, limit: int, names: list[str]) -> None:
        self._folder = folder
        try:
            self._storage = DiskStorage(folder, limit, lambda _, name, __: names.append(name))
        except FolderInUse as trouble:
            stop(str(trouble))
        except OSError as trouble:
            stop(f"cannot read {trouble.filename or folder}: {trouble.strerror}")

    def __enter__(self) -> DiskStorage:
        return self._storage

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._storage.close()
        if isinstance(error, OSError):
            stop(f"cannot read {error.filename or self._folder}: {error.strerror}")


def stop(sentence: str) -> NoReturn:
    """One sentence, and the exit code for wrong usage."""
    click.echo(f"affected-cache: {sentence}", err=True)
    sys.exit(USAGE)
