"""The wire format of protobuf, as far as large answers need it. Unaware of what they say.

A message with a megabyte in it is put together from its parts once; protobuf would copy it twice.
"""

from __future__ import annotations

from typing import Final

SEVEN_BITS: Final = 0x7F
LENGTH_DELIMITED: Final = 2


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
