"""What each CI system is given to run: its matrix, child pipeline or pipeline."""

from __future__ import annotations

import json

from affected.ci.buildkite import pipeline
from affected.ci.github import matrix_outputs, output_lines
from affected.ci.gitlab import child_pipeline
from affected.ci.plain import gate_markdown
from affected.model.shard import Failure, GateVerdict, ShardPlan, ShardReport

PLAN = ShardPlan((("a.py",), ("b.py",), ()), (2.0, 1.0, 0.0))
NONE = ShardPlan((), ())


def test_github_gets_a_matrix_of_the_shards_with_work():
    """As outputs of a job."""
    outputs = matrix_outputs(PLAN)
    assert json.loads(outputs["matrix"]) == {"shard": ["1/3", "2/3"]}
    assert output_lines(outputs).splitlines()[:2] == ["any=true", "count=2"]


def test_githubs_matrix_is_never_empty():
    """An empty one fails the workflow, and the required check behind it never reports."""
    outputs = matrix_outputs(NONE)
    assert (outputs["any"], outputs["count"]) == ("false", "0")
    assert json.loads(outputs["matrix"]) == {"shard": ["1/1"]}


def test_gitlab_gets_a_job_a_shard_and_a_gate_that_always_runs():
    """Shards tell who they are by a variable; quotes and dollars stay as they were."""
    text = child_pipeline(PLAN, 'run "$X"', "gate", ["pip install ."], "python:3.13")
    assert text.count("AFFECTED_SHARD:") == 2
    assert '      - "run \\"$X\\""' not in text
    assert '    - "run \\"$X\\""' in text
    gate = text[text.index('"affected":') :]
    assert 'when: "always"' in gate
    assert 'job: "affected-plan"' in gate
    assert '- job: "affected 1/3"\n    - job: "affected 2/3"' in gate
    assert 'policy: "pull-push"' in gate
    assert 'image: "python:3.13"' in text


def test_gitlabs_child_pipeline_is_never_empty():
    """One job that says so."""
    text = child_pipeline(NONE, "run", "gate", [], "")
    assert text.splitlines()[-3:] == [
        '"affected":',
        "  script:",
        '    - "echo nothing is affected"',
    ]


def test_buildkite_gets_a_step_a_shard_and_a_gate_that_waits_for_all():
    """The gate runs even when a shard failed."""
    steps = json.loads(pipeline(PLAN, "run", "gate", ["setup"], ""))["steps"]
    assert [step["label"] for step in steps] == ["affected 1/3", "affected 2/3", "affected"]
    assert steps[0]["command"] == ["setup", "run"]
    assert steps[0]["env"] == {"AFFECTED_SHARD": "1/3"}
    assert steps[2]["depends_on"] == [steps[0]["key"], steps[1]["key"]]
    assert steps[2]["allow_dependency_failure"] is True
    assert [step["label"] for step in json.loads(pipeline(NONE, "r", "g", [], ""))["steps"]] == [
        "affected"
    ]


def test_the_gates_markdown_names_lost_shards_and_failures_and_escapes_them():
    """It starts with a mark by which a comment is found again."""
    bad = ShardReport((2, 2), "h", 1, 3, (Failure("t.py::t[`<b>`]", "<script>"),), (), 1.0, False)
    text = gate_markdown(GateVerdict(2, ((1, ("a.py",)),), (bad,), 0, 3, 1.0))
    assert text.startswith("<!-- affected -->\n### affected: failed\n")
    assert "**Shard 1 gave no report**, so these did not run: `a.py`" in text
    assert "- `t.py::t['<b>']` \\<script\\>" in text
    assert "Nothing is affected" in gate_markdown(GateVerdict(0, (), (), 0, 0, 0.0))
