"""The Remote Execution API's messages, encoded by hand, byte for byte as protobuf does.

Unaware of files and of the network. Loading protobuf costs more than a run with nothing to do, and
these few messages need two kinds of fields. Source of the format: the encoding guide of protocol
buffers; field numbers are those of proto/affected/reapi/remote_execution.proto. Fields are written
in the order of their numbers, what has its default value is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from affected.model.blob import BlobName

_VARINT: Final = 0
_FIXED64: Final = 1
_SIZED: Final = 2
_FIXED32: Final = 5
_MORE: Final = 0x80


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    if number < _MORE:
        return bytes((number,))
    written = bytearray()
    while number >= _MORE:
        written.append(number & 0x7F | _MORE)
        number >>= 7
    written.append(number)
    return bytes(written)


def number_field(field: int, value: int) -> bytes:
    """A number; nothing for 0, its default."""
    return varint(field << 3 | _VARINT) + varint(value) if value else b""


def sized_field(field: int, content: bytes) -> bytes:
    """Bytes or a message, its size in front; written even when empty, as elements of lists are."""
    return varint(field << 3 | _SIZED) + varint(len(content)) + content


def text_field(field: int, text: str) -> bytes:
    """A string; nothing for "", its default. Bytes that are no UTF-8 stay as they are."""
    return sized_field(field, text_bytes(text)) if text else b""


def text_bytes(text: str) -> bytes:
    """The bytes of a string or of a path of the model."""
    return text.encode("utf-8", "surrogateescape")


def blob_name(content: bytes) -> BlobName:
    """The name of a blob."""
    return BlobName(hashlib.sha256(content).hexdigest(), len(content))


def digest_message(name: BlobName) -> bytes:
    """`Digest`."""
    return b"\x0a\x40" + name.sha256.encode("ascii") + number_field(2, name.size)


def duration_message(seconds: float) -> bytes:
    """`google.protobuf.Duration`; 0 and more, to the nanosecond."""
    nanos = round(seconds * 1_000_000_000)
    return number_field(1, nanos // 1_000_000_000) + number_field(2, nanos % 1_000_000_000)


def pair_message(name: str, value: str) -> bytes:
    """`Command.EnvironmentVariable` and `Platform.Property`: a name and a value."""
    return text_field(1, name) + text_field(2, value)


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field in the order written; ValueError for what is no message."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _read_varint(message, at)
            yield tag >> 3, value
            continue
        if kind == _SIZED:
            size, at = _read_varint(message, at)
        elif kind in {_FIXED32, _FIXED64}:
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("not a message: an unknown kind of field")
        if size > len(message) - at:
            raise ValueError("not a message: it is cut off")
        yield tag >> 3, message[at : at + size]
        at += size


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(message) or shift > 63:  # noqa: PLR2004  (bits of the largest number)
            raise ValueError("not a message: it is cut off")
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < _MORE:
            return number, at
        shift += 7


def read_digest(message: bytes) -> BlobName:
    """Inverse of `digest_message`; ValueError for anything that names no blob."""
    sha256, size = "", 0
    for field, value in fields(message):
        if field == 1 and isinstance(value, bytes):
            sha256 = value.decode("ascii")
        elif field == 2 and isinstance(value, int):  # noqa: PLR2004
            size = value
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):  # noqa: PLR2004
        raise ValueError("not the name of a blob")
    return BlobName(sha256, size)


def read_text(value: int | bytes) -> str:
    """Inverse of `text_bytes`; ValueError for a number."""
    if isinstance(value, int):
        raise ValueError("not a message: a number where a text belongs")  # noqa: TRY004
    return value.decode("utf-8", "surrogateescape")


def read_bytes(value: int | bytes) -> bytes:
    """A sized field's bytes; ValueError for a number."""
    if isinstance(value, int):
        raise ValueError("not a message: a number where bytes belong")  # noqa: TRY004
    return value


def read_number(value: int | bytes) -> int:
    """A number field's value; ValueError for bytes."""
    if isinstance(value, bytes):
        raise ValueError("not a message: bytes where a number belongs")  # noqa: TRY004
    return value


def joined(field: int, messages: Iterable[bytes]) -> bytes:
    """A repeated field."""
    return b"".join(sized_field(field, message) for message in messages)
