"""Times as people write them. Unaware of what they bound."""

from __future__ import annotations

from typing import Final

from affected.errors import UserError

_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(text: str) -> float:
    """Seconds of "90s", "5m", "1.5h" or "300"; UserError for anything else."""
    import re  # noqa: PLC0415

    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([smh]?)", text.strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if seconds <= 0:
        raise UserError(f"{text!r} is not a time", "give for example 90s, 5m or 1h")
    return seconds
