"""The JSON objects of --json."""

from __future__ import annotations

import json

import pytest

from affected.errors import UserError
from affected.model.edge import Edge, EdgeKind
from affected.model.observation import Input, InputKind, Provenance
from affected.model.result import Outcome
from affected.model.selection import Cause, CauseKind
from affected.report import jsonl
from affected.report.protocol import (
    CacheStatus,
    Counts,
    ExplainReport,
    Finding,
    GraphNode,
    GraphView,
    Level,
    Listing,
    Proof,
    RunReport,
    RunSummary,
    State,
    TargetEntry,
    extent,
)
from affected.report.protocol import TestEntry as Entry

ODD = "src/caf\udce9.py"
CAUSE = Cause(CauseKind.CHANGED, ODD, ("tests/test_a.py", ODD))


def round_trip(document):
    text = jsonl.dump(document)
    assert text.isascii()
    assert text.endswith("\n")
    assert "\n" not in text[:-1]
    return json.loads(text)


def test_a_listing_has_the_shape_of_the_design_and_keeps_undecodable_bytes():
    listing = Listing(
        "a", "b", "some", (ODD,), (TargetEntry("tests/test_a.py", "test", "", (CAUSE,)),), 2
    )
    assert round_trip(jsonl.listing_object(listing)) == {
        "schema": 1,
        "base": "a",
        "head": "b",
        "selection": "some",
        "changed": [ODD],
        "targets": [
            {
                "label": "tests/test_a.py",
                "kind": "test",
                "project": "",
                "causes": [{"kind": "changed", "path": ODD, "chain": ["tests/test_a.py", ODD]}],
            }
        ],
        "notices": [],
    }


def test_a_run_has_states_counts_and_one_result_a_test():
    summary = RunSummary(
        selection="some",
        selected_targets=1,
        selected_tests=1,
        ran_targets=1,
        reused_targets=1,
        reused_tests=5,
        counts=Counts(passed=1),
        seconds_run=0.123456789,
        seconds_saved=2.0,
    )
    report = RunReport(
        base=None,
        head="b",
        changed=(),
        targets=(TargetEntry("t.py", "test", "p", (CAUSE,), State.RAN, 1, 0.1),),
        results=(
            Entry("t.py::a", "t.py", State.RAN, Outcome.PASSED, CAUSE, 0.1),
            Entry("t.py::b", "t.py", State.SELECTED, None),
        ),
        summary=summary,
    )
    said = round_trip(jsonl.run_object(report))
    assert said["schema"] == 1
    assert said["base"] is None
    assert said["targets"][0]["state"] == "ran"
    assert said["tests"]["selected"] == 1
    assert said["tests"]["reused"] == 5
    assert said["tests"]["seconds_run"] == 0.123457
    assert said["results"][0]["cause"]["kind"] == "changed"
    assert said["results"][1] == {
        "id": "t.py::b",
        "target": "t.py",
        "state": "selected",
        "outcome": None,
        "cause": None,
        "seconds": 0.0,
    }


@pytest.mark.parametrize(
    ("selected", "known", "said"), [(0, 0, "none"), (0, 5, "none"), (2, 5, "some"), (5, 5, "all")]
)
def test_an_empty_selection_is_never_left_to_be_guessed(selected, known, said):
    assert extent(selected, known) == said


def test_an_explanation_holds_inputs_and_where_they_come_from():
    proof = Proof(
        Provenance(1.5, "me@host", "", False, ""),
        (Input(InputKind.FILE, "b.py", "2"), Input(InputKind.FILE, "a.py", "1")),
        Counts(passed=1),
        0.5,
    )
    said = round_trip(jsonl.explain_object(ExplainReport("t.py", runs=False, proof=proof)))
    assert said["verdict"] == "skip"
    assert [item["key"] for item in said["observation"]["inputs"]] == ["a.py", "b.py"]
    assert said["observation"]["provenance"]["commit"] is None


def test_a_doctor_with_a_problem_is_not_healthy():
    findings = [Finding(Level.PROBLEM, "no-pytest", "pytest is missing")]
    said = round_trip(jsonl.doctor_object(findings))
    assert said["healthy"] is False
    assert said["findings"][0]["code"] == "no-pytest"


def test_a_graph_is_sorted():
    view = GraphView(
        [GraphNode("b.py", "module", ""), GraphNode("a.py", "test", "")],
        [Edge("b.py", "a.py", EdgeKind.LAZY), Edge("a.py", "b.py", EdgeKind.IMPORT)],
    )
    said = round_trip(jsonl.graph_object(view))
    assert [node["path"] for node in said["nodes"]] == ["a.py", "b.py"]
    assert said["edges"][1] == {"source": "b.py", "needed": "a.py", "kind": "lazy"}


def test_cache_status_and_errors_have_a_schema_too():
    assert round_trip(jsonl.cache_object(CacheStatus("/c", 1, 2, 3, 4)))["schema"] == 1
    said = round_trip(jsonl.error_object(UserError("no", "yes"), 2))
    assert said["error"] == {"message": "no", "hint": "yes", "exit_code": 2}
