"""What `affected init` would write here: settings, CI files, and the hook. Writes nothing itself.

Unaware of how proposals are shown and confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from affected.app.compose import Workspace
from affected.ci.templates import CACHE, TEMPLATES
from affected.fs.atomic import read_bytes_or_none
from affected.git.hooks import NAME, folder_of_hooks, is_ours

_MARKS: Final = {
    "github": (".github",),
    "gitlab": (".gitlab-ci.yml", ".gitlab"),
    "buildkite": (".buildkite",),
}
_HOSTS: Final = {"github": "github.com", "gitlab": "gitlab"}
_TABLE: Final = """\
[tool.affected]
# Everything has a default that works; these are the two that projects most often need.
env = []     # variables that tests may see, by name or pattern; their values count as inputs
inputs = []  # globs of files that every test depends on, unseen by the tracer
"""
_ALONE: Final = _TABLE.replace(
    "[tool.affected]\n", "# Settings of affected, for the whole workspace.\n"
)
_PYTHON: Final = "3.12"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One file: what it would hold, and what it holds; `old` is None for a new one."""

    path: Path
    shown: str
    old: str | None
    new: str
    addition: bool  # everything that is there stays as it is

    @property
    def needless(self) -> bool:
        """True when the file holds it already."""
        return self.old == self.new


def proposals(workspace: Workspace, systems: Sequence[str]) -> list[Proposal]:
    """What would be written for these CI systems (none named: those that are in use here)."""
    found = [_settings(workspace.root), _ignored(workspace.root)]
    chosen = list(systems) or list(_in_use(workspace))
    branch = _default_branch(workspace)
    for system in chosen:
        if system in TEMPLATES:
            path, template = TEMPLATES[system]
            text = template(branch, _PYTHON, install_commands(workspace.root))
            found.append(_file(workspace.root, path, text))
            found += _entrance(workspace.root, system, path)
    return [proposal for proposal in found if proposal is not None]


def wants_hook(workspace: Workspace) -> bool:
    """True where the pre-push hook could be installed and is not."""
    if workspace.repository is None:
        return False
    hook = folder_of_hooks(workspace.repository) / NAME
    return not (hook.exists() and is_ours(hook))


def install_commands(root: Path) -> list[str]:
    """How the project and `affected` are installed on a fresh machine."""
    if (root / "uv.lock").exists():
        return ["pip install uv affected-ci", "uv sync --all-packages"]
    if (root / "poetry.lock").exists():
        return ["pip install poetry affected-ci", "poetry install"]
    names = ("requirements-dev.txt", "requirements.txt")
    lists = [name for name in names if (root / name).exists()]
    commands = [f"pip install -r {name}" for name in lists[:1]]
    manifest = read_bytes_or_none(root / "pyproject.toml") or b""
    if b"[project]" in manifest and b"[build-system]" in manifest:
        commands.append("pip install -e .")
    return [*commands, "pip install pytest affected-ci"]


def _settings(root: Path) -> Proposal | None:
    if (root / "affected.toml").exists():
        return None
    raw = read_bytes_or_none(root / "pyproject.toml")
    if raw is None:
        return Proposal(root / "affected.toml", "affected.toml", None, _ALONE, addition=True)
    text = raw.decode("utf-8", "surrogateescape")
    if "[tool.affected" in text:
        return None
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    path = root / "pyproject.toml"
    return Proposal(path, "pyproject.toml", text, text + gap + _TABLE, addition=True)


def _ignored(root: Path) -> Proposal | None:
    raw = read_bytes_or_none(root / ".gitignore")
    text = (raw or b"").decode("utf-8", "surrogateescape")
    if CACHE in text:
        return None
    gap = "" if not text or text.endswith("\n") else "\n"
    old = None if raw is None else text
    return Proposal(root / ".gitignore", ".gitignore", old, f"{text}{gap}{CACHE}/\n", addition=True)


def _file(root: Path, shown: str, new: str) -> Proposal:
    raw = read_bytes_or_none(root / shown)
    old = None if raw is None else raw.decode("utf-8", "surrogateescape")
    return Proposal(root / shown, shown, old, new, addition=old is None)


def _entrance(root: Path, system: str, path: str) -> list[Proposal]:
    """The file in which the CI system begins, where there is none yet."""
    if system == "gitlab" and not (root / ".gitlab-ci.yml").exists():
        return [_file(root, ".gitlab-ci.yml", f"include:\n  - local: {path}\n")]
    return []


def _in_use(workspace: Workspace) -> Iterator[str]:
    marked = [s for s, marks in _MARKS.items() if any((workspace.root / m).exists() for m in marks)]
    if marked or workspace.repository is None:
        yield from marked
        return
    for remote in workspace.repository.remotes()[:1]:
        url = workspace.repository.config_value(f"remote.{remote}.url") or ""
        yield from (system for system, host in _HOSTS.items() if host in url)


def _default_branch(workspace: Workspace) -> str:
    repository = workspace.repository
    for remote in repository.remotes()[:1] if repository is not None else ():
        head = repository.symbolic_ref(f"refs/remotes/{remote}/HEAD") if repository else None
        if head:
            return head.removeprefix(f"refs/remotes/{remote}/")
    return "main"
