"""Fingerprints of targets: weak before a run, strong with the inputs that were observed.

Unaware of how its values are found: it is given plain ones. None of them may hold an absolute path
of the checkout, or two machines could never share a result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from affected.hashing.canonical import Value, encode
from affected.hashing.manifest import Manifest, Section
from affected.model.digest import ABSENT


def weak_manifest(
    *,
    tool_format: int,
    label: str,
    project: str,
    platform: str,
    implementation: str,
    python_version: str,
    plugins: Iterable[tuple[str, str]],
    config_path: str | None,
    config_content: Value,
    arguments: Sequence[str],
    environment: Mapping[str, str | None],
) -> Manifest:
    """Everything about a target that is known before it runs.

    `plugins` are pytest and its plugins with their digests, in any order; `config_path` is a repo
    path; `config_content` is what of the configuration counts; `arguments` keep their order; the
    values of `environment` (None: not set) enter by digest only, so no secret is stored.
    """
    variables = ((name, variable_digest(environment[name])) for name in sorted(environment))
    return Manifest(
        (
            Section("tool", (("format", tool_format),)),
            Section("target", (("label", label), ("project", project))),
            Section(
                "platform",
                (
                    ("platform", platform),
                    ("implementation", implementation),
                    ("python", python_version),
                ),
            ),
            Section("plugins", tuple(sorted(set(plugins)))),
            Section("configuration", (("path", config_path), ("content", config_content))),
            Section("command", (("arguments", tuple(arguments)),)),
            Section("environment", tuple(variables)),
        )
    )


def variable_digest(value: str | None) -> str:
    """SHA-256 of an environment variable's value, in hex; ABSENT when it is not set."""
    if value is None:
        return ABSENT
    return hashlib.sha256(encode(value)).hexdigest()


def weak_fingerprint(manifest: Manifest) -> str:
    """64 hexadecimal digits: the key under which a target's record lives."""
    return manifest.digest()


def strong_fingerprint(weak: str, inputs: Iterable[tuple[str, str, str]]) -> str:
    """The weak fingerprint joined with observed inputs (kind, key, digest), in any order."""
    return hashlib.sha256(encode((weak, tuple(sorted(set(inputs)))))).hexdigest()
