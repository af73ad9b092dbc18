"""A block of lines at the bottom of a terminal, drawn in place.

Unaware of what the lines say and of the stream: it is given a callable that writes text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

_HIDE_CURSOR = "\x1b[?25l"
_SHOW_CURSOR = "\x1b[?25h"
_CLEAR_TO_END_OF_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"


class Screen:
    """Draws a block, lets lines scroll past above it, and removes it without a trace.

    Every change is one write, and a line is written over rather than wiped first, so nothing
    flickers. Lines must be narrower than the terminal. Times are monotonic seconds.
    """

    def __init__(self, write: Callable[[str], object], *, pause: float = 0.1) -> None:
        self._write = write
        self._pause = pause
        self._drawn: list[str] = []
        self._hidden = False  # the cursor
        self._last = float("-inf")

    def due(self, now: float) -> bool:
        """True when the last drawing is at least `pause` seconds old."""
        return now - self._last >= self._pause

    def draw(self, lines: Sequence[str], now: float) -> None:
        """Show `lines` instead of what is shown, unless it is too soon or they are the same."""
        if not self.due(now) or list(lines) == self._drawn:
            return
        self._last = now
        self._write(self._over(lines))

    def above(self, lines: Sequence[str]) -> None:
        """Print `lines` where they stay, above the block."""
        if not lines:
            return
        block = self._drawn
        text = self._rewind() + "".join(f"{line}{_CLEAR_TO_END_OF_LINE}\n" for line in lines)
        self._drawn = []
        if not block:
            self._write(text)
            return
        self._write(text + _CLEAR_BELOW + self._over(block))

    def close(self) -> None:
        """Remove the block and give the cursor back; may be called twice."""
        if not self._hidden:
            return
        self._write(self._rewind() + _CLEAR_BELOW + _SHOW_CURSOR)
        self._drawn = []
        self._hidden = False

    def _over(self, lines: Sequence[str]) -> str:
        text = self._rewind() if self._hidden else _HIDE_CURSOR
        self._hidden = True
        text += "\n".join(line + _CLEAR_TO_END_OF_LINE for line in lines)
        if len(lines) < len(self._drawn):
            text += _CLEAR_BELOW
        self._drawn = list(lines)
        return text

    def _rewind(self) -> str:
        if not self._drawn:
            return ""
        up = len(self._drawn) - 1
        return f"\x1b[{up}A\r" if up else "\r"
