"""Edits of whole files: new, deleted and renamed modules, data, configuration, what is installed.

Unaware of how an edit is applied. Each takes a project's files and a source of randomness.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from benchmarks.safety.code_edits import CodeEdit, body, constant
from benchmarks.safety.material import Material
from benchmarks.safety.source import parses_anew


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a tree: what each path holds afterwards, None where it is gone."""

    kind: str
    what: str
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """Names the edit by content."""
        parts = [(path, raw) for path, raw in sorted(self.files.items())]
        return hashlib.sha256(repr((parts, sorted(self.environ.items()))).encode()).hexdigest()[:16]


FileEdit = Callable[[Material, Random], Edit | None]
_ENVIRONMENTS = (
    ("TZ", "Asia/Kolkata"),
    ("LANG", "de_DE.UTF-8"),
    ("LC_ALL", "C"),
    ("PYTHONHASHSEED", "7"),
    ("PYTHONUTF8", "0"),
)
_SETTINGS = (
    'junit_suite_name = "edited"',
    "xfail_strict = true",
    'python_functions = ["test", "check"]',
    'console_output_style = "count"',
    "empty_parameter_set_mark = 'xfail'",
)


def in_one_file(kind: str, edit: CodeEdit, role: Callable[[Material], Sequence[str]]) -> FileEdit:
    """An edit of one Python file of a role."""

    def make(material: Material, rng: Random) -> Edit | None:
        for path in material.by_size(role(material), rng)[:40]:
            source = material.parsed(path)
            mutation = None if source is None else edit(source, rng)
            if source is not None and mutation is not None and parses_anew(source, mutation.raw):
                return Edit(kind, f"{path}: {mutation.what}", {path: mutation.raw})
        return None

    return make


def unseen(edit: CodeEdit) -> FileEdit:
    """An edit of comments or formatting in any Python file."""

    def make(material: Material, rng: Random) -> Edit | None:
        for path in material.by_size((*material.sources, *material.tests), rng)[:20]:
            source = material.parsed(path)
            mutation = None if source is None else edit(source, rng)
            if source is not None and mutation is not None and mutation.raw != source.raw:
                changed = parses_anew(source, mutation.raw)
                if not changed:
                    return Edit("comment", f"{path}: {mutation.what}", {path: mutation.raw})
        return None

    return make


def new_module(material: Material, rng: Random) -> Edit | None:
    """A module that nothing imports, or a test file."""
    if not material.sources:
        return None
    if rng.random() < 0.3 and material.tests:
        folder = rng.choice(material.tests).rpartition("/")[0]
        path = f"{folder}/test_added_by_edit.py"
        text = b"def test_added_by_edit():\n    assert True\n"
    else:
        folder = rng.choice(material.sources).rpartition("/")[0]
        path, text = (
            f"{folder}/added_by_edit.py",
            b"VALUE = 1\n\n\ndef value():\n    return VALUE\n",
        )
    return Edit("new module", f"{path} is new", {path.lstrip("/"): text})


def deleted_module(material: Material, rng: Random) -> Edit | None:
    """A module is gone."""
    paths = [path for path in material.sources if not path.endswith("__init__.py")]
    if not paths:
        return None
    path = rng.choice(paths)
    return Edit("deleted module", f"{path} is gone", {path: None})


def renamed_module(material: Material, rng: Random) -> Edit | None:
    """A module has another name; who imports it is not told."""
    paths = [path for path in material.sources if not path.endswith("__init__.py")]
    if not paths:
        return None
    path = rng.choice(paths)
    other = path.removesuffix(".py") + "_renamed.py"
    return Edit("renamed", f"{path} is {other}", {path: None, other: material.read(path)})


def package_init(material: Material, rng: Random) -> Edit | None:
    """An `__init__.py` is changed or gone."""
    paths = [path for path in (*material.sources, *material.tests) if path.endswith("__init__.py")]
    if not paths:
        return None
    path = rng.choice(paths)
    source = material.parsed(path)
    if rng.random() < 0.25 or source is None:
        return Edit("__init__", f"{path} is gone", {path: None})
    mutation = rng.choice((constant, body))(source, rng)
    if mutation is not None and parses_anew(source, mutation.raw):
        return Edit("__init__", f"{path}: {mutation.what}", {path: mutation.raw})
    raw = source.raw + b"\nADDED_BY_EDIT = 1\n"
    return Edit("__init__", f"{path}: a constant added", {path: raw})


def shadowing(material: Material, rng: Random) -> Edit | None:
    """A new file that answers an import which another file answers now."""
    if rng.random() < 0.6:
        paths = [path for path in material.sources if not path.endswith("__init__.py")]
        if not paths:
            return None
        path = rng.choice(paths)
        package = path.removesuffix(".py") + "/__init__.py"
        source = material.parsed(path)
        mutation = body(source, rng) if source is not None else None
        raw = mutation.raw if mutation is not None and rng.random() < 0.5 else b"SHADOW = True\n"
        return Edit("shadow", f"{package} shadows {path}", {package: raw})
    if not material.tests:
        return None
    folder = rng.choice(material.tests).rpartition("/")[0]
    name = rng.choice(("json", "decimal", "fractions", "textwrap", "markupsafe", "statistics"))
    path = f"{folder}/{name}.py".lstrip("/")
    if (material.tree / path).exists():
        return None
    return Edit("shadow", f"{path} may shadow {name}", {path: b"raise ZeroDivisionError\n"})


def conftest(material: Material, rng: Random) -> Edit | None:
    """A conftest.py is changed, or there is one more."""
    if material.conftests and rng.random() < 0.7:
        return in_one_file("conftest", rng.choice((body, body, constant)), lambda m: m.conftests)(
            material, rng
        )
    folders = sorted({path.rpartition("/")[0] for path in material.tests})
    paths = [f"{folder}/conftest.py".lstrip("/") for folder in folders]
    free = [path for path in paths if path not in material.conftests]
    if not free:
        return None
    broken = "    raise ZeroDivisionError\n" if rng.random() < 0.3 else "    return None\n"
    text = "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef added_by_edit():\n" + broken
    path = rng.choice(free)
    return Edit("conftest", f"{path} is new", {path: text.encode()})


def resource(material: Material, rng: Random) -> Edit | None:
    """A data file loses or gains a line, is gone, or there is one more."""
    if not material.data:
        return None
    path, choice = rng.choice(material.data), rng.random()
    raw = material.read(path)
    lines = raw.splitlines(keepends=True)
    if choice < 0.15:
        return Edit("data file", f"{path} is gone", {path: None})
    if choice < 0.3:
        stem, dot, ending = path.rpartition("/")[2].partition(".")
        other = f"{path.rpartition('/')[0]}/{stem}_added{dot}{ending}".lstrip("/")
        return Edit("data file", f"{other} is new, a copy", {other: raw})
    if choice < 0.6 and len(lines) > 1:
        gone = rng.randrange(len(lines))
        raw = b"".join(line for number, line in enumerate(lines) if number != gone)
        return Edit("data file", f"{path}: line {gone + 1} removed", {path: raw})
    return Edit("data file", f"{path}: a line added", {path: raw + b"edited\n"})


def configuration(material: Material, rng: Random) -> Edit | None:
    """The settings of pytest, or the manifest around them."""
    if not material.configuration:
        return None
    path = rng.choice(material.configuration)
    lines = material.read(path).decode().split("\n")
    heads = ("[tool.pytest.ini_options]", "[tool.pytest]", "[tool:pytest]", "[pytest]")
    at = next((number for number, line in enumerate(lines) if line.strip() in heads), None)
    if at is None or rng.random() < 0.3:
        lines.append("# a remark")
        return Edit("configuration", f"{path}: remark", {path: "\n".join(lines).encode()})
    if path != "pyproject.toml":
        lines.insert(at + 1, "junit_suite_name = edited")
        return Edit("configuration", f"{path}: setting", {path: "\n".join(lines).encode()})
    setting = rng.choice(_SETTINGS)
    if any(line.startswith(setting.split(" ")[0]) for line in lines):
        return None
    lines.insert(at + 1, setting)
    return Edit("configuration", f"{path}: {setting}", {path: "\n".join(lines).encode()})


def environment(_material: Material, rng: Random) -> Edit | None:
    """An environment variable that may change outcomes has another value."""
    name, value = rng.choice(_ENVIRONMENTS)
    return Edit("environment", f"{name}={value}", {}, {name: value})


def distribution(material: Material, rng: Random) -> Edit | None:
    """An installed distribution is another: one of its modules, and its RECORD says so."""
    for path in material.by_size(material.installed, rng)[:20]:
        source = material.parsed(path)
        mutation = None if source is None else rng.choice((body, body, constant))(source, rng)
        if source is None or mutation is None or not parses_anew(source, mutation.raw):
            continue
        record = _record_of(material, path)
        place = record.rsplit("/", 2)[0] + "/"
        inside = path.removeprefix(place)
        digest = base64.urlsafe_b64encode(hashlib.sha256(mutation.raw).digest()).rstrip(b"=")
        row = f"{inside},sha256={digest.decode()},{len(mutation.raw)}"
        rows = material.read(record).decode().split("\n")
        changed = "\n".join(row if line.startswith(inside + ",") else line for line in rows)
        files = {path: mutation.raw, record: changed.encode()}
        return Edit("distribution", f"{inside}: {mutation.what}", files)
    return None


def _record_of(material: Material, path: str) -> str:
    name = material.subject.distribution.replace("-", "_")
    place = path.partition("/site-packages/")[0] + "/site-packages"
    (record,) = (material.tree / place).glob(f"{name}-*/RECORD")
    return record.relative_to(material.tree).as_posix()
