"""explain, doctor and cache status: golden texts."""

from __future__ import annotations

from affected.model.edge import Edge, EdgeKind
from affected.model.observation import BlindSpot, Input, InputKind, Provenance
from affected.model.selection import Cause, CauseKind
from affected.report.answers import cache_lines, doctor_lines, explain_lines, removed_line
from affected.report.protocol import CacheStatus, Counts, ExplainReport, Finding, Level, Proof
from affected.report.style import Style

PLAIN = Style()
PROOF = Proof(
    Provenance(1_700_000_000.0, "me@host", "c" * 40, True, ""),
    (
        Input(InputKind.MODULE, "a.b", "e" * 64),
        Input(InputKind.FILE, "src/a.py", "d" * 40),
        Input(InputKind.FILE, "src/gone.py", "absent"),
        Input(InputKind.ENVIRONMENT, "TZ", "absent"),
    ),
    Counts(passed=3),
    1.2,
)


def said(lines):
    return "\n".join(lines)


def test_a_skip_is_explained_by_its_observation():
    report = ExplainReport("tests/test_b.py", runs=False, proof=PROOF, records=1)
    assert said(explain_lines(report, PLAIN)) == (
        "tests/test_b.py may be skipped\n"
        "\n"
        "the observation that proves it\n"
        "  written 2023-11-14 22:13:20 UTC by me@host\n"
        "  at commit cccccccccc with uncommitted changes\n"
        "  3 passed, 1.2s\n"
        "\n"
        "it depended on 2 files, 1 import resolved, 1 environment variable\n"
        "  file          src/a.py  dddddddddd\n"
        "  file          src/gone.py  absent\n"
        "  module        a.b  eeeeeeeeee\n"
        "  environment   TZ  absent"
    )


def test_a_run_is_explained_by_cause_chain_and_difference():
    report = ExplainReport(
        "tests/test_b.py",
        runs=True,
        test="tests/test_b.py::test_it",
        causes=(
            Cause(
                CauseKind.CHANGED,
                "src/a.py",
                ("tests/test_b.py", "src/b.py", "src/a.py"),
                "two lines differ",
            ),
        ),
        chain=(
            Edge("tests/test_b.py", "src/b.py", EdgeKind.IMPORT),
            Edge("src/b.py", "src/a.py", EdgeKind.LAZY),
        ),
        differences=("- file src/a.py dddd", "+ file src/a.py eeee"),
        notices=("the record is old",),
    )
    assert said(explain_lines(report, PLAIN)) == (
        "warning: the record is old\n"
        "tests/test_b.py::test_it runs\n"
        "  • changed src/a.py\n"
        "      two lines differ\n"
        "\n"
        "how the change reaches it\n"
        "  tests/test_b.py imports src/b.py\n"
        "  src/b.py imports inside a function src/a.py\n"
        "\n"
        "then and now\n"
        "  - file src/a.py dddd\n"
        "  + file src/a.py eeee"
    )


def test_a_chain_without_edge_kinds_is_shown_as_paths():
    cause = Cause(CauseKind.CHANGED, "src/a.py", ("tests/test_b.py", "src/b.py", "src/a.py"))
    text = said(explain_lines(ExplainReport("tests/test_b.py", runs=True, causes=(cause,)), PLAIN))
    assert "      → src/b.py → src/a.py" in text


def test_blind_spots_are_named():
    proof = Proof(
        PROOF.provenance, (), PROOF.counts, 1.0, (BlindSpot("child-process", "make all"),)
    )
    text = said(explain_lines(ExplainReport("t.py", runs=True, proof=proof), PLAIN))
    assert "  unseen child-process: make all" in text
    assert "it depended on nothing" in text


def test_many_inputs_are_counted_and_listed_only_when_asked():
    inputs = tuple(Input(InputKind.FILE, f"f{n:03d}.py", "d" * 40) for n in range(50))
    report = ExplainReport("t.py", runs=False, proof=Proof(PROOF.provenance, inputs, Counts(), 0))
    short = explain_lines(report, PLAIN)
    assert "  file          … 38 more (--verbose lists them)" in short
    assert len(explain_lines(report, PLAIN, every_input=True)) == len(short) + 37


def test_a_target_left_out_by_the_graph_says_so():
    text = said(explain_lines(ExplainReport("t.py", runs=False, left_out=True), PLAIN))
    assert text == (
        "t.py may be skipped\n"
        "  no change reaches it, by the import graph alone; it has no observation"
    )


def test_doctor_says_what_it_costs_and_the_way_out():
    findings = [
        Finding(Level.OK, "git", "git 2.43"),
        Finding(
            Level.WARNING,
            "no-untracked-cache",
            "git looks at every folder",
            detail="core.untrackedCache is off",
            cost="about 0.2 s a run",
            way_out="git config core.untrackedCache true",
        ),
    ]
    assert said(doctor_lines(findings, PLAIN)) == (
        "ok       git 2.43\n"
        "warning  git looks at every folder\n"
        "         core.untrackedCache is off\n"
        "         costs: about 0.2 s a run\n"
        "         way out: git config core.untrackedCache true\n"
        "\n"
        "1 warning"
    )


def test_doctor_is_glad_when_all_is_well():
    assert doctor_lines([Finding(Level.OK, "git", "git")], PLAIN)[-1] == "all is well"


def test_cache_status_says_where_what_and_how_full():
    status = CacheStatus("/cache", 12, 30, 123_456, 1_000_000, "/index", 2048, 87, 1204, 723.2)
    assert said(cache_lines(status, PLAIN)) == (
        "cache   /cache\n"
        "        12 records, 30 blobs, 120.6 KiB of at most 976.6 KiB (12%)\n"
        "index   /index\n"
        "        2.0 KiB\n"
        "ready   1,204 tests in 87 files can be reused as things stand, 12m 03s"
    )


def test_removing_says_what_was_removed():
    assert removed_line(0, 0, 0) == "nothing to remove"
    assert removed_line(1, 2, 2048) == "removed 1 record and 2 blobs, 2.0 KiB freed"
