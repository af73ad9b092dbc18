"""The closing summary, the listing, errors: golden texts."""

from __future__ import annotations

from dataclasses import replace

from affected.errors import UserError
from affected.model.result import Outcome
from affected.model.result import TestResult as Result
from affected.model.selection import Cause, CauseKind
from affected.report.protocol import Counts, Listing, RunSummary, TargetEntry, Unvouched
from affected.report.style import Style, columns, without_escapes
from affected.report.text import (
    cause_words,
    chain_words,
    closing_lines,
    error_lines,
    failure_block,
    joined,
    listing_lines,
    short_commit,
)

PLAIN = Style()
FAILURE = Result(
    "tests/test_a.py::test_x",
    Outcome.FAILED,
    0.2,
    "assert 1 == 2",
    "def test_x():\n>   \x1b[1massert\x1b[0m 1 == 2\n",
)
NOTHING = RunSummary(
    selection="none",
    selected_targets=0,
    selected_tests=0,
    ran_targets=0,
    reused_targets=87,
    reused_tests=1204,
    seconds_saved=723.2,
)
SOME = RunSummary(
    selection="some",
    selected_targets=3,
    selected_tests=20,
    ran_targets=3,
    reused_targets=87,
    reused_tests=1204,
    left_out=4,
    counts=Counts(passed=15, failed=1, skipped=4),
    seconds_run=12.0,
    seconds_saved=723.2,
    seconds_wall=9.3,
    failures=(FAILURE,),
    notices=("the cache folder cannot be written",),
    unvouched=(
        Unvouched("tests/test_net.py", "network", "127.0.0.1:80"),
        Unvouched("tests/test_net.py", "child-process", "git"),
    ),
)


def said(summary, style=PLAIN):
    return "\n".join(closing_lines(summary, style))


def test_nothing_to_run_is_said_in_one_friendly_line():
    assert said(NOTHING) == "nothing to run: 1,204 tests in 87 files reused, 12m 03s saved"


def test_one_of_each_is_singular():
    one = replace(NOTHING, reused_targets=1, reused_tests=1, seconds_saved=0.5)
    assert said(one) == "nothing to run: 1 test in 1 file reused, 0.5s saved"


def test_nothing_to_run_without_records_says_what_the_graph_says():
    left = replace(NOTHING, reused_targets=0, reused_tests=0, seconds_saved=0, left_out=12)
    assert said(left) == "nothing to run: no change reaches any of 12 test files"
    both = replace(NOTHING, left_out=2)
    assert said(both) == (
        "nothing to run: 1,204 tests in 87 files reused, no change reaches 2 more files, 12m 03s saved"
    )


def test_a_workspace_without_tests_says_so():
    empty = replace(NOTHING, reused_targets=0, reused_tests=0, seconds_saved=0)
    assert said(empty) == "nothing to run: no tests here"


def test_a_run_says_what_ran_what_was_reused_and_what_needs_a_look():
    assert said(SOME) == (
        "FAILED tests/test_a.py::test_x  assert 1 == 2\n"
        "1 file runs again each time: it used what cannot be seen\n"
        "  tests/test_net.py  network: 127.0.0.1:80 (+1 more)\n"
        "warning: the cache folder cannot be written\n"
        "ran 20 tests in 3 files in 9.3s: 1 failed, 15 passed, 4 skipped\n"
        "reused 1,204 tests in 87 files, 12m 03s saved\n"
        "left out 4 files that no change reaches, by the import graph alone"
    )


def test_colour_changes_only_escapes():
    assert without_escapes(said(SOME, Style(color=True))) == said(SOME)
    assert "\x1b[" in said(SOME, Style(color=True))


def test_an_interrupted_run_says_that_what_finished_is_kept():
    stopped = replace(SOME, interrupted=True, ran_targets=1, failures=(), unvouched=(), notices=())
    assert said(stopped).startswith(
        "interrupted: 2 test files did not finish; what finished is kept\n"
    )


def test_a_dry_run_says_would():
    dry = replace(SOME, dry_run=True, failures=(), unvouched=(), notices=(), left_out=0)
    assert said(dry) == (
        "would run 20 known tests in 3 files\nwould reuse 1,204 tests in 87 files, 12m 03s saved"
    )


def test_targets_without_a_result_are_errors_in_red():
    lost = replace(SOME, troubles=("tests/test_b.py: pytest ended with code 3",), failures=())
    lines = closing_lines(lost, Style(color=True))
    assert lines[0] == "\x1b[31;1merror: \x1b[0mtests/test_b.py: pytest ended with code 3"


def test_long_unvouched_lists_are_cut():
    many = tuple(Unvouched(f"tests/test_{n}.py", "network", "x") for n in range(9))
    text = said(replace(SOME, unvouched=many, failures=()))
    assert "9 files run again each time: they used what cannot be seen" in text
    assert "… and 4 more; `affected explain FILE` tells all" in text


def test_a_failure_is_shown_as_pytest_showed_it_without_colour_where_there_is_none():
    assert failure_block(FAILURE, Style(width=40)) == [
        "─────── tests/test_a.py::test_x ───────"[:7] + " tests/test_a.py::test_x " + "─" * 7,
        "def test_x():",
        ">   assert 1 == 2",
    ]
    assert "\x1b[1massert\x1b[0m" in failure_block(FAILURE, Style(color=True))[2]


def test_failure_lines_fit_the_terminal():
    long = replace(FAILURE, message="x" * 300)
    line = closing_lines(replace(SOME, failures=(long,)), Style(width=60))[0]
    assert columns(line) <= 60


def entry(label, *causes):
    return TargetEntry(label, "test", "", causes)


LISTING = Listing(
    base="a" * 40,
    head="b" * 40,
    selection="some",
    changed=("src/a.py",),
    targets=(
        entry("tests/test_new.py", Cause(CauseKind.NEW)),
        entry(
            "tests/test_b.py",
            Cause(CauseKind.CHANGED, "src/a.py", ("tests/test_b.py", "src/b.py", "src/a.py")),
        ),
        entry(
            "tests/test_a.py",
            Cause(CauseKind.CHANGED, "src/a.py", ("tests/test_a.py", "src/a.py")),
            Cause(CauseKind.FAILED),
        ),
    ),
    known_targets=87,
    how="merge base with main",
)


def test_a_listing_groups_targets_by_their_first_cause():
    assert "\n".join(listing_lines(LISTING, PLAIN)) == (
        "changed src/a.py (2 targets)\n"
        "  tests/test_a.py  (+1 cause)\n"
        "  tests/test_b.py  via src/b.py\n"
        "\n"
        "no observation yet (1 target)\n"
        "  tests/test_new.py\n"
        "\n"
        "3 of 87 targets affected: 1 changed path since aaaaaaaaaa (merge base with main)"
    )


def test_a_listing_in_ascii_uses_ascii():
    text = "\n".join(listing_lines(LISTING, Style(unicode=False)))
    assert text.isascii()
    assert "via src/b.py\n" in text


def test_an_empty_listing_says_so_in_words():
    nothing = Listing("a" * 40, "b" * 40, "none", (), (), 87)
    assert listing_lines(nothing, PLAIN) == [
        "nothing is affected: 0 changed paths since aaaaaaaaaa"
    ]


def test_a_listing_without_a_base_says_loudly_that_everything_counts():
    every = Listing(
        None,
        "",
        "all",
        (),
        (entry("t.py", Cause(CauseKind.BASE_UNKNOWN)),),
        1,
        reason="no-git: there is no repository",
    )
    assert listing_lines(every, PLAIN)[-2:] == [
        (
            "warning: everything counts as changed: no-git: there is no repository "
            "(a run still reuses results, so this costs time only)"
        ),
        "all of 1 target affected: 0 changed paths",
    ]


def test_long_chains_are_shortened_in_the_middle():
    chain = ("t.py", "one.py", *(f"module_{n}.py" for n in range(20)), "last.py")
    assert chain_words(chain, PLAIN, 60) == "→ one.py → … 20 more → last.py"
    assert chain_words(("t.py",), PLAIN) == ""
    for room in range(8, 80):
        assert columns(chain_words(chain, PLAIN, room)) <= room


def test_every_cause_has_words():
    for kind in CauseKind:
        assert cause_words(Cause(kind, "x"))


def test_listing_lines_fit_the_terminal():
    deep = entry(
        "packages/very/deep/folder/tests/unit/test_a.py",
        Cause(
            CauseKind.CHANGED, "src/a.py", ("t.py", *(f"package/module_{n}.py" for n in range(9)))
        ),
    )
    for width in (60, 80, 120):
        for line in listing_lines(replace(LISTING, targets=(deep,)), Style(width=width))[:2]:
            assert columns(line) <= width


def test_errors_name_the_thing_and_the_way_out():
    error = UserError("no such base: \x1b[2J", "give --base a commit\nthat exists")
    assert joined(error_lines(error, PLAIN)) == (
        "error: no such base: \\x1b[2J\nhint: give --base a commit\n  that exists\n"
    )
    assert error_lines(UserError("plain"), PLAIN) == ["error: plain"]


def test_only_commit_ids_are_abbreviated():
    assert short_commit("0123456789abcdef0123456789abcdef01234567") == "0123456789"
    assert short_commit("feature/" + "x" * 32) == "feature/" + "x" * 32


def test_files_without_a_result_are_never_passed_over_in_silence():
    silent = replace(NOTHING, selected_targets=22, selection="some")
    assert said(silent).startswith("22 test files gave no result\nran 0 tests in 0 files in 0ms")


def test_files_whose_inputs_changed_meanwhile_are_not_said_to_run_each_time():
    """An edit during the run is not the test's doing, and passes."""
    unvouched = (Unvouched("tests/test_a.py", "changed-meanwhile", "src/a.py"),)
    text = said(replace(SOME, unvouched=unvouched))
    assert "1 file runs again next time: what it used was changed or touched meanwhile" in text
    assert "each time" not in text
