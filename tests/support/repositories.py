"""Real git repositories for tests, built in a few words and the same on every machine.

Unaware of the code under test. Nothing here reads the user's git configuration or needs a name
configured, and commits carry a fixed date, so equal steps give equal commit ids.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


def isolated_environ(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment in which git sees no configuration but the repository's own.

    `extra` comes on top. Submodules and clones from local folders are allowed.
    """
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "AFFECTED_", "GITHUB_", "GITLAB_"))
        and name not in {"CI", "XDG_CONFIG_HOME"}
    }
    return environ | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "4",
        "GIT_CONFIG_KEY_0": "protocol.file.allow",
        "GIT_CONFIG_VALUE_0": "always",
        "GIT_CONFIG_KEY_1": "init.defaultBranch",
        "GIT_CONFIG_VALUE_1": "main",
        "GIT_CONFIG_KEY_2": "core.fsync",  # nothing here must outlive a power cut
        "GIT_CONFIG_VALUE_2": "none",
        "GIT_CONFIG_KEY_3": "gc.auto",
        "GIT_CONFIG_VALUE_3": "0",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.invalid",
        "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.invalid",
        "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
        "HOME": os.devnull,
        **(extra or {}),
    }


@dataclass(frozen=True, slots=True)
class GitTree:
    """A checkout in `root`, and the environment its git commands run in."""

    root: Path
    environ: Mapping[str, str]

    @staticmethod
    def init(root: Path, *options: str, extra: Mapping[str, str] | None = None) -> GitTree:
        """A new repository; `options` go to `git init` ("--object-format=sha256")."""
        tree = GitTree(root, isolated_environ(extra))
        root.mkdir(parents=True, exist_ok=True)
        tree.git("init", "-q", *options)
        return tree

    def git(self, *arguments: str, accept: tuple[int, ...] = (0,)) -> str:
        """Run git here and return its output, without the last line end; AssertionError if not."""
        answer = subprocess.run(
            ("git", *arguments),
            cwd=self.root,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        words = os.fsdecode(answer.stderr)
        assert answer.returncode in accept, f"git {' '.join(arguments)}: {words}"
        return os.fsdecode(answer.stdout).rstrip("\n")

    def write(self, path: str, content: str | bytes = "", *, executable: bool = False) -> Path:
        """Write a file, its folders too; text goes out as UTF-8, line ends as they are."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        if executable:
            file.chmod(0o755)
        return file

    def link(self, path: str, text: str) -> Path:
        """Make a symbolic link that says `text`."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(text)
        return file

    def delete(self, path: str) -> None:
        """Remove a file from disk, git's index untouched."""
        (self.root / path).unlink()

    def commit(self, message: str = "change", *, everything: bool = True) -> str:
        """Commit all that is on disk (or only what is staged); returns the commit id."""
        if everything:
            self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "--no-verify", "-m", message)
        return self.head()

    def commit_files(self, files: Mapping[str, str | bytes], message: str = "change") -> str:
        """Write files and commit everything; returns the commit id."""
        for path, content in files.items():
            self.write(path, content)
        return self.commit(message)

    def head(self) -> str:
        """The commit id of HEAD."""
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Make a branch and switch to it."""
        self.git("checkout", "-q", "-b", name, start)

    def checkout(self, revision: str) -> None:
        """Switch to a branch or commit."""
        self.git("checkout", "-q", revision)

    def merge(self, *revisions: str) -> str:
        """Merge with a merge commit, always; returns its id."""
        self.git("merge", "-q", "--no-ff", "--no-edit", "-m", "merge", *revisions)
        return self.head()

    def submodule(self, path: str, source: GitTree) -> GitTree:
        """Add `source` as a submodule at `path` (staged, not committed); returns its checkout.

        The same as `git submodule add`, which is a slow script.
        """
        kept = self.root / self.git("rev-parse", "--git-path", f"modules/{path}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        self.git("clone", "-q", f"--separate-git-dir={kept}", str(source.root), path)
        inside = self.at(path)
        up = os.path.relpath(inside.root, kept)
        inside.git("config", "core.worktree", up)
        (inside.root / ".git").write_text(f"gitdir: {os.path.relpath(kept, inside.root)}\n")
        section = f"submodule.{path}"
        self.git("config", "-f", ".gitmodules", f"{section}.path", path)
        self.git("config", "-f", ".gitmodules", f"{section}.url", str(source.root))
        self.git("config", f"{section}.url", str(source.root))
        self.git("add", ".gitmodules", path)
        return inside

    def worktree(self, folder: Path, branch: str) -> GitTree:
        """A linked worktree on a new branch."""
        self.git("worktree", "add", "-q", "-b", branch, str(folder))
        return GitTree(folder, self.environ)

    def clone(self, folder: Path, *options: str) -> GitTree:
        """A clone over git's own protocol ("--depth=1", "--bare", "--filter=blob:none")."""
        self.git("clone", "-q", *options, f"file://{self.root}", str(folder))
        return GitTree(folder, self.environ)

    def at(self, path: str) -> GitTree:
        """The same git environment in another folder: a submodule, a nested clone."""
        return GitTree(self.root / path, self.environ)
