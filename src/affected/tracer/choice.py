"""Leaves out the tests whose outcomes are reused, and waits for a word on those in doubt.

Unaware of why they are reused. What is asked for is a JSON file: {"skip": [test id …], "ask":
whether the values that import gave decide about more, "dry": whether nothing is to be run}. The
answer to the values comes as `answer.json` in the spool's folder: {"skip": [test id …]}.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import sysconfig
import time
from typing import Any, Callable, Dict, Iterable, List, Set, Tuple

from .values import Survey

_PATIENCE = 120.0  # seconds to wait for the answer; without one nothing more is left out
_PAUSE = 0.002
ANSWER = "answer.json"
LIBRARIES = ".libraries"  # what the file beside the values is called besides


class Choice:
    """What one pytest process is told about the tests it collected."""

    def __init__(self, path: str, folder: str) -> None:
        self._folder = folder
        told: Dict[str, Any] = _read(path) if path else {}
        self.skip: Set[str] = set(told.get("skip", ()))
        self.asks = bool(told.get("ask"))
        self.dry = bool(told.get("dry"))

    def wait(self) -> None:
        """Until the answer is there, or patience ends."""
        path = os.path.join(self._folder, ANSWER)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if os.path.exists(path):
                self.skip.update(_read(path)["skip"])
                return
            time.sleep(_PAUSE)

    def split(self, items: List[Any], id_of: Callable[[Any], str]) -> Tuple[List[Any], List[Any]]:
        """The items that run, and those that are left out."""
        if not self.skip and not self.dry:
            return items, []
        kept: List[Any] = []
        left: List[Any] = []
        for item in items:
            (left if self.dry or id_of(item) in self.skip else kept).append(item)
        return kept, left


def write_values(
    path: str, workspace: Any, items: Iterable[Any], id_of: Callable[[Any], str]
) -> None:
    """What import and collection came to, as JSON: {"modules": …, "items": …} (see `values`)."""
    modules: List[Tuple[str, Any]] = []
    for module in list(sys.modules.values()):
        filename = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(filename, str) and filename.endswith(".py"):
            located = workspace.locate(filename)
            if located is not None:
                modules.append((located, module))
    collects = gc.isenabled()
    gc.disable()  # many small objects are made, none of them in circles
    try:
        looked = Survey(modules, workspace.locate, tuple(workspace.roots))
        found = {"modules": looked.modules(), "items": looked.items(items, id_of)}
    finally:
        if collects:
            gc.enable()
    with open(path, "w", encoding="ascii") as stream:
        json.dump(found, stream, separators=(",", ":"))


def write_libraries(path: str, workspace: Any) -> None:
    """The files of all code that is loaded and not first-party, as a JSON list."""
    found = {sys.executable}
    shared = sysconfig.get_config_var("INSTSONAME")
    if shared:
        found.add(os.path.join(sysconfig.get_config_var("LIBDIR") or "", shared))
    for module in list(sys.modules.values()):
        filename = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(filename, str) and workspace.locate(filename) is None:
            found.add(filename)
    with open(path, "w", encoding="ascii") as stream:
        json.dump(sorted(found), stream)


def _read(path: str) -> Dict[str, Any]:
    with open(path, encoding="ascii") as stream:
        found: Dict[str, Any] = json.load(stream)
    return found
