"""Git as a child process: one place that starts it, cleans its environment and reads its errors.

Unaware of what any git command means.
"""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from affected.errors import UserError

# What git itself exports to hooks and aliases to pin one repository, index or object store
# (`git rev-parse --local-env-vars`). We find the repository from the folder, so these would
# only mislead. The variables that carry configuration (GIT_CONFIG_COUNT and its family,
# GIT_CONFIG_PARAMETERS) stay: CI systems put safe.directory and credentials there.
_MISLEADING: Final = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CEILING_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GLOB_PATHSPECS",
        "GIT_GRAFT_FILE",
        "GIT_ICASE_PATHSPECS",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NAMESPACE",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)

_HINTS: Final = (
    (
        "dubious ownership",
        "if you trust that folder's owner: git config --global --add safe.directory FOLDER",
    ),
    ("must be run in a work tree", "the repository is bare: run affected in a checkout of it"),
    ("index file corrupt", "rebuild git's index: rm .git/index && git reset"),
    ("bad signature", "rebuild git's index: rm .git/index && git reset"),
    ("index file smaller than expected", "rebuild git's index: rm .git/index && git reset"),
    ("bad config", "mend that line of git's configuration"),
)

_MAX_ERROR_LINES: Final = 8


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` for a git child: nothing that pins a repository, English, no prompts, no locks.

    A user's own GIT_OPTIONAL_LOCKS wins; otherwise git leaves the index's lock file alone, so a
    run never makes a commit or rebase in another terminal fail.
    """
    kept = {name: value for name, value in environ.items() if name not in _MISLEADING}
    kept["LC_ALL"] = "C"
    kept["GIT_TERMINAL_PROMPT"] = "0"
    kept.setdefault("GIT_OPTIONAL_LOCKS", "0")
    return kept


class Answer(NamedTuple):
    """What one git command said: its exit status (negative: killed) and its two streams."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def words(self) -> str:
        """Git's own words on standard error, printable, a few lines at most."""
        text = self.stderr.decode("utf-8", "backslashreplace").strip()
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return "\n".join(lines[:_MAX_ERROR_LINES])


def failure(arguments: Collection[str], answer: Answer) -> UserError:
    """The error for a git command that failed: the command and git's own words."""
    words = answer.words or f"exit status {answer.status}"
    hint = next((way_out for sign, way_out in _HINTS if sign in words.lower()), "")
    return UserError(f"git {' '.join(arguments)} failed: {words}", hint)


class Git:
    """Runs git in one folder, with one environment.

    Differs from `Repository` in knowing nothing of commands: it starts, feeds and reads them.
    """

    __slots__ = ("_environ", "_options", "folder")

    def __init__(
        self, folder: Path, environ: Mapping[str, str], options: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self._environ = clean_environ(environ)
        self._options = options

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment that git gets."""
        return self._environ

    def start(
        self, *arguments: str, feed: bool = False, detached: bool = False, lazy: bool = True
    ) -> subprocess.Popen[bytes]:
        """Start git and return at once; UserError when there is no git.

        `feed` opens its standard input; `detached` takes the terminal away from it, so that
        nothing it starts can ask there; `lazy` False forbids a partial clone to fetch.
        """
        environ = self._environ if lazy else {**self._environ, "GIT_NO_LAZY_FETCH": "1"}
        try:
            return subprocess.Popen(
                ("git", *self._options, *arguments),
                cwd=self.folder,
                env=environ,
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=detached,
            )
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise UserError(f"the folder {self.folder} is gone") from error
            raise UserError(
                "this is a git repository, but there is no `git` on PATH", "install git"
            ) from error
        except OSError as error:
            raise UserError(f"git cannot be started: {error.strerror}") from error

    def ask(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        seconds: float | None = None,
        lazy: bool = True,
    ) -> Answer:
        """Run git to its end, whatever its exit status; killed after `seconds`, with that said."""
        process = self.start(
            *arguments, feed=stdin is not None, detached=seconds is not None, lazy=lazy
        )
        return finish(process, stdin, seconds)

    def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        accept: Collection[int] = (0,),
        lazy: bool = True,
    ) -> Answer:
        """Run git to its end; UserError when its exit status is not in `accept`."""
        answer = self.ask(*arguments, stdin=stdin, lazy=lazy)
        if answer.status not in accept:
            raise failure(arguments, answer)
        return answer


def finish(
    process: subprocess.Popen[bytes], stdin: bytes | None = None, seconds: float | None = None
) -> Answer:
    """Wait for a started git; whatever interrupts the wait ends the child too."""
    try:
        stdout, stderr = process.communicate(stdin, seconds)
    except subprocess.TimeoutExpired:
        stop(process, group=True)
        return Answer(-9, b"", f"no answer within {seconds:g} s".encode())
    except BaseException:
        stop(process)
        raise
    return Answer(process.returncode, stdout, stderr)


def stop(process: subprocess.Popen[bytes], *, group: bool = False) -> None:
    """End a child that is no longer wanted, with all it started if it leads its own group."""
    if process.poll() is None:
        if group:
            _kill_group(process.pid)
        process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    process.wait()


def _kill_group(leader: int) -> None:
    import os  # noqa: PLC0415  # only after a timeout
    import signal  # noqa: PLC0415

    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
