"""What `[tool.affected.targets.NAME]` may hold, and how it is read.

Unaware of projects: what a table means for one of them is resolved elsewhere. The published JSON
schema is made from this table of keys and from nothing else.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from affected.errors import UserError

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
TIME_PATTERN: Final = r"^ *[0-9]{1,9}(\.[0-9]{1,3})? *(ms|s|m|h) *$"
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Form(enum.Enum):
    """The TOML shape of a value, in words."""

    COMMAND = "a string or an array of strings, the program first"
    TEXT = "a string that is not empty"
    TEXTS = "an array of strings that are not empty"
    TIME = 'seconds, or a time such as "90s" or "5m"'
    SWITCH = "true or false"
    COUNT = "a positive integer"


@dataclass(frozen=True, slots=True)
class TargetKey:
    """One key of a target's table."""

    name: str
    form: Form
    meaning: str


TARGET_KEYS: Final = (
    TargetKey("command", Form.COMMAND, "What is run; by a shell only where the text needs one."),
    TargetKey("projects", Form.TEXTS, "Patterns of the projects that get it (at the root only)."),
    TargetKey("kind", Form.TEXT, "What `--kind` and other targets call it; default: its name."),
    TargetKey("inputs", Form.TEXTS, "Globs of the files that it may depend on: `!` leaves out, "
              "`/` starts at the root, `^` means the projects depended on."),
    TargetKey("outputs", Form.TEXTS, "Files, folders or globs that it writes."),
    TargetKey("dependencies", Form.TEXTS, "What must end before: NAME, ^NAME, PROJECT:NAME, :NAME, "
              "kind:K, ^kind:K."),
    TargetKey("env", Form.TEXTS, "Environment variables that it sees and depends on; `*` allowed."),
    TargetKey("folder", Form.TEXT, "Where it is started, from the project's folder."),
    TargetKey("tags", Form.TEXTS, "Words to choose it by with `--tag`."),
    TargetKey("timeout", Form.TIME, "How long it may take."),
    TargetKey("cache", Form.SWITCH, "Whether its result may be reused; default: true."),
    TargetKey("on-request", Form.SWITCH, "Run it only when asked for or needed; default: true "
              "without a cache."),
    TargetKey("weight", Form.COUNT, "How many of `-j`'s places it takes."),
    TargetKey("resources", Form.TEXTS, "Names of what no two commands may use at once."),
    TargetKey("sandbox", Form.SWITCH, "Let it see its declared inputs only."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TargetTable:
    """One table as it was written: by key, only what it says."""

    name: str
    source: str  # the file and table, for errors
    values: Mapping[str, Any]

    def over(self, below: TargetTable | None) -> TargetTable:
        """This table's keys over those of another, which it refines."""
        if below is None:
            return self
        return TargetTable(self.name, self.source, {**below.values, **self.values})


def read_targets(table: object, source: str, *, project: bool) -> tuple[TargetTable, ...]:
    """The targets of one `targets` table; UserError names file, key and the nearest valid key."""
    if not isinstance(table, dict):
        raise UserError(
            f"{source}: `targets` must hold tables, not {table!r}",
            "write [tool.affected.targets.NAME], its keys below",
        )
    return tuple(_read(name, value, source, project=project) for name, value in table.items())


def _read(name: str, table: object, source: str, *, project: bool) -> TargetTable:
    where = f"{source} [targets.{name}]"
    if source.endswith("]"):
        where = f"{source.removesuffix(']')}.targets.{name}]"
    if not re.search(NAME_PATTERN, name):
        raise UserError(
            f"{source}: {name!r} cannot be the name of a target",
            "use letters, digits, `_`, `.` and `-`, a letter or digit first",
        )
    if not isinstance(table, dict):
        raise UserError(
            f"{where} must be a table, not {table!r}", 'write for example command = "make"'
        )
    known = {key.name: key for key in TARGET_KEYS}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise UserError(f"{where}: unknown key `{key}`", _nearest(key, list(known)))
        if project and key == "projects":
            raise UserError(
                f"{where}: `projects` has a meaning at the root only",
                "a project's own table is for that project",
            )
        read = _READERS[known[key].form](value)
        if read is None:
            raise UserError(
                f"{where}: `{key}` must be {known[key].form.value}, not {value!r}",
                known[key].meaning,
            )
        values[key] = read
    return TargetTable(name, where, values)


def _nearest(name: str, known: list[str]) -> str:
    import difflib  # noqa: PLC0415  (only on the way to an error)

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else "valid keys: " + ", ".join(known)


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return tuple(value)
    return None


def _command(value: object) -> str | tuple[str, ...] | None:
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(value) if value[0] else None
    return None


def _time(value: object) -> float | None:
    if isinstance(value, str):
        found = re.search(TIME_PATTERN, value)
        if found is None:
            return None
        seconds = float(value.strip().rstrip("smh").strip()) * _UNITS[found[2]]
        return seconds if seconds > 0 else None
    if type(value) is int or type(value) is float:
        return float(value) if value > 0 else None
    return None


_READERS: Mapping[Form, Callable[[object], object | None]] = {
    Form.COMMAND: _command,
    Form.TEXT: lambda value: value if isinstance(value, str) and value else None,
    Form.TEXTS: _texts,
    Form.TIME: _time,
    Form.SWITCH: lambda value: value if type(value) is bool else None,
    Form.COUNT: lambda value: value if type(value) is int and value >= 1 else None,
}
_TEXT: Final = {"type": "string", "minLength": 1}
_JSON_FORMS: Final[dict[Form, dict[str, Any]]] = {
    Form.COMMAND: {
        "anyOf": [
            {"type": "string", "pattern": r"\S"},
            {
                "type": "array",
                "minItems": 1,
                "prefixItems": [_TEXT],
                "items": {"type": "string"},
            },
        ]
    },
    Form.TEXT: _TEXT,
    Form.TEXTS: {"type": "array", "items": _TEXT},
    Form.TIME: {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "string", "pattern": r"^(?=.*[1-9])" + TIME_PATTERN[1:]},
        ]
    },
    Form.SWITCH: {"type": "boolean"},
    Form.COUNT: {"type": "integer", "minimum": 1},
}


def targets_schema() -> dict[str, Any]:
    """The JSON schema of the `targets` table."""
    properties = {
        key.name: {**_JSON_FORMS[key.form], "description": key.meaning} for key in TARGET_KEYS
    }
    return {
        "type": "object",
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": {
            "type": "object",
            "additionalProperties": False,
            "properties": properties,
        },
        "description": "Commands to run besides the tests, by name.",
    }
