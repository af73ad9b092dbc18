"""The shared cache over a real bucket: any server serves all; killed or slow, nothing is wrong."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.repositories import GitTree, isolated_environ
from support.served import Served
from support.slow_line import SlowLine
from support.workspaces import Answer, Checkout, monorepo

SLOW = 5.0  # seconds that a call to the bucket takes
LIB, RATES, NAMES = "lib.py", "a/test_rates.py", "b/test_names.py"
FILES = {
    LIB: "RATE = 2\nNAME = 'ann'\n\n\ndef rate():\n    return RATE\n\n\ndef name():\n    return NAME\n",
    RATES: "import lib\n\n\ndef test_rate():\n    assert lib.rate() > 0\n",
    NAMES: "import lib\n\n\ndef test_name():\n    assert lib.name()\n",
    "a/pytest.ini": "[pytest]\npythonpath = ..\n",  # a pytest process for each
    "b/pytest.ini": "[pytest]\npythonpath = ..\n",
    ".gitignore": "__pycache__/\n.pytest_cache/\n",
}
Begin = Callable[..., Served]


@pytest.fixture
def replica(seaweed: Any, tmp_path: Path) -> Iterator[Begin]:
    """Starts servers with a folder of their own over one corner of a bucket."""
    place = seaweed.corner().place
    running: list[Served] = []

    def begin(endpoint: str = seaweed.endpoint, port: int = 0, number: int | None = None) -> Served:
        name = f"store-{len(running) if number is None else number}"
        bucket = ("--s3", f"s3://{place.bucket}/{place.prefix}", "--s3-endpoint", endpoint)
        served = Served(tmp_path / name, *bucket, "--processes", "1", port=port)
        running.append(served)
        return served

    yield begin
    for served in running:
        served.kill()


def clone(origin: Checkout, folder: Path, served: Served) -> Checkout:
    """A shallow clone with a cache of its own."""
    folder.mkdir(parents=True)
    source = f"file://{origin.root}"
    GitTree(folder, isolated_environ()).git("clone", "-q", "--depth", "1", source, "work")
    return Checkout(folder / "work", folder / "cache", {"AFFECTED_REMOTE": served.address})


def said(served: Served) -> list[str]:
    """What the server's log says of its bucket; the server is killed."""
    served.process.kill()
    assert served.process.stderr is not None
    lines = map(json.loads, served.process.stderr.read().splitlines())
    return [line["message"] for line in lines if line["event"] == "s3"]


def test_any_server_of_a_bucket_serves_all_and_edits_of_modules_are_told_apart(
    replica: Begin, tmp_path: Path
) -> None:
    """Clones over the same server and over another one run nothing; then the second stage works.

    The record, outlines and values all come from the bucket: a constant with the same value runs
    nothing, a changed one those who use it. Before Python 3.12 an edit counts for all who import.
    """
    told_apart = sys.version_info >= (3, 12)
    first = replica()
    here = monorepo(tmp_path / "one", tmp_path / "cache", FILES)
    here = here.with_variables(AFFECTED_REMOTE=first.address)
    assert here.run().ran() == {RATES, NAMES}
    assert clone(here, tmp_path / "two", first).run().ran() == set()
    first.kill()
    there = clone(here, tmp_path / "three", replica())
    there.write(LIB, FILES[LIB].replace("RATE = 2", "RATE = 1 + 1"))
    same = there.run()
    assert same.ran() == (set() if told_apart else {RATES, NAMES})
    assert same.err.count("warning") == 0
    there.write(LIB, FILES[LIB].replace("RATE = 2", "RATE = 3"))
    assert there.run().ran() == ({RATES} if told_apart else {RATES, NAMES})


def test_a_server_killed_while_it_takes_uploads_for_a_bucket(
    replica: Begin, seaweed: Any, tmp_path: Path
) -> None:
    """With -9: the run is not disturbed, and nothing that is wrong is in the bucket."""
    first = replica()
    files = {f"p{n}/test_{n}.py": f"def test_it():\n    assert {n} + 1\n" for n in range(3)}
    ini = {f"p{number}/pytest.ini": "[pytest]\n" for number in range(3)}  # a process each
    here = monorepo(tmp_path / "one", tmp_path / "cache", {**files, **ini})
    process = here.with_variables(AFFECTED_REMOTE=first.address).start("run", "-j", "1")
    index = first.folder / "index"
    empty, deadline = index.stat().st_size, time.monotonic() + 60
    while index.stat().st_size == empty:  # the first result has come, others have not
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    first.kill()
    again = replica(port=first.port, number=0)
    assert process.wait(timeout=100) == 0
    answer = clone(here, tmp_path / "two", again).run()
    assert answer.ran() | answer.reused() == set(files)
    assert {outcome for _, outcome in answer.tests().values()} == {"passed"}
    assert clone(here, tmp_path / "three", again).run().ran() == set()


def test_a_bucket_that_takes_five_seconds_a_call(
    replica: Begin, seaweed: Any, tmp_path: Path
) -> None:
    """The run loses two seconds at most and says so in a line; the server's log says why."""
    line = SlowLine(urlsplit(seaweed.endpoint).port or 0)
    with contextlib.closing(line):
        served = replica(line.endpoint)
        here = monorepo(tmp_path / "one", tmp_path / "cache", {RATES: "def test_a():\n    pass\n"})
        line.delay = SLOW
        began = time.monotonic()
        answer: Answer = here.with_variables(AFFECTED_REMOTE=served.address).affected("run")
        time.sleep(max(0.0, began + SLOW + 1 - time.monotonic()))
        assert "1 passed" in answer.out
        (warning,) = [one for one in answer.text.splitlines() if one.startswith("warning")]
        assert "does not answer in time" in warning
        assert any(one.startswith("S3 is slow: load took 5.") for one in said(served))
