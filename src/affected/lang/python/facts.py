"""Facts: what one Python file says about what it needs, and their stored form.

Unaware of where the file lies and of what its names resolve to.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from affected.model.edge import EdgeKind

VERSION: Final = b"1"
"""First byte of the stored form. 1: the first one."""

STRING: Final = b'"'
EXPORTS: Final = b"="
DOCTEST: Final = b">"
COMPUTED: Final = b"!"

_SPACE = re.compile(rb"[ \t\f\n\\]+")
_AS = re.compile(rb"[ \t\f\n\\]+as[ \t\f\n\\].*", re.DOTALL)
_AROUND_DOT = re.compile(rb"[ \t\f\n\\]*\.[ \t\f\n\\]*")
_COMMENT = re.compile(rb"#[^\n]*")
_DOTTED = re.compile(
    rb"\.*(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*(?:\.[A-Za-z_\x80-\xff][\w\x80-\xff]*)*)?"
)


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module: `import module` (no names) or `from module import names`.

    `module` keeps its leading dots; `names` is ("*",) for a star import. Kind STRING is a name
    passed as a literal to `import_module`, `__import__`, `importorskip`, `find_spec` or listed in
    `pytest_plugins`.
    """

    module: str
    names: tuple[str, ...]
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class Facts:
    """What one file needs, by name.

    `strings`: dotted names in string literals; `computed`: a module name is computed at run time;
    `exports`: the literal names of `__all__`; `doctests`: imports of the examples in docstrings.
    """

    imports: tuple[Import, ...]
    strings: tuple[str, ...]
    computed: bool
    exports: tuple[str, ...] = ()
    doctests: tuple[Import, ...] = ()


def clauses(raw: bytes, keyword: int) -> tuple[bytes, ...]:
    """The stored clauses of one import statement as written; () when it is none.

    `keyword` is the offset of the word `import` in `raw`. `import a.b as c, d` gives `a.b`, `d`;
    `from .a import (b as c, d)` gives `.a:b,d`.
    """
    head = raw[4:keyword] if keyword else b""
    tail = raw[keyword + 6 :]
    if not raw.isascii():
        head, tail = _normalised(head), _normalised(tail)
    if not keyword:
        found = [_item(part) for part in tail.split(b",")]
        return tuple(found) if all(found) else ()
    module = _SPACE.sub(b"", head)
    if b"#" in tail:
        tail = _COMMENT.sub(b"", tail)
    tail = tail.strip(b" \t\f\n\\()")
    if tail == b"*":
        return (module + b":*",)
    names = [_item(part) for part in tail.rstrip(b",").split(b",")]
    if not all(names) or not _DOTTED.fullmatch(module):
        return ()
    return (module + b":" + b",".join(names),)


def _item(part: bytes) -> bytes:
    """The imported name of `name as other`; b"" when it is no name."""
    name = part.strip(b" \t\f\n\\")
    if b" " in name or b"\t" in name or b"\\" in name or b"\f" in name or b"\n" in name:
        name = _AROUND_DOT.sub(b".", _AS.sub(b"", name, count=1))
    return name if _DOTTED.fullmatch(name) else b""


def _normalised(raw: bytes) -> bytes:
    """NFKC, as Python compares identifiers."""
    text = raw.decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFKC", text).encode("utf-8", "surrogateescape")


def pack(facts: Facts) -> bytes:
    """The stored form: version, then one line a fact. Names stay readable as bytes."""
    lines = [VERSION]
    lines += [_line(one) for one in facts.imports]
    lines += [DOCTEST + _line(one) for one in facts.doctests]
    lines += [STRING + _bytes(one) for one in facts.strings]
    if facts.exports:
        lines.append(EXPORTS + _bytes(",".join(facts.exports)))
    if facts.computed:
        lines.append(COMPUTED)
    return b"\n".join(lines)


def unpack(packed: bytes) -> Facts:
    """Inverse of `pack`. Raises ValueError for bytes of another version."""
    lines = packed.split(b"\n")
    if lines[0] != VERSION:
        raise ValueError("facts of another version")
    imports: list[Import] = []
    doctests: list[Import] = []
    strings: list[str] = []
    exports: tuple[str, ...] = ()
    computed = False
    for line in lines[1:]:
        tag = line[:1]
        if tag == STRING:
            strings.append(_text(line[1:]))
        elif tag == EXPORTS:
            exports = tuple(_text(line[1:]).split(","))
        elif tag == DOCTEST:
            doctests.append(_import(line[1:]))
        elif tag == COMPUTED:
            computed = True
        else:
            imports.append(_import(line))
    return Facts(tuple(imports), tuple(strings), computed, exports, tuple(doctests))


def _line(one: Import) -> bytes:
    names = ":" + ",".join(one.names) if one.names else ""
    return _bytes(f"{int(one.kind)}{one.module}{names}")


def _import(line: bytes) -> Import:
    module, _, names = _text(line[1:]).partition(":")
    return Import(module, tuple(names.split(",")) if names else (), EdgeKind(line[0] - 48))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
