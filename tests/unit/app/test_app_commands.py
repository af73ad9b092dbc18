"""Command targets in a workspace: what makes them run, what spares them, and what is not kept."""

from __future__ import annotations

import pytest
from support.command_runs import CommandWorkspace
from support.repositories import GitTree

from affected.app.session import Request
from affected.errors import UserError

HEAD = '[project]\nname = "root"\n'


def target(name, command, *, inputs=(), outputs=(), needs=(), **more):
    """A table at the root."""
    values = {"command": command, "inputs": list(inputs), "outputs": list(outputs)}
    values |= {"dependencies": list(needs), **more}
    lines = "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
    return f"[tool.affected.targets.{name}]\n{lines}"


def _toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)


@pytest.fixture
def make(tmp_path):
    """Makes a workspace of tables and files."""

    def made(*tables, **files):
        tree = GitTree.init(tmp_path / "repo")
        tree.commit_files(
            {
                "pyproject.toml": HEAD + "".join(tables),
                ".gitignore": "out*\n",
                **{name.replace("_", "."): content for name, content in files.items()},
            }
        )
        return CommandWorkspace(tree, tmp_path / "cache")

    return made


COPY = target("copy", "sh -c 'cat a.txt > out; echo copied'", inputs=["/a.txt"], outputs=["out"])
USE = target("use", "sh -c 'cat out > out2'", outputs=["out2"], needs=["copy"])


def test_the_same_bytes_spare_what_is_behind(make):
    """A dependency that runs again and writes the same is no reason for its dependents to run."""
    sort = target("copy", "sh -c 'sort a.txt > out'", inputs=["/a.txt"], outputs=["out"])
    ws = make(sort, USE, a_txt="1\n2\n")
    assert ws.run().those("ran") == {":copy", ":use"}
    ws.tree.write("a.txt", "2\n1\n")
    outcome = ws.run()
    assert outcome.those("ran") == {":copy"}
    assert outcome.those("failed") == set()
    assert ws.run().idle


def test_a_dry_run_says_what_is_sure_and_touches_nothing(make):
    """What would run is named; nothing is written."""
    ws = make(COPY, USE, a_txt="1\n")
    assert ws.run(Request(dry_run=True)).those("selected") == {":copy", ":use"}
    assert not (ws.root / "out").exists()


def test_outputs_edited_or_removed_by_hand_come_back(make):
    """With what was printed then."""
    ws = make(COPY, a_txt="1\n")
    ws.run()
    assert ws.run().idle
    for change in (lambda: (ws.root / "out").write_text("mine"), (ws.root / "out").unlink):
        change()
        outcome = ws.run()
        assert outcome.those("restored") == {":copy"}
        assert outcome.printed[":copy"] == "copied\n"
        assert (ws.root / "out").read_text() == "1\n"
        assert ws.run().idle


def test_a_result_whose_inputs_changed_meanwhile_is_not_kept(make):
    """The command that edits its own input runs again."""
    ws = make(target("fix", "sh -c 'date +%N >> a.txt'", inputs=["/a.txt"]), a_txt="1\n")
    outcome = ws.run()
    assert outcome.those("ran") == {":fix"}
    assert any("changed while it ran" in notice for notice in outcome.summary.notices)
    assert ws.run().those("ran") == {":fix"}


def test_a_failure_stops_what_is_new_unless_asked_to_keep_going(make):
    """What needs it never runs; partial outputs are taken away."""
    bad = target("bad", "sh -c 'echo half > out; exit 3'", outputs=["out"])
    tables = (bad, target("needs", "true", needs=["bad"]), target("zoo", "true"))
    ws = make(*tables)
    outcome = ws.run(Request(jobs=1))
    assert (outcome.those("failed"), outcome.those("skipped")) == ({":bad"}, {":needs", ":zoo"})
    assert not (ws.root / "out").exists()
    outcome = ws.run(Request(jobs=1, keep_going=True))
    assert (outcome.those("failed"), outcome.those("ran")) == ({":bad"}, {":zoo"})


def test_a_time_out_fails(make):
    """Its words say so."""
    ws = make(target("slow", "sleep 30", timeout=0.2))
    assert ws.run().those("failed") == {":slow"}


def test_a_variable_counts_by_value(make):
    """Another value is another key; the former value's result is still there."""
    ws = make(target("env", "sh -c 'echo $MODE'", env=["MODE"]))

    def mode(value):
        tree = GitTree(ws.tree.root, {**ws.tree.environ, "MODE": value})
        return CommandWorkspace(tree, ws.cache).run()

    assert mode("a").printed == {":env": "a\n"}
    assert mode("b").printed == {":env": "b\n"}
    assert mode("a").those("restored") == {":env"}
    assert mode("a").idle


def test_a_changed_table_runs_its_target_and_no_other(make):
    """A comment in the same file runs nothing."""
    ws = make(target("one", "echo 1"), target("two", "echo 2"))
    ws.run()
    text = (ws.root / "pyproject.toml").read_text()
    ws.tree.write("pyproject.toml", text + "# a comment\n")
    assert ws.run().those("ran") == set()
    ws.tree.write("pyproject.toml", text.replace("echo 2", "echo 3"))
    assert ws.run().those("ran") == {":two"}


def test_a_dependency_without_outputs_counts_by_its_own_key(make):
    """What it saw, its dependents are taken to have seen."""
    check = target("check", "true", inputs=["/a.txt"])
    ws = make(check, target("after", "true", needs=["check"]), a_txt="1\n")
    ws.run()
    ws.tree.write("a.txt", "2\n")
    assert ws.run().those("ran") == {":check", ":after"}


def test_outputs_in_git_are_refused(make):
    """They would be removed before each run."""
    ws = make(target("gen", "true", outputs=["a.txt"]), a_txt="1\n")
    with pytest.raises(UserError, match=r"a\.txt is in git, but :gen declares it"):
        ws.run()
    assert (ws.root / "a.txt").read_text() == "1\n"


def test_new_and_deleted_sources_count(make):
    """Not only edits: the set of files is part of the key."""
    ws = make(target("all", "sh -c 'ls *.txt'", inputs=["*.txt"]), a_txt="1\n")
    ws.run()
    ws.tree.write("b.txt", "")
    assert ws.run().printed == {":all": "a.txt\nb.txt\n"}
    ws.tree.delete("b.txt")
    assert ws.run().printed == {":all": "a.txt\n"}
    assert ws.run().idle


def test_locked_packages_of_another_project_change_nothing(make):
    """A line of the lock concerns who may use that package."""
    lock = '[[package]]\nname = "{}"\nversion = "{}"\n'
    ws = make(
        '[tool.affected.targets.check]\nprojects = ["p*"]\ncommand = "true"\ninputs = []\n',
        uv_lock=lock.format("a", 1) + lock.format("b", 1),
    )
    for name in ("a", "b"):
        ws.tree.write(f"p{name}/pyproject.toml", f'[project]\nname="p"\ndependencies=["{name}"]\n')
    assert ws.run().those("ran") == {"pa:check", "pb:check"}
    ws.tree.write("uv.lock", lock.format("a", 2) + lock.format("b", 1))
    assert ws.run().those("ran") == {"pa:check"}


def test_guesses_that_wait_for_each_other_break_nothing(make):
    """Packages that need each other in a circle are listed, and run one by one."""
    ws = make()
    for name, other in (("a", "b"), ("b", "a")):
        ws.tree.write(
            f"{name}/package.json",
            f'{{"name": "{name}", "devDependencies": {{"{other}": "*"}},'
            ' "scripts": {"build": "mkdir -p dist"}}',
        )
    assert ws.run(Request(kinds=("build",))).those("ran") == {"a:build", "b:build"}


def test_guessed_outputs_that_are_not_written_are_not_vouched_for(make):
    """Another clone could not restore what was written elsewhere: the build runs again."""
    ws = make()
    ws.tree.write("a/package.json", '{"name": "a", "scripts": {"build": "mkdir -p elsewhere"}}')
    for _ in range(2):
        outcome = ws.run(Request(kinds=("build",)))
        assert outcome.those("ran") == {"a:build"}
        assert any("guessed (a/dist)" in notice for notice in outcome.summary.notices)
