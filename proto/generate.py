"""Writes `src/affected/reapi` from the definitions in this folder. Unaware of what they mean.

    python proto/generate.py [--check]

Needs `grpcio-tools` (extra `dev`). The messages go into a descriptor pool of our own, and the
modules hold no check of protobuf's exact version, so that they load beside any other package.
`--check` writes nothing; it exits with 1 when the committed modules are not these definitions'.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

PROTO = Path(__file__).resolve().parent
OUT = PROTO.parent / "src"
FOLDER = "affected/reapi"

MODULE = '''\
"""Messages of proto/{name}; written by proto/generate.py, never edited."""
# source: sha256 {source}

from google.protobuf.internal import builder

from affected.reapi.pool import POOL
{imports}
DESCRIPTOR = POOL.AddSerializedFile(
{lines}
)
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "{module}", globals())
'''


def sources() -> list[str]:
    """The names under which the definitions know each other, each after those it imports."""
    found = sorted(f"{FOLDER}/{path.name}" for path in (PROTO / FOLDER).glob("*.proto"))
    last = [f"{FOLDER}/remote_execution.proto", f"{FOLDER}/affected_v1.proto"]
    return [name for name in found if name not in last] + last


def source_digest(name: str) -> str:
    """The digest that the modules made of `name` carry in their second line."""
    return hashlib.sha256((PROTO / name).read_bytes()).hexdigest()


def compiled() -> dict[str, str]:
    """Path below `src` → text, of each module and of its types, by protoc itself."""
    from google.protobuf import descriptor_pb2  # noqa: PLC0415  (dev only)
    from grpc_tools import protoc  # noqa: PLC0415  (dev only)

    known = Path(protoc.__file__).parent / "_proto"
    made: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        descriptors = Path(scratch, "set")
        status = protoc.main(
            [
                "protoc", f"-I{PROTO}", f"-I{known}",
                f"--descriptor_set_out={descriptors}", f"--pyi_out={scratch}", *sources(),
            ]
        )  # fmt: skip
        if status:
            raise SystemExit(status)
        listing = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes())
        for file in listing.file:
            stem = file.name.removesuffix(".proto")
            made[f"{stem}_pb2.py"] = module_text(file.name, file)
            types = Path(scratch, f"{stem}_pb2.pyi").read_text(encoding="utf-8")
            made[f"{stem}_pb2.pyi"] = f"# source: sha256 {source_digest(file.name)}\n{types}"
    return made


def module_text(name: str, file) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """The module that registers `file`, a FileDescriptorProto, in our pool."""
    ours = [need for need in file.dependency if need.startswith(FOLDER)]
    imports = "".join(
        f"from affected.reapi import {Path(need).stem}_pb2  # noqa: F401\n" for need in ours
    )
    content = file.SerializeToString(deterministic=True)
    pieces = [content[start : start + 60] for start in range(0, len(content), 60)]
    stem = name.removesuffix(".proto")
    return MODULE.format(
        name=name,
        source=source_digest(name),
        imports=imports,
        lines="\n".join(f"    {piece!r}" for piece in pieces),
        module=f"{stem}_pb2".replace("/", "."),
    )


def main(arguments: list[str]) -> int:
    """Write the modules, or compare them; the exit code."""
    made = compiled()
    if "--check" in arguments:
        stale = [
            name for name, text in made.items() if not (OUT / name).exists()
            or (OUT / name).read_text(encoding="utf-8") != text
        ]  # fmt: skip
        for name in stale:
            sys.stderr.write(f"src/{name} is not what the definitions say\n")
        return 1 if stale else 0
    for name, text in made.items():
        (OUT / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
