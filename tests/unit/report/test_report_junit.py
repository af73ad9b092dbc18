"""JUnit XML of ran and reused tests."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affected.model.observation import Provenance
from affected.model.result import Outcome
from affected.model.result import TestResult as Result
from affected.report.junit import Suite, junit_xml, split_id

OLD = Provenance(1_700_000_000.0, "me@host", "c" * 40, False, "https://ci.example/7")


def parse(suites, **options):
    text = junit_xml(suites, started=options.get("started", 1.7e9), wall=options.get("wall", 3.0))
    return ET.fromstring(text.encode("utf-8"))  # noqa: S314  # our own


def test_ran_and_reused_tests_are_both_there_and_told_apart():
    root = parse(
        [
            Suite("t/b.py", [Result("t/b.py::test_b", Outcome.PASSED, 2.5)], OLD),
            Suite("t/a.py", [Result("t/a.py::test_a", Outcome.PASSED, 0.25)]),
        ]
    )
    assert [suite.get("name") for suite in root] == ["t/a.py", "t/b.py"]
    ran, reused = root.iter("testcase")
    assert ran.find("properties") is None
    said = {item.get("name"): item.get("value") for item in reused.find("properties")}
    assert said == {
        "affected:state": "reused",
        "affected:observed": "2023-11-14T22:13:20+00:00",
        "affected:commit": "c" * 40,
        "affected:writer": "me@host",
        "affected:run": "https://ci.example/7",
    }
    assert reused.get("time") == "2.500"
    assert root.get("tests") == "2"
    assert root.get("time") == "3.000"


def test_failures_errors_and_skips_carry_their_details():
    root = parse(
        [
            Suite(
                "t.py",
                [
                    Result(
                        "t.py::f",
                        Outcome.FAILED,
                        1,
                        "assert <1>",
                        "E   assert\n\x1b[31mred\x1b[0m & \x00",
                    ),
                    Result("t.py", Outcome.ERROR, 0, "cannot import", "Traceback"),
                    Result("t.py::s", Outcome.SKIPPED, 0, 'not "here"'),
                    Result("t.py::x", Outcome.XFAILED, 0, "known"),
                    Result("t.py::p", Outcome.XPASSED, 0),
                ],
            )
        ]
    )
    failure = root.find(".//failure")
    assert failure.get("message") == "assert <1>"
    assert failure.text == "E   assert\nred & #x00"
    assert root.find(".//error").text == "Traceback"
    assert [item.get("type") for item in root.iter("skipped")] == ["pytest.skip", "pytest.xfail"]
    assert root.find(".//skipped").get("message") == 'not "here"'
    (suite,) = root
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == [
        "5",
        "1",
        "1",
        "2",
    ]


@pytest.mark.parametrize(
    ("node_id", "label", "expected"),
    [
        ("a/test_b.py::test_x", "a/test_b.py", ("a.test_b", "test_x")),
        ("a/test_b.py::C::D::t[x::y/z.py]", "a/test_b.py", ("a.test_b.C.D", "t[x::y/z.py]")),
        ("a/test_b.py", "a/test_b.py", ("", "a.test_b")),
        ("odd::name.py::t", "odd::name.py", ("odd::name", "t")),
        ("docs/x.rst::x.rst", "docs/x.rst", ("docs.x.rst", "x.rst")),
        ("elsewhere.py::t", "a.py", ("elsewhere", "t")),
    ],
)
def test_names_are_split_as_pytest_splits_them(node_id, label, expected):
    assert split_id(node_id, label) == expected


def test_the_order_of_suites_does_not_depend_on_the_order_given():
    suites = [Suite(f"t{n}.py", [Result(f"t{n}.py::x", Outcome.PASSED, 0)]) for n in range(5)]
    first = junit_xml(suites, started=0, wall=0)
    assert junit_xml(reversed(suites), started=0, wall=0) == first


@given(st.text(), st.text(), st.text())
def test_any_text_gives_well_formed_xml(name, message, details):
    """Control characters, surrogates, markup: whatever a test puts into its names."""
    result = Result(f"t.py::{name}", Outcome.FAILED, 1, message, details)
    root = parse([Suite("t.py", [result])])
    assert root.find(".//failure") is not None


def test_surrogates_of_undecodable_paths_are_shown_escaped():
    root = parse([Suite("caf\udce9.py", [])])
    assert root[0].get("name") == "caf\\xe9.py"


def test_attributes_keep_line_breaks():
    text = junit_xml(
        [Suite("t.py", [Result("t.py::a", Outcome.SKIPPED, 0, "two\nlines")])],
        started=0,
        wall=0,
    )
    assert re.search(r'message="two&#10;lines"', text)
