"""What `[tool.affected]` may hold: every key, its type, its default and where it may stand.

Unaware of files. The published JSON schema is made from this table and from nothing else.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass, field
from typing import Any, Final

from affected.config.remote import ADDRESS_PATTERN, RemoteAddress
from affected.config.target_tables import TargetTable, targets_schema

ROOT_ONLY: Final = "root"
ANYWHERE: Final = "anywhere"
PRECISIONS: Final = ("function", "file", "project")


class Shape(enum.Enum):
    """The TOML shape of a value, in words."""

    TEXT = "a string that is not empty"
    TEXTS = "an array of strings that are not empty"
    COUNT = "a positive integer"
    SIZE = "a size such as 5G"
    PRECISION = '"function", "file" or "project"'
    XDIST = '"auto", "off" or a number of workers'
    ADDRESS = "an address such as grpc://HOST:PORT/INSTANCE"
    QUARANTINE = "tables of `test`, `owner`, `until` (a date) and maybe `reason`"


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `scope` says whether a project's own table may hold it."""

    name: str
    shape: Shape
    scope: str
    meaning: str


KEYS: Final = (
    Key("name", Shape.TEXT, ROOT_ONLY, "The workspace's name, part of every fingerprint."),
    Key("python", Shape.TEXT, ANYWHERE, "Interpreter that runs the tests: a path or a command."),
    Key("env", Shape.TEXTS, ANYWHERE, "Environment variables that tests may see; `*` allowed."),
    Key("inert", Shape.TEXTS, ROOT_ONLY, "Documents: without an observation they affect nothing."),
    Key("ignore", Shape.TEXTS, ROOT_ONLY, "Paths that are not part of the workspace at all."),
    Key("source-roots", Shape.TEXTS, ROOT_ONLY, "More folders that imports start from."),
    Key("pytest-args", Shape.TEXTS, ANYWHERE, "Arguments added to every pytest command line."),
    Key("xdist", Shape.XDIST, ANYWHERE, "Workers inside one pytest process."),
    Key(
        "precision",
        Shape.PRECISION,
        ANYWHERE,
        "What an edit is told apart by: functions (Python 3.12 and later), files or projects.",
    ),
    Key("jobs", Shape.COUNT, ROOT_ONLY, "Processes at once; default: the number of cores."),
    Key("inputs", Shape.TEXTS, ANYWHERE, "Files that every test of the project depends on."),
    Key(
        "covered",
        Shape.TEXTS,
        ANYWHERE,
        "Blind spots that `inputs` cover, as CODE or CODE:PATTERN (child-process:git *).",
    ),
    Key(
        "quarantine",
        Shape.QUARANTINE,
        ROOT_ONLY,
        "Tests whose failure does not fail a run, each with an owner, until a date.",
    ),
    Key("cache-dir", Shape.TEXT, ROOT_ONLY, "Folder of the local cache, from the root."),
    Key("cache-size", Shape.SIZE, ROOT_ONLY, "Bound of the local cache; default 5G."),
    Key("remote", Shape.ADDRESS, ROOT_ONLY, "The shared cache; AFFECTED_REMOTE goes before it."),
    Key(
        "credential-command",
        Shape.TEXTS,
        ROOT_ONLY,
        "Command that prints the token for the shared cache, where AFFECTED_TOKEN is not set.",
    ),
    Key("remote-ca", Shape.TEXT, ROOT_ONLY, "File of the authority that signed its certificate."),
    Key("remote-cert", Shape.TEXT, ROOT_ONLY, "File of our own certificate, for mutual TLS."),
    Key("remote-key", Shape.TEXT, ROOT_ONLY, "File of that certificate's key."),
)

DEFAULT_CACHE_SIZE: Final = 5 * 1024**3
DEFAULT_INERT: Final = (
    "*.md",
    "*.rst",
    "*.adoc",
    "LICENSE*",
    "LICENCE*",
    "COPYING*",
    "NOTICE*",
    "AUTHORS*",
    "CHANGES*",
    "CHANGELOG*",
    "CONTRIBUTORS*",
    "CODEOWNERS",
    ".gitignore",
    ".gitattributes",
    ".git-blame-ignore-revs",
    ".mailmap",
    ".editorconfig",
    ".pre-commit-config.yaml",
    "/.github/**",
    "/.gitlab-ci.yml",
    "/.buildkite/**",
    "/.circleci/**",
    "/.vscode/**",
    "/.idea/**",
)


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """What applies to the tests of one project; the root's values are the defaults."""

    python: str | None = None
    env: tuple[str, ...] = ()
    pytest_args: tuple[str, ...] = ()
    xdist: str = "auto"
    precision: str = "function"
    inputs: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A test (an id, a file, a folder or a pattern) whose failure does not fail a run for now."""

    test: str
    owner: str
    until: dt.date  # the last day
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """The workspace's settings, complete: every default filled in."""

    name: str = ""
    inert: tuple[str, ...] = DEFAULT_INERT
    ignore: tuple[str, ...] = ()
    source_roots: tuple[str, ...] = ()
    jobs: int | None = None
    quarantine: tuple[Quarantined, ...] = ()
    cache_dir: str | None = None
    cache_size: int = DEFAULT_CACHE_SIZE
    remote: RemoteAddress | None = None
    credential_command: tuple[str, ...] = ()
    remote_ca: str | None = None
    remote_cert: str | None = None
    remote_key: str | None = None
    root: ProjectConfig = field(default_factory=ProjectConfig)
    targets: tuple[TargetTable, ...] = ()


# Digits are bounded so that no size is rounded to nothing or beyond what a number can hold. Read
# by Python and, in the published schema, by editors: only what both understand alike.
SIZE_PATTERN: Final = (
    r"^ *(?=[0-9.]*[1-9])([0-9]{1,12}(?:\.[0-9]{1,6})?) *(?:([KMGTkmgt])[iI]?)?[bB]? *$"
)


def parse_size(text: str) -> int | None:
    """Bytes of "500M", "5G", "1.5 GiB"; None when it is no size."""
    import re  # noqa: PLC0415  (only where a size is configured)

    found = re.search(SIZE_PATTERN, text)
    if found is None:
        return None
    number, unit = found.groups()
    factor = 1024 ** ("KMGT".index(unit.upper()) + 1) if unit else 1
    return max(1, int(float(number) * factor))


DATE_PATTERN: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

_JSON_TYPES: Final[dict[Shape, dict[str, Any]]] = {
    Shape.TEXT: {"type": "string", "minLength": 1},
    Shape.TEXTS: {"type": "array", "items": {"type": "string", "minLength": 1}},
    Shape.COUNT: {"type": "integer", "minimum": 1},
    Shape.SIZE: {
        "anyOf": [
            {"type": "integer", "minimum": 1},
            {"type": "string", "pattern": SIZE_PATTERN},
        ]
    },
    Shape.ADDRESS: {"type": "string", "pattern": ADDRESS_PATTERN},
    Shape.PRECISION: {"enum": list(PRECISIONS)},
    Shape.QUARANTINE: {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test", "owner", "until"],
            "properties": {
                "test": {"type": "string", "minLength": 1},
                "owner": {"type": "string", "minLength": 1},
                "until": {"type": "string", "format": "date", "pattern": DATE_PATTERN},
                "reason": {"type": "string"},
            },
        },
    },
    Shape.XDIST: {"anyOf": [{"enum": ["auto", "off"]}, {"type": "integer", "minimum": 0}]},
}


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of the `[tool.affected]` table, for editors."""
    properties = {key.name: {**_JSON_TYPES[key.shape], "description": key.meaning} for key in KEYS}
    properties["targets"] = targets_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "[tool.affected] in pyproject.toml, or affected.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
