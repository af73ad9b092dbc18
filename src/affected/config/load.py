"""Reads settings from affected.toml or `[tool.affected]`, and says precisely what is wrong.

Unaware of what the settings are used for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from affected.config.remote import parse_address, way_to_write
from affected.config.schema import (
    DATE_PATTERN,
    DEFAULT_CACHE_SIZE,
    DEFAULT_INERT,
    KEYS,
    PRECISIONS,
    ROOT_ONLY,
    Config,
    Key,
    ProjectConfig,
    Quarantined,
    Shape,
    parse_size,
)
from affected.config.target_tables import read_targets
from affected.errors import UserError

ROOT_FILE = "affected.toml"


def load(root: Path) -> Config:
    """The workspace's settings: affected.toml at the root, else its pyproject.toml, else defaults.

    Raises UserError naming file, key and the nearest valid key.
    """
    own = root / ROOT_FILE
    if own.is_file():
        table: dict[str, Any] | None = _parse(own, _read(own))
        source = ROOT_FILE
    else:
        path = root / "pyproject.toml"
        table = table_of(path) if path.is_file() else None
        source = "pyproject.toml [tool.affected]"
    if not table:
        return Config()
    values = check(table, source, project=False)
    return Config(
        name=values.get("name", ""),
        inert=values.get("inert", DEFAULT_INERT),
        ignore=values.get("ignore", ()),
        source_roots=values.get("source-roots", ()),
        jobs=values.get("jobs"),
        quarantine=values.get("quarantine", ()),
        cache_dir=values.get("cache-dir"),
        cache_size=values.get("cache-size", DEFAULT_CACHE_SIZE),
        remote=values.get("remote"),
        credential_command=values.get("credential-command", ()),
        remote_ca=values.get("remote-ca"),
        remote_cert=values.get("remote-cert"),
        remote_key=values.get("remote-key"),
        root=_project(values, ProjectConfig()),
        targets=values.get("targets", ()),
    )


def load_project(manifest: Path, shown: str, defaults: ProjectConfig) -> ProjectConfig:
    """A project's own settings over `defaults`; `shown` is its name in errors."""
    if not manifest.is_file():
        return defaults
    table = table_of(manifest)
    if not table:
        return defaults
    return _project(check(table, f"{shown} [tool.affected]", project=True), defaults)


def table_of(path: Path) -> dict[str, Any] | None:
    """`[tool.affected]` of a pyproject.toml; None when it has none. Parsed only if named.

    Raises UserError for a file that cannot be read, and for something else of that name.
    """
    raw = _read(path)
    if b"affected" not in raw:
        return None
    tool = _parse(path, raw).get("tool", {})
    if not isinstance(tool, dict) or "affected" not in tool:
        return None
    table = tool["affected"]
    if not isinstance(table, dict):
        raise UserError(
            f"{path.name}: `tool.affected` must be a table, not {table!r}",
            "write [tool.affected] on a line of its own, its keys below",
        )
    return table


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be read: {error.strerror}", f"make {path} readable"
        ) from error


def _parse(path: Path, raw: bytes) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415  (5 ms; most workspaces have nothing to parse)

    try:
        return tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path.name} cannot be read: {error}", f"mend the TOML syntax of {path}"
        ) from error


def check(table: Mapping[str, Any], source: str, *, project: bool) -> dict[str, Any]:
    """The values of a table by key, each of the right type; UserError names what is wrong."""
    known = {key.name: key for key in KEYS}
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name == "targets":
            values[name] = read_targets(value, source, project=project)
            continue
        key = known.get(name)
        if key is None:
            raise UserError(f"{source}: unknown key `{name}`", _nearest(name, [*known, "targets"]))
        if project and key.scope == ROOT_ONLY:
            raise UserError(
                f"{source}: `{name}` is a setting of the whole workspace",
                "move it to the root's [tool.affected]",
            )
        values[name] = _value(key, value, source)
    return values


def _value(key: Key, value: object, source: str) -> object:
    read = _READERS[key.shape](value)
    if read is None and key.shape is Shape.ADDRESS:  # not repeated: it may hold a secret
        hint = way_to_write(value) if isinstance(value, str) else key.meaning
        raise UserError(f"{source}: `{key.name}` must be {key.shape.value}", hint)
    if read is None:
        raise UserError(
            f"{source}: `{key.name}` must be {key.shape.value}, not {value!r}", key.meaning
        )
    return read


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return tuple(value)
    return None


def _xdist(value: object) -> str | None:
    return str(value) if value in ("auto", "off") or (type(value) is int and value >= 0) else None


def _quarantine(value: object) -> tuple[Quarantined, ...] | None:
    entries = value if isinstance(value, list) else [None]
    found = [_quarantined(entry) for entry in entries]
    return None if None in found else tuple(entry for entry in found if entry is not None)


def _quarantined(entry: object) -> Quarantined | None:
    if not isinstance(entry, dict) or not {"test", "owner", "until"} <= entry.keys():
        return None
    if entry.keys() - {"test", "owner", "until", "reason"}:
        return None
    texts = [entry["test"], entry["owner"], entry.get("reason", "")]
    until = _date(entry["until"])
    if until is None or not all(isinstance(text, str) for text in texts) or not all(texts[:2]):
        return None
    return Quarantined(texts[0], texts[1], until, texts[2])


def _date(value: object) -> dt.date | None:
    if isinstance(value, dt.datetime):
        return None
    if isinstance(value, str):
        import re  # noqa: PLC0415  (only where a date is configured)

        if re.search(DATE_PATTERN, value) is None:
            return None
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, dt.date) else None


def _size(value: object) -> int | None:
    if isinstance(value, str):
        return parse_size(value)
    return value if type(value) is int and value >= 1 else None


_READERS: Mapping[Shape, Callable[[object], object | None]] = {
    Shape.TEXT: lambda value: value if isinstance(value, str) and value else None,
    Shape.TEXTS: _texts,
    Shape.COUNT: lambda value: value if type(value) is int and value >= 1 else None,
    Shape.SIZE: _size,
    Shape.PRECISION: lambda value: value if value in PRECISIONS else None,
    Shape.XDIST: _xdist,
    Shape.ADDRESS: lambda value: parse_address(value) if isinstance(value, str) else None,
    Shape.QUARANTINE: _quarantine,
}


def _project(values: Mapping[str, Any], defaults: ProjectConfig) -> ProjectConfig:
    return ProjectConfig(
        python=values.get("python", defaults.python),
        env=values.get("env", ()) + defaults.env,
        pytest_args=values.get("pytest-args", defaults.pytest_args),
        xdist=values.get("xdist", defaults.xdist),
        precision=values.get("precision", defaults.precision),
        inputs=values.get("inputs", defaults.inputs),
        covered=values.get("covered", defaults.covered),
    )


def _nearest(name: str, known: list[str]) -> str:
    import difflib  # noqa: PLC0415  (only on the way to an error)

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    return "valid keys: " + ", ".join(known)
