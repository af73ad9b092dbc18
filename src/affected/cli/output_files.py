"""Files that the user or the CI system asked for. Unaware of what is in them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from affected.errors import UserError


@dataclass(frozen=True, slots=True)
class Reports:
    """What is to be written beside the closing words."""

    junit: Path | None
    summary: Path | None
    shard: Path | None  # for the gate
    as_json: bool

    def anyone(self, environ: Mapping[str, str]) -> bool:
        """True when somebody waits for more than the closing words."""
        asked = self.junit or self.summary or self.shard or self.as_json
        return bool(asked or environ.get("GITHUB_STEP_SUMMARY"))


def write_file(path: Path, text: str) -> None:
    """Write it whole, its folder too; UserError when that cannot be done."""
    from affected.fs.atomic import write_atomic  # noqa: PLC0415

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise _unwritable(path, error) from error


def append_to(named: str | None, text: str) -> None:
    """Add to the file that a CI system names in a variable, if it names one."""
    if not named:
        return
    try:
        with Path(named).open("a", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)
    except OSError as error:
        raise _unwritable(Path(named), error) from error


def _unwritable(path: Path, error: OSError) -> UserError:
    reason = error.strerror or os.fspath(path)
    return UserError(f"{path} cannot be written: {reason}", "name another file")
