"""Command targets that nobody declared: what the manifests of a workspace say can be run.

Unaware of the disk. What is inferred runs only when asked for; declaring a target of the same name
replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from affected.config.target_tables import TargetTable
from affected.lang.manifest_files import ManifestFiles, manifest_of
from affected.lang.python.manifests import table
from affected.model.path import RepoPath, ancestors, join
from affected.model.target import Project

# Scripts that never end, or that npm runs by itself.
_NOT_TARGETS: Final = re.compile(
    r"(start|dev|serve|watch|preview|storybook|prepare|prepublish(Only)?|publish|(pre|post)?install"
    r"|(pre|post)?(pack|version)|dependencies)(:.*)?|.*:(watch|dev)"
)
_PLACEHOLDER: Final = "no test specified"
_BUILDERS: Final = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn"}
_BUILD_FOLDERS: Final = ("dist",)
_ENTRY_KEYS: Final = ("main", "module", "types", "typings", "browser", "bin", "exports")


@dataclass(frozen=True, slots=True)
class InferredTarget:
    """A table for one project, and the folders to look for programs in first."""

    project: RepoPath
    table: TargetTable
    search: tuple[RepoPath, ...] = ()


def inferred_targets(
    projects: Sequence[Project], files: ManifestFiles, paths: Collection[RepoPath]
) -> list[InferredTarget]:
    """What can be run in each project; `paths` are the files of the workspace."""
    found: list[InferredTarget] = []
    for project in projects:
        known: set[str] = set()
        for finder in (_python, _npm, _cargo, _go):
            for target in finder(project, files, paths):
                if target.table.name not in known:
                    known.add(target.table.name)
                    found.append(target)
    return found


def _made(
    project: Project,
    manifest: RepoPath,
    name: str,
    values: dict[str, Any],
    search: tuple[RepoPath, ...] = (),
) -> InferredTarget:
    stated = TargetTable(name, manifest, {"on-request": True, **values})
    return InferredTarget(project.path, stated, search)


def _python(
    project: Project, files: ManifestFiles, paths: Collection[RepoPath]
) -> Iterator[InferredTarget]:
    manifest = manifest_of(project.path, "pyproject.toml", project.manifests)
    if manifest is None:
        return
    content = files.toml(manifest)
    tool = table(content, "tool")
    if "build-system" in content:
        command: tuple[str, ...] = ("python", "-m", "build", "--outdir", "dist")
        if RepoPath("uv.lock") in paths:
            command = ("uv", "build", "--out-dir", "dist", ".")
        values = {"command": command, "kind": "build", "outputs": ("dist",)}
        yield _made(project, manifest, "build", {**values, "dependencies": ("^build",)})
    inputs: tuple[str, ...]
    sources = ("**/*.py", "**/*.pyi", "pyproject.toml", "^**/*.py", "^**/*.pyi")
    if "mypy" in tool or _beside(project, ("mypy.ini", ".mypy.ini"), paths):
        inputs = (*sources, "mypy.ini", ".mypy.ini", "setup.cfg", "^**/py.typed")
        values = {"command": ("mypy", "."), "kind": "typecheck", "inputs": inputs}
        yield _made(project, manifest, "typecheck", values)
    if "ruff" in tool or _beside(project, ("ruff.toml", ".ruff.toml"), paths):
        inputs = ("**/*.py", "**/*.pyi", "**/*.ipynb", "pyproject.toml", "ruff.toml", ".ruff.toml")
        inputs += ("/pyproject.toml", "/ruff.toml", "/.ruff.toml")
        values = {"command": ("ruff", "check", "."), "kind": "lint", "inputs": inputs}
        yield _made(project, manifest, "lint", values)


def _beside(project: Project, names: Iterable[str], paths: Collection[RepoPath]) -> bool:
    return any(join(project.path, name) in paths for name in names)


def _npm(
    project: Project, files: ManifestFiles, paths: Collection[RepoPath]
) -> Iterator[InferredTarget]:
    manifest = manifest_of(project.path, "package.json", project.manifests)
    if manifest is None:
        return
    content = files.json(manifest)
    scripts = {n: s for n, s in table(content, "scripts").items() if isinstance(s, str) and s}
    folders = (project.path, *ancestors(project.path)) if project.path else (project.path,)
    search = tuple(join(folder, "node_modules/.bin") for folder in folders)
    for name, script in scripts.items():
        if not _is_target(name, script, scripts):
            continue
        values: dict[str, Any] = {
            "command": _npm_command(project, name, scripts, paths),
            "dependencies": ("^build", *(["build"] if name != "build" else [])),
        }
        if "build" not in scripts and name != "build":
            values["dependencies"] = ()
        if name == "build":
            values["outputs"] = _npm_outputs(content)
        yield _made(project, manifest, _target_name(name), values, search)


def _is_target(name: str, script: str, scripts: dict[str, str]) -> bool:
    if _NOT_TARGETS.fullmatch(name) or _PLACEHOLDER in script:
        return False
    for hook in ("pre", "post"):
        if name.startswith(hook) and name.removeprefix(hook) in scripts:
            return False
    return bool(re.match(r"[A-Za-z0-9]", name))


def _target_name(script: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", script)


def _npm_command(
    project: Project, name: str, scripts: dict[str, str], paths: Collection[RepoPath]
) -> str | tuple[str, ...]:
    """The script itself; the package manager only where the script asks what it alone knows."""
    parts = [scripts[one] for one in (f"pre{name}", name, f"post{name}") if one in scripts]
    if not any("npm_" in part for part in parts):
        return parts[0] if len(parts) == 1 else " && ".join(f"( {part} )" for part in parts)
    for folder in (project.path, *ancestors(project.path)):
        for lock, program in _BUILDERS.items():
            if join(folder, lock) in paths:
                return (program, "run", name)
    return ("npm", "run", "--silent", name)


def _npm_outputs(content: dict[str, Any]) -> tuple[str, ...]:
    """The folders that the package's entry points are in; `dist` where none says otherwise."""
    found: set[str] = set()
    pending: list[object] = [content.get(key) for key in _ENTRY_KEYS]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, str):
            parts = [part for part in value.split("/") if part not in {"", "."}]
            if len(parts) > 1 and parts[0] not in {"src", "lib", "..", "node_modules", "bin"}:
                found.add(parts[0])
    return tuple(sorted(found)) or _BUILD_FOLDERS


def _cargo(
    project: Project, files: ManifestFiles, paths: Collection[RepoPath]
) -> Iterator[InferredTarget]:
    manifest = manifest_of(project.path, "Cargo.toml", project.manifests)
    if manifest is None or "package" not in files.toml(manifest):
        return
    inputs: tuple[str, ...] = ("**/*", "^**/*", "!target/**")
    inputs += tuple(f"/{one}" for one in ("Cargo.toml",) if RepoPath(one) in paths)
    for name, kind in (("check", "check"), ("test", "test")):
        values = {"command": ("cargo", name, "--quiet"), "kind": kind, "inputs": inputs}
        # One build folder serves a whole workspace, and one cargo at a time.
        yield _made(project, manifest, name, {**values, "resources": ("cargo",)})


def _go(
    project: Project, files: ManifestFiles, paths: Collection[RepoPath]
) -> Iterator[InferredTarget]:
    manifest = manifest_of(project.path, "go.mod", project.manifests)
    if manifest is None or not files.text(manifest):
        return
    inputs = (
        "**/*",
        "^**/*",
        *(f"/{n}" for n in ("go.work", "go.work.sum") if RepoPath(n) in paths),
    )
    for name, verb in (("build", "build"), ("test", "test"), ("vet", "vet")):
        values = {"command": ("go", verb, "./..."), "kind": name, "inputs": inputs}
        yield _made(project, manifest, name, values)
