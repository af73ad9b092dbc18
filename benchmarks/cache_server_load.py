"""How many operations a CPU second serves: our cache server beside BuildGrid, on this machine.

    python -m benchmarks.cache_server_load --buildgrid VENV/bin/bgd [--seconds 1] [--rounds 3]
                                           [--only "Read 10 KB,FindMissing 1000 present"]

Needs `h2load` for the ceilings of unary calls (left out without it), and for the comparison an
environment of its own with BuildGrid (`python3.12 -m venv V && V/bin/pip install buildgrid`). A
third one, "bare", is gRPC's own server for Python with handlers that do nothing. All run at the
same time and take turns row by row, round by round, so that other work on the machine falls on all;
what counts is the ratio of the least CPU microseconds an operation. Traffic stays on loopback.
Unaware of how the servers are made.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from affected.reapi import byte_stream_pb2 as streams
from affected.reapi import remote_execution_pb2 as api

ROOT = Path(__file__).resolve().parents[1]
API = "/build.bazel.remote.execution.v2."
STREAM = "/google.bytestream.ByteStream/"
BLOBS = 100
BLOB = 10_240
LARGE = 100 * 1024 * 1024
GRID = """
server:
  - !channel
    address: 127.0.0.1:{port}
    insecure-mode: true
authorization: {{method: none}}
monitoring: {{enabled: false}}
storages:
  - !disk-storage &cas
    path: {folder}
caches:
  - !lru-action-cache &ac
    storage: *cas
    max-cached-refs: 10000
    allow-updates: true
instances:
  - name: ''
    services:
      - !action-cache {{cache: *ac}}
      - !cas {{storage: *cas}}
      - !bytestream {{storage: *cas}}
thread-pool-size: 100
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One operation at one server: calls, errors, wall seconds, CPU seconds of the server."""

    name: str
    server: str
    calls: int
    errors: int
    seconds: float
    cpu: float

    @property
    def cost(self) -> float:
        """CPU microseconds of the server for a call."""
        return self.cpu / max(self.calls, 1) * 1e6


class Server:
    """A running server: its address, and the CPU time of all its processes."""

    def __init__(self, name: str, command: list[str], port: int, log: Path) -> None:
        self.name = name
        self.target = f"127.0.0.1:{port}"
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                command, stdout=file, stderr=file, env={**os.environ, "PYTHONPATH": paths}
            )
        wait_for(port)

    def cpu(self) -> float:
        """Seconds, user and system, its children's included."""
        ticks = os.sysconf("SC_CLK_TCK")
        total = 0
        for number in family(self.process.pid):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        return total / ticks

    def stop(self) -> None:
        """End it and what it started."""
        numbers = family(self.process.pid)
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        for number in numbers:
            with contextlib.suppress(OSError):
                os.kill(number, 9)
        self.process.wait()


def family(root: int) -> list[int]:
    """A process and all below it."""
    found = [root]
    for number in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{number}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def wait_for(port: int, seconds: float = 60.0) -> None:
    """Until something listens there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit(f"nothing listens on {port}")


def free_port() -> int:
    """One that was free a moment ago."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def digest(content: bytes) -> api.Digest:
    """The digest of some bytes."""
    return api.Digest(hash=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


class Work:
    """The requests, made once, and the calls of one client connection."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.blobs = [rng.randbytes(BLOB) for _ in range(BLOBS)]
        self.digests = [digest(blob) for blob in self.blobs]
        self.large = rng.randbytes(LARGE)
        self.large_digest = digest(self.large)
        self.base = rng.randbytes(BLOB - 16)
        absent = [digest(b"absent %d" % number) for number in range(900)]
        find = api.FindMissingBlobsRequest
        self.present = find(blob_digests=self.digests * 10).SerializeToString()
        self.mixed = find(blob_digests=[*absent, *self.digests]).SerializeToString()
        self.batch = api.BatchReadBlobsRequest(digests=self.digests).SerializeToString()
        self.action = digest(b"action")

    def fill(self, channel: grpc.Channel) -> None:
        """What the reads will find."""
        update = api.BatchUpdateBlobsRequest()
        for blob, name in zip(self.blobs, self.digests, strict=True):
            update.requests.add(digest=name, data=blob)
        channel.unary_unary(API + "ContentAddressableStorage/BatchUpdateBlobs", bytes, bytes)(
            update.SerializeToString(), timeout=60
        )
        result = api.ActionResult(stdout_raw=b"hello\n" * 10)
        for number, name in enumerate(self.digests[:5]):
            result.output_files.add(path=f"out/{number}", digest=name)
        channel.unary_unary(API + "ActionCache/UpdateActionResult", bytes, bytes)(
            api.UpdateActionResultRequest(
                action_digest=self.action, action_result=result
            ).SerializeToString(),
            timeout=60,
        )
        self.write(channel, self.large)

    def write(self, channel: grpc.Channel, content: bytes, piece: int = 1 << 20) -> None:
        """Upload one blob as a stream."""
        name = digest(content)
        resource = f"uploads/{uuid.uuid4()}/blobs/{name.hash}/{name.size_bytes}"

        def messages() -> Iterator[bytes]:
            for start in range(0, len(content), piece):
                yield streams.WriteRequest(
                    resource_name=resource if start == 0 else "",
                    write_offset=start,
                    finish_write=start + piece >= len(content),
                    data=content[start : start + piece],
                ).SerializeToString()

        channel.stream_unary(STREAM + "Write", bytes, bytes)(messages(), timeout=120)

    def read(self, channel: grpc.Channel, name: api.Digest) -> None:
        """Read one blob as a stream."""
        request = streams.ReadRequest(resource_name=f"blobs/{name.hash}/{name.size_bytes}")
        call = channel.unary_stream(STREAM + "Read", bytes, bytes)
        for _ in call(request.SerializeToString(), timeout=120):
            pass

    def operations(self) -> dict[str, Callable[[grpc.Channel], object]]:
        """The rows of the table."""
        cas = API + "ContentAddressableStorage/"
        get = api.GetActionResultRequest(action_digest=self.action).SerializeToString()
        miss = api.GetActionResultRequest(action_digest=digest(b"never")).SerializeToString()

        def unary(path: str, request: bytes) -> Callable[[grpc.Channel], object]:
            return lambda channel: channel.unary_unary(path, bytes, bytes)(request, timeout=60)

        def update(channel: grpc.Channel) -> None:
            request = api.BatchUpdateBlobsRequest()
            for _ in range(BLOBS):
                blob = self.base + os.urandom(16)
                request.requests.add(digest=digest(blob), data=blob)
            channel.unary_unary(cas + "BatchUpdateBlobs", bytes, bytes)(
                request.SerializeToString(), timeout=60
            )

        return {
            "GetCapabilities": unary(API + "Capabilities/GetCapabilities", b""),
            "GetActionResult hit": unary(API + "ActionCache/GetActionResult", get),
            "GetActionResult miss": unary(API + "ActionCache/GetActionResult", miss),
            "FindMissing 1000 present": unary(cas + "FindMissingBlobs", self.present),
            "FindMissing 900 absent": unary(cas + "FindMissingBlobs", self.mixed),
            "BatchRead 100 x 10 KB": unary(cas + "BatchReadBlobs", self.batch),
            "BatchUpdate 100 x 10 KB": update,
            "Read 10 KB": lambda channel: self.read(channel, self.digests[0]),
            "Write 10 KB": lambda channel: self.write(channel, self.base + os.urandom(16)),
            "Read 100 MiB": lambda channel: self.read(channel, self.large_digest),
            "Write 100 MiB": lambda channel: self.write(channel, self.large[16:] + os.urandom(16)),
        }


def measure(
    server: Server, name: str, call: Callable[[grpc.Channel], object], seconds: float, threads: int
) -> Row:
    """Call again and again from some threads, each with a connection of its own."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(server.target, options) for _ in range(threads)]
    before = server.cpu()
    started = time.monotonic()

    def work(channel: grpc.Channel) -> tuple[int, int]:
        calls = errors = 0
        while time.monotonic() - started < seconds:
            try:
                call(channel)
            except grpc.RpcError as error:
                errors += error.code() is not grpc.StatusCode.NOT_FOUND
            calls += 1
        return calls, errors

    with ThreadPoolExecutor(threads) as pool:
        counts = list(pool.map(work, channels))
    wall = time.monotonic() - started
    cpu = server.cpu() - before
    for channel in channels:
        channel.close()
    calls, errors = (sum(column) for column in zip(*counts, strict=True))
    return Row(name, server.name, calls, errors, wall, cpu)


def ceiling(server: Server, path: str, request: bytes, number: int = 8000) -> Row | None:
    """A unary call by h2load, whose own cost is next to nothing."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0" + len(request).to_bytes(4, "big") + request)
        file.flush()
        command = [
            "h2load", "-n", str(number), "-c", "4", "-m", "8", "-d", file.name,
            "-H", "content-type: application/grpc", "-H", "te: trailers",
            f"http://{server.target}{path}",
        ]  # fmt: skip
        before, started = server.cpu(), time.monotonic()
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=120)
        except FileNotFoundError:
            return None
        wall = time.monotonic() - started
    return Row(f"h2load {path.rpartition('/')[2]}", server.name, number, 0, wall,
               server.cpu() - before)  # fmt: skip


def rows_of(servers: list[Server], options: argparse.Namespace) -> list[Row]:
    """All rows, the servers by turns; of several rounds the one with the least cost."""
    work = Work(7)
    for server in servers:
        with grpc.insecure_channel(server.target) as channel:
            work.fill(channel)
    only = set(filter(None, options.only.split(",")))
    found: list[Row] = []
    for name, call in work.operations().items():
        if only and name not in only:
            continue
        threads = 2 if "MiB" in name else 8
        seen: dict[str, list[Row]] = {server.name: [] for server in servers}
        for _ in range(options.rounds):
            for server in servers:
                seen[server.name].append(measure(server, name, call, options.seconds, threads))
        for rows in seen.values():
            row = min(rows, key=lambda row: row.cost)
            found.append(row)
            print(f"{name:26} {row.server:10} {row.calls / row.seconds:9.1f}/s"
                  f" {row.cost:10.0f} us {sum(one.errors for one in rows)} errors",
                  flush=True)  # fmt: skip
    if only:
        return found
    get = api.GetActionResultRequest(action_digest=work.action).SerializeToString()
    for server in servers:
        ended = [ceiling(server, API + "ActionCache/GetActionResult", get)
                 for _ in range(options.rounds)]  # fmt: skip
        found += sorted((row for row in ended if row is not None), key=lambda row: row.cost)[:1]
    return found


def table(rows: list[Row]) -> str:
    """Markdown: for each operation the costs, and how many times dearer BuildGrid is."""
    lines = ["| operation | ours, us | bare, us | BuildGrid, us | ratio |", "|---|--:|--:|--:|--:|"]
    names = list(dict.fromkeys(row.name for row in rows))
    for name in names:
        costs = {row.server: row.cost for row in rows if row.name == name}
        ours, theirs = costs["ours"], costs.get("BuildGrid")
        if "100 MiB" in name:
            name = f"{name} ({LARGE / 1e6 / (ours / 1e6):.0f} MB a CPU second)"  # noqa: PLW2901
        more = f"{theirs:.0f} | {theirs / ours:.1f}" if theirs else "- | -"
        lines.append(f"| {name} | {ours:.0f} | {costs['bare']:.0f} | {more} |")
    return "\n".join(lines)


def main() -> None:
    """Run both, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buildgrid", help="path of `bgd`; left out: only our server")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        folder = Path(scratch)
        port = free_port()
        ours = [
            sys.executable, "-m", "cache_server", "serve", "--processes", "1", "--dir",
            str(folder / "ours"), "--listen", f"127.0.0.1:{port}",
        ]  # fmt: skip
        servers = [Server("ours", ours, port, folder / "ours.log")]
        stack.callback(servers[0].stop)
        port = free_port()
        bare = [sys.executable, "-m", "benchmarks.cache_server_bare", str(port)]
        servers.append(Server("bare", bare, port, folder / "bare.log"))
        stack.callback(servers[1].stop)
        if options.buildgrid:
            port = free_port()
            (folder / "grid.yml").write_text(GRID.format(port=port, folder=folder / "grid"))
            command = [options.buildgrid, "server", "start", str(folder / "grid.yml")]
            servers.append(Server("BuildGrid", command, port, folder / "grid.log"))
            stack.callback(servers[2].stop)
        rows = rows_of(servers, options)
    text = table(rows)
    print(f"\nload average {os.getloadavg()[0]:.1f}\n\n{text}")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "cache_server_load.md").write_text(text + "\n", encoding="utf-8")
    (options.out / "cache_server_load.json").write_text(
        json.dumps([dataclasses.asdict(row) for row in rows], indent=1), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
