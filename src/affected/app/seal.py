"""The seal: what was true of the workspace when everything in it was proved, as plain stamps.

Unaware of records, targets and settings. While it holds, `affected run` has nothing to do, and to
see that it holds costs git's own status and some stamps; when in doubt it is broken, which costs
time only. Loads nothing that a run with nothing to do does not need.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from affected import __version__
from affected.cache.backlog import something_waits
from affected.cache.generation import generation_at
from affected.git.status_command import start
from affected.run.environment import COUNTED

FORMAT: Final = 1  # 1: the first one
NAME: Final = "seal.json"
CACHE_VARIABLE: Final = "AFFECTED_CACHE_DIR"
FINDING: Final = ("PATH", "VIRTUAL_ENV", "HOME", "XDG_CONFIG_HOME", "GIT_*", "AFFECTED_*")
TOKEN_VARIABLE: Final = "AFFECTED_TOKEN"  # noqa: S105  (a secret, and no input)
_PATTERN: Final = re.compile(r"[*?\[]")


def cache_folder(root: Path, configured: str | None, environ: Mapping[str, str]) -> Path:
    """AFFECTED_CACHE_DIR, else the configured folder, else the XDG cache folder."""
    named = environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    if configured:
        return root / Path(configured).expanduser()
    xdg = Path(environ.get("XDG_CACHE_HOME") or "")
    return (xdg if xdg.is_absolute() else Path("~/.cache").expanduser()) / "affected"


def workspace_folder(cache: Path, root: Path) -> Path:
    """Where the cache keeps what belongs to the workspace at `root` alone."""
    identity = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:20]
    return cache / "workspaces" / identity


def unbroken(here: Path, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """What to say (plain, coloured) when the seal of the workspace around `here` holds."""
    root = _git_root(here)
    if root is None or _moves_cache(root):
        return None
    cache = cache_folder(root, None, environ)
    if something_waits(cache):  # to be sent to the shared cache
        return None
    try:
        seal = json.loads((workspace_folder(cache, root) / NAME).read_bytes())
        if seal["format"] != FORMAT or seal["tool"] != __version__:
            return None
        pending = start(root, environ)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    holds = (
        seal["environment"] == environment_digest(environ, seal["declared"])
        and seal["generation"] == generation(cache)
        and all(_stamp(path) == stamp for path, stamp in seal["stamps"])
    )
    if _answer(pending) != seal["status"] or not holds:
        return None
    plain, colored = seal["words"]
    return plain, colored


def make(
    cache: Path,
    root: Path,
    environ: Mapping[str, str],
    *,
    declared: Sequence[str],
    paths: Iterable[str],
    words: tuple[str, str],
) -> dict[str, Any] | None:
    """A seal of the workspace as it is now; `paths` are absolute. None when git does not answer.

    It may be put only if the workspace is found unchanged after this was made.
    """
    stamps = [(path, _stamp(path)) for path in sorted(set(paths))]
    status = _answer(start(root, environ))
    if not status:
        return None
    return {
        "format": FORMAT,
        "tool": __version__,
        "status": status,
        "environment": environment_digest(environ, declared),
        "declared": list(declared),
        "generation": generation(cache),
        "stamps": stamps,
        "words": words,
    }


def put(folder: Path, seal: Mapping[str, Any]) -> None:
    """Stores it; a folder that cannot be written to stays unsealed."""
    try:
        part = folder / f"{NAME}.{os.getpid()}"
        part.write_bytes(json.dumps(seal).encode("ascii"))
        part.replace(folder / NAME)
    except OSError:
        return


def break_seal(folder: Path) -> None:
    """Makes the next run look for itself."""
    try:
        (folder / NAME).unlink(missing_ok=True)
    except OSError:
        return


def environment_digest(environ: Mapping[str, str], declared: Iterable[str]) -> str:
    """One digest of every variable that may change what is run or found."""
    wanted = (*FINDING, *COUNTED, *declared)
    exact = {name for name in wanted if not _PATTERN.search(name)}
    starts = tuple(_PATTERN.split(name)[0] for name in wanted if name not in exact)
    rows = sorted(
        (name, value)
        for name, value in environ.items()
        if (name in exact or name.startswith(starts)) and name != TOKEN_VARIABLE
    )
    return hashlib.sha256(repr(rows).encode("utf-8", "surrogateescape")).hexdigest()


def generation(cache: Path) -> str:
    """Changes when a record was evicted from the cache."""
    return generation_at(f"{cache}/records/ledger")


def _git_root(here: Path) -> Path | None:
    folder = here.resolve()
    return next((f for f in (folder, *folder.parents) if (f / ".git").exists()), None)


def _moves_cache(root: Path) -> bool:
    for name in ("affected.toml", "pyproject.toml"):
        try:
            if b"cache-dir" in (root / name).read_bytes():
                return True
        except OSError:
            continue
    return False


def _answer(pending: subprocess.Popen[bytes]) -> str:
    output, _ = pending.communicate()
    if pending.returncode:
        return ""
    return hashlib.sha256(output).hexdigest()


def _stamp(path: str) -> str:
    """Size, times, inode and mode of what has that name, links not followed; "" for nothing."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return ""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino} {found.st_mode}"
