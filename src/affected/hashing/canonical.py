"""One byte string for one value: the encoding that defines every hash made here.

Unaware of hashing and of what values mean. Every value starts with a letter for its type; what has
a length carries it in front, so no two values share their bytes, and no value's bytes start
another's. Keys of a mapping are sorted by their own encoding.

    None n   True t   False f   int i<hex>;   str s<length>:<UTF-8>   bytes b<length>:<bytes>
    tuple l<count>:<items>   mapping m<count>:<key><value>…
"""

from __future__ import annotations

from collections.abc import Mapping

# A value that can be encoded. Subclasses are taken for what they derive from (a StrEnum is a str).
Value = None | bool | int | str | bytes | tuple["Value", ...] | Mapping[str, "Value"]


def encode(value: Value) -> bytes:
    """The canonical bytes of `value`. TypeError for any other type: floats, lists, sets."""
    pieces: list[bytes] = []
    _append(value, pieces)
    return b"".join(pieces)


def decode(encoded: bytes) -> Value:
    """Inverse of `encode`; mappings come back as dicts. ValueError for anything but its output."""
    try:
        value, end = _read(encoded, 0)
    except (RecursionError, TypeError) as trouble:
        raise ValueError("not a canonical encoding: too deep, or an odd key") from trouble
    if end != len(encoded) or encode(value) != encoded:
        raise ValueError("not a canonical encoding")
    return value


def _append(value: Value, pieces: list[bytes]) -> None:
    if isinstance(value, str):
        # Repo paths may hold surrogates; passing them through keeps different strings different.
        raw = value.encode("utf-8", "surrogatepass")
        pieces += (b"s%d:" % len(raw), raw)
    elif isinstance(value, bytes):
        pieces += (b"b%d:" % len(value), value)
    elif value is None:
        pieces.append(b"n")
    elif isinstance(value, bool):
        pieces.append(b"t" if value else b"f")
    elif isinstance(value, int):
        pieces.append(b"i%s;" % format(value, "x").encode())
    elif isinstance(value, tuple):
        pieces.append(b"l%d:" % len(value))
        for item in value:
            _append(item, pieces)
    elif isinstance(value, Mapping):
        pieces.append(b"m%d:" % len(value))
        for key, item in sorted((encode(_name(key)), encode(value[key])) for key in value):
            pieces += (key, item)
    else:
        raise TypeError(f"no canonical encoding for {type(value).__name__}")


def _read(encoded: bytes, at: int) -> tuple[Value, int]:
    """The value that starts at `at`, and where it ends."""
    letter = encoded[at : at + 1]
    at += 1
    simple: dict[bytes, bool | None] = {b"n": None, b"t": True, b"f": False}
    if letter in simple:
        return simple[letter], at
    end = encoded.find(b";" if letter == b"i" else b":", at)
    if end < 0 or not letter:
        raise ValueError("not a canonical encoding: truncated")
    if letter == b"i":
        return int(encoded[at:end], 16), end + 1
    return _read_sized(letter, encoded, int(encoded[at:end]), end + 1)


def _read_sized(letter: bytes, encoded: bytes, size: int, at: int) -> tuple[Value, int]:
    if size < 0 or size > len(encoded) - at:
        raise ValueError("not a canonical encoding: truncated")
    if letter == b"b":
        return encoded[at : at + size], at + size
    if letter == b"s":
        return encoded[at : at + size].decode("utf-8", "surrogatepass"), at + size
    if letter == b"l":
        items: list[Value] = []
        for _ in range(size):
            item, at = _read(encoded, at)
            items.append(item)
        return tuple(items), at
    if letter != b"m":
        raise ValueError("not a canonical encoding: unknown type")
    mapping: dict[str, Value] = {}
    for _ in range(size):
        key, at = _read(encoded, at)
        mapping[_name(key)], at = _read(encoded, at)
    return mapping, at


def _name(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError("only strings can be keys")
    return key
