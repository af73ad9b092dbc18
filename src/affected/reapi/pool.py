"""One descriptor pool of our own. Unaware of which messages go into it.

Protobuf's default pool holds one definition of a message name in a process; another package
that brings its own copy of a public interface would clash with ours there.
"""

from __future__ import annotations

from google.protobuf import (
    any_pb2,
    descriptor_pool,
    duration_pb2,
    timestamp_pb2,
    wrappers_pb2,
)

POOL = descriptor_pool.DescriptorPool()

for known in (any_pb2, duration_pb2, timestamp_pb2, wrappers_pb2):
    POOL.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
