"""Messages of proto/affected/reapi/affected_v1.proto; written by proto/generate.py, never edited."""
# source: sha256 8265b1d26610572e1670aecaf81444481d8d2f9e418b545c6eaabceef9c52f03

from google.protobuf.internal import builder

from affected.reapi.pool import POOL
from affected.reapi import remote_execution_pb2  # noqa: F401
from affected.reapi import status_pb2  # noqa: F401

DESCRIPTOR = POOL.AddSerializedFile(
    b'\n affected/reapi/affected_v1.proto\x12\x0baffected.v1\x1a%affected/re'
    b'api/remote_execution.proto\x1a\x1baffected/reapi/status.proto"\xb5\x01\n\r'
    b'LookUpRequest\x12#\n\rinstance_name\x18\x01 \x01(\tR\x0cinstanceName\x12;\n\x04keys\x18\x02'
    b" \x03(\x0b2'.build.bazel.remote.execution.v2.DigestR\x04keys\x12#\n\rpaylo"
    b'ad_bytes\x18\x03 \x01(\x03R\x0cpayloadBytes\x12\x1d\n\nblob_bytes\x18\x04 \x01(\x03R\tblobBytes"'
    b'\xa7\x01\n\x0eLookUpResponse\x12)\n\x05found\x18\x01 \x03(\x0b2\x13.affected.v1.RecordR\x05foun'
    b"d\x12A\n\x07missing\x18\x02 \x03(\x0b2'.build.bazel.remote.execution.v2.DigestR"
    b'\x07missing\x12\'\n\x05blobs\x18\x03 \x03(\x0b2\x11.affected.v1.BlobR\x05blobs"\x8a\x01\n\x06Record'
    b"\x129\n\x03key\x18\x01 \x01(\x0b2'.build.bazel.remote.execution.v2.DigestR\x03key\x12"
    b'E\n\x06result\x18\x02 \x01(\x0b2-.build.bazel.remote.execution.v2.ActionResu'
    b'ltR\x06result"[\n\x04Blob\x12?\n\x06digest\x18\x01 \x01(\x0b2\'.build.bazel.remote.exec'
    b'ution.v2.DigestR\x06digest\x12\x12\n\x04data\x18\x02 \x01(\x0cR\x04data"\x8c\x01\n\rUpdateReques'
    b"t\x12#\n\rinstance_name\x18\x01 \x01(\tR\x0cinstanceName\x12'\n\x05blobs\x18\x02 \x03(\x0b2\x11.affe"
    b'cted.v1.BlobR\x05blobs\x12-\n\x07records\x18\x03 \x03(\x0b2\x13.affected.v1.RecordR\x07r'
    b'ecords"j\n\x0eUpdateResponse\x12-\n\x07records\x18\x01 \x03(\x0b2\x13.affected.v1.Answ'
    b'erR\x07records\x12)\n\x05blobs\x18\x02 \x03(\x0b2\x13.affected.v1.AnswerR\x05blobs"u\n\x06An'
    b"swer\x12?\n\x06digest\x18\x01 \x01(\x0b2'.build.bazel.remote.execution.v2.Diges"
    b'tR\x06digest\x12*\n\x06status\x18\x02 \x01(\x0b2\x12.google.rpc.StatusR\x06status2\x97\x01\n\x07Re'
    b'cords\x12E\n\x06LookUp\x12\x1a.affected.v1.LookUpRequest\x1a\x1b.affected.v1.Lo'
    b'okUpResponse(\x010\x01\x12E\n\x06Update\x12\x1a.affected.v1.UpdateRequest\x1a\x1b.aff'
    b'ected.v1.UpdateResponse(\x010\x01b\x06proto3'
)
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "affected.reapi.affected_v1_pb2", globals())
