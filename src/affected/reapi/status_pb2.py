"""Messages of proto/affected/reapi/status.proto; written by proto/generate.py, never edited."""
# source: sha256 2f2ad6459ee44f7eecf0877f107365ff8c90a8a7198bbc514e8fbf85670f9148

from google.protobuf.internal import builder

from affected.reapi.pool import POOL

DESCRIPTOR = POOL.AddSerializedFile(
    b'\n\x1baffected/reapi/status.proto\x12\ngoogle.rpc\x1a\x19google/protobuf/a'
    b'ny.proto"f\n\x06Status\x12\x12\n\x04code\x18\x01 \x01(\x05R\x04code\x12\x18\n\x07message\x18\x02 \x01(\tR\x07mes'
    b'sage\x12.\n\x07details\x18\x03 \x03(\x0b2\x14.google.protobuf.AnyR\x07detailsb\x06proto3'
)
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "affected.reapi.status_pb2", globals())
