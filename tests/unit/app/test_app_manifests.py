"""The part of a configuration file that pytest reads: other edits prove nothing wrong."""

from __future__ import annotations

import pytest

from affected.app.manifests import config_text

INI = """
# a comment
[pytest]
addopts = -q
    ; another comment
    -x

testpaths = tests
"""


def test_comments_blank_lines_and_line_ends_do_not_count():
    """What pytest does not read may be edited freely."""
    shorter = "[pytest]\naddopts = -q\n    -x\ntestpaths = tests\n"
    assert config_text(INI, "pytest.ini") == config_text(shorter, "pytest.ini")
    assert config_text(INI.replace("\n", "  \r\n"), "pytest.ini") == config_text(INI, "pytest.ini")


@pytest.mark.parametrize("path", ["pytest.ini", ".pytest.ini", "sub/tox.ini"])
def test_every_value_counts(path):
    """Another option, another order of arguments, another indentation: another text."""
    before = config_text(INI, path)
    for old, new in (
        ("-q", "-v"),
        ("-x", "--lf"),
        ("testpaths", "norecursedirs"),
        ("    -x", "-x"),
    ):
        assert config_text(INI.replace(old, new), path) != before


@pytest.mark.parametrize(
    ("path", "section"),
    [("tox.ini", "pytest"), ("setup.cfg", "tool:pytest"), ("a/tox.ini", "pytest")],
)
def test_of_a_shared_file_only_pytests_section_counts(path, section):
    """What other tools are told there is none of the tests' business."""
    text = f"[flake8]\nmax = 1\n[{section}]  ; ours\naddopts = -q\n[mypy]\nstrict = true\n"
    other = text.replace("max = 1", "max = 2").replace("strict = true", "strict = false")
    assert config_text(text, path) == config_text(other, path)
    assert config_text(text, path) != config_text(text.replace("-q", "-v"), path)
    assert config_text("[flake8]\nmax = 1\n", path) == ""


PYPROJECT = """
[project]
name = "x"          # a comment
[tool.pytest.ini_options]
addopts = ["-q"]
testpaths = ["tests"]
[tool.ruff]
line-length = 100
"""


def test_of_a_pyproject_only_pytests_tables_count():
    """Neither the project's name nor another tool; neither order nor comments."""
    before = config_text(PYPROJECT, "lib/pyproject.toml")
    for old, new in (('"x"', '"y"'), ("100", "80"), ("# a comment", ""), ('"-q"', "'-q'")):
        assert config_text(PYPROJECT.replace(old, new), "lib/pyproject.toml") == before
    swapped = PYPROJECT.replace(
        'addopts = ["-q"]\ntestpaths = ["tests"]', 'testpaths = ["tests"]\naddopts = ["-q"]'
    )
    assert config_text(swapped, "lib/pyproject.toml") == before
    assert config_text(PYPROJECT.replace("-q", "-v"), "lib/pyproject.toml") != before


def test_pytests_own_table_counts_in_its_newer_form():
    """[tool.pytest], as pytest 9 reads it."""
    text = "[tool.pytest]\nstrict = true\n"
    assert config_text(text, "pyproject.toml") != config_text("", "pyproject.toml")
    assert config_text(text, "pyproject.toml") != config_text(
        text.replace("true", "false"), "pyproject.toml"
    )


@pytest.mark.parametrize("path", ["pytest.toml", "sub/.pytest.toml"])
def test_of_pytests_own_toml_file_everything_counts(path):
    """Whatever table it stands in."""
    assert config_text("[pytest]\naddopts = ['-q']\n", path) != config_text(
        "[pytest]\naddopts = ['-v']\n", path
    )


@pytest.mark.parametrize("text", ["tool = 3\n", "[tool]\npytest = 3\n", "[tool]\nx = 1\n", ""])
def test_a_pyproject_of_another_shape_is_read_all_the_same(text):
    """Pytest judges it; we only compare."""
    assert isinstance(config_text(text, "pyproject.toml"), str)


def test_a_file_that_is_no_toml_counts_whole():
    """Pytest refuses it, until it is edited."""
    assert config_text("[tool.pytest\n", "pyproject.toml") != config_text(
        "[tool.pytest \n", "pyproject.toml"
    )


def test_dates_in_a_table_are_compared_too():
    """TOML knows more types than JSON."""
    text = "[tool.pytest.ini_options]\nsince = 2024-01-01\n"
    assert "2024-01-01" in config_text(text, "pyproject.toml")
