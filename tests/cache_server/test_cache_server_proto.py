"""The committed messages are those of proto/, and live beside anyone else's."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool

from affected.reapi import (
    affected_v1_pb2,
    byte_stream_pb2,
    remote_execution_pb2,
    semver_pb2,
    status_pb2,
)

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto" / "affected" / "reapi"
OUT = ROOT / "src" / "affected" / "reapi"


@pytest.mark.parametrize("path", sorted(PROTO.glob("*.proto")), ids=lambda path: path.stem)
def test_each_committed_module_names_the_definition_it_was_made_of(path):
    """A changed definition is noticed without any tool installed."""
    source = f"# source: sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}\n"
    assert source in (OUT / f"{path.stem}_pb2.py").read_text(encoding="utf-8")
    assert source in (OUT / f"{path.stem}_pb2.pyi").read_text(encoding="utf-8")


def test_the_committed_modules_are_what_the_compiler_makes():
    """Generated again, byte for byte the same messages."""
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed (extra dev)")
    generate = (
        "import sys; sys.path.insert(0, 'proto'); import generate; made = generate.compiled();"
        "sys.exit(' '.join(n for n, text in made.items() if n.endswith('.py')"
        " and (generate.OUT / n).read_text() != text) or 0)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", generate], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, ""), "run: python proto/generate.py"


def test_the_default_pool_knows_nothing_of_ours():
    """Another package may register the same public names with its own definitions."""
    for module in (
        affected_v1_pb2,
        byte_stream_pb2,
        remote_execution_pb2,
        semver_pb2,
        status_pb2,
    ):
        with pytest.raises(KeyError):
            descriptor_pool.Default().FindFileByName(module.DESCRIPTOR.name)
    pool = descriptor_pool.Default()
    with pytest.raises(KeyError):
        pool.FindMessageTypeByName("build.bazel.remote.execution.v2.ActionResult")


@pytest.mark.parametrize(
    ("message", "numbers"),
    [
        ("Digest", {"hash": 1, "size_bytes": 2}),
        ("FindMissingBlobsResponse", {"missing_blob_digests": 2}),
        ("BatchReadBlobsResponse.Response", {"digest": 1, "data": 2, "status": 3, "compressor": 4}),
        ("OutputDirectory", {"path": 1, "tree_digest": 3, "root_directory_digest": 5}),
        ("UpdateActionResultRequest", {"action_digest": 2, "action_result": 3}),
    ],
)
def test_numbers_that_are_easy_to_get_wrong_are_the_public_ones(message, numbers):
    """The wire knows numbers only."""
    found = remote_execution_pb2.DESCRIPTOR.pool.FindMessageTypeByName(
        f"build.bazel.remote.execution.v2.{message}"
    )
    fields = {field.name: field.number for field in found.fields}
    assert numbers.items() <= fields.items()


def test_pieces_of_a_stream_are_field_ten():
    """In both directions."""
    for message in (byte_stream_pb2.ReadResponse, byte_stream_pb2.WriteRequest):
        assert message(data=b"x").SerializeToString() == b"\x52\x01x"
