"""Does a busy cache server stay the same? Mixed load with eviction, every blob read verified.

    python -m benchmarks.cache_server_soak [--minutes 1] [--max-calls 1000000] [--processes 2]

Clients write and read blobs of all sizes, results and records against a folder that is far too
small for them, so that eviction runs all the time. Exit code 1 when a call failed, a byte was
wrong, the limit was passed or the server's memory grew by more than a fifth after its warm-up.
Bounded in time and in calls; traffic stays on loopback. Unaware of how the server is made.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import grpc

from affected.reapi import affected_v1_pb2 as records
from affected.reapi import byte_stream_pb2 as streams
from affected.reapi import remote_execution_pb2 as api
from benchmarks.cache_server_load import API, STREAM, Server, digest, family, free_port

SIZES = (10, 500, 4_000, 20_000, 100_000, 300_000, 2_000_000)
LIMIT_MB = 64
GROWTH = 1.2
CAS = API + "ContentAddressableStorage/"


class Client:
    """One connection that does one random thing after another."""

    def __init__(self, target: str, seed: int) -> None:
        options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        self._channel = grpc.insecure_channel(target, options)
        self._rng = random.Random(seed)
        self._known: list[tuple[api.Digest, int]] = []
        self._results: dict[int, bytes] = {}
        self._seed = seed
        self.calls = 0
        self.read = 0
        self.wrong: list[str] = []

    def step(self) -> None:
        """One call or two; what is wrong is noted."""
        self.calls += 1
        try:
            self._rng.choice((self._put, self._write, self._find, self._get, self._stream,
                              self._record, self._look_up))()  # fmt: skip
        except grpc.RpcError as error:
            self.wrong.append(f"{error.code().name}: {error.details()}")

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def _content(self, number: int) -> bytes:
        size = SIZES[number % len(SIZES)]
        start = hashlib.sha256(f"{self._seed}/{number}".encode()).digest()
        return (start * (size // len(start) + 1))[:size]

    def _new(self, most: int) -> tuple[api.Digest, bytes]:
        while True:
            number = self._rng.randrange(1_000_000)
            content = self._content(number)
            if len(content) <= most:
                name = digest(content)
                self._known.append((name, number))
                del self._known[:-500]
                return name, content

    def _unary(self, path: str, request: bytes) -> bytes:
        answer: bytes = self._channel.unary_unary(path, bytes, bytes)(request, timeout=60)
        return answer

    def _put(self) -> None:
        request = api.BatchUpdateBlobsRequest()
        for _ in range(self._rng.randrange(1, 20)):
            name, content = self._new(100_000)
            request.requests.add(digest=name, data=content)
        answer = self._unary(CAS + "BatchUpdateBlobs", request.SerializeToString())
        for part in api.BatchUpdateBlobsResponse.FromString(answer).responses:
            if part.status.code:
                self.wrong.append(f"update: {part.status.message}")

    def _write(self) -> None:
        name, content = self._new(SIZES[-1])
        resource = f"uploads/{uuid.uuid4()}/blobs/{name.hash}/{name.size_bytes}"
        messages = [
            streams.WriteRequest(
                resource_name=resource, write_offset=start, data=content[start : start + 262_144],
                finish_write=start + 262_144 >= len(content),
            ).SerializeToString()
            for start in range(0, len(content), 262_144)
        ]  # fmt: skip
        self._channel.stream_unary(STREAM + "Write", bytes, bytes)(iter(messages), timeout=60)

    def _find(self) -> None:
        names = [name for name, _ in self._known]
        request = api.FindMissingBlobsRequest(blob_digests=names)
        self._unary(CAS + "FindMissingBlobs", request.SerializeToString())

    def _get(self) -> None:
        some = self._rng.sample(self._known, min(len(self._known), 10))
        chosen = [(name, number) for name, number in some if name.size_bytes <= 100_000]
        request = api.BatchReadBlobsRequest(digests=[name for name, _ in chosen])
        answer = self._unary(CAS + "BatchReadBlobs", request.SerializeToString())
        parts = api.BatchReadBlobsResponse.FromString(answer).responses
        for (_, number), part in zip(chosen, parts, strict=True):
            if part.status.code == 0:
                self._check(part.data, number)
            elif part.status.code != grpc.StatusCode.NOT_FOUND.value[0]:
                self.wrong.append(f"read: {part.status.message}")

    def _stream(self) -> None:
        if not self._known:
            return
        name, number = self._rng.choice(self._known)
        request = streams.ReadRequest(resource_name=f"blobs/{name.hash}/{name.size_bytes}")
        call = self._channel.unary_stream(STREAM + "Read", bytes, bytes)
        try:
            parts = list(call(request.SerializeToString(), timeout=60))
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            return
        self._check(b"".join(streams.ReadResponse.FromString(p).data for p in parts), number)

    def _record(self) -> None:
        update = records.UpdateRequest(instance_name=f"soak-{self._seed}")
        for _ in range(20):
            number = self._rng.randrange(300)
            payload = os.urandom(self._rng.randrange(10, 3000))
            self._results[number] = payload
            update.records.add(
                key=digest(b"key %d" % number), result=api.ActionResult(stdout_raw=payload)
            )
        call = self._channel.stream_stream("/affected.v1.Records/Update", bytes, bytes)
        for answer in call(iter([update.SerializeToString()]), timeout=60):
            for part in records.UpdateResponse.FromString(answer).records:
                if part.status.code:
                    self.wrong.append(f"record: {part.status.message}")

    def _look_up(self) -> None:
        keys = {digest(b"key %d" % number).hash: number for number in range(300)}
        request = records.LookUpRequest(
            instance_name=f"soak-{self._seed}",
            keys=[digest(b"key %d" % number) for number in range(300)],
        )
        call = self._channel.stream_stream("/affected.v1.Records/LookUp", bytes, bytes)
        for answer in call(iter([request.SerializeToString()]), timeout=60):
            for found in records.LookUpResponse.FromString(answer).found:
                self.read += 1
                if found.result.stdout_raw != self._results.get(keys[found.key.hash]):
                    self.wrong.append("a record is not the last one kept")

    def _check(self, content: bytes, number: int) -> None:
        self.read += 1
        if content != self._content(number):
            self.wrong.append("a blob has other bytes than were kept")


def memory(server: Server) -> float:
    """Resident megabytes of all its processes."""
    total = 0
    for number in family(server.process.pid):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{number}/statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def kept(folder: Path) -> float:
    """Megabytes that the folder takes on the disk."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and path.name not in {"index", "board"}:
                total += path.stat().st_blocks * 512
    return total / 1e6


def watch(server: Server, folder: Path, clients: list[Client], options: argparse.Namespace) -> int:
    """Let them work and look at the server meanwhile; the exit code."""
    over = threading.Event()

    def work(client: Client) -> None:
        while not over.is_set() and client.calls < options.max_calls / len(clients):
            client.step()

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    end = time.monotonic() + options.minutes * 60
    sizes: list[float] = []
    largest = 0.0
    while time.monotonic() < end and any(thread.is_alive() for thread in threads):
        over.wait(max(options.minutes * 60 / 20, 1))
        sizes.append(memory(server))
        largest = max(largest, kept(folder))
        calls = sum(client.calls for client in clients)
        print(f"{calls} calls, memory {sizes[-1]:.0f} MB, folder {largest:.0f} MB", flush=True)
    over.set()
    for thread in threads:
        thread.join()
    wrong = [sentence for client in clients for sentence in client.wrong]
    warm = max(sizes[: len(sizes) // 2 or 1])
    print(
        f"{sum(c.calls for c in clients)} calls, {sum(c.read for c in clients)} things read and"
        f" verified, {len(wrong)} wrong; memory {warm:.0f} MB in the first half, at most"
        f" {max(sizes):.0f} MB; folder at most {largest:.0f} MB of {LIMIT_MB * 1.048576:.0f} MB"
    )
    for sentence in wrong[:10]:
        print(f"  {sentence}")
    grew = max(sizes) > warm * GROWTH
    over_limit = largest > LIMIT_MB * 1.048576 + 2  # the quarantine, and blocks of folders
    return 1 if wrong or grew or over_limit else 0


def main() -> int:
    """Start the server, load it, stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--max-calls", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--clients", type=int, default=6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        port = free_port()
        command = [
            sys.executable, "-m", "cache_server", "serve", "--dir", str(folder / "store"),
            "--processes", str(options.processes), "--listen", f"127.0.0.1:{port}",
            "--max-size", f"{LIMIT_MB}M",
        ]  # fmt: skip
        server = Server("ours", command, port, folder / "log")
        clients = [Client(server.target, seed) for seed in range(options.clients)]
        try:
            return watch(server, folder / "store", clients, options)
        finally:
            for client in clients:
                client.close()
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
