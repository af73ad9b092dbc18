"""Messages of proto/affected/reapi/byte_stream.proto; written by proto/generate.py, never edited."""
# source: sha256 bedef01f61b6e855681a84d519df570f6428e8ec4b3cbd2e75539794c2c5bf54

from google.protobuf.internal import builder

from affected.reapi.pool import POOL

DESCRIPTOR = POOL.AddSerializedFile(
    b'\n affected/reapi/byte_stream.proto\x12\x11google.bytestream"r\n\x0bRea'
    b'dRequest\x12#\n\rresource_name\x18\x01 \x01(\tR\x0cresourceName\x12\x1f\n\x0bread_offset'
    b'\x18\x02 \x01(\x03R\nreadOffset\x12\x1d\n\nread_limit\x18\x03 \x01(\x03R\treadLimit""\n\x0cReadRes'
    b'ponse\x12\x12\n\x04data\x18\n \x01(\x0cR\x04data"\x8d\x01\n\x0cWriteRequest\x12#\n\rresource_name\x18'
    b'\x01 \x01(\tR\x0cresourceName\x12!\n\x0cwrite_offset\x18\x02 \x01(\x03R\x0bwriteOffset\x12!\n\x0cfi'
    b'nish_write\x18\x03 \x01(\x08R\x0bfinishWrite\x12\x12\n\x04data\x18\n \x01(\x0cR\x04data"6\n\rWriteRe'
    b'sponse\x12%\n\x0ecommitted_size\x18\x01 \x01(\x03R\rcommittedSize">\n\x17QueryWriteS'
    b'tatusRequest\x12#\n\rresource_name\x18\x01 \x01(\tR\x0cresourceName"]\n\x18QueryWr'
    b'iteStatusResponse\x12%\n\x0ecommitted_size\x18\x01 \x01(\x03R\rcommittedSize\x12\x1a\n\x08'
    b'complete\x18\x02 \x01(\x08R\x08complete2\x92\x02\n\nByteStream\x12I\n\x04Read\x12\x1e.google.byt'
    b'estream.ReadRequest\x1a\x1f.google.bytestream.ReadResponse0\x01\x12L\n\x05Wr'
    b'ite\x12\x1f.google.bytestream.WriteRequest\x1a .google.bytestream.Wri'
    b'teResponse(\x01\x12k\n\x10QueryWriteStatus\x12*.google.bytestream.QueryWr'
    b'iteStatusRequest\x1a+.google.bytestream.QueryWriteStatusRespons'
    b'eb\x06proto3'
)
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "affected.reapi.byte_stream_pb2", globals())
