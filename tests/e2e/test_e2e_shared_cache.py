"""The shared cache: what one machine ran another one reuses; whatever it does, the run goes on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fake_cache import FakeCache
from support.repositories import GitTree, isolated_environ
from support.served import Served
from support.workspaces import Answer, Checkout, end, monorepo

A, B, C = "a/test_a.py", "b/test_b.py", "c/test_c.py"
ALL = {A, B, C}
FILES = {
    "a/one.py": "def one():\n    return 1\n",
    A: "from one import one\n\n\ndef test_one():\n    assert one()\n",
    "b/two.py": "def two():\n    return 2\n",
    B: "from two import two\n\n\ndef test_two():\n    assert two()\n",
    "c/prices.txt": "1 2 3\n",
    C: (
        "import pathlib\n\n\ndef test_prices():\n"
        "    assert pathlib.Path(__file__).with_name('prices.txt').read_text()\n"
    ),
    ".gitignore": "__pycache__/\n.pytest_cache/\n",
}
READER, WRITER = "reader-token-0123456789", "writer-token-0123456789"
TOKENS = f"{READER} read ann\n{WRITER} read-write ci\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path / "store")
    yield served
    served.kill()


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeCache]:
    server = FakeCache()
    yield server
    server.close()


def remote(checkout: Checkout, address: str, **more: str) -> Checkout:
    return checkout.with_variables(AFFECTED_REMOTE=address, **more)


def clone(origin: Checkout, folder: Path, address: str, *options: str) -> Checkout:
    """A clone in a folder of its own, with a cache of its own, over the same shared one."""
    folder.mkdir(parents=True)
    source = f"file://{origin.root}"
    GitTree(folder, isolated_environ()).git("clone", "-q", *options, source, "work")
    return remote(Checkout(folder / "work", folder / "cache"), address)


def warnings(answer: Answer) -> list[str]:
    return [line for line in answer.text.splitlines() if line.startswith("warning")]


def test_what_one_machine_ran_another_one_reuses(tmp_path: Path, server: Served) -> None:
    """From a fresh shallow clone with nothing on its disk; then offline, too, and back again."""
    here = remote(monorepo(tmp_path / "one", tmp_path / "cache", FILES), server.address)
    assert here.run().ran() == ALL
    there = clone(here, tmp_path / "far" / "away", server.address, "--depth", "1")
    answer = there.run()
    assert (answer.ran(), answer.reused(), answer.err.count("warning")) == (set(), ALL, 0)
    server.kill()
    shutil.rmtree(there.cache / "workspaces")
    offline = there.run()  # what came from the shared cache is on this machine now
    assert (offline.ran(), warnings(offline)) == (set(), [])
    there.write("a/one.py", "def one():\n    return 111\n")
    assert len(warnings(there.affected("run"))) == 1
    again = Served(tmp_path / "store", port=server.port)
    try:  # what was proved meanwhile is sent by the next run, though it has nothing to do
        assert "nothing to run" in there.affected("run").out
        here.write("a/one.py", (there.root / "a/one.py").read_text())
        assert here.run().ran() == set()
    finally:
        again.kill()


def test_results_of_two_branches_are_hits_on_their_merge(tmp_path: Path, server: Served) -> None:
    """Every machine has one commit of the history; none saw the other's change or merged before."""
    origin = remote(monorepo(tmp_path / "one", tmp_path / "cache", FILES), server.address)
    origin.affected("run")
    edits = {"left": ("a/one.py", "one", 11, A), "right": ("b/two.py", "two", 22, B)}
    for side, (path, name, value, test) in edits.items():
        machine = clone(origin, tmp_path / side, server.address, "--depth", "1")
        machine.tree.branch(side)
        machine.tree.commit_files({path: f"def {name}():\n    return {value}\n"})
        machine.tree.git("push", "-q", "origin", side)
        machine = clone(origin, tmp_path / f"ci {side}", server.address, "--depth", "1", "-b", side)
        assert machine.run().ran() == {test}
    origin.tree.merge("left", "right")
    merged = clone(origin, tmp_path / "merged", server.address, "--depth", "1")
    assert merged.tree.git("rev-list", "--count", "HEAD") == "1"
    in_ci = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/pull/7/merge"}
    answer = merged.with_variables(**in_ci).run()
    assert (answer.ran(), answer.reused()) == (set(), ALL)


def test_a_dead_cache_costs_two_seconds_and_one_line(tmp_path: Path) -> None:
    """It hangs: every test runs, the result is the same, and one line says what happened."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        here = monorepo(tmp_path / "one", tmp_path / "cache", FILES)
        alone = Checkout(here.root, tmp_path / "other")
        began = time.monotonic()
        assert alone.run().ran() == ALL
        usual = time.monotonic() - began
        port = listening.getsockname()[1]
        began = time.monotonic()
        answer = remote(here, f"grpc://127.0.0.1:{port}").affected("run")
        assert time.monotonic() - began < 2 * usual + 3.5
    (line,) = warnings(answer)
    assert "does not answer in time" in line
    assert "3 passed" in answer.out


def test_a_lying_cache_changes_nothing(tmp_path: Path, fake: FakeCache) -> None:
    """Records of other targets: everything runs, and one line says so."""
    fake.reset()
    here = remote(monorepo(tmp_path / "one", tmp_path / "cache", FILES), fake.address)
    here.affected("run")
    assert fake.tell()["violations"] == []
    fake.reset("wrong-record", empty=False)
    answer = clone(here, tmp_path / "two", fake.address).affected("run")
    assert "3 passed" in answer.out
    (line,) = warnings(answer)
    assert "cannot be believed" in line


def test_a_token_that_may_only_read(tmp_path: Path) -> None:
    """It reuses and does not share, without a word; `doctor` says so; no token is ever shown."""
    server = Served(tmp_path / "store", environ={"AFFECTED_CACHE_TOKENS": TOKENS})
    try:
        here = monorepo(tmp_path / "one", tmp_path / "cache", FILES)
        writer = remote(here, server.address, AFFECTED_TOKEN=WRITER)
        writer.affected("run")
        there = clone(here, tmp_path / "two", server.address)
        reader = there.with_variables(AFFECTED_TOKEN=READER)
        assert reader.run().ran() == set()
        reader.write("c/prices.txt", "4\n")
        ran = reader.affected("run")
        assert warnings(ran) == []
        doctor = reader.affected("doctor")
        assert "may only be read" in doctor.out
        elsewhere = Checkout(reader.root, tmp_path / "other", reader.extra)
        assert "would run 1 file" in elsewhere.affected("run", "--dry-run").out
        stranger = elsewhere.with_variables(AFFECTED_TOKEN=WRITER.replace("writer", "stranger"))
        status = stranger.affected("cache", "status")
        assert "does not know the token" in status.text
        for answer in (ran, doctor, status):
            assert "token-0123456789" not in answer.text
    finally:
        server.kill()


def test_settings_name_the_cache_and_a_command_its_token(tmp_path: Path) -> None:
    """`remote` and `credential-command` in pyproject.toml; a failing command is one warning."""
    server = Served(tmp_path / "store", environ={"AFFECTED_CACHE_TOKENS": TOKENS})
    try:
        command = f'["{sys.executable}", "-c", "print(\'{WRITER}\')"]'
        table = f'[tool.affected]\nremote = "{server.address}/team"\ncredential-command = '
        files = {**FILES, "pyproject.toml": f"{table}{command}\n"}
        here = monorepo(tmp_path / "one", tmp_path / "cache", files)
        here.affected("run")
        status = here.affected("cache", "status", "--json").json["remote"]
        assert (status["address"], status["writes"]) == (f"{server.address}/team", True)
        here.write("pyproject.toml", f'{table}["{sys.executable}", "-c", "1/0"]\n')
        failed = Checkout(here.root, tmp_path / "other").affected("run", "--dry-run")
        (line,) = warnings(failed)
        assert "failed with exit code 1" in line
        here.write("pyproject.toml", '[tool.affected]\nremote = "grpc://me:secret@h:1"\n')
        wrong = here.affected("run", accept=(2,))
        assert "pyproject.toml [tool.affected]: `remote` must be an address" in wrong.err
        assert "secret" not in wrong.text
    finally:
        server.kill()


def test_modes_that_are_none_are_refused(tmp_path: Path) -> None:
    """The error names the part that is wrong and the way out; nothing runs."""
    here = monorepo(tmp_path / "one", tmp_path / "cache", {A: "def test_a():\n    pass\n"})
    answer = here.affected("run", "--cache", "remot:r", accept=(2,))
    assert "did you mean `remote:`?" in answer.err


def test_a_server_killed_in_the_middle_of_uploads(tmp_path: Path, server: Served) -> None:
    """With -9, and started again: the run is not disturbed, and nothing wrong is served later."""
    files = {
        f"p{number}/test_{number}.py": f"def test_it():\n    assert {number} + 1\n"
        for number in range(4)
    }
    ini = {f"p{number}/pytest.ini": "[pytest]\n" for number in range(4)}  # a process each
    here = monorepo(tmp_path / "one", tmp_path / "cache", {**files, **ini})
    here = remote(here, server.address)
    process = here.start("run", "-j", "1")
    index = tmp_path / "store" / "index"
    empty, deadline = index.stat().st_size, time.monotonic() + 60
    while index.stat().st_size == empty:  # the first result has come, others have not
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    server.kill()
    again = Served(tmp_path / "store", port=server.port)
    try:
        assert process.wait(timeout=100) == 0
        there = clone(here, tmp_path / "two", again.address)
        answer = there.run()
        assert answer.ran() | answer.reused() == set(files)
        assert {outcome for _, outcome in answer.tests().values()} == {"passed"}
        assert clone(here, tmp_path / "three", again.address).run().ran() == set()
    finally:
        again.kill()


def test_ctrl_c_does_not_wait_for_a_hanging_cache(tmp_path: Path, fake: FakeCache) -> None:
    """While the run waits for its uploads, Ctrl-C ends it at once."""
    fake.reset("hang-writes")
    here = remote(monorepo(tmp_path / "one", tmp_path / "cache", FILES), fake.address)
    process = here.start("run")
    deadline = time.monotonic() + 60
    while not {"Update", "Write", "BatchUpdateBlobs"} & fake.tell()["calls"].keys():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    began = time.monotonic()
    assert end(process, signal.SIGINT) in {130, 0}
    assert time.monotonic() - began < 3
    fake.reset()
    assert here.run().ran() == set()


def test_tls_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    """`grpcs://` with `remote-ca`, and a client's certificate where the server wants one."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificates of this test, and is not installed")
    made = Path(tmp_path, "pem")
    made.mkdir()
    script = f"""
    set -e; cd {made}
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca
    for who in server client; do
        openssl req -newkey rsa:2048 -nodes -keyout $who.key -out $who.csr -subj /CN=$who
        printf 'subjectAltName=IP:127.0.0.1' > ext
        openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
            -out $who.pem -extfile ext
    done
    """
    assert os.system(f"({script}) >/dev/null 2>&1") == 0  # noqa: S605  (a text of our own)
    server = Served(
        tmp_path / "store",
        *("--tls-cert", str(made / "server.pem"), "--tls-key", str(made / "server.key")),
        *("--client-ca", str(made / "ca.pem")),
    )
    try:
        here = monorepo(tmp_path / "one", tmp_path / "cache", FILES)
        address = server.address.replace("grpc://", "grpcs://")
        variables = {
            f"AFFECTED_REMOTE_{name}": str(made / file)
            for name, file in (("CA", "ca.pem"), ("CERT", "client.pem"), ("KEY", "client.key"))
        }
        known = remote(here, address, **variables)
        known.affected("run")
        there = clone(here, tmp_path / "two", address).with_variables(**variables)
        assert there.run().ran() == set()
        bare = remote(Checkout(here.root, tmp_path / "other"), address).affected("doctor")
        assert re.search("shared cache grpcs://.* cannot be reached", bare.out)
    finally:
        server.kill()
