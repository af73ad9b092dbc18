"""How text looks: colours, glyphs, widths, durations, plurals.

Unaware of whether a terminal is there; `cli` decides that and passes a `Style`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from affected.model import path as repo_path

_CODES: Final = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}
_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])"
)
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PIPED_WIDTH: Final = 100


@dataclass(frozen=True, slots=True)
class Style:
    """What the place that shows the text can do; `width` in columns, 0 for no limit."""

    color: bool = False
    unicode: bool = True
    width: int = 0

    def paint(self, text: str, *looks: str) -> str:
        """`text` in the named looks ("bold", "red"), plain when colour is off."""
        if not self.color or not text or not looks:
            return text
        return f"\x1b[{';'.join(_CODES[look] for look in looks)}m{text}\x1b[0m"

    @property
    def arrow(self) -> str:
        """Between the links of a chain."""
        return "→" if self.unicode else "->"

    @property
    def ellipsis(self) -> str:
        """For what was left out."""
        return "…" if self.unicode else "..."

    @property
    def bullet(self) -> str:
        """Before an item."""
        return "•" if self.unicode else "-"

    @property
    def rule(self) -> str:
        """What a horizontal line is made of."""
        return "─" if self.unicode else "-"

    @property
    def columns(self) -> int:
        """The width to lay tables out for."""
        return self.width or _PIPED_WIDTH


def printable(text: str) -> str:
    """One line that cannot move a cursor: control and direction characters are shown escaped."""
    return _CONTROLS.sub(lambda found: ascii(found.group())[1:-1], displayed(text))


def displayed(text: str) -> str:
    """`text` that any UTF-8 stream takes: undecodable bytes and lone surrogates shown escaped."""
    try:
        return repo_path.display(text)
    except UnicodeEncodeError:  # a surrogate that stands for no byte: made by a test, not a path
        return text.encode("utf-8", "backslashreplace").decode()


def without_escapes(text: str) -> str:
    """`text` without terminal escape sequences, for a place that has no colour."""
    return _ESCAPES.sub("", text)


def columns(text: str) -> int:
    """How many terminal columns `text` takes; escape sequences take none."""
    plain = without_escapes(text)
    if plain.isascii():
        return len(plain)
    return sum(_columns_of(char) for char in plain)


def _columns_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shorten(text: str, width: int, style: Style) -> str:
    """Plain `text` in at most `width` columns, its end cut."""
    if width <= 0 or columns(text) <= width:
        return text
    room = width - len(style.ellipsis)
    return _take(text, max(room, 0)) + style.ellipsis[: max(width, 0)]


def shorten_path(text: str, width: int, style: Style) -> str:
    """Plain `text` in at most `width` columns, its middle cut: both ends of a path tell most."""
    if width <= 0 or columns(text) <= width:
        return text
    room = width - len(style.ellipsis)
    if room < 2:  # noqa: PLR2004  # nothing left of either end
        return shorten(text, width, style)
    tail = _take(text[::-1], room - room // 3)[::-1]
    return _take(text, room // 3) + style.ellipsis + tail


def _take(text: str, width: int) -> str:
    taken = 0
    for position, char in enumerate(text):
        taken += _columns_of(char)
        if taken > width:
            return text[:position]
    return text


def pad(text: str, width: int) -> str:
    """`text` filled with blanks to `width` columns."""
    return text + " " * max(0, width - columns(text))


def number(value: int) -> str:
    """1204 → "1,204"."""
    return f"{value:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """(1, "file") → "1 file"; (2, "file") → "2 files"; (2, "entry", "entries") → "2 entries"."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """42 ms → "42ms", 0.42 → "0.4s", 65 → "1m 05s", 7500 → "2h 05m"; never a negative time."""
    seconds = max(seconds, 0.0)
    if seconds < 0.0995:  # noqa: PLR2004  # from here on one decimal of a second says enough
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:  # noqa: PLR2004  # rounds to less than a minute
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{number(hours)}h {minutes:02d}m"


def size(count: int) -> str:
    """Bytes in powers of 1024: 1536 → "1.5 KiB"."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:  # noqa: PLR2004
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Words of `text` on lines of at most `width` columns, each after `indent`."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and columns(indent) + columns(line) + 1 + columns(word) > width > 0:
            lines.append(indent + line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        lines.append(indent + line)
    return lines
