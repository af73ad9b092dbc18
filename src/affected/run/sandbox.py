"""A place where a command sees its declared inputs and the system, and nothing else of ours.

Unaware of targets and keys. The inputs are copied into a folder; where the kernel allows it without
root (user and mount namespaces, Linux), that folder is put over the workspace for the command
alone, so that every path means what it always means. Elsewhere the command is started in the folder
itself. Source of the interface: the manual pages unshare(2), mount(2) and user_namespaces(7).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from affected.errors import UserError
from affected.fs.outputs import content, harvest
from affected.fs.restore import restore
from affected.model.blob import BlobName
from affected.model.path import ROOT, RepoPath, display, is_under, relative_to

_WORD: Final = re.compile(rb"[\w.@+/-]{2,4096}")
_MOST: Final = 5  # undeclared files named for one command


class SandboxUnavailable(UserError):
    """The folder cannot be made."""


# What runs between us and the command: new user and mount namespaces, installed things bound into
# the folder, the folder bound over the workspace. argv: folder, root, start, COUNT, names, command.
_LAUNCHER: Final = r"""
import ctypes, os, sys
place, root, start, count = sys.argv[1:5]
names, command = sys.argv[5:5 + int(count)], sys.argv[5 + int(count):]
libc = ctypes.CDLL(None, use_errno=True)
uid, gid = os.getuid(), os.getgid()
def must(code):
    if code:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def put(path, text):
    with open(path, "w") as stream:
        stream.write(text)
def bind(source, target):
    must(libc.mount(os.fsencode(source), os.fsencode(target), None, 0x5000, None))
must(libc.unshare(0x10000000 | 0x00020000))
try:
    put("/proc/self/setgroups", "deny")
except OSError:
    pass
put("/proc/self/uid_map", f"{uid} {uid} 1")
put("/proc/self/gid_map", f"{gid} {gid} 1")
must(libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None))
for name in names:
    bind(f"{root}/{name}", f"{place}/{name}")
bind(place, root)
os.chdir(start)
if command:
    os.execvp(command[0], command)
"""


@dataclass(slots=True)
class Sandbox:
    """A folder with a command's inputs. `hidden`: the workspace itself is out of sight."""

    root: Path
    place: Path
    start: RepoPath  # the command's folder
    project: RepoPath
    installed: tuple[RepoPath, ...]  # folders of installed things: .venv, node_modules
    hidden: bool
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the command is started."""
        return self.root if self.hidden else self.place / self.start

    def command(self, arguments: Sequence[str]) -> tuple[str, ...]:
        """The command as it is started."""
        if not self.hidden:
            return tuple(self._inside(argument) for argument in arguments)
        return (*_launched(self.place, self.root, self.start, self.installed), *arguments)

    def _inside(self, argument: str) -> str:
        """A program of the workspace is started where it is seen."""
        below = argument.removeprefix(f"{self.root}/")
        return f"{self.place}/{below}" if below != argument else argument

    def advice(self, output: bytes) -> bytes:
        """Words on files of the workspace that the command spoke of and could not see."""
        found: dict[RepoPath, None] = {}
        for word in _WORD.findall(output):
            path = self._undeclared(os.fsdecode(word))
            if path is not None:
                found[path] = None
        lines = [
            f"sandbox: {display(path)} is not declared; add {self._glob(path)!r} to `inputs`"
            for path in list(found)[:_MOST]
        ]
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")

    def _undeclared(self, word: str) -> RepoPath | None:
        for top in (f"{self.root}/", f"{self.place}/"):
            word = word.removeprefix(top)
        word = word.strip(".").rstrip("/") if not word.startswith("..") else word.rstrip("/")
        if not word or word.startswith("/"):
            return None
        for start in (self.start, ROOT):
            path = os.path.normpath(f"{start}/{word}" if start else word)
            inside = not path.startswith("..") and path != "."
            if inside and (self.root / path).exists() and not (self.place / path).exists():
                return RepoPath(path)
        return None

    def _glob(self, path: RepoPath) -> str:
        whole = (self.root / path).is_dir()
        shown = relative_to(path, self.project) if is_under(path, self.project) else f"/{path}"
        return f"{shown}/**" if whole else shown

    def take_outputs(self, outputs: Sequence[RepoPath]) -> None:
        """Brings what the command wrote to where it belongs."""
        found = harvest(self.place, outputs)
        paths: dict[BlobName, RepoPath] = {
            one.blob: one.path for one in found.written if one.blob is not None
        }
        restore(
            self.root,
            outputs,
            found.written,
            found.folders,
            lambda blob: content(self.place, paths[blob]),
        )

    def close(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.place, ignore_errors=True)


def make_sandbox(
    root: Path,
    place: Path,
    project: RepoPath,
    start: RepoPath,
    paths: Iterable[RepoPath],
    outputs: Iterable[RepoPath],
    hides: Callable[[], bool],
) -> Sandbox:
    """A sandbox with copies of `paths` and room for `outputs`.

    `hides` says whether namespaces work here (see `can_hide`). SandboxUnavailable when the disk is
    full or the like.
    """
    try:
        (place / start).mkdir(parents=True)
        for path in paths:
            target = place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / path, target, follow_symlinks=False)
        for output in outputs:
            (place / output).parent.mkdir(parents=True, exist_ok=True)
        hidden = hides()
        installed = tuple(_installed(root, project))
        for name in installed:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            if hidden:
                (place / name).mkdir(exist_ok=True)
            elif not (place / name).exists():
                (place / name).symlink_to(root / name)
    except OSError as error:
        raise SandboxUnavailable(
            f"no sandbox can be made: {error.strerror or error}", "run it without --sandbox"
        ) from error
    return Sandbox(root, place, start, project, installed, hidden)


def _installed(root: Path, project: RepoPath) -> Iterable[RepoPath]:
    folder = project
    while True:
        for name in (".venv", "node_modules"):
            path = RepoPath(f"{folder}/{name}" if folder else name)
            if (root / path).is_dir():
                yield path
        if not folder:
            return
        folder = RepoPath(folder.rpartition("/")[0])


def can_hide(scratch: Path) -> bool:
    """True when namespaces work here without being root: tried, not guessed."""
    if not sys.platform.startswith("linux"):
        return False
    one, other = scratch / "hide-one", scratch / "hide-other"
    try:
        one.mkdir()
        other.mkdir()
        answer = subprocess.run(
            [*_launched(one, other, ROOT, ()), "/bin/sh", "-c", ":"],
            cwd=other,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def _launched(
    place: Path, root: Path, start: RepoPath, installed: Sequence[RepoPath]
) -> tuple[str, ...]:
    folder = f"{root}/{start}" if start else str(root)
    words = (str(place), str(root), folder, str(len(installed)), *installed)
    return (sys.executable, "-I", "-S", "-c", _LAUNCHER, *words)
