"""`affected init` and what it leaves: shown first, never over what is there, found by the doctor."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.workspaces import Checkout, monorepo

FILES = {
    "pyproject.toml": '[project]\nname = "root"\n\n[build-system]\nrequires = ["setuptools"]\n'
    "\n[tool.pytest.ini_options]\naddopts = ['-x']\n",
    ".gitignore": "__pycache__/",
    "requirements.txt": "pytest\n",
    "test_it.py": "def test_it():\n    assert True\n",
}
WORKFLOW = ".github/workflows/affected.yml"


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    """A repository that nobody configured."""
    return monorepo(tmp_path / "repo", tmp_path / "cache", FILES)


def test_without_a_terminal_everything_is_shown_and_nothing_written(fresh: Checkout) -> None:
    """A difference each, and how to go on."""
    answer = fresh.affected("init", "--ci", "github")
    assert "+[tool.affected]" in answer.out
    assert f"+++ {WORKFLOW}" in answer.out
    assert "nothing was written" in answer.out
    assert fresh.tree.git("status", "--porcelain") == ""
    assert not (fresh.root / ".git/hooks/pre-push").exists()


def test_with_yes_it_is_written_and_a_second_time_needs_nothing(fresh: Checkout) -> None:
    """Settings at the end of what is there, the cache folder ignored, CI files, the hook."""
    before = fresh.affected("doctor", "--json").json["findings"]
    assert {"hook", "addopts"} <= {finding["code"] for finding in before}
    assert any("-x in addopts" in finding["title"] for finding in before)
    fresh.affected("init", "--yes", "--ci", "github", "--ci", "gitlab", "--ci", "buildkite")
    settings = (fresh.root / "pyproject.toml").read_text()
    assert settings.startswith(FILES["pyproject.toml"])
    assert (fresh.root / ".gitignore").read_text() == "__pycache__/\n.affected-cache/\n"
    workflow = (fresh.root / WORKFLOW).read_text()
    assert '- run: "pip install' not in workflow
    assert "- run: pip install -r requirements.txt\n      - run: pip install -e .\n" in workflow
    assert "@" not in workflow.replace("actions/", "").replace("@v4", "").replace("@v5", "")
    assert (fresh.root / ".gitlab-ci.yml").read_text() == (
        "include:\n  - local: .gitlab/affected.yml\n"
    )
    assert "nothing to write" in fresh.affected("init", "--yes", "--ci", "github").out
    after = {f["code"]: f for f in fresh.affected("doctor", "--json").json["findings"]}
    assert after["ci"]["level"] == "ok"
    assert WORKFLOW in after["ci"]["detail"]
    assert after["hook"]["level"] == "ok"


def test_a_file_that_differs_is_never_overwritten_unasked(fresh: Checkout) -> None:
    """Shown with its difference, and kept; so is another pre-push hook."""
    fresh.write(WORKFLOW, "name: mine\non: push\n    fetch-depth: 0\n# runs affected run\n")
    hook = fresh.write(".git/hooks/pre-push", "#!/bin/sh\nexit 0\n")
    answer = fresh.affected("init", "--yes")  # .github is there, so GitHub is in use
    assert "-name: mine" in answer.out
    assert f"kept {WORKFLOW}" in answer.out
    assert (fresh.root / WORKFLOW).read_text().startswith("name: mine\n")
    assert "not installed: there is a pre-push hook already" in answer.out
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
    found = fresh.affected("doctor").out
    assert f"{WORKFLOW} clones the whole history" in found


def test_a_failure_on_github_is_shown_at_its_line(fresh: Checkout, tmp_path: Path) -> None:
    """Where it was raised, in the module or in the test."""
    fresh.write("shop/__init__.py", "def price():\n    raise ValueError('no, 100%: price')\n")
    fresh.write("test_it.py", "import shop\n\n\ndef test_it():\n    shop.price()\n")
    summary = tmp_path / "summary.md"
    on_github = fresh.with_variables(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    lines = on_github.affected("run", accept=(1,)).out.splitlines()
    assert (
        "::error file=shop/__init__.py,line=2,title=test_it.py%3A%3Atest_it::"
        "ValueError: no, 100%25: price"
    ) in lines
    assert "### affected: failed" in summary.read_text()
