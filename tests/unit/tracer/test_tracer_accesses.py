"""What a real run of a suite with many habits is seen to do."""

from __future__ import annotations

import pytest
from support.suites import outcomes


def codes(trace):
    return {spot.code for spot in trace.blind_spots}


def test_every_test_of_the_suite_passes_and_every_file_is_complete(habits):
    """The tracer changes no outcome."""
    assert set(outcomes(habits).values()) == {"passed"}
    assert habits.exit_code == 0
    assert all(trace.complete for trace in habits.harvest.traces.values())


def test_the_tracer_had_no_trouble(habits):
    """No failure of its own was noted anywhere."""
    spots = [*habits.harvest.session.blind_spots]
    for trace in (*habits.harvest.traces.values(), *habits.harvest.modules.values()):
        spots += trace.blind_spots
    assert [spot for spot in spots if spot.code == "tracer-error"] == []


def test_files_opened_are_reads_absent_ones_too(traces):
    """An absent file that is opened is an input."""
    reads = traces["test_reads.py"].reads
    assert {"settings.ini", "absent.txt", "plain.txt"} <= reads


def test_a_file_whose_size_is_asked_is_a_read(traces):
    """`os.stat` tells of content."""
    assert "stuff/one.txt" in traces["test_reads.py"].reads


def test_questions_of_existence_are_probes(traces):
    """exists, isfile and is_dir ask for no content."""
    trace = traces["test_reads.py"]
    assert {"nope.txt", "nope", "pkg/rows.txt"} <= trace.probes
    assert not trace.reads & {"nope.txt", "nope"}


def test_folders_whose_names_are_read_are_listings(traces):
    """listdir, glob and iterdir."""
    assert {"stuff", "pkg", "tests"} <= traces["test_reads.py"].listings


def test_what_a_file_cannot_be_without_is_no_probe(traces):
    """The folders above a test file exist because it does."""
    assert not traces["test_reads.py"].probes & {"", "tests", "tests/test_reads.py"}


def test_nothing_outside_the_workspace_and_no_bytecode_counts(habits):
    """Temporary folders, the standard library and __pycache__ are no inputs."""
    for trace in (*habits.harvest.traces.values(), *habits.harvest.modules.values()):
        for path in (*trace.reads, *trace.probes, *trace.listings, *trace.loaded):
            assert not path.startswith(("/", ".."))
            assert "__pycache__" not in path


def test_what_a_module_reads_while_imported_belongs_to_the_module(habits, traces):
    """Whichever test file triggered the import."""
    assert habits.harvest.modules["pkg/table.py"].reads == {"pkg/rows.txt"}
    assert "pkg/rows.txt" not in traces["test_reads.py"].reads


def test_what_a_conftest_does_for_the_session_belongs_to_it(habits):
    """A hook's reads go to those below the conftest file, not to every file of the batch."""
    assert "from_hook.txt" in habits.harvest.modules["conftest.py"].reads
    assert habits.harvest.session.reads == frozenset()


def test_entries_of_a_scanned_folder_are_reads(traces):
    """An entry's size can be had without another call."""
    assert {"stuff/one.txt", "stuff/two.txt"} <= traces["test_scan.py"].reads


def test_symbolic_links_are_inputs_with_what_they_lead_to(traces):
    """The link's own text, and the file behind it; also through a link made outside."""
    reads = traces["test_links.py"].reads
    assert {"linked", "real/file.txt", "real/link.txt"} <= reads
    assert "pkg/rows.txt" in reads


def test_modules_loaded_by_name_or_path_are_told(traces):
    """import_module and run_path are no import statements."""
    assert {"pkg/plug.py", "pkg/script.py", "pkg/__init__.py"} <= traces["test_loads.py"].loaded


def test_a_module_sought_in_vain_is_a_probe_for_its_files(traces):
    """Its appearance would change the outcome."""
    assert {"pkg/missing.py", "pkg/missing/__init__.py"} <= traces["test_loads.py"].probes


def test_a_module_only_looked_for_is_a_probe(traces):
    """find_spec loads nothing."""
    assert "pkg/lazy.py" in traces["test_loads.py"].probes
    assert "pkg/lazy.py" not in traces["test_loads.py"].loaded


def test_what_a_script_reads_belongs_to_the_script(habits):
    """run_path executes a module body."""
    assert habits.harvest.modules["pkg/script.py"].reads == {"settings.ini"}


def test_an_installed_module_loaded_by_name_is_an_external(traces):
    """Only top-level names count."""
    assert "xdist" in traces["test_loads.py"].externals


def test_import_statements_are_pairs_and_no_loads(habits, traces):
    """The parent compares them with its static graph."""
    assert ("tests/test_reads.py", "pkg/table.py") in habits.harvest.import_pairs
    assert ("pkg/user.py", "pkg/lazy.py") in habits.harvest.import_pairs
    assert "pkg/lazy.py" not in traces["test_loads_late.py"].loaded


def test_what_ran_before_in_the_process_counts_as_loaded(traces):
    """A later file finds it in memory, without an event."""
    assert {"pkg/plug.py", "pkg/lazy.py"} <= traces["test_z_last.py"].loaded
    assert "pkg/lazy.py" not in traces["test_child.py"].loaded


def test_one_distribution_or_group_asked_for_is_named(traces):
    """The rest of what is installed does not matter then."""
    trace = traces["test_metadata.py"]
    assert {"distribution:pytest", "entry-points:some.group"} <= trace.externals
    assert not trace.all_installed


def test_reading_all_distributions_is_told_as_such(traces):
    """Whoever walks over all of them depends on all of them."""
    assert traces["test_metadata_all.py"].all_installed
    assert not traces["test_reads.py"].all_installed


@pytest.mark.parametrize("name", ["test_fixture_user.py", "test_fixture_through.py"])
def test_a_shared_fixture_belongs_to_every_file_that_used_it(traces, name):
    """Set-up and tear-down, asked for by name or dynamically, directly or through another."""
    assert {"shared.txt", "torn_down.txt"} <= traces[name].reads


def test_a_shared_fixture_belongs_to_nobody_else(traces):
    """The last test of the run tears it down and has nothing to do with it."""
    assert "torn_down.txt" not in traces["test_z_last.py"].reads
    assert "shared.txt" not in traces["test_writes.py"].reads


def test_what_a_test_made_itself_is_no_input(traces):
    """Files and whole folders."""
    trace = traces["test_writes.py"]
    assert not trace.reads
    assert not trace.listings
    assert codes(trace) == set()


def test_rewriting_the_same_content_is_harmless(traces):
    """In the end nothing was changed."""
    trace = traces["test_writes_same.py"]
    assert "stuff/one.txt" in trace.reads
    assert codes(trace) == set()
    assert trace.written == frozenset()


def test_changing_what_was_read_is_a_blind_spot(traces):
    """The input is not what it was any more."""
    trace = traces["test_writes_input.py"]
    assert {(s.code, s.what) for s in trace.blind_spots} == {("modified-input", "counter.txt")}
    assert trace.written == {"counter.txt"}


def test_leaving_behind_what_was_missing_is_a_blind_spot(traces):
    """The next run would find it."""
    trace = traces["test_writes_new.py"]
    assert {(s.code, s.what) for s in trace.blind_spots} == {("modified-input", "left.txt")}


def test_child_processes_are_blind_spots(traces):
    """Started, forked or spawned by multiprocessing, which has no audit event."""
    spots = {spot.what for spot in traces["test_child.py"].blind_spots}
    assert codes(traces["test_child.py"]) == {"child-process"}
    assert "python -c pass" in spots
    assert "fork" in spots
    assert any("python" in what for what in spots - {"python -c pass"})


def test_a_process_may_talk_to_itself(traces):
    """A server of its own, and a socket pair."""
    assert codes(traces["test_network.py"]) == set()


def test_talking_to_anything_else_is_a_blind_spot(traces):
    """A port nobody of us holds, and a name to be resolved."""
    spots = traces["test_network_far.py"].blind_spots
    assert {spot.code for spot in spots} == {"network"}
    assert "far.invalid" in {spot.what for spot in spots}
    assert len(spots) == 2


def test_a_thread_that_outlives_its_file_is_a_blind_spot(traces):
    """Daemon threads are not: they are expected to be left."""
    assert {(s.code, s.what) for s in traces["test_thread.py"].blind_spots} == {
        ("thread", "straggler")
    }


def test_a_database_is_read_and_written(traces):
    """sqlite3 opens files on its own."""
    trace = traces["test_database.py"]
    assert "made.db" in trace.probes
    assert "made.db" in trace.written
