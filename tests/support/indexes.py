"""What the tests of the index share: filling it, reading it, children. Unaware of pytest."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from affected.model.digest import Digest
from affected.model.path import RepoPath
from affected.state import index as index_module
from affected.state.index import Index
from affected.state.rows import IndexDamaged, TargetRow

SOURCE = str(Path(index_module.__file__).parents[2])
FILES = {RepoPath(f"pkg{i % 7}/module{i}.py"): Digest(f"{i:040x}") for i in range(200)}
FACTS: dict[str, bytes] = {digest: b"import os " + digest.encode() for digest in FILES.values()}
GRAPH = bytes(range(256)) * 100


def target(label: str) -> TargetRow:
    return TargetRow(
        label,
        "test",
        RepoPath("p"),
        RepoPath(label),
        RepoPath("p"),
        "f",
        True,
        "",
        1,
        0.5,
        "passed",
        1.0,
    )


def fill(path: Path) -> bytes:
    """An index with something in every table; its bytes."""
    index = Index.open(path)
    index.replace_files(FILES)
    index.add_facts(FACTS)
    index.put("graph", GRAPH)
    index.put_stamps({path: (b"stamp", digest) for path, digest in FILES.items()})
    index.put_targets(map(target, FILES))
    for label in list(FILES)[:50]:
        index.put_observed(label, [RepoPath("data/" + label), RepoPath("data")])
    index.close()
    return path.read_bytes()


def read_everything(index: Index) -> None:
    """Every question once; the answers that carry a checksum must be right."""
    assert index.get("graph") in (GRAPH, None)
    assert FACTS.items() >= index.facts(FACTS).items()
    index.files()
    index.digests(FILES)
    index.files_mentioning([b"os"])
    index.stamps(FILES)
    index.targets()
    index.targets(unsettled_only=True)
    index.targets(list(FILES))
    index.totals()
    index.observed([RepoPath("data")])
    index.has_file(RepoPath("x"))
    index.has_folder(RepoPath("x"))


def write_everything(index: Index) -> None:
    """Every change once."""
    with index.transaction():
        index.update_files(
            {RepoPath("new"): Digest("1"), RepoPath("pkg0/module0.py"): Digest("absent")}
        )
        index.put_targets([target("new")])
        index.put_observed("new", [RepoPath("data")])
        index.remove_targets(list(FILES)[:3])
    index.put("graph", GRAPH)
    index.add_facts(FACTS)
    index.prune_facts()
    index.delete("g")
    index.put_stamps({RepoPath("new"): (b"s", Digest("1"))})
    index.replace_files(FILES)


def what_is_raised(index: Index) -> IndexDamaged | None:
    """IndexDamaged or None; anything else fails the test."""
    try:
        read_everything(index)
        write_everything(index)
    except IndexDamaged as trouble:
        return trouble
    return None


def child(script: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A Python of its own that can import the index."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What the child printed."""
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    return printed
