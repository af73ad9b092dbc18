"""The command line in processes forked from one that has loaded it: loading is most of its time.

Unaware of what is asked and answered. What a fresh process would have of its own, a fork here has
too: arguments, folder, environment, streams, random numbers; the order of its sets is one of two.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
_NUMBERS = count()

# Loads what commands load, but nothing that starts threads, then forks once for each request.
_SERVER = """
import gc, importlib, json, os, pkgutil, runpy, signal, socket, sys, time
sys.path.insert(0, sys.argv[1])
line = socket.socket(fileno=int(sys.argv[2]))
import affected
LEFT = ("affected.__main__", "affected.cache.remote", "affected.graph.analysis")
for module in pkgutil.walk_packages(affected.__path__, "affected."):
    if module.name not in LEFT and not module.name.startswith(("affected.reapi", "affected.tracer")):
        importlib.import_module(module.name)
assert "grpc" not in sys.modules
gc.freeze()
words = line.makefile("rb")
while True:
    start, streams, *_ = socket.recv_fds(line, 1, 2)
    if not start:
        sys.exit(0)
    request = json.loads(words.readline())
    child = os.fork()
    if not child:
        break
    for stream in streams:
        os.close(stream)
    line.sendall(b"%d\\n" % child)
    line.sendall(b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
words.close()
line.close()
for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
    os.dup2(stream, number)
    os.close(stream)
os.chdir(request["folder"])
os.environ.clear()
os.environ.update(request["environ"])
time.tzset()
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["affected", *request["arguments"]]
runpy.run_module("affected", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left."""

    code: int
    out: bytes
    err: bytes


def ask(
    arguments: Sequence[str], folder: Path, environ: Mapping[str, str], timeout: float
) -> Ended:
    """The command with these arguments, to its end; subprocess.TimeoutExpired after so long."""
    line = _server(next(_NUMBERS) % 2)
    line.settimeout(timeout)
    request = {"arguments": list(arguments), "folder": str(folder), "environ": dict(environ)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        socket.send_fds(line, [b"+"], [out.fileno(), err.fileno()])
        line.sendall(json.dumps(request).encode() + b"\n")
        child = _number(line)
        try:
            code = _number(line)
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            _number(line)
            raise subprocess.TimeoutExpired(list(arguments), timeout) from None
        out.seek(0)
        err.seek(0)
        return Ended(code, out.read(), err.read())


@cache
def _server(_number: int) -> socket.socket:
    """A line to a server of its own, which ends with this process."""
    ours, theirs = socket.socketpair()
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LC_", "LANG"))}
    with theirs:
        server = subprocess.Popen(
            (sys.executable, "-P", "-c", _SERVER, str(SOURCE), str(theirs.fileno())),
            env=environ,
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
        )

    def end() -> None:
        ours.close()
        server.wait(timeout=30)

    atexit.register(end)
    return ours


def _number(line: socket.socket) -> int:
    found = b""
    while not found.endswith(b"\n"):
        byte = line.recv(1)
        if not byte:
            raise RuntimeError("the process that forks commands has ended")
        found += byte
    return int(found)
