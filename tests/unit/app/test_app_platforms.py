"""Which interpreter runs a project's tests: settings, descriptions kept, and what breaks them."""

from __future__ import annotations

import os
import sys
import time

import pytest
from support.opened import Opened
from support.repositories import GitTree, isolated_environ

from affected.app.platforms import Platforms
from affected.config.schema import ProjectConfig
from affected.errors import UserError
from affected.model.path import RepoPath

ROOT, LIB, DEEP = RepoPath(""), RepoPath("lib"), RepoPath("lib/deep")

# Says where it is asked to be counted, then is the Python that runs this test.
COUNTED = f"""#!/bin/sh
echo asked >> "$(dirname "$0")/asked"
exec {sys.executable} "$@"
"""


@pytest.fixture
def folder(tmp_path):
    """A workspace without git, of three projects."""
    environ = {k: v for k, v in isolated_environ().items() if k != "VIRTUAL_ENV"}
    tree = GitTree(tmp_path / "work", environ)
    tree.write("pyproject.toml", "")
    tree.write("lib/pyproject.toml", "")
    tree.write("lib/deep/pyproject.toml", "")
    return Opened(tree, tmp_path / "cache")


def counted(folder, path):
    """An interpreter at `path` that counts how often it is started."""
    file = folder.tree.write(path, COUNTED, executable=True)
    old = time.time() - 10
    os.utime(file, (old, old))
    return file


def asked(file):
    """How often it was started."""
    notes = file.parent / "asked"
    return len(notes.read_text().splitlines()) if notes.exists() else 0


def test_a_project_has_its_own_settings_over_the_roots(folder):
    """Those of the root are the defaults, of every project."""
    folder.tree.write("pyproject.toml", "[tool.affected]\nxdist = 'off'\nenv = ['A']\n")
    folder.tree.write("lib/pyproject.toml", "[tool.affected]\nenv = ['B']\n")
    with folder.workspace() as workspace:
        platforms = Platforms(workspace)
        assert platforms.config(ROOT) == ProjectConfig(xdist="off", env=("A",))
        assert platforms.config(LIB) == ProjectConfig(xdist="off", env=("B", "A"))
        assert platforms.config(DEEP) == ProjectConfig(xdist="off", env=("A",))


def test_settings_are_kept_in_the_index_until_they_are_read_anew(folder):
    """A run with nothing to do reads no project's manifest."""
    folder.tree.write("lib/pyproject.toml", "[tool.affected]\nenv = ['B']\ninputs = ['x']\n")
    with folder.workspace() as workspace:
        Platforms(workspace).read_configs([LIB, DEEP])
    folder.tree.write("lib/pyproject.toml", "not = = toml, affected")
    with folder.workspace() as workspace:
        platforms = Platforms(workspace)
        assert platforms.projects == [LIB, DEEP]
        assert platforms.config(LIB) == ProjectConfig(env=("B",), inputs=("x",))
        assert platforms.environment() == ["B"]
        with pytest.raises(UserError, match="cannot be read"):
            platforms.read_configs([LIB])


def test_what_was_asked_does_not_change_what_is_known_to_have_tests(folder):
    """Asking for the root's interpreter does not make the root a project with tests."""
    with folder.workspace() as workspace:
        platforms = Platforms(workspace)
        platforms.read_configs([LIB])
        platforms.interpreter(LIB)
        platforms.config(DEEP)
        assert platforms.projects == [LIB]
        witness = platforms.witness()
    with folder.workspace() as workspace:
        again = Platforms(workspace)
        assert again.witness() == witness
        assert again.witness() == witness


def test_the_nearest_interpreter_is_taken(folder):
    """A project's own .venv, else that of the folder above, else the root's."""
    deep, lib = (
        counted(folder, "lib/deep/.venv/bin/python"),
        counted(folder, "lib/.venv/bin/python"),
    )
    with folder.workspace() as workspace:
        platforms = Platforms(workspace)
        assert platforms.executable(DEEP) == deep
        assert platforms.executable(LIB) == lib
        assert platforms.executable(ROOT).samefile(sys.executable)
    deep.unlink()
    with folder.workspace() as workspace:
        assert Platforms(workspace).executable(DEEP) == lib


def test_a_path_in_the_roots_settings_means_the_same_for_every_project(folder):
    """It is a path from the root, not from the project."""
    python = counted(folder, "tools/python")
    folder.tree.write("pyproject.toml", "[tool.affected]\npython = 'tools/python'\n")
    with folder.workspace() as workspace:
        platforms = Platforms(workspace)
        assert {platforms.executable(p) for p in (ROOT, LIB, DEEP)} == {python}


def test_an_interpreter_has_one_name(folder):
    """`python3` beside `python`: both are one, described once."""
    python = counted(folder, "tools/python")
    (folder.tree.root / "tools/python3").symlink_to("python")
    folder.tree.write("pyproject.toml", "[tool.affected]\npython = 'tools/python3'\n")
    with folder.workspace() as workspace:
        assert Platforms(workspace).executable(ROOT) == python


def test_a_description_is_asked_for_once(folder):
    """Two projects, two runs: one start; the second answer is the first."""
    python = counted(folder, "tools/python")
    folder.tree.write("pyproject.toml", "[tool.affected]\npython = 'tools/python'\n")
    with folder.workspace() as workspace:
        platforms = Platforms(workspace)
        first = platforms.interpreter(LIB)
        assert platforms.interpreter(DEEP) is first
    with folder.workspace() as workspace:
        platforms = Platforms(workspace)
        assert platforms.interpreter(LIB) == first
        assert platforms.site_packages(LIB) == first.site_packages
    assert asked(python) == 1
    assert first.version == sys.version
    assert "pytest" in first.distributions


def test_another_interpreter_under_the_old_name_is_asked_again(folder):
    """Size, time or inode gives it away; the witness tells of it without asking."""
    python = counted(folder, "tools/python")
    folder.tree.write("pyproject.toml", "[tool.affected]\npython = 'tools/python'\n")
    with folder.workspace() as workspace:
        platforms = Platforms(workspace)
        platforms.read_configs([ROOT])
        platforms.interpreter(ROOT)
        before = platforms.witness()
    folder.tree.write("tools/python", COUNTED + "# another\n", executable=True)
    with folder.workspace() as workspace:
        platforms = Platforms(workspace)
        assert platforms.witness() != before
        assert asked(python) == 1
        platforms.interpreter(ROOT)
    assert asked(python) == 2


def test_another_interpreter_of_a_project_changes_the_witness(folder):
    """A .venv that comes to be nearer than the one used so far."""
    with folder.workspace() as workspace:
        platforms = Platforms(workspace)
        platforms.read_configs([LIB])
        before = platforms.witness()
    counted(folder, "lib/.venv/bin/python")
    with folder.workspace() as workspace:
        assert Platforms(workspace).witness() != before


@pytest.mark.parametrize(
    ("configured", "words"),
    [("tools/none", "does not exist"), ("no-such-command", "no such command on PATH")],
)
def test_an_interpreter_that_is_not_there_is_an_error_with_a_way_out(folder, configured, words):
    """It names the setting."""
    folder.tree.write("pyproject.toml", f"[tool.affected]\npython = '{configured}'\n")
    with folder.workspace() as workspace, pytest.raises(UserError, match=words) as caught:
        Platforms(workspace).executable(LIB)
    assert caught.value.hint
