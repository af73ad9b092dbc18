"""Shards of a real run: they agree whenever they start, compose, and a lost one is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.workspaces import Checkout, monorepo

FILES = {
    "pyproject.toml": '[project]\nname = "root"\n',
    ".gitignore": "__pycache__/\n.pytest_cache/\n",
    **{f"test_{n}.py": f"def test_it():\n    assert {n} >= 0\n" for n in range(6)},
}
ALL = set(FILES) - {"pyproject.toml", ".gitignore"}


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    """A repository of six test files, of which nothing is known."""
    return monorepo(tmp_path / "repo", tmp_path / "cache", FILES)


def test_shards_that_start_one_after_the_other_run_everything_once(
    fresh: Checkout, tmp_path: Path
) -> None:
    """The second finds the first one's results, and its own part is still the same."""
    plan, reports = tmp_path / "plan.json", tmp_path / "reports"
    fresh.affected("shards", "--count", "3", "--out", str(plan))
    planned = [set(s["targets"]) for s in json.loads(plan.read_text())["shards"]]
    assert sorted(map(len, planned)) == [2, 2, 2]
    ran = []
    for number in (2, 1):
        name = reports / f"affected-report-{number}.json"
        ran.append(fresh.run("--shard", f"{number}/3", "--report", str(name)).ran())
    assert ran == [planned[1], planned[0]]
    lost = fresh.affected("gate", str(plan), str(reports), accept=(1,))
    assert "LOST   shard 3 gave no report: 2 test files did not run" in lost.out
    assert all(label in lost.out for label in planned[2])
    name = reports / "affected-report-3.json"
    third = fresh.with_variables(AFFECTED_SHARD="3/3").run("--report", str(name))
    assert third.ran() == planned[2]
    comment = tmp_path / "comment.md"
    summary = tmp_path / "summary.md"
    gate = fresh.with_variables(GITHUB_STEP_SUMMARY=str(summary)).affected(
        "gate", str(plan), str(reports), "--comment", str(comment)
    )
    assert "passed: 3 of 3 shards passed; 6 tests ran" in gate.out
    assert comment.read_text() == summary.read_text()
    assert "nothing to run: 6 tests in 6 files reused" in fresh.affected("run").out


def test_shards_without_a_plan_agree_as_well(fresh: Checkout) -> None:
    """A Kubernetes Indexed Job: the first pod that starts makes the plan for all."""
    pods = [
        fresh.with_variables(JOB_COMPLETION_INDEX=str(n), AFFECTED_SHARDS="2").run().ran()
        for n in (1, 0)
    ]
    assert set.union(*pods) == ALL
    assert sum(map(len, pods)) == len(ALL)
    alone = fresh.with_variables(JOB_COMPLETION_INDEX="1").affected("run")
    assert "AFFECTED_SHARDS is not set" in alone.err


def test_with_nothing_affected_there_is_no_shard_and_the_gate_passes(ready: Checkout) -> None:
    """The matrix is not empty, and says that it need not start."""
    out = ready.affected("shards", "--format", "github", "--out", "plan.json").out
    assert out.splitlines() == ["any=false", "count=0", 'matrix={"shard": ["1/1"]}']
    assert "nothing is affected" in ready.affected("gate", "plan.json", "missing-folder").text
    assert "no plan of shards" in ready.affected("gate", "README.md", accept=(2,)).err


def test_a_missing_plan_fails_the_gate(ready: Checkout) -> None:
    """The planning job died: the required check must not pass."""
    assert "gone.json cannot be read" in ready.affected("gate", "gone.json", accept=(2,)).err
