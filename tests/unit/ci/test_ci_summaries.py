"""Markdown summaries, step outputs, the pull request's event."""

from __future__ import annotations

import json

import pytest

from affected.ci.github import failure_commands, output_lines, step_summary, with_event
from affected.ci.plain import markdown_summary, writer_name
from affected.ci.protocol import CI
from affected.errors import UserError
from affected.model.result import Outcome
from affected.model.result import TestResult as Result


def test_a_summary_has_a_heading_a_table_and_folded_failures():
    failure = Result("t.py::test_<x>", Outcome.FAILED, 0.1, "boom", "E   \x1b[31massert\x1b[0m 1\n")
    text = markdown_summary("1 failed", [("ran", "3 tests")], [failure], ["the cache is full"])
    assert text == (
        "### 1 failed\n"
        "\n"
        "| | |\n"
        "|---|--:|\n"
        "| ran | 3 tests |\n"
        "\n"
        "<details><summary><code>t.py::test_&lt;x&gt;</code> failed</summary>\n"
        "\n"
        "```\n"
        "E   assert 1\n"
        "```\n"
        "\n"
        "</details>\n"
        "\n"
        "> **warning**: the cache is full\n"
    )


def test_what_tests_say_cannot_break_out_of_its_place():
    hostile = "```\n</details><script>\n````"
    failure = Result("t.py::x", Outcome.ERROR, 0.0, "", hostile)
    text = markdown_summary("a | b", [("x|y", "<b>")], [failure], [])
    assert "### a \\| b" in text
    assert "| x\\|y | \\<b\\> |" in text
    assert text.count("`````") == 2


def test_many_and_long_failures_are_cut():
    failures = [Result(f"t.py::t{n}", Outcome.FAILED, 0, "", "x" * 9000) for n in range(25)]
    text = markdown_summary("25 failed", [], failures, [])
    assert "… and 5 more failures" in text
    assert len(text) < 20 * 4300


def test_undecodable_names_survive():
    text = markdown_summary("x", [], [Result("caf\udce9.py::\ud800", Outcome.FAILED, 0)], [])
    text.encode("utf-8")


def test_a_step_summary_is_cut_at_a_line_below_the_limit():
    text = "line of text é\n" * 200_000
    cut = step_summary(text)
    assert len(cut.encode()) <= 1024 * 1024
    assert cut.endswith("line of text é\n\n… the rest is in the log\n")
    assert step_summary("short\n") == "short\n"


def test_outputs_of_one_line_and_of_several():
    lines = output_lines({"selection": "none", "targets": "a.py\nb.py"}).splitlines()
    assert lines[0] == "selection=none"
    end = lines[1].removeprefix("targets<<")
    assert lines[2:] == ["a.py", "b.py", end]
    assert end not in ("a.py", "b.py")


def test_an_output_name_that_could_inject_another_is_refused():
    with pytest.raises(UserError):
        output_lines({"a=b\nc": "x"})


def test_the_event_tells_forks_and_the_default_branch():
    event = {
        "ref": "refs/heads/topic",
        "repository": {"full_name": "team/mono", "default_branch": "trunk"},
        "pull_request": {"head": {"repo": {"full_name": "other/mono"}}},
    }
    assert with_event(CI("github"), json.dumps(event)) == CI("github", "trunk", is_fork=True)
    event["ref"] = "refs/heads/trunk"
    assert with_event(CI("github"), json.dumps(event)).target_branch is None
    assert with_event(CI("github", "main"), json.dumps(event)).target_branch == "main"


@pytest.mark.parametrize(
    "event", ["", "[]", "{", '{"repository": 5}', '{"pull_request": {"head": null}}']
)
def test_a_damaged_event_changes_nothing(event):
    assert with_event(CI("github", "main"), event) == CI("github", "main")


def test_a_run_writes_under_its_ci_or_its_user():
    assert writer_name(CI("github"), "runner", "vm") == "github"
    assert writer_name(CI("none"), "me", "laptop") == "me@laptop"
    assert writer_name(CI("generic"), "", "vm") == "vm"


def test_a_failure_without_a_place_is_shown_at_its_test_file():
    """An id with all that a property must not hold; a message of several lines."""
    failure = Result("a,b.py::t", Outcome.ERROR, 0.0, "", "one\ntwo\n")
    assert failure_commands([failure], set().__contains__) == [
        "::error file=a%2Cb.py,title=a%2Cb.py%3A%3At::two"
    ]


def test_paths_are_looked_for_from_the_test_files_folders():
    """Pytest names them from where it was started."""
    details = "src/m.py:3: \n    x\nlib/gone.py:9: ValueError\n"
    failure = Result("libs/a/tests/t.py::t", Outcome.FAILED, 0.0, "m", details)
    known = {"libs/a/src/m.py"}
    assert failure_commands([failure], known.__contains__)[0].startswith(
        "::error file=libs/a/src/m.py,line=3,"
    )
