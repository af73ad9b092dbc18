"""Outcomes are pytest's own, told test by test."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from support.suites import outcomes, run_suite, write_suite

SUITE = {
    "test_kinds.py": """
        import unittest
        import pytest

        def test_pass(): pass

        def test_fail():
            print("told before")
            assert 1 == 2

        @pytest.fixture
        def broken():
            raise ValueError("no set-up")

        def test_setup(broken): pass

        @pytest.fixture
        def untidy():
            yield
            raise ValueError("no tear-down")

        def test_teardown(untidy): pass

        def test_both(untidy):
            raise KeyError("call")

        @pytest.mark.skip(reason="not today")
        def test_skip(): pass

        @pytest.mark.xfail(reason="known")
        def test_xfail(): assert 0

        @pytest.mark.xfail
        def test_xpass(): pass

        @pytest.mark.xfail(strict=True, reason="strict")
        def test_xpass_strict(): pass

        @pytest.mark.parametrize("n", [1, 2], ids=["a::b", "[x]"])
        def test_params(n): assert n == 1

        class TestUnit(unittest.TestCase):
            def test_one(self): self.assertEqual(1, 1)
            def test_bad(self): self.assertEqual(1, 2)
            @unittest.skip("later")
            def test_later(self): pass
            @unittest.expectedFailure
            def test_expected(self): self.fail()
        """,
    "test_broken.py": "import absent_module\n",
    "test_skipped.py": "import pytest\npytest.importorskip('absent_module', reason='needs it')\n",
    "test_empty.py": "X = 1\n",
    "deep/test_rooted.py": """
        import pathlib
        import pytest
        FILES = [str(pathlib.Path(__file__).parent / "x.json")]

        @pytest.mark.parametrize("path", FILES)
        def test_path(path): pass
        """,
}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    root = write_suite(tmp_path_factory.mktemp("kinds") / "work", SUITE)
    report = root.parent / "junit.xml"
    return run_suite(root, args=[f"--junitxml={report}", "-p", "no:cacheprovider"]), report


def by_id(finished):
    return {r.id: r for trace in finished.harvest.traces.values() for r in trace.results}


def test_each_test_ends_as_pytest_counts_it(kinds):
    """An error in set-up or tear-down is an error; a failed call stays a failure."""
    finished, _ = kinds
    start = "test_kinds.py::"
    assert outcomes(finished) == {
        start + "test_pass": "passed",
        start + "test_fail": "failed",
        start + "test_setup": "error",
        start + "test_teardown": "error",
        start + "test_both": "failed",
        start + "test_skip": "skipped",
        start + "test_xfail": "xfailed",
        start + "test_xpass": "xpassed",
        start + "test_xpass_strict": "failed",
        start + "test_params[a::b]": "passed",
        start + "test_params[[x]]": "failed",
        start + "TestUnit::test_one": "passed",
        start + "TestUnit::test_bad": "failed",
        start + "TestUnit::test_later": "skipped",
        start + "TestUnit::test_expected": "xfailed",
        "test_broken.py": "error",
        "test_skipped.py": "skipped",
        "deep/test_rooted.py::test_path[<workspace>/deep/x.json]": "passed",
    }


def test_the_counts_are_those_of_pytests_own_report(kinds):
    """Its JUnit file tells the same failures and skips."""
    finished, report = kinds
    suite = ET.parse(report).getroot()[0]  # noqa: S314 - our own file
    told = list(outcomes(finished).values())
    # JUnit has the failed call of test_both and its failed tear-down as two.
    assert int(suite.get("failures")) == told.count("failed")
    assert int(suite.get("errors")) == told.count("error") + 1
    assert int(suite.get("skipped")) == told.count("skipped") + told.count("xfailed")


def test_reasons_and_long_texts_are_told(kinds):
    """A skip's reason, a failure's first line, what pytest renders, captured output."""
    results = by_id(kinds[0])
    assert results["test_kinds.py::test_skip"].message == "not today"
    assert results["test_kinds.py::test_xfail"].message == "known"
    assert results["test_skipped.py"].message == "needs it"
    failed = results["test_kinds.py::test_fail"]
    assert failed.message == "assert 1 == 2"
    assert "E       assert 1 == 2" in failed.details
    assert "told before" in failed.details
    both = results["test_kinds.py::test_both"].details
    assert "call" in both
    assert "no tear-down" in both
    assert "absent_module" in results["test_broken.py"].details


def test_one_broken_file_does_not_keep_the_others_from_running(kinds):
    """Its own collection error is its result."""
    assert kinds[0].harvest.traces["test_kinds.py"].complete


def test_pytests_own_words_are_cut_out_of_the_log(kinds):
    """From the first section on failures to the end of the short summary."""
    summary = kinds[0].summary
    assert summary.strip().startswith("=")
    assert "= ERRORS =" in summary
    assert "= FAILURES =" in summary
    assert "FAILED test_kinds.py::test_fail" in summary
    assert "test session starts" not in summary
    assert " passed" not in summary.splitlines()[-1]


def test_a_file_without_tests_is_complete_and_empty(kinds):
    """Nothing collected is nothing left to run."""
    trace = kinds[0].harvest.traces.get("test_empty.py")
    assert trace is None or (trace.complete and trace.results == ())
    assert kinds[0].problem == ""


def test_only_a_first_try_counts_as_a_clean_pass(tmp_path):
    """A plugin that reports a failed try as "rerun" marks the outcome as retried."""
    root = write_suite(
        tmp_path / "work",
        {
            "conftest.py": """
                import pytest
                from _pytest.runner import runtestprotocol

                @pytest.hookimpl(tryfirst=True)
                def pytest_runtest_protocol(item, nextitem):
                    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
                    for last in (False, True):
                        item._initrequest()
                        reports = runtestprotocol(item, nextitem=nextitem, log=False)
                        failed = any(report.failed for report in reports)
                        for report in reports:
                            if report.failed and not last:
                                report.outcome = "rerun"
                            item.ihook.pytest_runtest_logreport(report=report)
                        if not failed:
                            break
                    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
                    return True
                """,
            "test_flaky.py": """
                TRIES = []

                def test_second_time():
                    TRIES.append(1)
                    assert len(TRIES) > 1

                def test_at_once(): pass
                """,
        },
    )
    results = by_id(run_suite(root))
    assert results["test_flaky.py::test_second_time"].outcome == "passed"
    assert results["test_flaky.py::test_second_time"].rerun
    assert not results["test_flaky.py::test_at_once"].rerun
