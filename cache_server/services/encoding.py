"""The wire format of protobuf, as far as large messages need it. Unaware of what they say.

A message with a megabyte in it is put together from its parts once, and taken apart without
copying them; protobuf would copy them twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from affected.reapi.byte_stream_pb2 import WriteRequest

SEVEN_BITS: Final = 0x7F
LENGTH_DELIMITED: Final = 2
HEX: Final = 64  # digits of a SHA-256
LAST_SHIFT: Final = 56
NAME, OFFSET, FINISH, DATA = 0x0A, 0x10, 0x18, 0x52  # tags in a WriteRequest
VIEWED: Final = 64 * 1024  # bytes; fewer are copied


def varint(number: int) -> bytes:
    """A number that is not negative."""
    if number <= SEVEN_BITS:
        return bytes((number,))
    head = bytearray()
    while number > SEVEN_BITS:
        head.append(number & SEVEN_BITS | 0x80)
        number >>= 7
    head.append(number)
    return bytes(head)


def head(field: int, length: int) -> bytes:
    """What stands before the bytes of a field (string, bytes or message; number below 16)."""
    return bytes((field << 3 | LENGTH_DELIMITED,)) + varint(length)


def part(field: int, content: bytes) -> bytes:
    """A whole field."""
    return head(field, len(content)) + content


class Write(NamedTuple):
    """A WriteRequest; `data` is a view of a large message, which it keeps alive."""

    resource_name: str = ""
    write_offset: int = 0
    finish_write: bool = False
    data: bytes | memoryview = b""


def write_request(content: bytes) -> Write | WriteRequest:
    """The message; by protobuf, whatever it says, when it holds anything unusual."""
    try:
        return _write(content)
    except (IndexError, ValueError):
        return WriteRequest.FromString(content)


def digests(field: int, blobs: Iterable[tuple[str, int]]) -> bytes:
    """Digests (hash in hex, size) as fields of that number; a protobuf message each is dearer."""
    ends: dict[int, tuple[str, str]] = {}
    parts: list[str] = []
    for name, size in blobs:
        end = ends.get(size)
        if end is None:
            tail = b"\x10" + varint(size) if size else b""
            before = head(field, 2 + HEX + len(tail)) + b"\n" + varint(HEX)
            end = ends[size] = before.decode("latin-1"), tail.decode("latin-1")
        parts += end[0], name, end[1]
    return "".join(parts).encode("latin-1")


def _write(content: bytes) -> Write:
    """IndexError or ValueError for what should be left to protobuf."""
    name, offset, finish = "", 0, False
    data: bytes | memoryview = b""
    at = 0
    while at < len(content):
        tag = content[at]
        number, at = _number(content, at + 1)
        if tag == OFFSET:
            offset = number
        elif tag == FINISH:
            finish = number != 0
        elif tag in {NAME, DATA} and at + number <= len(content):
            if tag == NAME:
                name = str(content[at : at + number], "utf-8")
            elif number < VIEWED:
                data = content[at : at + number]
            else:
                data = memoryview(content)[at : at + number]
            at += number
        else:
            raise ValueError
    return Write(name, offset, finish, data)


def _number(content: bytes, at: int) -> tuple[int, int]:
    """A varint of at most 63 bits, and where it ends."""
    number = shift = 0
    while True:
        byte = content[at]
        number |= (byte & SEVEN_BITS) << shift
        at += 1
        if byte <= SEVEN_BITS:
            return number, at
        shift += 7
        if shift > LAST_SHIFT:
            raise ValueError
