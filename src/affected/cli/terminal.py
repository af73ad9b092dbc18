"""What the place that shows our text can do. Unaware of what is shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from affected.report.style import Style


def wants_color(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Colour in a terminal unless NO_COLOR says no, or wherever FORCE_COLOR says yes."""
    color = stream.isatty() and environ.get("TERM") != "dumb"
    if environ.get("FORCE_COLOR"):
        color = environ["FORCE_COLOR"] != "0"
    return color and not environ.get("NO_COLOR")


def style_for(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """What may be shown on `stream`."""
    import shutil  # noqa: PLC0415

    from affected.report.style import Style  # noqa: PLC0415  (a run with nothing to do needs none)

    encoding = (stream.encoding or "").lower().replace("-", "")
    width = shutil.get_terminal_size().columns if stream.isatty() else 0
    unicode = encoding.startswith("utf")
    return Style(color=wants_color(stream, environ), unicode=unicode, width=width)


def is_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True when a block of lines may be redrawn in place."""
    return stream.isatty() and not environ.get("CI") and environ.get("TERM") != "dumb"


def write_lines(lines: list[str], stream: TextIO | None = None) -> None:
    """Writes lines in one go, whatever the stream can encode."""
    if not lines:
        return
    target = sys.stdout if stream is None else stream
    text = "\n".join(lines) + "\n"
    encoding = target.encoding or "utf-8"
    target.write(text.encode(encoding, "backslashreplace").decode(encoding))
    target.flush()


def environment() -> Mapping[str, str]:
    """The process's environment."""
    return os.environ


def label_here(label: str, root: Path) -> str:
    """A path as the user sees it from here, as a label; labels stay as they are."""
    path, mark, rest = label.partition("::")
    here = Path(os.path.normpath(Path.cwd() / path))
    if here.exists():
        for found in (here, here.resolve()):  # as named, a link is the target, not what it leads to
            if found.is_relative_to(root):
                return found.relative_to(root).as_posix() + mark + rest
    return label
