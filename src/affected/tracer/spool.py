"""Writes what was seen, as JSON lines, one file a process. Unaware of what they mean to others.

Format, version 2. Every line is a JSON array; the first item is its tag. Paths are repo paths
(lone surrogates stand for bytes that are not UTF-8). A reader skips tags it does not know and a
last line without a newline.

    ["start", 2, pid, worker, python]   worker: "" | "gw0" … | "controller"
    ["plugins-loaded"]                  what was seen before happened while plugins were loaded
    ["pytest", version, [[plugin distribution, version] …], rootdir]
    ["parsed", file, seconds]           one test file was collected
    ["collected", file, first, [id …]]  its tests; their numbers start at `first`
    ["values", name]                    file beside this one: what import came to (see `choice`)
    ["left", file, [id …]]              tests that were collected and will not run
    ["ready", n]                        collection is over: n tests
    ["run", file]                       tests of another file begin
    ["test", number or id, file, outcome, seconds, message, details, rerun, next, context]
                                        next: number of the test that follows, -1 when unknown
    ["result", file, id, outcome, seconds, message, details]   the collection of a file gave this
    ["seen", scope, [[kind, name] …]]   in the order in which it happened
    ["blind", scope, code, what]
    ["blocks", whether]                 whether blocks are seen in this process
    ["codes", file, first, [line …]]    functions' code of a module: their numbers start at `first`;
                                        the first line of each one's block, 0: the module's own
    ["entered", scope, [number …]]      functions that ran
    ["whole", file]                     functions of this file may have run unseen
    ["uses", context, [fixture …]]      fixtures of wider scope that the context's tests used
    ["needs", fixture, [fixture …]]     fixtures that fixture used
    ["pairs", [[importer, imported] …]] import statements, both first-party files
    ["asks", [[file, top] …]]           import statements of first-party files for installed ones
    ["external-pairs", [[top, top] …]]  import statements between installed modules
    ["net", [[path, what] …]]           what writing came to by now: same | changed | created |
                                        removed, compared to before this process's first write
    ["summary", begin, end]             byte offsets in the log of pytest's terminal summary
    ["end", exit status]

Scopes: "session", "file:PATH" (a test file's collection), "tests:NUMBER" (a context: one test, or
neighbours in one file that together took some milliseconds), "module:PATH" (a first-party module's
body is running), "external:TOP" (an installed module's body is running; TOP is its top-level
name), "fixture:ID" (a fixture of wider scope than a test is set up or torn down; with an ID
"memo:FILE:LINE" a function that remembers its result runs, and who mentions it uses it).

Kinds: r read, l listing, p probe, w written, m first-party file loaded dynamically, b first-party
file loaded by an import statement while tests run, x top-level name of an installed module loaded
dynamically, or "distribution:NAME" or "entry-points:GROUP" looked up among the installed ones, i
the whole list of installed distributions (no name).
"""

from __future__ import annotations

import json
import os
from typing import Any, List

VERSION = 2  # 2: contexts of tests in place of files, blocks
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Spool:
    """One process's file: lines are gathered and written together by `flush`."""

    def __init__(self, folder: str, name: str) -> None:
        self.path = os.path.join(folder, name)
        self._lines: List[str] = []
        self._pid = os.getpid()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(self.path, flags, 0o600)

    def add(self, line: List[Any]) -> None:
        """Queue one line."""
        self._lines.append(_encode(line))

    def flush(self) -> None:
        """Write what is queued with one call; nothing in a forked child."""
        if not self._lines or os.getpid() != self._pid:
            return
        content = ("\n".join(self._lines) + "\n").encode("ascii")
        self._lines.clear()
        while content:
            content = content[os.write(self._file, content) :]
