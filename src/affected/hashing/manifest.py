"""Manifests: the key material of a target, in order, and what can be done with it.

Unaware of what goes in. One walk visits every item; one writer makes a digest of what it is shown,
another makes lines for a reader, so the explanation can never leave out what the digest covers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from affected.hashing.canonical import Value, decode, encode

# Bump whenever the walk or an item's meaning changes: every fingerprint changes with it.
# 1: first layout.
_FORMAT = "affected.manifest.1"
_LONGEST = 200  # characters of a value in an explanation


class Writer(Protocol):
    """What a walk reports to."""

    def section(self, name: str, count: int) -> None:
        """A section of `count` items starts."""

    def item(self, name: str, value: Value) -> None:
        """One item of the section that started last."""


@dataclass(frozen=True, slots=True)
class Section:
    """Items that belong together; their order counts, their names are unique."""

    name: str
    items: tuple[tuple[str, Value], ...]

    def __post_init__(self) -> None:
        if len({name for name, _ in self.items}) != len(self.items):
            raise ValueError(f"section {self.name!r} names an item twice")


@dataclass(frozen=True, slots=True)
class Difference:
    """One item that two manifests do not share; a side without it is None, a value is text."""

    section: str
    name: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        what = f"{self.section}: {_printable(self.name)}"
        if self.old is None:
            return f"{what} added: {self.new}"
        if self.new is None:
            return f"{what} removed: {self.old}"
        return f"{what} changed: {self.old} → {self.new}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Ordered sections of named values; section names are unique."""

    sections: tuple[Section, ...]

    def __post_init__(self) -> None:
        if len({section.name for section in self.sections}) != len(self.sections):
            raise ValueError("a manifest names a section twice")

    def visit(self, writer: Writer) -> None:
        """Show everything to `writer`, in order."""
        for section in self.sections:
            writer.section(section.name, len(section.items))
            for name, value in section.items:
                writer.item(name, value)

    def digest(self) -> str:
        """SHA-256 of everything, in hex."""
        writer = DigestWriter()
        self.visit(writer)
        return writer.digest()

    def explanation(self) -> list[str]:
        """One line a section, one indented line an item."""
        writer = ExplanationWriter()
        self.visit(writer)
        return writer.lines

    def to_bytes(self) -> bytes:
        """Canonical bytes, for storage."""
        sections = tuple((section.name, section.items) for section in self.sections)
        return encode((_FORMAT, sections))

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Manifest:
        """Inverse of `to_bytes`. ValueError for other bytes or another format."""
        match decode(encoded):
            case (str(found), tuple(sections)) if found == _FORMAT:
                return cls(tuple(map(_section, sections)))
        raise ValueError("not a manifest of this format")


class DigestWriter:
    """Turns a walk into a SHA-256."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256(encode(_FORMAT))

    def section(self, name: str, count: int) -> None:
        """See `Writer`."""
        self._sha.update(encode((name, count)))

    def item(self, name: str, value: Value) -> None:
        """See `Writer`."""
        self._sha.update(encode((name, value)))

    def digest(self) -> str:
        """64 hexadecimal digits."""
        return self._sha.hexdigest()


class ExplanationWriter:
    """Turns a walk into lines; long values are cut, undecodable bytes escaped."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def section(self, name: str, count: int) -> None:
        """See `Writer`."""
        self.lines.append(f"{name}:" if count else f"{name}: nothing")

    def item(self, name: str, value: Value) -> None:
        """See `Writer`."""
        self.lines.append(f"  {_printable(name)} = {render(value)}")


def difference(old: Manifest, new: Manifest) -> list[Difference]:
    """What was changed, removed or added, in the order of `new`, then what only `old` has.

    Empty exactly when both have the same sections and items; items that only changed places are
    told as the section's order.
    """
    before, after = _flat(old), _flat(new)
    found = [
        Difference(*key, old=render(before[key]) if key in before else None, new=render(value))
        for key, value in after.items()
        if key not in before or encode(before[key]) != encode(value)
    ]
    found += [
        Difference(*key, old=render(value), new=None)
        for key, value in before.items()
        if key not in after
    ]
    if not found and old.to_bytes() != new.to_bytes():
        found = _order(old, new)
    return found


def render(value: Value) -> str:
    """`value` as text for a reader: one line, escaped, cut when very long."""
    text = _text(value)
    escaped = _printable(text)
    return escaped if len(escaped) <= _LONGEST else escaped[: _LONGEST - 1] + "…"


def _printable(text: str) -> str:
    """`text` with undecodable bytes as `model.path.display` shows them, the rest as Python does."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character if character.isprintable() else repr(character)[1:-1]


def _text(value: Value) -> str:
    if isinstance(value, str):
        return str(value) or "(empty)"
    if isinstance(value, bytes):
        return value.hex() or "(empty)"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_text(v)}" for k, v in sorted(value.items())) + "}"
    return "nothing" if value is None else str(value)


def _flat(manifest: Manifest) -> dict[tuple[str, str], Value]:
    return {(s.name, name): value for s in manifest.sections for name, value in s.items}


def _order(old: Manifest, new: Manifest) -> list[Difference]:
    """Same items, other order (or other empty sections)."""
    before = {section.name: [name for name, _ in section.items] for section in old.sections}
    after = {section.name: [name for name, _ in section.items] for section in new.sections}
    if list(before) != list(after):
        return [Difference("manifest", "sections", ", ".join(before), ", ".join(after))]
    return [
        Difference(name, "order", render(tuple(before[name])), render(tuple(after[name])))
        for name in after
        if before[name] != after[name]
    ]


def _section(value: Value) -> Section:
    match value:
        case (str(name), tuple(items)):
            return Section(name, tuple(map(_item, items)))
    raise ValueError("not a manifest: a section is no pair")


def _item(value: Value) -> tuple[str, Value]:
    match value:
        case (str(name), item):
            return name, item
    raise ValueError("not a manifest: an item is no pair")
