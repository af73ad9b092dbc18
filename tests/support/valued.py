"""Loads a folder of modules afresh and takes their values, here or in a child interpreter.

Unaware of what the values should be.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

from affected.tracer import values

Values = dict[str, dict[str, list[object]]]
TRACER = Path(values.__file__).parent
CHILD = """
import importlib, json, sys, types
tracer = types.ModuleType("guest")
tracer.__path__ = [sys.argv[1]]
sys.modules["guest"] = tracer
from guest import values
root = sys.argv[2] + "/"
sys.path.insert(0, sys.argv[2])
names = sys.argv[3:]
modules = [(name + ".py", importlib.import_module(name)) for name in names]
locate = lambda name: name[len(root):] if name.startswith(root) else None
print(json.dumps(values.module_values(modules, locate, (root,))))
"""


def written(root: Path, sources: dict[str, str]) -> Path:
    """The folder, with one module a source: stem → text."""
    root.mkdir(parents=True, exist_ok=True)
    for stem, source in sources.items():
        (root / f"{stem}.py").write_text(textwrap.dedent(source))
    return root


def values_here(root: Path, stems: list[str]) -> Values:
    """Import the modules in that order, in this process, and forget them again."""
    before = {stem: sys.modules.get(stem) for stem in stems}
    for stem in stems:
        sys.modules.pop(stem, None)
    sys.path.insert(0, str(root))
    sys.dont_write_bytecode, kept = True, sys.dont_write_bytecode
    importlib.invalidate_caches()
    try:
        loaded = [(f"{stem}.py", importlib.import_module(stem)) for stem in stems]
        folder = f"{root}{os.sep}"

        def locate(name: str) -> str | None:
            return name[len(folder) :] if name.startswith(folder) else None

        return values.module_values(loaded, locate, (folder,))
    finally:
        sys.dont_write_bytecode = kept
        sys.path.remove(str(root))
        for stem, module in before.items():
            sys.modules.pop(stem, None)
            if module is not None:
                sys.modules[stem] = module


def values_there(python: str, root: Path, stems: list[str], seed: str = "0") -> Values:
    """The same in a new process of another interpreter."""
    command = [python, "-B", "-c", CHILD, str(TRACER), str(root), *stems]
    environment = {"PYTHONHASHSEED": seed, "PATH": os.environ["PATH"]}
    done = subprocess.run(command, check=True, capture_output=True, env=environment, text=True)
    found: Values = json.loads(done.stdout)
    return found
