"""Hears the interpreter's audit events and turns them into accesses. Unaware of pytest.

Events and their arguments: https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import ledger as kinds
from . import paths, programs

_MAKES = os.O_CREAT | os.O_TRUNC
_LONGEST = 200
# Standard modules that ask the machine about itself by starting a program.
_SELF_DESCRIPTIONS = ("/platform.py", "/uuid.py", "/ctypes/util.py", "/sysconfig.py")
_getframe = sys._getframe  # noqa: SLF001
Handler = Callable[[Tuple[Any, ...], Any], None]


class Auditor:
    """One handler an event; everything else costs one failed look-up."""

    def __init__(
        self, accesses: Any, trouble: Callable[[BaseException], None], whole: Callable[[Any], None]
    ) -> None:
        self._accesses = accesses
        self._workspace = accesses.workspace
        self._frames = accesses.frames
        self._ledger = accesses.ledger
        self._trouble = trouble
        self._whole = whole  # told of a file whose functions may run unseen
        self.handlers: Dict[str, Handler] = {
            "open": self._open,
            "os.listdir": self._list,
            "os.scandir": self._scan,
            "os.remove": self._removed,
            "os.rmdir": self._removed,
            "os.rename": self._renamed,
            "os.mkdir": self._mkdir,
            "os.truncate": self._written,
            "os.chmod": self._written,
            "os.utime": self._written,
            "os.link": self._linked,
            "os.symlink": self._linked,
            "sqlite3.connect": self._sqlite,
            "ctypes.dlopen": self._dlopen,
            "subprocess.Popen": self._popen,
            "os.posix_spawn": self._spawn,
            "os.exec": self._spawn,
            "os.system": self._spawn,
            "pty.spawn": self._spawn,
            "os.fork": self._fork,
            "os.forkpty": self._fork,
            "code.__new__": self._made_code,
        }

    def install(self) -> Callable[[], None]:
        """Start hearing; the returned function stops it (a hook cannot be taken out again)."""
        handlers = self.handlers
        trouble = self._trouble

        def hear(event: str, args: Tuple[Any, ...]) -> None:
            if event in handlers:
                try:
                    handlers[event](args, _getframe(1))
                except Exception as error:
                    trouble(error)

        sys.addaudithook(hear)
        self._watch_bare_starts()
        return handlers.clear

    def _watch_bare_starts(self) -> None:
        """`multiprocessing` starts programs by a function that has no audit event."""
        try:
            module: Any = __import__("_posixsubprocess")
        except ImportError:
            return
        original = module.fork_exec

        def fork_exec(*args: Any) -> Any:
            try:
                frame = _getframe(1)
                if os.path.basename(frame.f_code.co_filename) != "subprocess.py":
                    self.child(args[0] if args else "?", frame)
            except Exception as error:
                self._trouble(error)
            return original(*args)

        module.fork_exec = fork_exec

    def _open(self, args: Tuple[Any, ...], frame: Any) -> None:
        path = args[0]
        if path.__class__ is int:
            return
        located = self._workspace.locate(path)
        if located is None:
            return
        note = self._accesses.note
        flags = args[2] if args[2].__class__ is int else 0
        if not flags & (os.O_WRONLY | os.O_RDWR | _MAKES):
            note(kinds.READ, located, frame)
            return
        if not flags & os.O_TRUNC:
            # What is there stays (append, update) or must not be there (exclusive).
            there = paths.mode_of(self._workspace.absolute(located))
            note(kinds.READ if there else kinds.PROBE, located, frame)
        note(kinds.WRITTEN, located, frame)

    def _list(self, args: Tuple[Any, ...], frame: Any) -> None:
        self._listed(args[0], frame)

    def _scan(self, args: Tuple[Any, ...], frame: Any) -> None:
        located = self._listed(args[0], frame)
        if located is not None and self._frames.is_acting(frame):
            self._accesses.entries(located, frame)

    def _listed(self, path: Any, frame: Any) -> Optional[str]:
        if path is None:
            path = "."
        elif path.__class__ is int:
            path = paths.of_descriptor(path)
        located: Optional[str] = self._workspace.locate(path)
        if located is not None:
            self._accesses.note(kinds.LISTING, located, frame)
        elif self._accesses.installed.is_site(path):
            self._accesses.installed.looked_up(frame, is_listing=True)
        return located

    def _written(self, args: Tuple[Any, ...], frame: Any) -> None:
        if args[0].__class__ is not int:
            located = self._workspace.locate(args[0])
            if located is not None:
                self._accesses.note(kinds.WRITTEN, located, frame)

    def _removed(self, args: Tuple[Any, ...], frame: Any) -> None:
        if _by_name(args, 1):
            self._written(args, frame)

    def _renamed(self, args: Tuple[Any, ...], frame: Any) -> None:
        source, target = (self._workspace.locate(path) for path in args[:2])
        scope = self._frames.scope(frame)
        if scope is None:
            return
        if source is not None:
            self._accesses.record(scope, kinds.READ, source)
            self._accesses.record(scope, kinds.WRITTEN, source)
        if target is not None:
            self._accesses.record(scope, kinds.WRITTEN, target)
            if paths.is_folder(os.fspath(args[0])):
                self._ledger.made_folder(scope, target)

    def _mkdir(self, args: Tuple[Any, ...], frame: Any) -> None:
        located = self._workspace.locate(args[0])
        if located is None or not _by_name(args, 2):
            return
        scope = self._frames.scope(frame)
        if scope is None:
            return
        self._accesses.record(scope, kinds.PROBE, located)
        if not paths.mode_of(self._workspace.absolute(located)):
            self._accesses.record(scope, kinds.WRITTEN, located)
            self._ledger.made_folder(scope, located)

    def _linked(self, args: Tuple[Any, ...], frame: Any) -> None:
        source, link = paths.as_text(args[0]), paths.as_text(args[1])
        if source is None or link is None:
            return
        link = os.path.abspath(link)
        # A symbolic link's text is relative to the folder that holds it.
        whole = os.path.normpath(os.path.join(os.path.dirname(link), source))
        located = self._workspace.locate(whole)
        if located is not None and self._workspace.locate(link) is None:
            self._workspace.aliases[link] = whole
        self._workspace.forget_links()
        self._written((link,), frame)
        if located is not None:
            self._accesses.note(kinds.READ, located, frame)

    def _sqlite(self, args: Tuple[Any, ...], frame: Any) -> None:
        path = paths.as_text(args[0])
        if not path or path == ":memory:":
            return
        if path.startswith("file:"):
            path = path[5:].partition("?")[0].partition("#")[0]
            path = "/" + path.lstrip("/") if path.startswith("/") else path
        located = self._workspace.locate(path)
        if located is not None:
            there = paths.mode_of(self._workspace.absolute(located))
            self._accesses.note(kinds.READ if there else kinds.PROBE, located, frame)
            self._accesses.note(kinds.WRITTEN, located, frame)

    def _dlopen(self, args: Tuple[Any, ...], frame: Any) -> None:
        path = paths.as_text(args[0])
        if path and "/" in path:
            located = self._workspace.locate(path)
            if located is not None:
                self._accesses.note(kinds.READ, located, frame)

    def _popen(self, args: Tuple[Any, ...], frame: Any) -> None:
        program, words, folder, environ = args[:4]
        files = programs.named_files(program, words, folder, environ)
        if files is None:
            self.child(words if words is not None else program, frame)
        for path in files or ():
            located = self._workspace.locate(path)
            if located is not None:
                there = paths.mode_of(self._workspace.absolute(located))
                self._accesses.note(kinds.READ if there else kinds.PROBE, located, frame)

    def _spawn(self, args: Tuple[Any, ...], frame: Any) -> None:
        if os.path.basename(frame.f_code.co_filename) == "subprocess.py":
            return  # already told as subprocess.Popen
        command = args[1] if len(args) > 1 and args[1] else args[0]
        self.child(command, frame)

    def _fork(self, _args: Tuple[Any, ...], frame: Any) -> None:
        self.child("fork", frame)

    def _made_code(self, args: Tuple[Any, ...], _frame: Any) -> None:
        filename = args[1]
        if filename.__class__ is str and self._frames.first_party(filename):
            self._whole(self._frames.first_party(filename))

    def child(self, command: Any, frame: Any) -> None:
        """A process that cannot be seen into is started."""
        trail: List[Any] = []
        scope = self._frames.scope(frame, trail)
        if scope is None or any(c.co_filename.endswith(_SELF_DESCRIPTIONS) for c in trail):
            return
        if not self._frames.is_plugins_own(scope, frame):
            self._ledger.blind(scope, "child-process", self._shown(command))

    def _shown(self, command: Any) -> str:
        if isinstance(command, (list, tuple)):
            parts = [paths.as_text(part) or "?" for part in command]
        else:
            parts = [paths.as_text(command) or "?"]
        shown = " ".join("python" if part == sys.executable else part for part in parts)
        for root in self._workspace.roots:
            shown = shown.replace(root, "")
        return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def _by_name(args: Tuple[Any, ...], index: int) -> bool:
    """False when the path is relative to a folder held open by descriptor."""
    descriptor: Any = args[index] if len(args) > index else -1
    return descriptor in (-1, None)
