"""Opens the shared cache, by name only: nothing is loaded or connected before somebody asks.

Unaware of what is kept there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from affected.config.remote import (
    TOKEN_VARIABLE,
    CachePolicy,
    RemoteAddress,
    chosen_address,
)
from affected.config.schema import Config
from affected.errors import RemoteTrouble
from affected.report.protocol import RemoteStatus

if TYPE_CHECKING:
    from affected.cache.plain_calls import Line
    from affected.cache.remote import Certificates
    from affected.cache.shared import SharedStore


def open_shared(
    root: Path, config: Config, environ: Mapping[str, str], policy: CachePolicy
) -> SharedStore | None:
    """The shared cache as the settings say; None without one, or where the run may not use it.

    Raises UserError for an address that is none.
    """
    address = chosen_address(config.remote, environ)
    if address is None or not (policy.remote.reads or policy.remote.writes):
        return None
    from affected.cache.shared import SharedStore  # noqa: PLC0415  (only where there is one)

    return SharedStore(
        str(address),
        address.instance,
        lambda: _connect(root, config, environ, address),
        reads=policy.remote.reads,
        writes=policy.remote.writes,
    )


def remote_status(
    shared: SharedStore | None, config: Config, environ: Mapping[str, str]
) -> RemoteStatus | None:
    """What a look at the shared cache finds; None without one. Waits as long as a run would."""
    address = chosen_address(config.remote, environ)
    if shared is None or address is None:
        return None
    health = shared.look()
    named = bool(environ.get(TOKEN_VARIABLE) or config.credential_command)
    return RemoteStatus(
        name=shared.name,
        trouble=health.trouble,
        writes=health.writes,
        batched=health.batched,
        round_trip=health.round_trip,
        bare_token=named and not address.tls and not address.loopback,
    )


def _connect(
    root: Path, config: Config, environ: Mapping[str, str], address: RemoteAddress
) -> Line:
    from affected import __version__  # noqa: PLC0415
    from affected.cache.credential import find_token  # noqa: PLC0415
    from affected.cache.remote import Connection  # noqa: PLC0415  (loads grpc)
    from affected.cache.wire import announcement  # noqa: PLC0415
    from affected.ci.detect import detect  # noqa: PLC0415

    token = find_token(environ, config.credential_command, root)
    return Connection(
        address,
        token=token,
        certificates=_certificates(root, config, environ),
        said=[announcement(__version__, detect(environ).run)],
    )


def _certificates(root: Path, config: Config, environ: Mapping[str, str]) -> Certificates:
    from affected.cache.remote import Certificates  # noqa: PLC0415

    def read(key: str, configured: str | None) -> bytes | None:
        variable = f"AFFECTED_{key.upper().replace('-', '_')}"
        name = environ.get(variable) or configured
        if not name:
            return None
        try:
            return (root / Path(os.path.expanduser(name))).read_bytes()  # noqa: PTH111
        except OSError as error:
            source = variable if environ.get(variable) else f"`{key}`"
            raise RemoteTrouble(f"{source}: {name}: {error.strerror or 'unreadable'}") from error

    return Certificates(
        authority=read("remote-ca", config.remote_ca),
        certificate=read("remote-cert", config.remote_cert),
        key=read("remote-key", config.remote_key),
    )
