"""Messages of proto/affected/reapi/semver.proto; written by proto/generate.py, never edited."""
# source: sha256 541a1d11cc96d50fd3c232c98b12842a9f4ca9213356e11c1206f0d8a8ab5b1b

from google.protobuf.internal import builder

from affected.reapi.pool import POOL

DESCRIPTOR = POOL.AddSerializedFile(
    b'\n\x1baffected/reapi/semver.proto\x12\x12build.bazel.semver"j\n\x06SemVer\x12'
    b'\x14\n\x05major\x18\x01 \x01(\x05R\x05major\x12\x14\n\x05minor\x18\x02 \x01(\x05R\x05minor\x12\x14\n\x05patch\x18\x03 \x01(\x05R\x05'
    b'patch\x12\x1e\n\nprerelease\x18\x04 \x01(\tR\nprereleaseb\x06proto3'
)
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "affected.reapi.semver_pb2", globals())
