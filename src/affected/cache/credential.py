"""The token for the shared cache: from the environment, or from a command that prints it.

Unaware of what the token is for. Neither it nor what the command says is ever told to anybody.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from affected.config.remote import TOKEN_VARIABLE
from affected.errors import RemoteTrouble

LONGEST: Final = 10.0  # seconds that a command may take


def find_token(environ: Mapping[str, str], command: Sequence[str], folder: Path) -> str:
    """AFFECTED_TOKEN, else the first line that `command` prints in `folder`; "" without either.

    Raises RemoteTrouble, with the command's name and no word of what it said.
    """
    named = environ.get(TOKEN_VARIABLE, "").strip()
    if named:
        return _checked(named, TOKEN_VARIABLE)
    if not command:
        return ""
    name = f"credential-command `{command[0]}`"
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        raise RemoteTrouble(f"{name} took more than {LONGEST:.0f} s") from None
    except (OSError, ValueError):
        raise RemoteTrouble(f"{name} cannot be run") from None
    if done.returncode:
        raise RemoteTrouble(f"{name} failed with exit code {done.returncode}")
    token = done.stdout.decode("utf-8", "replace").strip().partition("\n")[0].strip()
    if not token:
        raise RemoteTrouble(f"{name} printed nothing")
    return _checked(token, name)


def _checked(token: str, source: str) -> str:
    if not (token.isascii() and token.isprintable()):
        raise RemoteTrouble(f"{source} holds signs that no token has")
    return token
