"""The weak fingerprint of each target: what is known of it before it runs.

Unaware of observations. Targets of one project under the same pytest settings share everything
but their label, so that part is made once and named by its own digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from affected.app.catalogue import Shape
from affected.app.compose import Workspace
from affected.app.platforms import Platforms
from affected.hashing.fingerprint import weak_manifest
from affected.hashing.manifest import Manifest
from affected.lang.python.distributions import required_digest
from affected.model.path import RepoPath
from affected.model.target import Target, TestSettings
from affected.run.environment import environment_inputs

OBSERVATION_FORMAT: Final = (
    2  # 1: file level; 2: what each test used. Bump when what an observation sees changes.
)


class Manifests:
    """Weak manifests and fingerprints of the targets of one run."""

    def __init__(
        self,
        workspace: Workspace,
        shape: Shape,
        platforms: Platforms,
        pytest_args: Sequence[str],
    ) -> None:
        self._workspace = workspace
        self._shape = shape
        self._platforms = platforms
        self._pytest_args = tuple(pytest_args)
        self._shared: dict[tuple[RepoPath, RepoPath], tuple[Manifest, str]] = {}

    def weak(self, target: Target) -> str:
        """The weak fingerprint: SHA-256 in hex."""
        shared = self.shared_digest(target)
        return hashlib.sha256(
            f"{shared}\0{target.label}".encode("utf-8", "surrogateescape")
        ).hexdigest()

    def shared_digest(self, target: Target) -> str:
        """The digest of what all targets of its project and settings share."""
        return self._of(target)[1]

    def shared(self, target: Target) -> Manifest:
        """What all targets of its project and settings share."""
        return self._of(target)[0]

    def arguments(self, project: RepoPath) -> tuple[str, ...]:
        """What is added to pytest's command line: the configured, then the given ones."""
        return (*self._platforms.config(project).pytest_args, *self._pytest_args)

    def _of(self, target: Target) -> tuple[Manifest, str]:
        key = (target.project, target.settings)
        if key not in self._shared:
            manifest = self._make(target)
            self._shared[key] = (manifest, manifest.digest())
        return self._shared[key]

    def _make(self, target: Target) -> Manifest:
        interpreter = self._platforms.interpreter(target.project)
        config = self._platforms.config(target.project)
        precision = self._platforms.precision(target.project)
        plugins = sorted(
            (d.name, required_digest(d.name, interpreter.distributions))
            for d in interpreter.distributions.values()
            if d.pytest_plugin or d.name == "pytest"
        )
        settings = self._shape.settings_of(target)
        path, content = self._configuration(settings)
        return weak_manifest(
            tool_format=OBSERVATION_FORMAT,
            label=self._workspace.config.name,
            project=target.project,
            platform=interpreter.platform,
            implementation=interpreter.implementation,
            python_version=interpreter.version,
            plugins=plugins,
            config_path=path,
            config_content=(settings.folder, settings.rootdir, content),
            arguments=(
                *self.arguments(target.project),
                "inputs:",
                *config.inputs,
                "covered:",
                *config.covered,
                *(() if precision == "function" else ("precision:", precision)),
            ),
            environment=dict(
                environment_inputs(self._workspace.environ, config.env, str(self._workspace.root))
            ),
        )

    def _configuration(self, settings: TestSettings) -> tuple[str | None, str]:
        """The pytest configuration in force: its repo path and the text that pytest reads."""
        if settings.config is None:
            return None, ""
        return settings.config, config_text(self._read(settings.config), settings.config)

    def _read(self, path: RepoPath) -> str:
        try:
            raw = (self._workspace.root / path).read_bytes()
        except OSError:
            return ""
        return raw.decode("utf-8", "surrogateescape")


def config_text(text: str, path: str) -> str:
    """The part of a configuration file that pytest reads, comments and blank lines left out."""
    if path.endswith(".toml"):
        return _toml_table(text, whole=path.endswith("pytest.toml"))
    if path.endswith(("tox.ini", "setup.cfg")):
        text = _sections(text, ("[pytest]", "[tool:pytest]"))
    return "\n".join(line for line in map(str.rstrip, text.splitlines()) if _says(line))


def _toml_table(text: str, *, whole: bool) -> str:
    import tomllib  # noqa: PLC0415  (not needed when nothing changed)

    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return text
    tool = tree.get("tool")
    table = tree if whole else tool.get("pytest") if isinstance(tool, dict) else None
    return json.dumps(table, sort_keys=True, default=str)


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(("#", ";"))


def _sections(text: str, headers: tuple[str, ...]) -> str:
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.split("]")[0] + "]" in headers
        if inside:
            kept.append(line)
    return "\n".join(kept)
