"""The made-up monorepo: exact, reproducible, and its tests pass."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.blueprint import draw
from benchmarks.generate import generate, main, read_facts
from benchmarks.importers import importers_of
from benchmarks.sources import texts


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("generated") / "tree"
    generate(root, 300, 7)
    return root


def tracked(root):
    done = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]


def test_the_same_seed_gives_the_same_commit(tree, tmp_path):
    again = generate(tmp_path / "again", 300, 7)
    assert again["commit"] == read_facts(tree)["commit"]


def test_the_users_git_settings_do_not_matter(tree, tmp_path, monkeypatch):
    settings = tmp_path / "gitconfig"
    settings.write_text("[core]\n\tautocrlf = true\n[commit]\n\tgpgsign = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    again = generate(tmp_path / "again", 300, 7)
    assert again["commit"] == read_facts(tree)["commit"]


def test_another_seed_gives_another_tree(tree, tmp_path):
    assert generate(tmp_path / "other", 300, 8)["commit"] != read_facts(tree)["commit"]


@pytest.mark.parametrize("files", [200, 299, 2000, 5001])
def test_a_plan_has_exactly_the_files_asked_for_a_fifth_of_them_tests(files):
    blueprint = draw(files, 1)
    paths = [path for path, _ in texts(blueprint, 1)]
    assert len(paths) == len(set(paths)) == files
    assert sum(len(project.tests) for project in blueprint.projects) == round(files / 5)


def test_fan_in_is_uneven_and_there_are_cycles_and_every_kind_of_project():
    blueprint = draw(5000, 1)
    importers = {}
    styles = set()
    for project in blueprint.projects:
        for module in project.modules:
            for needed, style in module.imports:
                importers[needed.dotted] = importers.get(needed.dotted, 0) + 1
                styles.add(style)
    counts = sorted(importers.values(), reverse=True)
    assert counts[0] > 20 * counts[len(counts) // 2]
    assert styles == {"from", "plain", "lazy", "typing", "star", "string", "cycle"}
    assert {project.layout for project in blueprint.projects} == {"src", "flat", "namespace"}
    assert len({project.configuration for project in blueprint.projects}) == 5


def test_every_test_passes_in_every_project(tree):
    passed = 0
    for manifest in sorted(tree.glob("*/*/pyproject.toml")):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x"],
            cwd=manifest.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        passed += 1
    assert passed == read_facts(tree)["projects"]


def test_the_facts_are_true(tree):
    facts = read_facts(tree)
    paths = tracked(tree)
    assert len(paths) == 300
    tests = [path for path in paths if "/test_" in path]
    assert len(tests) == facts["test_files"]
    for kind in ("leaf", "core"):
        reached = importers_of(tree, paths, facts[kind]["path"]) & set(tests)
        assert len(reached) >= facts[kind]["tests"] >= 1
    name = Path(facts["data"]["path"]).name
    folder = Path(facts["data"]["path"]).parents[1]
    readers = [
        path
        for path in tests
        if path.startswith(f"{folder}/") and f'"{name}"' in (tree / path).read_text()
    ]
    assert sorted(readers) == facts["data"]["readers"]


def test_the_command_prints_its_facts_and_refuses_a_folder_in_use(tree, tmp_path, capsys):
    assert main(["--files", "200", str(tmp_path / "new")]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 200
    assert main(["--files", "200", str(tree)]) == 2
    assert main(["--files", "20", str(tmp_path / "small")]) == 2
    assert main(["--files", "many", str(tmp_path / "many")]) == 2
    assert "is not empty" in capsys.readouterr().err
