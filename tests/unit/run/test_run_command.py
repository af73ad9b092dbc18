"""Commands as processes: what they print in order, how they end, and that nothing outlives them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from affected.run.command import end_all, start, wait
from affected.run.sandbox import can_hide, make_sandbox

ENVIRON = {"PATH": os.environ["PATH"]}


def run(tmp_path, *arguments, timeout=None):
    """One command to its end."""
    running = start("x", arguments, tmp_path, ENVIRON, tmp_path / "log", timeout)
    (ended,) = wait([running], 20)
    assert not (tmp_path / "log").exists()
    return ended


def gone(pid):
    """True once no process has that number, or only a dead one's."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_both_streams_are_kept_in_order(tmp_path):
    """As they would stand in a terminal."""
    ended = run(tmp_path, "sh", "-c", "echo a; echo b >&2; echo c; exit 3")
    assert (ended.output, ended.exit_code, ended.good) == (b"a\nb\nc\n", 3, False)


def test_it_sees_the_environment_it_is_given_and_no_terminal(tmp_path):
    """Nothing of ours comes through."""
    ended = run(tmp_path, "sh", "-c", "echo ${HOME-unset}; cat; pwd")
    assert ended.output.decode().split() == ["unset", str(tmp_path)]
    assert ended.good


def test_a_program_that_is_not_there_is_a_failure_with_a_name(tmp_path):
    """As a shell would say it."""
    ended = run(tmp_path, "no-such-program")
    assert ended.exit_code == 127
    assert b"no-such-program: No such file" in ended.output


def test_a_time_out_ends_the_whole_group(tmp_path):
    """The command, and what it started in the background."""
    ended = run(tmp_path, "sh", "-c", "sleep 60 & echo $!; wait", timeout=0.2)
    assert ended.timed_out
    assert not ended.good
    assert gone(int(ended.output.split()[0]))


def test_what_a_command_leaves_running_ends_with_it(tmp_path):
    """A result is only what was there when the command ended."""
    ended = run(tmp_path, "sh", "-c", "sleep 60 & echo $!")
    assert ended.good
    assert gone(int(ended.output))


def test_an_interruption_ends_those_that_do_not_want_to(tmp_path):
    """Politely first."""
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    running = start("x", ("sh", "-c", script), tmp_path, ENVIRON, tmp_path / "log", None)
    deadline = time.monotonic() + 5
    while not (tmp_path / "log").read_bytes() and time.monotonic() < deadline:
        time.sleep(0.01)
    (ended,) = end_all([running], grace=0.2)
    assert ended.exit_code == -9


@pytest.fixture(params=["hidden", "beside"])
def sandboxed(request, tmp_path):
    """Makes a sandbox of a small workspace, by namespaces or as a folder."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    hides = request.param == "hidden"
    if hides and not can_hide(scratch):
        pytest.skip("no namespaces here")
    root = tmp_path / "ws"
    (root / "lib/src").mkdir(parents=True)
    (root / "lib/src/seen").write_text("seen\n")
    (root / "lib/src/unseen").write_text("unseen\n")
    (root / "secret").write_text("secret\n")
    (root / "node_modules").mkdir()
    (root / "node_modules/dep").write_text("dep\n")

    def make(*arguments):
        place = scratch / "place"
        sandbox = make_sandbox(
            root, place, "lib", "lib", ["lib/src/seen"], ["lib/dist"], lambda: hides
        )
        assert sandbox.hidden is hides
        running = start(
            "x", sandbox.command(arguments), sandbox.folder, ENVIRON, tmp_path / "log", 20
        )
        (ended,) = wait([running], 20)
        return sandbox, ended

    return root, make


def test_a_sandbox_shows_declared_inputs_and_installed_things_only(sandboxed):
    """What was not declared is not there; the line to add is named."""
    _, make = sandboxed
    script = "cat src/seen ../node_modules/dep; cat src/unseen; cat ../secret; ls .."
    sandbox, ended = make("sh", "-c", script)
    assert ended.output.startswith(b"seen\ndep\n")
    assert b"secret\n" not in ended.output.replace(b"../secret", b"")
    advice = sandbox.advice(ended.output).decode()
    assert "lib/src/unseen is not declared; add 'src/unseen' to `inputs`" in advice
    assert "secret is not declared; add '/secret' to `inputs`" in advice
    sandbox.close()


def test_what_is_written_in_a_sandbox_comes_out_by_declaration_only(sandboxed):
    """Outputs are brought to their place; everything else it wrote is gone with it."""
    root, make = sandboxed
    script = "mkdir -p dist; echo made > dist/out; echo changed > src/seen; echo more > src/more"
    sandbox, ended = make("sh", "-c", script)
    assert ended.good, ended.output
    sandbox.take_outputs(["lib/dist"])
    sandbox.close()
    assert (root / "lib/dist/out").read_text() == "made\n"
    assert (root / "lib/src/seen").read_text() == "seen\n"
    assert not (root / "lib/src/more").exists()
    assert not sandbox.place.exists()
