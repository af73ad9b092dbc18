"""Programs that read nothing but what they are given: their input, and the files named to them.

Unaware of scopes. What is known of them: POSIX's descriptions of these utilities.
"""

from __future__ import annotations

import os
from typing import Any, Iterator, List, Mapping, Optional, Sequence

from . import paths

# Utilities that start no other program and read no file that is not an argument of theirs.
_PLAIN = frozenset(("cat", "cut", "echo", "false", "head", "less", "more", "printf", "sleep")) | {
    *("sort", "tail", "tr", "true", "uniq", "wc")
}
_FOLDERS = ("/bin/", "/usr/bin/")
# What makes the loader or `less` read more files, or start programs.
_LOADED = ("LD_PRELOAD", "LD_LIBRARY_PATH", "LESSOPEN", "LESSCLOSE", "LESSKEY", "LESSHISTFILE")


def named_files(program: Any, words: Any, folder: Any, environ: Any) -> Optional[List[str]]:
    """The files that a plain program may read, absolute; None for any other program.

    `program` and `words` are as `subprocess.Popen` tells them, `folder` its working folder (None:
    ours), `environ` the child's (None: ours).
    """
    if not isinstance(words, (list, tuple)):
        return None
    name = paths.as_text(program) or ""
    if "/" not in name:
        name = _found(name)
    if not name.startswith(_FOLDERS) or os.path.basename(name) not in _PLAIN:
        return None
    given: Mapping[Any, Any] = os.environ if environ is None else environ
    if not {paths.as_text(name) for name in given}.isdisjoint(_LOADED):
        return None
    start = os.getcwd() if folder is None else os.path.join(os.getcwd(), os.fspath(folder))
    return [os.path.normpath(os.path.join(start, text)) for text in _arguments(words)]


def _found(name: str) -> str:
    for folder in _FOLDERS:
        if name and os.path.exists(folder + name):
            return folder + name
    return ""


def _arguments(words: Sequence[Any]) -> Iterator[str]:
    """Whatever may name a file: arguments, and what follows the "=" of an option."""
    for word in list(words)[1:]:
        text = paths.as_text(word)
        if text:
            yield text.partition("=")[2] if text.startswith("-") and "=" in text else text
