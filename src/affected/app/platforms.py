"""The interpreters of a workspace: found once, described from the index until they change.

Unaware of targets. A description costs one child process, so it is kept with a cheap witness.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from os.path import lexists
from pathlib import Path
from typing import Any, Final

from affected.app.compose import Workspace
from affected.config.load import load_project
from affected.config.schema import ProjectConfig
from affected.lang.python.distributions import installed_witness
from affected.lang.python.interpreters import (
    find_interpreter,
    interpreter_witness,
    probe,
    require_pytest,
)
from affected.model.path import ROOT, RepoPath, ancestors, join
from affected.model.platform import Distribution, Interpreter

FORMAT: Final = 1  # 1: the first one
NAMING: Final = (".venv", "uv.lock", "poetry.lock")
CONFIGS_KEY: Final = "configs"


class Platforms:
    """Answers which interpreter runs a project's tests and what is installed there."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._configs: dict[RepoPath, ProjectConfig] = _stored_configs(workspace)
        self._projects = sorted(self._configs)
        self._executables: dict[RepoPath, Path] = {}
        self._own: dict[RepoPath, bool] = {}
        self._described: dict[Path, Interpreter] = {}
        self.wanted_precision = ""  # of the command line, before the configured one

    def config(self, project: RepoPath) -> ProjectConfig:
        """The project's settings over the root's."""
        if project not in self._configs:
            defaults = self._workspace.config.root
            defaults = replace(defaults, python=self._from_root(defaults.python))
            if project:
                shown = join(project, "pyproject.toml")
                manifest = self._workspace.root / shown
                defaults = load_project(manifest, shown, defaults)
            self._configs[project] = defaults
        return self._configs[project]

    def _from_root(self, python: str | None) -> str | None:
        """A path in the root's settings means the same for every project."""
        if python is None or python.startswith("~"):
            return python
        path = self._workspace.home / python
        return str(path) if os.sep in python or path.exists() else python

    def read_configs(self, projects: Iterable[RepoPath]) -> None:
        """Reads every project's settings anew and keeps them in the index."""
        self._configs = {}
        self._projects = sorted(set(projects))
        table = {project: asdict(self.config(project)) for project in self._projects}
        self._workspace.index.put(CONFIGS_KEY, json.dumps(table).encode("ascii"))

    @property
    def projects(self) -> list[RepoPath]:
        """The projects that have tests, as last stored."""
        return list(self._projects)

    def executable(self, project: RepoPath) -> Path:
        """The interpreter's path. Raises UserError when there is none."""
        if project not in self._executables:
            configured = self.config(project).python
            if configured is None and project and not self._has_own(project):
                return self.executable(ROOT)
            self._executables[project] = _usual_name(
                find_interpreter(self._workspace.home, project, configured, self._workspace.environ)
            )
        return self._executables[project]

    def _has_own(self, project: RepoPath) -> bool:
        """True when some folder from the project up to below the root may name an interpreter."""
        for folder in (project, *ancestors(project)):
            if folder and folder not in self._own:
                base = f"{self._workspace.home}/{folder}/"
                self._own[folder] = any(lexists(base + name) for name in NAMING)
            if folder and self._own[folder]:
                return True
        return False

    def precision(self, project: RepoPath) -> str:
        """What the project's edits are told apart by, as configured or as the command line says."""
        return self.wanted_precision or self.config(project).precision

    def interpreter(self, project: RepoPath) -> Interpreter:
        """The interpreter with what is installed there, from the index when still true."""
        executable = self.executable(project)
        if executable not in self._described:
            self._described[executable] = self._describe(executable)
        return self._described[executable]

    def site_packages(self, project: RepoPath) -> tuple[str, ...]:
        """The folders that the project's interpreter imports installed modules from."""
        raw = self._workspace.index.get(_key(self.executable(project)))
        return tuple(json.loads(raw)["site_packages"]) if raw else ()

    def witness(self) -> str:
        """Cheap: changes when a project gets another interpreter, or one has other contents."""
        used = {project: self.executable(project) for project in self.projects}
        known = {path: self._witness_of(path) for path in set(used.values())}
        return "\n".join(f"{project}:{known[path]}" for project, path in used.items())

    def environment(self) -> list[str]:
        """The names of the variables that tests are told of, over all projects."""
        return sorted({n for p in self.projects for n in self.config(p).env})

    def _witness_of(self, executable: Path) -> str:
        raw = self._workspace.index.get(_key(executable))
        packages = json.loads(raw)["site_packages"] if raw else []
        return f"{executable}|{interpreter_witness(executable)}|{installed_witness(packages)}"

    def _describe(self, executable: Path) -> Interpreter:
        index = self._workspace.index
        raw = index.get(_key(executable))
        if raw is not None:
            tree = json.loads(raw)
            if tree["format"] == FORMAT and tree["witness"] == self._witness_of(executable):
                return _interpreter(tree)
        interpreter = probe(executable)
        require_pytest(interpreter)
        tree = {
            "format": FORMAT,
            "site_packages": interpreter.site_packages,
            "interpreter": _tree(interpreter),
        }
        index.put(_key(executable), json.dumps({**tree, "witness": ""}).encode("ascii"))
        tree["witness"] = self._witness_of(executable)
        index.put(_key(executable), json.dumps(tree).encode("ascii"))
        return interpreter


def _usual_name(executable: Path) -> Path:
    """`python` beside `python3.13` where both are one: an interpreter has one name here."""
    usual = executable.with_name("python")
    try:
        return usual if usual.samefile(executable) else executable
    except OSError:
        return executable


def _stored_configs(workspace: Workspace) -> dict[RepoPath, ProjectConfig]:
    raw = workspace.index.get(CONFIGS_KEY)
    return {
        project: ProjectConfig(
            python=c["python"],
            env=tuple(c["env"]),
            pytest_args=tuple(c["pytest_args"]),
            xdist=c["xdist"],
            precision=c.get("precision", "function"),
            inputs=tuple(c["inputs"]),
            covered=tuple(c["covered"]),
        )
        for project, c in (json.loads(raw) if raw else {}).items()
    }


def _key(executable: Path) -> str:
    return f"interpreter:{executable}"


def _tree(interpreter: Interpreter) -> dict[str, Any]:
    tree = {
        name: getattr(interpreter, name)
        for name in (
            "executable", "version", "version_info", "implementation", "platform",
            "site_packages", "prefix",
        )
    }  # fmt: skip
    tree["distributions"] = [asdict(d) for d in interpreter.distributions.values()]
    return tree


def _interpreter(stored: dict[str, Any]) -> Interpreter:
    tree = stored["interpreter"]
    distributions = [
        Distribution(
            name=d["name"],
            version=d["version"],
            digest=d["digest"],
            tops=tuple(d["tops"]),
            requires=tuple(d["requires"]),
            editable=d["editable"],
            pytest_plugin=d["pytest_plugin"],
        )
        for d in tree["distributions"]
    ]
    first, second, third = tree["version_info"]
    return Interpreter(
        executable=tree["executable"],
        version=tree["version"],
        version_info=(first, second, third),
        implementation=tree["implementation"],
        platform=tree["platform"],
        site_packages=tuple(tree["site_packages"]),
        prefix=tree["prefix"],
        distributions={d.name: d for d in distributions},
    )
