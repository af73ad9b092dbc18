"""Do real clients get full hits from our cache server? Each builds, cleans and builds again.

    python -m benchmarks.cache_server_clients [--only bazel,moon]

Bazel is Debian's `bazel-bootstrap`; moon is installed from npm (`@moonrepo/cli`) into a scratch
folder. moon also runs over TLS, which Debian's Bazel cannot (it crashes). A client that is not to
be had is skipped and said so. Exit code 1 when a second build was not all hits. Traffic of the
caches stays on loopback. Unaware of how the server is made.
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

from benchmarks.cache_server_load import Server, free_port

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


class Skipped(Exception):
    """The client cannot be had; the message says why."""


def run(words: list[str], folder: Path, seconds: float = 240.0) -> str:
    """A command's output; SystemExit with it when the command failed."""
    environ = {name: value for name, value in os.environ.items() if name != "CI"}
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


CLIENTS: dict[str, Callable[[Path], tuple[str, bool]]] = {
    "bazel": bazel,
    "moon": moon,
    "moon-tls": lambda folder: moon(folder, secure=True),
}


def main() -> int:
    """Each client in turn; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="clients, separated by commas")
    chosen = set(filter(None, parser.parse_args().only.split(","))) or set(CLIENTS)
    failed = False
    for name, build in CLIENTS.items():
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
