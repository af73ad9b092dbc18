# source: sha256 8265b1d26610572e1670aecaf81444481d8d2f9e418b545c6eaabceef9c52f03
from affected.reapi import remote_execution_pb2 as _remote_execution_pb2
from affected.reapi import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LookUpRequest(_message.Message):
    __slots__ = ("instance_name", "keys", "payload_bytes", "blob_bytes")
    INSTANCE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    BLOB_BYTES_FIELD_NUMBER: _ClassVar[int]
    instance_name: str
    keys: _containers.RepeatedCompositeFieldContainer[_remote_execution_pb2.Digest]
    payload_bytes: int
    blob_bytes: int
    def __init__(self, instance_name: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[_remote_execution_pb2.Digest, _Mapping]]] = ..., payload_bytes: _Optional[int] = ..., blob_bytes: _Optional[int] = ...) -> None: ...

class LookUpResponse(_message.Message):
    __slots__ = ("found", "missing", "blobs")
    FOUND_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    found: _containers.RepeatedCompositeFieldContainer[Record]
    missing: _containers.RepeatedCompositeFieldContainer[_remote_execution_pb2.Digest]
    blobs: _containers.RepeatedCompositeFieldContainer[Blob]
    def __init__(self, found: _Optional[_Iterable[_Union[Record, _Mapping]]] = ..., missing: _Optional[_Iterable[_Union[_remote_execution_pb2.Digest, _Mapping]]] = ..., blobs: _Optional[_Iterable[_Union[Blob, _Mapping]]] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("key", "result")
    KEY_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    key: _remote_execution_pb2.Digest
    result: _remote_execution_pb2.ActionResult
    def __init__(self, key: _Optional[_Union[_remote_execution_pb2.Digest, _Mapping]] = ..., result: _Optional[_Union[_remote_execution_pb2.ActionResult, _Mapping]] = ...) -> None: ...

class Blob(_message.Message):
    __slots__ = ("digest", "data")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    digest: _remote_execution_pb2.Digest
    data: bytes
    def __init__(self, digest: _Optional[_Union[_remote_execution_pb2.Digest, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class UpdateRequest(_message.Message):
    __slots__ = ("instance_name", "blobs", "records")
    INSTANCE_NAME_FIELD_NUMBER: _ClassVar[int]
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    instance_name: str
    blobs: _containers.RepeatedCompositeFieldContainer[Blob]
    records: _containers.RepeatedCompositeFieldContainer[Record]
    def __init__(self, instance_name: _Optional[str] = ..., blobs: _Optional[_Iterable[_Union[Blob, _Mapping]]] = ..., records: _Optional[_Iterable[_Union[Record, _Mapping]]] = ...) -> None: ...

class UpdateResponse(_message.Message):
    __slots__ = ("records", "blobs")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[Answer]
    blobs: _containers.RepeatedCompositeFieldContainer[Answer]
    def __init__(self, records: _Optional[_Iterable[_Union[Answer, _Mapping]]] = ..., blobs: _Optional[_Iterable[_Union[Answer, _Mapping]]] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("digest", "status")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    digest: _remote_execution_pb2.Digest
    status: _status_pb2.Status
    def __init__(self, digest: _Optional[_Union[_remote_execution_pb2.Digest, _Mapping]] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...
