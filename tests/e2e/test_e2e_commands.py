"""Command targets with the real command: declared and inferred ones, beside tests, by two clones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.served import Served
from support.workspaces import Checkout, monorepo

FILES = {
    "pyproject.toml": (
        '[project]\nname = "root"\n'
        "[tool.affected.targets.build]\n"
        "projects = ['packages/*']\n"
        "command = 'sh ../../build.sh'\n"
        "inputs = ['src/**', '/build.sh']\n"
        "outputs = ['dist']\n"
        "dependencies = ['^build']\n"
        "[tool.affected.targets.ship]\n"
        "command = 'cat packages/app/dist/out'\n"
        "kind = 'deploy'\n"
        "tags = ['prod']\n"
        "cache = false\n"
        "inputs = []\n"
        "dependencies = ['packages/app:build', 'kind:test']\n"
    ),
    ".gitignore": "dist/\n__pycache__/\n.pytest_cache/\n",
    "build.sh": "mkdir -p dist; cat src/* ../lib/dist/out > dist/out 2>/dev/null; echo built; test -s dist/out\n",
    "packages/lib/package.json": '{"name": "lib", "scripts": {"lint": "echo clean"}}',
    "packages/lib/src/a": "lib\n",
    "packages/app/package.json": '{"name": "app", "dependencies": {"lib": "*"}}',
    "packages/app/src/b": "app\n",
    "tests/test_it.py": "def test_it():\n    assert True\n",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A polyglot monorepo that was run once."""
    folder = tmp_path_factory.mktemp("commands")
    checkout = monorepo(folder / "repo", folder / "cache", FILES)
    return checkout, checkout.run()


def test_a_plain_run_makes_tests_and_declared_targets(built):
    """In dependency order; what is not cached or only inferred waits to be asked for."""
    checkout, answer = built
    assert answer.code == 0, answer.err
    assert answer.states() == {
        "packages/app:build": "ran",
        "packages/lib:build": "ran",
        "tests/test_it.py": "ran",
    }
    assert (checkout.root / "packages/app/dist/out").read_text() == "app\nlib\n"
    again = checkout.affected("run")
    assert "nothing to run: 1 test in 1 file reused, 2 targets as before" in again.out
    third = checkout.affected("run")
    assert third.out == again.out


def test_what_a_change_releases_as_a_matrix(built, tmp_path):
    """By tag or kind, as JSON for a CI's jobs, and as outputs on GitHub."""
    checkout, _ = built
    outputs = tmp_path / "outputs"
    with_outputs = Checkout(checkout.root, checkout.cache, {"GITHUB_OUTPUT": str(outputs)})
    lib = checkout.root / "packages/lib/src/a"
    lib.write_text("other\n")
    try:
        answer = with_outputs.affected("list", "--base", "HEAD", "--tag", "prod", "--matrix")
        listed = checkout.affected("list", "--base", "HEAD", "--json").json
    finally:
        lib.write_text("lib\n")
    found = json.loads(answer.out)
    assert found == {
        "include": [{"label": ":ship", "project": "", "name": "ship", "kind": "deploy"}]
    }
    assert outputs.read_text() == f"matrix={answer.out}any=true\n"
    chains = {t["label"]: t["causes"][0]["chain"] for t in listed["targets"]}
    assert chains[":ship"] == [":ship", "packages/app:build", "packages/lib:build"]
    assert {t["kind"] for t in listed["targets"]} == {"build", "lint", "deploy"}
    none = checkout.affected("list", "--base", "HEAD", "--kind", "deploy", "--matrix")
    assert json.loads(none.out) == {"include": []}


def test_a_deployment_waits_for_tests_and_is_never_reused(built):
    """Asked for by label it runs each time, after the tests of its project."""
    checkout, _ = built
    for _ in range(2):
        answer = checkout.run(":ship")
        assert answer.states()[":ship"] == "ran", answer.err
    assert "app\n  lib" in checkout.affected("run", "--kind", "deploy").out
    test = checkout.root / "tests/test_it.py"
    test.write_text("def test_it():\n    assert False\n")
    try:
        answer = checkout.run(":ship", accept=(1,))
    finally:
        test.write_text(FILES["tests/test_it.py"])
    assert answer.states()[":ship"] == "unfinished"


def test_inferred_targets_run_when_asked_for(built):
    """A package's script, started directly; its label is that of a target."""
    checkout, _ = built
    answer = checkout.affected("run", "packages/lib:lint")
    assert "ran packages/lib:lint" in answer.out
    assert "  clean" in answer.out
    told = checkout.affected("explain", "packages/lib:lint").out
    assert "may be skipped" in told
    assert "echo clean" in told
    wrong = checkout.affected("run", "packages/lib:lnt", accept=(2,))
    assert "did you mean packages/lib:lint?" in wrong.err


def test_a_failure_is_shown_and_ends_the_run(built, tmp_path):
    """Its output, its exit code, what waited for it; partial outputs are gone."""
    checkout, _ = built
    clone = Checkout(tmp_path / "clone", checkout.cache)
    checkout.tree.clone(clone.root)
    script = clone.root / "build.sh"
    script.write_text("mkdir dist; echo half > dist/out; echo no luck; exit 7\n")
    answer = clone.affected("run", accept=(1,))
    assert "FAILED packages/lib:build" in answer.out
    assert "exit code 7" in answer.out
    assert "no luck" in answer.out
    assert "skipped packages/app:build" in answer.out
    assert not (clone.root / "packages/lib/dist").exists()
    script.write_text(FILES["build.sh"])
    healed = clone.affected("run")
    assert healed.code == 0
    assert "restored packages/app:build" in healed.out
    assert Path(clone.root, "packages/app/dist/out").read_text() == "app\nlib\n"


def test_mistakes_in_tables_are_usage_errors(tmp_path):
    """A cycle is printed whole."""
    tables = (
        "[tool.affected.targets.a]\ncommand = 'x'\ndependencies = ['b']\n"
        "[tool.affected.targets.b]\ncommand = 'x'\ndependencies = ['a']\n"
    )
    checkout = monorepo(tmp_path / "repo", tmp_path / "cache", {"pyproject.toml": tables})
    answer = checkout.affected("run", accept=(2,))
    assert "targets that wait for each other: :a → :b → :a" in answer.err


def test_two_clones_share_builds_through_the_cache_server(tmp_path):
    """What one machine built another one restores, folders and all, from nothing on its disk."""
    served = Served(tmp_path / "store")
    try:
        files = {path: text for path, text in FILES.items() if not path.startswith("tests/")}
        files["build.sh"] += (
            "mkdir -p dist/deep/empty; cp dist/out dist/deep; ln -s ../out dist/deep/link\n"
        )
        here = monorepo(tmp_path / "one", tmp_path / "cache", files)
        here = here.with_variables(AFFECTED_REMOTE=served.address)
        assert "2 targets ran" in here.affected("run").out
        there = Checkout(tmp_path / "two", tmp_path / "other")
        here.tree.clone(there.root)
        there = there.with_variables(AFFECTED_REMOTE=served.address)
        answer = there.affected("run")
        assert "2 targets restored from the cache" in answer.out, answer
        for path in ("packages/app/dist/out", "packages/app/dist/deep/out"):
            assert (there.root / path).read_text() == (here.root / path).read_text() == "app\nlib\n"
        assert (there.root / "packages/lib/dist/deep/link").readlink() == Path("../out")
        assert (there.root / "packages/lib/dist/deep/empty").is_dir()
    finally:
        served.kill()
