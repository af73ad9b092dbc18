"""What can be run and who needs whom, by the manifests of a polyglot workspace that says nothing."""

from __future__ import annotations

import json

from affected.lang.inference import inferred_targets
from affected.lang.manifest_files import ManifestFiles
from affected.lang.needs import project_needs
from affected.model.target import Project

MANIFESTS = {"pyproject.toml", "package.json", "Cargo.toml", "go.mod"}
FILES = {
    "uv.lock": "",
    "package.json": json.dumps({"name": "root", "workspaces": ["web/*"]}),
    "py/core/pyproject.toml": "[project]\nname = 'My.Core'\n[build-system]\nrequires = ['hatchling']\n",
    "py/shop/pyproject.toml": (
        "[project]\nname = 'shop'\ndependencies = ['my_core>=1', 'click']\n[tool.mypy]\n[tool.ruff]\n"
    ),
    "py/old/pyproject.toml": (
        "[tool.poetry]\nname = 'old'\n[tool.poetry.dependencies]\nshop = {path = '../shop'}\n"
    ),
    "web/ui/package.json": json.dumps(
        {
            "name": "@x/ui",
            "main": "dist/index.js",
            "types": "./types/index.d.ts",
            "scripts": {
                "build": "tsc",
                "test": 'echo "Error: no test specified" && exit 1',
                "prelint": "echo before",
                "lint": "eslint .",
                "dev": "vite",
                "gen:types": "gen",
            },
        }
    ),
    "web/app/package.json": json.dumps(
        {
            "name": "app",
            "dependencies": {"@x/ui": "workspace:*", "left-pad": "1"},
            "devDependencies": {"tool": "file:../tool"},
            "scripts": {"test": "jest", "version-of": "echo $npm_package_version"},
        }
    ),
    "web/tool/package.json": json.dumps({"name": "tool"}),
    "rs/Cargo.toml": "[workspace]\n[workspace.dependencies]\nbase = { path = 'base' }\n",
    "rs/base/Cargo.toml": "[package]\nname = 'base'\n",
    "rs/cli/Cargo.toml": (
        "[package]\nname = 'cli'\n[dependencies]\nbase = { workspace = true }\nserde = '1'\n"
    ),
    "rs/bin/Cargo.toml": "[package]\nname = 'bin'\n[dev-dependencies]\ncli = { path = '../cli' }\n",
    "go/lib/go.mod": "module example.com/lib\n",
    "go/svc/go.mod": "module example.com/svc\n\nrequire (\n\texample.com/lib v0.0.0\n\tx.y/z v1.2.3\n)\n",
    "go/old/go.mod": "module example.com/old\nreplace example.com/lib => ../lib\n",
}


def projects():
    folders = {path.rpartition("/")[0] for path in FILES if path.rpartition("/")[2] in MANIFESTS}
    return [
        Project(
            folder,
            folder,
            tuple(
                p
                for p in FILES
                if p.rpartition("/")[0] == folder and p.rpartition("/")[2] in MANIFESTS
            ),
        )
        for folder in sorted(folders)
    ]


def files():
    return ManifestFiles(lambda path: FILES[path].encode())


def found():
    return {f"{t.project}:{t.table.name}": t for t in inferred_targets(projects(), files(), FILES)}


def test_projects_need_what_their_manifests_name():
    """Python by normalised name or path, npm by name or folder, Cargo by path, Go by module."""
    needs = {
        path: set(needed) for path, needed in project_needs(projects(), files()).items() if needed
    }
    assert needs == {
        "py/shop": {"py/core"},
        "py/old": {"py/shop"},
        "web/app": {"web/ui", "web/tool"},
        "rs/cli": {"rs/base"},
        "rs/bin": {"rs/cli"},
        "go/svc": {"go/lib"},
        "go/old": {"go/lib"},
    }


def test_what_can_be_run():
    """Builds, checkers that are configured, scripts that end; nothing that serves or publishes."""
    assert set(found()) == {
        "py/core:build",
        "py/shop:typecheck",
        "py/shop:lint",
        "web/ui:build",
        "web/ui:lint",
        "web/ui:gen-types",
        "web/app:test",
        "web/app:version-of",
        "rs/base:check",
        "rs/base:test",
        "rs/cli:check",
        "rs/cli:test",
        "rs/bin:check",
        "rs/bin:test",
        *(
            f"go/{name}:{verb}"
            for name in ("lib", "svc", "old")
            for verb in ("build", "test", "vet")
        ),
    }
    assert all(target.table.values["on-request"] for target in found().values())


def test_scripts_are_run_themselves_and_not_by_the_package_manager():
    """With their hooks, with programs of node_modules in front; npm only where it is asked for."""
    targets = found()
    assert targets["web/ui:build"].table.values["command"] == "tsc"
    assert targets["web/ui:lint"].table.values["command"] == "( echo before ) && ( eslint . )"
    assert targets["web/app:version-of"].table.values["command"][:2] == ("npm", "run")
    assert targets["web/ui:build"].search == (
        "web/ui/node_modules/.bin",
        "web/node_modules/.bin",
        "node_modules/.bin",
    )


def test_outputs_of_a_package_are_where_its_entry_points_are():
    """And a test waits for the builds of what it needs."""
    assert found()["web/ui:build"].table.values["outputs"] == ("dist", "types")
    assert found()["web/ui:lint"].table.values["dependencies"] == ("^build", "build")


def test_a_uv_workspace_is_built_by_uv():
    """Where a lock of uv lies at the root."""
    assert found()["py/core:build"].table.values["command"][0] == "uv"
