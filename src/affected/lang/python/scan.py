"""Scan: one Python source into facts, by regular expressions over its bytes.

Unaware of the file's path and of the syntax beyond statements that import. It finds every import
that `ast` finds; it may add one that stands in a string at the start of a line.
"""

from __future__ import annotations

import bisect
import codecs
import re
from collections.abc import Iterable
from typing import Final

from affected.lang.python import facts as stored
from affected.lang.python.facts import Facts, Import, pack, unpack

__all__ = ["Facts", "Import", "Scanner", "pack", "scan", "scan_files", "scan_packed", "unpack"]

_W: Final = rb"(?:[ \t\f]|\\\n)"
_N: Final = rb"[\w\x80-\xff]"
_END: Final = rb"(?=[;#\n]|\Z)"

_FROM: Final = re.compile(
    rb"from(?<!\wfrom)"
    rb"(?:%(W)s*+\.)*+(?:%(W)s*+(?!import(?!%(N)s))%(N)s++(?:%(W)s*+\.%(W)s*+%(N)s++)*+)?+"
    rb"%(W)s*+(import)(?!%(N)s)%(W)s*+"
    rb"(?:\([\w\x80-\xff\s,\\]*+(?:#[^\n]*+[\w\x80-\xff\s,\\]*+)*+\)%(W)s*+"
    rb"|\*%(W)s*+"
    rb"|[\w\x80-\xff, \t\f]++(?:\\\n[\w\x80-\xff, \t\f]*+)*+)"
    rb"%(END)s" % {b"W": _W, b"N": _N, b"END": _END}
)
_IMPORT: Final = re.compile(
    rb"import(?:(?<!\wimport)(?=[ \t\f\\])"
    rb"(?:[\w\x80-\xff., \t\f]*+(?:\\\n[\w\x80-\xff., \t\f]*+)*+)%(END)s"
    rb"|(_module(?!%(N)s)|orskip(?!%(N)s)|(?<=__import)__(?!%(N)s)))" % {b"N": _N, b"END": _END}
)
_LITERAL: Final = rb"[rRuU]?([\"'])(\.*[\w\x80-\xff.]+)\1"
_CALLED: Final = re.compile(
    rb"\s*\(\s*(?:\w+\s*=\s*)?" + _LITERAL + rb"\s*(?:[,)]\s*)"
    rb"(?:package\s*=\s*)?(?:([\"'])([\w\x80-\xff.]+)\3|([\w.]+))?"
)
_NOT_CALLED: Final = re.compile(rb"[ \t]*(?:[,)\n;\]}]|\Z)")
_FIND_SPEC: Final = re.compile(rb"find_spec\s*\(\s*(?:name\s*=\s*)?" + _LITERAL)
_DOUBLE: Final = re.compile(
    rb'"([A-Za-z_\x80-\xff][\w\x80-\xff]*+(?:\.[A-Za-z_\x80-\xff][\w\x80-\xff]*+)++)(?::[\w.]*+)?"'
)
_SINGLE: Final = re.compile(_DOUBLE.pattern.replace(b'"', b"'"))
_LISTED: Final = re.compile(
    rb"(pytest_plugins|__all__)\b[^\n=]*=\s*"
    rb"(?:([(\[])([^)\]]*)[)\]]|((?:[rRuU]?[\"'][^\"'\n]*[\"']\s*)+))"
)
_QUOTED: Final = re.compile(rb"[\"']([\w\x80-\xff.]+)[\"']")
_HEADER: Final = re.compile(
    rb"\n(?:async|class|def|elif|else|except|finally|for|if|match|try|while|with)(?!%s)" % _N
)
_TYPING: Final = re.compile(rb"\n(?:el)?if[ \t\f(]+(?:\w+[ \t]*\.[ \t]*)*TYPE_CHECKING[ \t)]*:")
_COMMENT_BREAK: Final = re.compile(rb"(#[^\n]*)\\\n")
_COOKIE: Final = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)")
_BLANK: Final = re.compile(rb"[ \t\f]*(?:#.*)?")
_FILE_SUFFIXES: Final = frozenset((b"py", b"pyi", b"pyc", b"txt", b"md", b"rst", b"yml"))
_LINE_FEED: Final = 10
_MARGIN: Final = 256
"""More white space than this before a statement is not looked through: it counts as one."""
_MODULE, _LAZY, _TYPED, _STAR, _STRING = b"0", b"1", b"2", b"4", b"5"


class Scanner:
    """Scans many sources; remembers import statements it has read, since files repeat them."""

    __slots__ = ("_clauses",)

    def __init__(self) -> None:
        self._clauses: dict[bytes, tuple[bytes, ...]] = {}

    def packed(self, source: bytes) -> bytes:
        """The facts of `source` in their stored form; never raises for odd sources."""
        text = _plain(source)
        lines: dict[bytes, None] = {stored.VERSION: None}
        if self._statements(text, lines):
            self._statements(_COMMENT_BREAK.sub(rb"\1\n", text), lines)
        for pattern in (_DOUBLE, _SINGLE):
            for name in pattern.findall(text):
                if name.rpartition(b".")[2] not in _FILE_SUFFIXES:
                    lines[stored.STRING + name] = None
        if b"find_spec" in text:
            for match in _FIND_SPEC.finditer(text):
                lines[_STRING + match[2]] = None
        if b"pytest_plugins" in text or b"__all__" in text:
            _listed(text, lines)
        return b"\n".join(lines)

    def _statements(self, text: bytes, lines: dict[bytes, None]) -> bool:
        """Add the import statements; True when a comment's last backslash may have hidden one."""
        blocks = _Blocks(text)
        doubtful = False
        keywords: set[int] = set()
        for match in _FROM.finditer(text):
            start = match.start()
            keyword = match.start(1)
            keywords.add(keyword)
            raw = match[0]
            if b"\\" in raw:
                doubtful = doubtful or blocks.commented(start)
            tag = _MODULE if text[start - 1] == _LINE_FEED else blocks.tag(start)
            if tag:
                self._add(raw, keyword - start, tag, lines)
        for match in _IMPORT.finditer(text):
            if match[1]:
                _dynamic(text, match, lines)
                continue
            start = match.start()
            if start in keywords:
                continue
            raw = match[0]
            if b"\\" in raw:
                doubtful = doubtful or blocks.commented(start)
            tag = _MODULE if text[start - 1] == _LINE_FEED else blocks.tag(start)
            if tag:
                self._add(raw, 0, tag, lines)
        return doubtful

    def _add(self, raw: bytes, keyword: int, tag: bytes, lines: dict[bytes, None]) -> None:
        found = self._clauses.get(raw)
        if found is None:
            found = self._clauses[raw] = stored.clauses(raw, keyword)
        for clause in found:
            if tag == _MODULE and clause.endswith(b":*"):
                lines[_STAR + clause] = None
            else:
                lines[tag + clause] = None


class _Blocks:
    """The compound statements at the left margin of one text, by which imports get their kind."""

    __slots__ = ("_headers", "_text")

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._headers: list[int] | None = None

    def commented(self, start: int) -> bool:
        """True when a `#` stands before `start` on its line."""
        return b"#" in self._text[self._text.rfind(b"\n", 0, start) : start]

    def tag(self, start: int) -> bytes:
        """The tag of a statement that does not begin its line; b"" when none can begin there."""
        text = self._text
        before = text[max(0, start - _MARGIN) : start].rstrip(b" \t\f")
        if before and before[-1] not in b"\n;:":
            if before.endswith((b">>>", b"...")):
                return stored.DOCTEST + _MODULE
            rest = before.removesuffix(b"lazy").rstrip(b" \t\f")  # Python 3.15: lazy import a
            lazy = rest != before and (not rest or rest[-1] in b"\n;:")
            return _LAZY if lazy else b""
        if self._headers is None:
            self._headers = [one.start() for one in _HEADER.finditer(text)]
        line = text.rfind(b"\n", 0, start)
        at = bisect.bisect_right(self._headers, line) - 1
        if at < 0 or (text[line + 1] not in b" \t\f" and self._headers[at] != line):
            return _MODULE  # nothing compound before it, or: x = 1; import y
        header = self._headers[at]
        if text.startswith((b"\ndef", b"\nasync"), header):
            return _LAZY
        if _TYPING.match(text, header):
            return _TYPED
        return _LAZY if text.find(b"def ", header, start) >= 0 else _MODULE


def scan(source: bytes) -> Facts:
    """The facts of one source. A source that does not decode or parse still gives facts."""
    return unpack(scan_packed(source))


def scan_packed(source: bytes) -> bytes:
    """`pack(scan(source))`, at a fraction of the cost."""
    return Scanner().packed(source)


def scan_files(sources: Iterable[bytes]) -> list[bytes]:
    """The stored facts of many sources, in order; cheaper than one by one."""
    packed = Scanner().packed
    return [packed(source) for source in sources]


def _plain(source: bytes) -> bytes:
    """`source` in UTF-8 with line feeds only, without a byte order mark, after a line feed."""
    if source.startswith(codecs.BOM_UTF8):
        source = source[3:]
    else:
        second = source.find(b"\n", source.find(b"\n") + 1)
        head = source[:second] if second >= 0 else source
        if b"coding" in head:
            source = _recoded(source, head)
    if b"\r" in source:
        source = source.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return b"\n" + source


def _recoded(source: bytes, head: bytes) -> bytes:
    """`source` in UTF-8, when a comment in its first two lines names another encoding (PEP 263)."""
    lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    cookie = _COOKIE.match(lines[0])
    if cookie is None and len(lines) > 1 and _BLANK.fullmatch(lines[0]):
        cookie = _COOKIE.match(lines[1])
    if cookie is None:
        return source
    try:
        return source.decode(cookie[1].decode("ascii")).encode("utf-8", "surrogatepass")
    except (LookupError, ValueError):
        return source


def _dynamic(text: bytes, match: re.Match[bytes], lines: dict[bytes, None]) -> None:
    """Add what `import_module`, `__import__` or `importorskip` is given, or that it is computed."""
    called = _CALLED.match(text, match.end())
    if called is None or (called[2].startswith(b".") and called[3] is None and called[5] is None):
        if match[1] != b"orskip" and (called is not None or _computed(text, match)):
            lines[stored.COMPUTED] = None
        return
    name = called[2]
    if name.startswith(b"."):
        if called[4] is not None:
            name = _absolute(name, called[4])
        elif called[5] not in {b"__package__", b"__name__"}:
            lines[stored.COMPUTED] = None
    lines[_STRING + name] = None


def _computed(text: bytes, match: re.Match[bytes]) -> bool:
    """True when an importing function is called with, or handed on for, a name not in the text."""
    end = match.end()
    before = text[max(0, match.start() - 16) : match.start()].rstrip(b"_ \t")
    if before.endswith((b"def", b'"', b"'", b"`")):
        return False
    if text[end : end + 16].lstrip().startswith(b"("):
        return True
    if _NOT_CALLED.match(text, end) is None:
        return False
    return not any(one.start() < end <= one.end() for one in _FROM.finditer(text))


def _absolute(relative: bytes, package: bytes) -> bytes:
    name = relative.lstrip(b".")
    level = len(relative) - len(name)
    parts = package.split(b".")
    kept = parts[: len(parts) - level + 1]
    return b".".join([*kept, name]) if name else b".".join(kept)


def _listed(text: bytes, lines: dict[bytes, None]) -> None:
    """Add the plugins that `pytest_plugins` lists and the names that `__all__` does."""
    exports: list[bytes] = []
    for match in _LISTED.finditer(text):
        names = _QUOTED.findall(match[3] if match[3] is not None else match[4])
        if match[1] == b"__all__":
            exports += [name for name in names if b"." not in name]
        else:
            for name in names:
                lines[_STRING + name] = None
    if exports:
        lines[stored.EXPORTS + b",".join(exports)] = None
