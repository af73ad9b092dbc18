"""The pre-push hook: where git looks for it, putting ours there, and taking it away again.

Unaware of what the hook runs. A hook of somebody else is never overwritten: it is left alone, or
kept beside ours, which then runs it first.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from affected.errors import UserError
from affected.git.repository import Repository

NAME: Final = "pre-push"
KEPT: Final = "pre-push.before-affected"
_MARK: Final = "# written by `affected hook install`"

_SCRIPT: Final = """\
#!/bin/sh
{mark}; `affected hook uninstall` takes it away.
# Skip it once: AFFECTED_HOOK=skip git push, or git push --no-verify (skips every hook).
pushed=$(cat)
before="$(dirname "$0")/{kept}"
if [ -x "$before" ]; then
    printf '%s\\n' "$pushed" | "$before" "$@" || exit
fi
[ "${{AFFECTED_HOOK:-}}" = skip ] && exit 0
if [ -x {program} ]; then
    set -- {words}
elif command -v affected >/dev/null 2>&1; then
    set -- affected
else
    echo "affected is not installed here any more: pushed unchecked" >&2
    exit 0
fi
printf '%s\\n' "$pushed" | "$@" hook run --budget {budget}
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation did: the hook's file, and the one of somebody else that it keeps."""

    path: Path
    kept: Path | None


def folder_of_hooks(repository: Repository) -> Path:
    """Where git looks for hooks: core.hooksPath, else the common git folder of all worktrees."""
    configured = repository.config_value("core.hooksPath")
    if configured:
        return Path(os.path.normpath(repository.root / Path(configured).expanduser()))
    return repository.common_dir / "hooks"


def install(
    repository: Repository, command: Sequence[str], budget: str, *, chain: bool
) -> Installed:
    """Put our hook there; `command` starts the tool, its first word is a path.

    UserError, and nothing changed, when another hook is there and `chain` is not asked for, or when
    the folder serves other repositories too.
    """
    folder = folder_of_hooks(repository)
    _refuse_shared(repository, folder)
    path, kept = folder / NAME, folder / KEPT
    other = path.exists() and not is_ours(path)
    if other and not chain:
        raise UserError(
            f"there is a pre-push hook already: {path}",
            "`--chain` keeps it and runs it first; or add to it: affected hook run < what it reads",
        )
    if other and kept.exists():
        raise UserError(f"{kept} is in the way", "move it elsewhere")
    script = _SCRIPT.format(
        mark=_MARK,
        kept=KEPT,
        program=shlex.quote(command[0]),
        words=" ".join(map(shlex.quote, command)),
        budget=shlex.quote(budget),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if other:
            path.rename(kept)
        beside = folder / f".{NAME}.{os.getpid()}"
        beside.write_text(script, encoding="utf-8", errors="surrogateescape")
        beside.chmod(0o755)
        beside.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
    return Installed(path, kept if kept.exists() else None)


def uninstall(repository: Repository) -> Installed | None:
    """Take our hook away and put back the one that it kept; None when ours is not there.

    UserError when the hook there is somebody else's.
    """
    folder = folder_of_hooks(repository)
    path, kept = folder / NAME, folder / KEPT
    if not path.exists():
        return None
    if not is_ours(path):
        raise UserError(f"{path} was not written by affected", "remove it by hand if you want to")
    if kept.exists():
        kept.replace(path)
        return Installed(path, path)
    path.unlink()
    return Installed(path, None)


def is_ours(path: Path) -> bool:
    """True for a hook that an installation wrote."""
    try:
        return _MARK in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _refuse_shared(repository: Repository, folder: Path) -> None:
    inside = (repository.root.resolve(), repository.common_dir.resolve())
    if not any(folder.resolve().is_relative_to(place) for place in inside):
        raise UserError(
            f"core.hooksPath is {folder}, which other repositories may use too",
            "set it for this repository: git config core.hooksPath .git/hooks",
        )
