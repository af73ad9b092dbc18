"""The command `affected-cache`, also `python -m cache_server`.

Unaware of how anything is served.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import click

from cache_server import settings as parse
from cache_server import upkeep
from cache_server.auth import Access, anonymous_scope, parse_tokens
from cache_server.journal import Journal
from cache_server.settings import Address, Settings, SettingsError, Tls
from cache_server.storage.disk_files import FolderInUse
from cache_server.upkeep import stop

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def program() -> None:
    """A shared cache for `affected`, Bazel, Pants, moon and others (Remote Execution API v2)."""


@program.command()
@click.option("--listen", default="127.0.0.1:8980", show_default=True, metavar="HOST:PORT")
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Where blobs are kept.")
@click.option("--max-size", default="50G", show_default=True, help="A limit that is never passed.")
@click.option(
    "--s3",
    metavar="s3://BUCKET/PREFIX",
    help="Keep all there too; --dir is a copy of the last used.",
)
@click.option("--s3-endpoint", metavar="URL", help="Where S3 is, if not at Amazon.")
@click.option("--s3-timeout", default=20.0, show_default=True, help="Seconds for a call to S3.")
@click.option("--metrics", metavar="HOST:PORT", help="Answer Prometheus there.")
@click.option("--tls-cert", type=FILE, help="Serve TLS with this certificate (PEM).")
@click.option("--tls-key", type=FILE, help="The certificate's key (PEM).")
@click.option("--client-ca", type=FILE, help="Let in only clients with a certificate of it.")
@click.option("--tokens", type=FILE, help="Lines of TOKEN read|read-write [NAME].")
@click.option(
    "--anonymous",
    type=click.Choice(["none", "read", "read-write"]),
    help="What callers without a token may do.",
)
@click.option(
    "--processes",
    type=click.IntRange(0, 64),
    default=0,
    help="Processes on the port; 0 (the default): one a core, at most 8.",
)
@click.option("--log-calls", is_flag=True, help="A log line for each call, not only failed ones.")
@click.option(
    "--drain-seconds", default=30.0, show_default=True, help="Time that calls get to end."
)
def serve(
    listen: str,
    folder: Path | None,
    max_size: str,
    s3: str | None,
    s3_endpoint: str | None,
    s3_timeout: float,
    metrics: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    client_ca: Path | None,
    tokens: Path | None,
    anonymous: str | None,
    processes: int,
    log_calls: bool,
    drain_seconds: float,
) -> None:
    """Serve until SIGTERM or SIGINT. Log lines (JSON) go to standard error.

    AFFECTED_CACHE_TOKENS may hold tokens as --tokens does, separated by commas or line ends.
    """
    try:
        settings = Settings(
            listen=parse.parse_address(listen),
            folder=folder or parse.default_folder(os.environ),
            max_bytes=parse.parse_size(max_size),
            metrics=None if metrics is None else parse.parse_address(metrics),
            tls=tls_of(tls_cert, tls_key, client_ca),
            s3=s3,
            s3_endpoint=s3_endpoint,
            s3_seconds=s3_timeout,
            processes=processes or min(os.cpu_count() or 1, 8),
            log_calls=log_calls,
            drain_seconds=drain_seconds,
        )
        access = access_of(tokens, anonymous, settings.listen, client_ca)
        run(settings, access)
    except SettingsError as trouble:
        stop(str(trouble))
    except FolderInUse as trouble:
        stop(f"{trouble}; give another --dir")
    except OSError as trouble:
        stop(f"cannot use {trouble.filename or folder}: {trouble.strerror}")


for command in (upkeep.check, upkeep.gc, upkeep.lifecycle):
    program.add_command(command)


def tls_of(certificate: Path | None, key: Path | None, authority: Path | None) -> Tls | None:
    """TLS's three options together; SettingsError when one that is needed is missing."""
    if certificate is None and key is None:
        if authority is not None:
            raise SettingsError("--client-ca needs --tls-cert and --tls-key")
        return None
    if certificate is None or key is None:
        raise SettingsError("--tls-cert and --tls-key go together")
    return Tls(certificate, key, authority)


def access_of(
    file: Path | None, anonymous: str | None, listen: Address, authority: Path | None
) -> Access:
    """Who may do what, from the file, the environment and where the server listens."""
    tokens = parse_tokens(os.environ.get("AFFECTED_CACHE_TOKENS", ""))
    if file is not None:
        tokens |= parse_tokens(file.read_text(encoding="utf-8"))
        if not tokens:
            raise SettingsError(f"{file} holds no token")
    scope = anonymous_scope(
        anonymous,
        tokens=bool(tokens),
        loopback=listen.is_loopback(),
        client_authority=authority is not None,
    )
    return Access(tokens, scope)


def run(settings: Settings, access: Access) -> None:
    """Serve until a signal says to stop; SettingsError when a package that it takes is missing."""
    try:
        from cache_server.crew import Crew, Solo  # noqa: PLC0415  (so that errors and help are quick)
    except ModuleNotFoundError as missing:
        raise SettingsError(
            f"{missing.name} is not installed: pip install 'affected-ci[server]'"
        ) from missing
    journal = Journal(sys.stderr, time.time)
    kind = Solo if settings.processes == 1 else Crew
    over = threading.Event()
    server = kind(settings, access, journal, os.environ)
    try:
        journal.write("serving", **server.start())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: over.set())
        server.serve(over)
        journal.write("draining", seconds=settings.drain_seconds)
        server.drain()
        journal.write("stopped")
    finally:
        server.close()


def main() -> None:
    """Entry point."""
    program(prog_name="affected-cache")


if __name__ == "__main__":
    main()
