"""The entry point: commands are found, errors become sentences and exit codes."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support.children import SOURCES

import affected
import affected.cli
from affected.cli import doctor_command
from affected.cli.exit_status import ExitStatus
from affected.cli.program import COMMANDS, program


def test_help_names_every_command_with_what_it_does(call):
    """`-h` and `--help` say the same."""
    code, out, err = call("--help")
    assert (code, err) == (0, "")
    for name, words in COMMANDS.items():
        assert f"  {name} " in out
        assert words in out
    assert call("-h") == (code, out, err)


def test_without_a_command_the_help_is_shown(call):
    """Nothing is done by accident."""
    _, out, err = call()
    assert "Commands:" in out + err


def test_the_version_is_the_packages(call):
    """One line."""
    assert call("--version") == (0, f"affected, version {affected.__version__}\n", "")


def test_every_command_has_its_module_and_every_module_its_command():
    """One file a command."""
    folder = Path(affected.cli.__file__).parent
    modules = {path.name.removesuffix("_command.py") for path in folder.glob("*_command.py")}
    assert modules == set(COMMANDS)
    context = click.Context(program)
    for name in COMMANDS:
        command = program.get_command(context, name)
        assert command is not None
        assert command.name == name


def test_what_help_says_of_a_command_is_what_its_own_help_begins_with():
    """The list is written down so that no module is loaded for it; it must not grow stale."""
    context = click.Context(program)
    for name, words in COMMANDS.items():
        own = program.get_command(context, name).get_short_help_str(limit=200)
        assert own.split()[0].rstrip(",") == words.split()[0].rstrip(",")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("lst", "No such command `lst`. Did you mean `list`?"),
        ("exlain", "Did you mean `explain`?"),
        ("zzz", "No such command `zzz`."),
    ],
)
def test_an_unknown_command_names_the_nearest(call, wrong, words):
    """Exit code 2, nothing on standard output."""
    code, out, err = call(wrong)
    assert (code, out) == (ExitStatus.USAGE, "")
    assert words in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--no-such-option"),
        ("run", "-j", "0"),
        ("run", "-j", "many"),
        ("explain",),
        ("graph", "--format", "png"),
        ("cache", "no-such"),
        ("list", "surplus"),
    ],
)
def test_wrong_usage_exits_with_2_and_shows_how_it_is_used(call, arguments):
    """Click's own words, on standard error."""
    code, out, err = call(*arguments)
    assert (code, out) == (ExitStatus.USAGE, "")
    assert f"Usage: affected {arguments[0]}" in err


@pytest.mark.parametrize("command", ["run", "list", "doctor", "graph"])
def test_a_broken_configuration_is_one_sentence_and_a_hint(here, call, command):
    """Exit code 2, no traceback, the same for every command."""
    here.write("pyproject.toml", "[tool.affected]\njosb = 1\n")
    code, out, err = call(command)
    assert (code, out) == (ExitStatus.USAGE, "")
    assert err == (
        "error: pyproject.toml [tool.affected]: unknown key `josb`\nhint: did you mean `jobs`?\n"
    )


def test_a_base_that_cannot_be_found_is_exit_code_3_under_strict(here, call):
    """Without --strict everything is listed, loudly."""
    here.commit_files({"test_a.py": "def test_a(): pass\n"})
    code, out, err = call("list", "--strict")
    assert (code, out) == (ExitStatus.BASE, "")
    assert err.startswith("error: ")
    code, out, _ = call("list")
    assert code == 0
    assert "test_a.py" in out


def test_a_base_that_is_not_there_is_everything_loudly_or_exit_code_3(here, call):
    """A shallow clone may lack it: its name and what to do stand in the answer."""
    here.commit_files({"test_a.py": "def test_a(): pass\n"})
    code, out, err = call("list", "--base", "no-such-branch")
    assert code == 0
    assert "no-such-branch" in out + err
    assert "test_a.py" in out
    code, out, err = call("list", "--base", "no-such-branch", "--strict")
    assert (code, out) == (ExitStatus.BASE, "")
    assert "no-such-branch" in err


@pytest.mark.parametrize("shard", ["2", "0/2", "3/2", "a/b", "1/", "/2", "-1/2", "²/3", "1/2/3"])
def test_a_shard_that_is_none_is_refused(here, call, shard):
    """Before anything is looked at."""
    code, _, err = call("run", "--shard", shard)
    assert code == ExitStatus.USAGE
    assert err.startswith(f"error: --shard {shard} is not I/N\nhint: ")


def test_a_target_that_is_none_names_the_nearest(here, call):
    """For explain and for run."""
    here.commit_files({"test_alpha.py": "def test_a(): pass\n"})
    code, _, err = call("explain", "test_alhpa.py")
    assert code == ExitStatus.USAGE
    assert "did you mean test_alpha.py?" in err
    code, _, err = call("run", "nowhere")
    assert code == ExitStatus.USAGE
    assert "no target is called nowhere" in err


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, click.Abort])
def test_an_interrupt_is_exit_code_130_without_a_traceback(call, monkeypatch, trouble):
    """Wherever it comes."""

    def interrupted(_known):
        raise trouble

    monkeypatch.setattr(doctor_command, "doctor", interrupted)
    code, out, err = call("doctor")
    assert (code, out) == (ExitStatus.INTERRUPTED, "")
    assert "Traceback" not in err


def test_a_bug_shows_its_traceback(here, monkeypatch):
    """Anything that is not drawn in the tree of errors is ours to mend."""

    def broken(_known):
        raise ZeroDivisionError

    monkeypatch.setattr(doctor_command, "doctor", broken)
    monkeypatch.setattr(sys, "argv", ["affected", "doctor"])
    with pytest.raises(ZeroDivisionError):
        importlib.import_module("affected.cli.program").execute()


def test_a_reader_that_goes_away_is_no_traceback(here):
    """`affected graph | head`: the pipe is closed before everything is written."""
    here.commit_files({f"m{n}.py": f"import m{n + 1}\n" for n in range(300)})
    child = subprocess.Popen(
        [sys.executable, "-m", "affected", "graph", "--format", "json"],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    child.stdout.close()
    words = child.stderr.read().decode()
    child.stderr.close()
    assert child.wait(timeout=60) == ExitStatus.FAILED
    assert words == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--json"),
        ("list", "--all", "--json"),
        ("doctor", "--json"),
        ("graph", "--format", "json"),
        ("cache", "status", "--json"),
        ("explain", "test_a.py", "--json"),
        ("run", "--dry-run", "--json"),
    ],
)
def test_json_is_one_versioned_object_and_nothing_else_on_standard_output(here, call, arguments):
    """A program reads it without looking for it."""
    here.commit_files({"test_a.py": "def test_a(): pass\n", "README.md": "x"})
    code, out, _ = call(*arguments)
    assert code == 0
    found = json.loads(out)
    assert found["schema"] == 1
    assert out.endswith("}\n")


def test_a_workspace_without_tests_is_fine(here, call):
    """Nothing to run is exit code 0."""
    here.commit_files({"a.py": "x = 1\n"})
    assert call("run")[0] == 0
    assert call("list")[0] == 0


@pytest.mark.parametrize("option", ["--junit", "--summary"])
def test_a_report_that_cannot_be_written_is_an_error_with_the_systems_reason(here, call, option):
    """Its folder is a file."""
    here.commit_files({"a.py": "x = 1\n"})
    code, _, err = call("run", option, "a.py/report")
    assert code == ExitStatus.USAGE
    assert "a.py/report cannot be written" in err


def test_the_module_can_be_run_too():
    """`python -m affected`."""
    done = subprocess.run(
        [sys.executable, "-m", "affected", "--version"],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"affected, version {affected.__version__}\n"


def test_exit_codes_are_what_the_documentation_says():
    """Scripts rely on them."""
    assert {status.name: int(status) for status in ExitStatus} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "BASE": 3,
        "VERIFICATION": 4,
        "INTERRUPTED": 130,
    }
