"""Fingerprints: what they depend on, what they do not, and that they never drift."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from affected import hashing
from affected.hashing.checksum import checksum, checksum_bytes
from affected.hashing.fingerprint import (
    strong_fingerprint,
    variable_digest,
    weak_fingerprint,
    weak_manifest,
)
from affected.hashing.manifest import difference

VALUES = {
    "tool_format": 1,
    "label": "pkg/tests/test_a.py",
    "project": "pkg",
    "platform": "linux-x86_64 glibc",
    "implementation": "cpython-313",
    "python_version": "3.13.0 (main)",
    "plugins": [("pytest", "aa"), ("pytest-xdist", "bb"), ("pluggy", "cc")],
    "config_path": "pkg/pyproject.toml",
    "config_content": {"addopts": ("-q", "-x"), "markers": ()},
    "arguments": ("-k", "not slow"),
    "environment": {"TZ": "UTC", "LANG": None, "TOKEN": "very secret"},
}

# One other value for each, which a test must be run again for.
OTHERS = {
    "tool_format": 2,
    "label": "pkg/tests/test_b.py",
    "project": "",
    "platform": "macosx-14-arm64",
    "implementation": "cpython-312",
    "python_version": "3.13.1 (main)",
    "plugins": [("pytest", "ab"), ("pytest-xdist", "bb"), ("pluggy", "cc")],
    "config_path": None,
    "config_content": {"addopts": ("-x", "-q"), "markers": ()},
    "arguments": ("not slow", "-k"),
    "environment": {"TZ": "UTC", "LANG": "", "TOKEN": "very secret"},
}


def fingerprint(**changes):
    return weak_fingerprint(weak_manifest(**{**VALUES, **changes}))


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_every_value_counts(name):
    """Another value is another fingerprint, and the difference names its section."""
    assert fingerprint(**{name: OTHERS[name]}) != fingerprint()
    changed = weak_manifest(**{**VALUES, name: OTHERS[name]})
    assert difference(weak_manifest(**VALUES), changed)


def test_orders_without_meaning_do_not_count():
    """Plugins, variables and configuration keys come in whatever order a process finds them."""
    assert fingerprint(plugins=iter(VALUES["plugins"][::-1])) == fingerprint()
    assert fingerprint(environment=dict(reversed(VALUES["environment"].items()))) == fingerprint()
    content = dict(reversed(VALUES["config_content"].items()))
    assert fingerprint(config_content=content) == fingerprint()


def test_the_value_of_a_variable_is_nowhere_to_be_read():
    """Manifests are stored and shared; secrets live in variables."""
    manifest = weak_manifest(**VALUES)
    assert b"very secret" not in manifest.to_bytes()
    assert "very secret" not in "\n".join(manifest.explanation())
    assert variable_digest("") != variable_digest(None) == "absent"


def test_a_fingerprint_never_drifts():
    """Stored records are found by it: a change of this value must be meant, and bumps a format."""
    assert fingerprint() == "5a019cf22761162ff20ddca04fd67c5281a3730dbc8e8cadbf664c0b83c288f7"


def test_a_strong_fingerprint_adds_the_inputs():
    """In any order, each once; another digest is another fingerprint."""
    inputs = [("file", "a.py", "1"), ("module", "os", "2")]
    strong = strong_fingerprint("w", inputs)
    assert strong == strong_fingerprint("w", [*inputs[::-1], inputs[0]])
    assert strong != strong_fingerprint("v", inputs)
    assert strong != strong_fingerprint("w", inputs[:1])
    assert strong != strong_fingerprint("w", [("file", "a.py", "2"), ("module", "os", "1")])


def test_fingerprints_do_not_depend_on_process_folder_or_home(tmp_path):
    """Two checkouts, two users, two seeds of string hashes: one fingerprint."""
    script = (
        "import json, sys; from affected.hashing.fingerprint import *;"
        "print(weak_fingerprint(weak_manifest(**json.loads(sys.argv[1],"
        " object_hook=lambda found: {k: tuple(v) if type(v) is list else v"
        " for k, v in found.items()}))))"
    )
    source = str(Path(hashing.__file__).parents[2])
    values = json.dumps({**VALUES, "plugins": [list(pair) for pair in VALUES["plugins"]]})
    script = script.replace(
        "weak_manifest(**",
        "(lambda plugins, **rest: weak_manifest(plugins=map(tuple, plugins), **rest))(**",
    )
    for seed, folder in (("0", tmp_path), ("1", Path("/")), ("random", tmp_path)):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": source, "HOME": str(folder)}
        printed = subprocess.run(
            [sys.executable, "-c", script, values],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert printed.strip() == fingerprint()


def test_checksums_are_xxh3():
    """The published value of the empty input, in both shapes."""
    assert checksum(b"") == "99aa06d3014798d86001c324468d497f"
    assert checksum_bytes(b"") == bytes.fromhex(checksum(b""))
    assert checksum(b"a") != checksum(b"b")
