"""What runs together, in which order, and over how many workers."""

from __future__ import annotations

from dataclasses import replace

from support.suites import settings, target

from affected.model.path import RepoPath
from affected.run.plan import plan

PYTHON = "/somewhere/python"


def planned(paths, *, timings=None, failed=(), jobs=1, xdist=False, packages=(), addopts=()):
    chosen = replace(settings(), addopts=tuple(addopts))
    return plan(
        [target(path) for path in paths],
        {RepoPath(""): chosen},
        {RepoPath(""): PYTHON},
        timings or {},
        failed,
        jobs,
        {PYTHON: xdist},
        packages,
    )


def paths(batch):
    return [one.path for one in batch.targets]


def test_nothing_to_run_is_no_batch():
    """An empty selection starts nothing."""
    assert planned([]).batches == ()


def test_files_that_share_settings_and_interpreter_share_a_process():
    """Never a process a file; in the order of plain pytest."""
    (batch,) = planned(["b/test_b.py", "a/test_a.py"]).batches
    assert paths(batch) == ["a/test_a.py", "b/test_b.py"]
    assert batch.workers == 0
    assert batch.expected_seconds is None


def test_settings_and_interpreters_divide():
    """One batch for each pair of folder and executable."""
    targets = [target("test_a.py"), target("p/test_b.py", "p"), target("q/test_c.py")]
    targets[2] = replace(targets[2], project=RepoPath("q"))
    result = plan(
        targets,
        {RepoPath(""): settings(), RepoPath("p"): settings(folder="p")},
        {RepoPath(""): PYTHON, RepoPath("q"): "/other/python"},
        {},
        (),
        2,
        {},
    )
    assert [(b.settings.folder, b.interpreter) for b in result.batches] == [
        ("p", PYTHON),
        ("", "/other/python"),
        ("", PYTHON),
    ]
    assert result.parallel == 2


def test_what_failed_last_comes_first():
    """Within a batch, and the batch that holds it."""
    (batch,) = planned(["a/test_a.py", "z/test_z.py"], failed={"z/test_z.py"}).batches
    assert paths(batch) == ["z/test_z.py", "a/test_a.py"]


def test_files_of_one_module_name_are_kept_apart():
    """Two modules of one name are refused in the default import mode."""
    result = planned(["a/test_x.py", "b/test_x.py", "c/test_x.py", "c/test_y.py"])
    assert sorted(paths(batch) for batch in result.batches) == [
        ["a/test_x.py", "c/test_y.py"],
        ["b/test_x.py"],
        ["c/test_x.py"],
    ]


def test_packages_and_importlib_mode_make_names_unique():
    """No reason to keep them apart then."""
    files = ["a/tests/test_x.py", "b/tests/test_x.py"]
    packages = {RepoPath(name) for name in ("a", "a/tests", "b", "b/tests")}
    assert len(planned(files, packages=packages).batches) == 1
    assert len(planned(files, packages={RepoPath("a/tests"), RepoPath("b/tests")}).batches) == 2
    assert len(planned(files, addopts=["--import-mode=importlib"]).batches) == 1


def test_workers_come_where_known_times_say_that_they_pay():
    """Longest first then, and never more than there are files or free jobs."""
    files = [f"test_{n}.py" for n in range(6)]
    timings = {path: 10.0 + n for n, path in enumerate(files)}
    (batch,) = planned(files, timings=timings, jobs=4, xdist=True).batches
    assert batch.workers == 4
    assert batch.expected_seconds == sum(timings.values())
    assert paths(batch) == files[::-1]
    (batch,) = planned(files[:2], timings=timings, jobs=4, xdist=True).batches
    assert batch.workers == 2


def test_workers_stay_away_where_they_do_not_pay():
    """Short runs, unknown times, one job, no xdist, or the user's own say."""
    files = ["test_a.py", "test_b.py"]
    long = dict.fromkeys(files, 30.0)
    for batch in (
        planned(files, timings=dict.fromkeys(files, 1.0), jobs=4, xdist=True).batches[0],
        planned(files, timings={"test_a.py": 99.0}, jobs=4, xdist=True).batches[0],
        planned(files, timings=long, jobs=1, xdist=True).batches[0],
        planned(files, timings=long, jobs=4, xdist=False).batches[0],
        planned(files, timings=long, jobs=4, xdist=True, addopts=["-n2"]).batches[0],
        planned(files, timings=long, jobs=4, xdist=True, addopts=["-p", "no:xdist"]).batches[0],
    ):
        assert batch.workers == 0
