"""How what processes spooled becomes one trace a test file."""

from __future__ import annotations

import json

from affected.model.observation import BlindSpot
from affected.model.result import Outcome
from affected.run.spool_reader import Event, SpoolReader
from affected.run.trace_log import assemble


def events(*lines, process="main-1.jsonl"):
    return [Event(process, line[0], tuple(line[1:])) for line in lines]


def run(*lines):
    """A whole, orderly process around some lines."""
    ids = ["a.py::t", "b.py::t"]
    return events(
        ["start", 1, 7, "", "3.13.0"],
        ["plugins-loaded"],
        ["pytest", "9.0", [["xdist", "3"]], ""],
        ["collected", "a.py", 0, ids[:1]],
        ["collected", "b.py", 1, ids[1:]],
        ["ready", 2],
        *lines,
        ["end", 0],
    )


def passed(number, file, following=-1):
    return ["test", number, file, "passed", 0.5, "", "", 0, following, number]


def test_a_spool_is_read_as_it_grows(tmp_path):
    """Half lines wait, nonsense is passed over, a missing folder is empty."""
    reader = SpoolReader(tmp_path / "spool")
    assert reader.poll() == []
    (tmp_path / "spool").mkdir()
    path = tmp_path / "spool" / "main-1.jsonl"
    path.write_bytes(b'["start",1]\n["end"')
    assert [event.tag for event in reader.poll()] == ["start"]
    with path.open("ab") as stream:
        stream.write(b',0]\n{"x":1}\nnonsense\n[]\n[3]\n')
    (event,) = reader.poll()
    assert (event.process, event.tag, event.values) == ("main-1.jsonl", "end", (0,))
    assert reader.poll() == []


def test_names_that_are_not_utf8_survive_the_spool(tmp_path):
    """They travel as surrogate escapes."""
    name = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    line = json.dumps(["seen", "file:a.py", [["r", name]]])
    (tmp_path / "main.jsonl").write_text(line + "\n")
    harvest = assemble(SpoolReader(tmp_path).poll())
    assert harvest.traces["a.py"].reads == {name}


def test_results_are_told_by_number_and_in_order_of_collection():
    """Seconds add up; the file is complete when every test has a result."""
    harvest = assemble(
        run(["parsed", "a.py", 0.25], ["run", "a.py"], passed(0, "a.py", 1), ["run", "b.py"])
    )
    trace = harvest.traces["a.py"]
    assert [(r.id, r.outcome, r.seconds) for r in trace.results] == [
        ("a.py::t", Outcome.PASSED, 0.5)
    ]
    assert trace.seconds == 0.75
    assert trace.complete
    assert not harvest.traces["b.py"].complete
    assert harvest.pytest_version == "9.0"
    assert harvest.plugins == (("xdist", "3"),)
    assert harvest.collected == {"a.py": ("a.py::t",), "b.py": ("b.py::t",)}


def test_what_one_file_loads_counts_for_later_files_only():
    """Modules loaded by statements while tests run are carried on too."""
    harvest = assemble(
        run(
            ["seen", "file:a.py", [["m", "early.py"]]],
            ["run", "a.py"],
            ["seen", "file:a.py", [["m", "dynamic.py"], ["b", "lazy.py"]]],
            passed(0, "a.py", 1),
            ["run", "b.py"],
            passed(1, "b.py"),
        )
    )
    assert harvest.traces["a.py"].loaded == {"early.py", "dynamic.py"}
    assert harvest.traces["b.py"].loaded == {"dynamic.py", "lazy.py"}


def test_fixture_scopes_go_to_every_user_through_other_fixtures_too():
    """Also when the user is told of after the access."""
    harvest = assemble(
        run(
            ["seen", "fixture:inner", [["r", "x.txt"], ["m", "m.py"]]],
            ["blind", "fixture:inner", "network", "far:1"],
            ["needs", "outer", ["inner"]],
            ["uses", 0, ["outer"]],
            passed(0, "a.py", 1),
            ["uses", 1, ["other"]],
            passed(1, "b.py"),
        )
    )
    assert harvest.traces["a.py"].reads == {"x.txt"}
    assert harvest.traces["a.py"].blind_spots == (BlindSpot("network", "far:1"),)
    assert harvest.traces["b.py"].reads == frozenset()


def test_what_an_installed_module_does_counts_for_whoever_gets_it():
    """By statement, dynamically, or through another installed module."""
    harvest = assemble(
        run(
            ["seen", "external:deep", [["r", "deep.ini"]]],
            ["external-pairs", [["shallow", "deep"]]],
            ["asks", [["lib.py", "shallow"]]],
            ["seen", "file:a.py", [["x", "deep"]]],
            ["run", "b.py"],
        )
    )
    assert harvest.modules["lib.py"].reads == {"deep.ini"}
    assert harvest.traces["a.py"].reads == {"deep.ini"}
    assert harvest.traces["b.py"].reads == frozenset()
    assert harvest.session.reads == frozenset()


def test_what_plugins_do_while_they_are_loaded_counts_for_every_file():
    """They are there in every test."""
    early = events(["start", 1, 7, "", ""], ["seen", "external:plug", [["r", "plug.ini"]]])
    assert assemble([*early, *run()]).session.reads == {"plug.ini"}


def test_looking_at_something_and_changing_it_is_a_blind_spot():
    """Unless it is in the end what it was, or was made by the same scope before."""
    harvest = assemble(
        run(
            [
                "seen",
                "file:a.py",
                [
                    *(["r", "changed"], ["w", "changed"], ["r", "same"], ["w", "same"]),
                    *(["w", "own"], ["r", "own"], ["p", "kept"], ["w", "kept"]),
                    *(["p", "new"], ["w", "new"], ["l", "folder"], ["w", "folder/born"]),
                ],
            ],
            [
                "net",
                [
                    *(["changed", "changed"], ["same", "same"], ["kept", "changed"]),
                    *(["new", "created"], ["folder/born", "created"]),
                ],
            ],
        )
    )
    trace = harvest.traces["a.py"]
    assert {spot.what for spot in trace.blind_spots} == {"changed", "new", "folder/born"}
    assert trace.reads == {"changed", "same"}
    assert "same" not in trace.written


def test_workers_are_joined_and_a_bad_outcome_wins():
    """Every worker collects everything; a controller tells of tests that took a worker along."""
    lines = (["start", 1, 1, "gw0", ""], ["collected", "a.py", 0, ["a.py::t", "a.py::u"]])
    one = events(*lines, passed(0, "a.py"), ["end", 0], process="gw0-1.jsonl")
    two = events(*lines, passed(1, "a.py"), ["end", 0], process="gw1-2.jsonl")
    crash = ["test", "a.py::u", "a.py", "error", 0.0, "worker crashed", "", 0, -1, -1]
    control = events(["start", 1, 3, "controller", ""], crash, ["end", 1])
    trace = assemble([*one, *two]).traces["a.py"]
    assert [(r.id, r.outcome) for r in trace.results] == [
        ("a.py::t", Outcome.PASSED),
        ("a.py::u", Outcome.PASSED),
    ]
    assert trace.complete
    for lines in ([*control, *one], [*control, *one, *two]):
        assert assemble(lines).traces["a.py"].results[1].outcome is Outcome.ERROR


def test_a_process_that_vanished_leaves_the_test_that_ran():
    """The one after the last finished; the first when none has."""
    lines = run(["run", "a.py"], passed(0, "a.py", 1))[:-1]
    harvest = assemble(lines)
    assert [test.id for test in harvest.running] == ["b.py::t"]
    assert not harvest.ended
    assert [test.id for test in assemble(run()[:-1]).running] == ["a.py::t"]
    assert assemble(run()).running == ()


def test_lines_of_a_later_version_do_no_harm():
    """Unknown tags and kinds are passed over."""
    harvest = assemble(run(["new-tag", 1, 2], ["seen", "file:a.py", [["?", "x"], ["r", "y"]]]))
    assert harvest.traces["a.py"].reads == {"y"}
