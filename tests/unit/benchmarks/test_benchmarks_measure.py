"""Paired measurement, answers and their comparison."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.answer import Answer, markdown_table
from benchmarks.compare import differences
from benchmarks.measure import Command, affected_command, in_turn, run_once
from benchmarks.real_projects import raising, read_run


def python(name, code, **options):
    return Command(
        name, (sys.executable, "-c", code), Path.cwd(), options.pop("environ", {}), **options
    )


def test_commands_run_in_turn_and_nothing_is_dropped(tmp_path):
    order = tmp_path / "order"
    write = "import sys; open({!r}, 'a').write({!r})"
    first, second = (python(name, write.format(str(order), name)) for name in ("a", "b"))
    asked = []
    paired = in_turn(first, second, 3, asked.append)
    assert order.read_text() == "".join(asked) == "baabba" + "ab"
    assert len(paired.first.runs) == len(paired.second.runs) == 3
    said = paired.as_json()
    assert [len(series["runs"]) for series in said["series"]] == [3, 3]
    assert said["ratio"]["wall"] == paired.first.least("wall") / paired.second.least("wall")


def test_usage_holds_child_processes():
    busy = "x = 0\nfor n in range(3_000_000): x += n"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    assert run_once(python("nested", nested)).cpu > run_once(python("bare", "pass")).cpu + 0.03
    assert run_once(python("large", "x = bytearray(80_000_000)")).peak > 80_000_000


def test_a_failing_command_is_told_with_its_output():
    with pytest.raises(RuntimeError, match=r"ended with 3(.|\n)*why"):
        run_once(python("bad", "print('why'); raise SystemExit(3)"))
    run_once(python("bad", "raise SystemExit(3)", accepted=(0, 3)))


def test_variables_are_set_and_unset(monkeypatch):
    monkeypatch.setenv("REMOVED", "1")
    code = "import os; assert 'REMOVED' not in os.environ and os.environ['ADDED'] == '2'"
    run_once(python("x", code, environ={"REMOVED": None, "ADDED": "2"}))


def test_the_tool_runs_from_this_checkout_with_its_own_cache(tmp_path):
    command = affected_command("x", tmp_path, tmp_path / "cache", "run", "--json")
    assert command.words[-3:] == ("affected", "run", "--json")
    assert command.environ["AFFECTED_CACHE_DIR"] == str(tmp_path / "cache")
    assert command.environ["CI"] is None


def answer(value, limit=100.0, question="noop", unit="ms"):
    return Answer(question, "300 files", "a run", value, limit, unit).as_json()


def results(*answers):
    return {"answers": list(answers)}


def test_two_results_are_compared_by_their_share_of_the_limit():
    lines, worse = differences(results(answer(50)), results(answer(52)), 1.1)
    assert (lines, worse) == (["same    noop · 300 files · a run: 50 ms → 52 ms"], False)
    lines, worse = differences(results(answer(50)), results(answer(70)), 1.1)
    assert lines[0].startswith("worse")
    assert worse
    lines, worse = differences(results(answer(70)), results(answer(50)), 1.1)
    assert lines[0].startswith("better")
    assert not worse
    lines, worse = differences(results(answer(98)), results(answer(101)), 1.1)
    assert lines == ["worse   noop · 300 files · a run: 98 ms → 101 ms (over)"]
    assert worse


def test_new_and_gone_answers_are_told():
    lines, worse = differences(results(answer(1)), results(answer(1, question="scan")), 1.1)
    assert [line.split()[0] for line in lines] == ["gone", "new"]
    assert not worse


def test_a_table_marks_what_is_over():
    table = markdown_table([answer(120), answer(1.25, 1.5, unit="ratio")])
    assert "| a run | 300 files | 120 ms | 100 ms | **over** |" in table
    assert "| a run | 300 files | 1.25 x | 1.50 x | ✓ |" in table


def test_a_statement_goes_first_into_the_named_function():
    text = (
        'class C:\n    def f(self):\n        """Doc."""\n        return 1\n\n\ndef g(): return 2\n'
    )
    assert raising(text, "f") == (
        'class C:\n    def f(self):\n        """Doc."""\n'
        "        raise ZeroDivisionError\n        return 1\n\n\ndef g(): return 2\n"
    )
    with pytest.raises(ValueError, match="no function h"):
        raising(text, "h")


def test_an_answer_of_a_run_is_read_by_state():
    said = {
        "selection": "some",
        "targets": [
            {"label": "a.py", "state": "ran"},
            {"label": "b.py", "state": "failed"},
            {"label": "c.py", "state": "reused"},
        ],
        "results": [{"id": "a.py::t", "outcome": "passed"}],
        "unvouched": [{"target": "a.py"}],
    }
    run = read_run(said, 1.5)
    assert run.ran == {"a.py", "b.py"}
    assert run.reused == {"c.py"}
    assert run.unvouched == {"a.py"}
    assert run.outcomes == {"a.py::t": "passed"}
