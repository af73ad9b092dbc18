"""gRPC's own server for Python with handlers that do nothing: the bound for whoever builds on it.

    python -m benchmarks.cache_server_bare PORT

Nothing is parsed, looked up, checked or kept: requests are dropped, replies have the size that
right ones would have. Unaware of what is asked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

PIECE = b"\x52\x80\x80\x40" + bytes(1 << 20)  # a ReadResponse of 1 MiB
SMALL = b"\x52\x80\x50" + bytes(10_240)
BATCH = bytes(1_030_000)
RESULT = bytes(500)
SIZE_OF_LARGE = b"/104857600"


def read(request: bytes, _: object) -> Iterator[bytes]:
    """100 MiB or 10 KB, by the name's last part."""
    if request.endswith(SIZE_OF_LARGE):
        for _ in range(100):
            yield PIECE
    else:
        yield SMALL


def write(requests: Iterator[bytes], _: object) -> bytes:
    """All of it dropped."""
    for _ in requests:
        pass
    return b""


def services() -> dict[str, dict[str, grpc.RpcMethodHandler[Any, bytes]]]:
    """The methods that the benchmark calls."""

    def unary(reply: bytes) -> grpc.RpcMethodHandler[Any, bytes]:
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: reply)

    return {
        "build.bazel.remote.execution.v2.Capabilities": {"GetCapabilities": unary(bytes(60))},
        "build.bazel.remote.execution.v2.ActionCache": {
            "GetActionResult": unary(RESULT), "UpdateActionResult": unary(RESULT),
        },
        "build.bazel.remote.execution.v2.ContentAddressableStorage": {
            "FindMissingBlobs": unary(b""), "BatchUpdateBlobs": unary(bytes(8_000)),
            "BatchReadBlobs": unary(BATCH),
        },
        "google.bytestream.ByteStream": {
            "Read": grpc.unary_stream_rpc_method_handler(read),
            "Write": grpc.stream_unary_rpc_method_handler(write),
        },
    }  # fmt: skip


def main() -> None:
    """Serve until ended."""
    server = grpc.server(ThreadPoolExecutor(16), options=(("grpc.max_receive_message_length", -1),))
    server.add_generic_rpc_handlers(
        tuple(
            grpc.method_handlers_generic_handler(name, methods)
            for name, methods in services().items()
        )
    )
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
