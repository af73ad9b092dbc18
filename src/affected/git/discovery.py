"""Finding the repository that holds a folder, by reading what git itself would read.

Unaware of git's commands: it starts no process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from affected.errors import UserError

_SECTION: Final = r'(?m)^[^\S\n]*\[[^\S\n]*([\w.-]+)(?:[^\S\n]+"((?:[^"\\\n]|\\.)*)")?[^\S\n]*\]'
_SECTIONS: Final = frozenset({"core", "extensions"})
_PREFIX: Final = "gitdir: "
_FALSE: Final = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a checkout and its two git folders are.

    `git_dir` holds what belongs to this checkout (HEAD, index), `common_dir` what all worktrees
    share (objects, refs, config); they are one unless this is a linked worktree.
    """

    root: Path
    git_dir: Path
    common_dir: Path
    object_format: str  # "sha1" or "sha256"
    file_mode: bool = True  # core.fileMode: the disk's executable bits are to be believed


def locate(start: Path) -> Layout | None:
    """The layout of the checkout that holds `start`, None outside of any.

    UserError inside a bare repository, and for a `.git` file that leads nowhere.
    """
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        found = locate_at(candidate)
        if found is not None:
            return found
        if _is_git_dir(candidate):
            raise UserError(
                f"{candidate} is a bare git repository or the inside of one: "
                "there are no files to test",
                "run affected in a checkout of it",
            )
    return None


def locate_at(root: Path) -> Layout | None:
    """The layout of a checkout whose top is `root` itself; None when it is no checkout's top."""
    entry = root / ".git"
    if _is_git_dir(entry):
        return _layout(root, entry)
    text = _text(entry)
    if not text:
        return None
    if not text.startswith(_PREFIX):
        raise UserError(f"{entry} is neither a git folder nor a reference to one")
    git_dir = root / text[len(_PREFIX) :].rstrip("\r\n")
    if not git_dir.is_dir():
        raise UserError(
            f"{entry} leads to {git_dir}, which does not exist",
            "the main repository was moved or is not mounted: git worktree repair",
        )
    return _layout(root, git_dir)


def _is_git_dir(folder: Path) -> bool:
    head = folder / "HEAD"
    return (head.is_file() or head.is_symlink()) and (
        ((folder / "refs").is_dir() and (folder / "objects").is_dir())
        or (folder / "commondir").exists()
    )


def _layout(root: Path, git_dir: Path) -> Layout:
    own = git_dir.resolve()
    reference = _text(own / "commondir").rstrip("\r\n")
    common = (own / reference).resolve() if reference else own
    settings = _settings(_text(common / "config"))
    elsewhere = settings.get("core.worktree", "")
    if elsewhere and own == common:
        tree = (own / elsewhere).resolve()
        if tree.is_dir() and tree != root.resolve():
            raise UserError(
                f"core.worktree of {own} puts the working tree at {tree}",
                "run affected in a checkout of its own: git worktree add FOLDER",
            )
    return Layout(
        root,
        own,
        common,
        settings.get("extensions.objectformat", "sha1").lower(),
        settings.get("core.filemode", "").lower() not in _FALSE,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _settings(configuration: str) -> dict[str, str]:
    """The [core] and [extensions] settings in a configuration file's text, keys in lower case.

    Only what git itself reads before it trusts a repository, so files included do not count.
    """
    found: dict[str, str] = {}
    pieces = re.split(_SECTION, configuration)
    for section, below, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        if below is None and section.lower() in _SECTIONS:
            for line in body.splitlines():
                key, _, value = line.partition("=")
                found[f"{section}.{key.strip()}".lower()] = _unquoted(value)
    return found


def _unquoted(value: str) -> str:
    """A configured value without its comment and quotes."""
    pieces = value.split('"')
    for outside in range(0, len(pieces), 2):
        cut = re.split("[#;]", pieces[outside], maxsplit=1)[0]
        if cut != pieces[outside]:
            pieces[outside:] = [cut]
            break
    return "".join(pieces).strip().replace("\\\\", "\\")
