"""What does the outline of a changed Python file cost? CPU time, against that of `ast.parse`.

    python -m benchmarks.outline --rounds 5

Every module of networkx as installed beside this, in one process: CPU time of outlines (parsing
included) over that of the parser alone. Unaware of when the tool needs an outline.
"""

from __future__ import annotations

import argparse
import ast
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from affected.lang.python.outline import outline, pack
from benchmarks.answer import Answer, tell

_LIMIT = 3.0


def ask(chosen: argparse.Namespace) -> list[Answer]:
    """The least CPU time of each over the rounds, taken in turn."""
    found = find_spec("networkx")
    if found is None or found.origin is None:
        raise FileNotFoundError("networkx is not installed beside this benchmark")
    sources = [path.read_bytes() for path in sorted(Path(found.origin).parent.rglob("*.py"))]
    parsed, outlined = [], []
    for _ in range(chosen.rounds):
        began = time.process_time()
        for source in sources:
            ast.parse(source)
        middle = time.process_time()
        for source in sources:
            outline(source)
        parsed.append(middle - began)
        outlined.append(time.process_time() - middle)
    size = sum(map(len, sources))
    measured = {
        "bytes": size,
        "parse": parsed,
        "outline": outlined,
        "bytes_per_second": size / min(outlined),
        "packed": sum(len(pack(one)) for one in map(outline, sources) if one) / size,
    }
    ratio = min(outlined) / min(parsed)
    what = "outline of every module, CPU time against `ast.parse`"
    return [Answer("outline", "networkx", what, ratio, _LIMIT, "ratio", measured)]


def main(arguments: list[str] | None = None) -> int:
    """Ask and tell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outline", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    return tell(ask(chosen), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
