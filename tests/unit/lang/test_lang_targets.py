"""Projects by their manifests, test files by pytest's configuration."""

from __future__ import annotations

import pytest

from affected.lang.python.targets import (
    conftest_chain,
    matches_python_files,
    owner,
    settings_of,
)


def names(one):
    return {project.path: project.name for project in one.projects}


def test_every_kind_of_manifest_makes_a_project(made):
    """Named by the manifest, else after the folder; the root is always one."""
    one = made(
        {
            "a/pyproject.toml": "[project]\nname = 'alpha'\n",
            "b/pyproject.toml": "[tool.poetry]\nname = 'beta'\n",
            "c/setup.py": "",
            "d/setup.cfg": "[metadata]\nname = delta\n",
            "e/package.json": '{"name": "@x/epsilon"}',
            "f/go.mod": "module example.org/phi\n",
            "g/Cargo.toml": "[package]\nname = 'gamma'\n",
            "h/pyproject.toml": "",
            "i/setup.cfg": "[flake8]\nmax-line-length = 100\n",
            "j/setup.cfg": "[options]\npackages = find:\n",
            "k/my-pyproject.toml": "",
        }
    )
    assert names(one) == {
        "": "root",
        "a": "alpha",
        "b": "beta",
        "c": "c",
        "d": "delta",
        "e": "@x/epsilon",
        "f": "example.org/phi",
        "g": "gamma",
        "h": "h",
        "j": "j",
    }
    assert one.notices == ()


def test_several_manifests_make_one_project(made):
    """The first that names it gives the name; all are kept."""
    one = made(
        {
            "a/package.json": '{"name": "web"}',
            "a/setup.cfg": "[metadata]\nname = conf\n",
            "a/pyproject.toml": "[build-system]\n",
            "setup.py": "",
        }
    )
    assert names(one) == {"": "root", "a": "conf"}
    assert one.projects[1].manifests == ("a/pyproject.toml", "a/setup.cfg", "a/package.json")
    assert one.projects[0].manifests == ("setup.py",)


@pytest.mark.parametrize(
    ("manifest", "content"),
    [
        ("pyproject.toml", "[project\nname = 'x'"),
        ("pyproject.toml", b"\xff\xfe"),
        ("package.json", "{"),
        ("setup.cfg", "name = x\n"),
        ("setup.cfg", "[metadata]\nno equals sign\n"),
        ("Cargo.toml", "= 3"),
        ("go.mod", b"\xff"),
    ],
)
def test_a_broken_manifest_gives_a_project_and_a_notice(made, manifest, content):
    """A leaf project's mistake stops nobody; the notice names the file."""
    one = made(
        {f"deep/leaf/{manifest}": content, "deep/leaf/setup.py": "", "deep/leaf/test_a.py": ""}
    )
    assert names(one) == {"": "root", "deep/leaf": "leaf"}
    assert one.tests == ["deep/leaf/test_a.py"]
    assert len(one.notices) >= 1
    assert all(f"deep/leaf/{manifest}" in notice for notice in one.notices)


@pytest.mark.parametrize(
    "content", ["project = 3", "[project]\nname = 3", "[tool]\npytest = 1", "tool = 'x'"]
)
def test_a_manifest_of_another_shape_gives_a_project(made, content):
    """Tables that are none count as empty."""
    one = made({"a/pyproject.toml": content, "a/test_a.py": ""})
    assert names(one) == {"": "root", "a": "a"}
    assert one.tests == ["a/test_a.py"]


def test_the_innermost_project_owns_a_path(made):
    """A sibling with a longer name does not."""
    one = made({"a/setup.py": "", "a/b/setup.py": "", "ab/x.py": "", "c.py": ""})
    assert [owner(path, one.projects).path for path in ("a/x", "a/b/x", "a/bb/x", "ab/x", "")] == [
        "a", "a/b", "a", "", "",
    ]  # fmt: skip
    assert owner("x", ()) is None


def test_a_test_file_has_the_settings_of_the_nearest_configuration(made):
    """Without any: of its Python project, else of the root; under a configured root: the root's."""
    files = {
        "a/pytest.ini": "",
        "a/inner/setup.py": "",
        "b/pyproject.toml": "[project]\nname = 'b'\n",
        "c/package.json": "{}",
    }
    tests = ["a/test_1.py", "a/inner/test_2.py", "b/tests/test_3.py", "c/test_4.py", "test_5.py"]
    one = made({**files, **dict.fromkeys(tests, "")})
    assert set(one.settings) == {"", "a", "b"}
    assert [settings_of(path, one.settings).folder for path in tests] == ["a", "a", "b", "", ""]
    assert {target.path: target.project for target in one.targets} == {
        "a/test_1.py": "",
        "a/inner/test_2.py": "a/inner",
        "b/tests/test_3.py": "b",
        "c/test_4.py": "c",
        "test_5.py": "",
    }
    covered = made({**one.files, "tox.ini": "[pytest]\n"})
    assert set(covered.settings) == {"", "a"}


def test_settings_are_read_from_addopts_too(made):
    """Plugins by -p, whatever their spelling; options of others are kept as they stand."""
    one = made(
        {"pytest.ini": "[pytest]\naddopts = -p one -ptwo -p no:cacheprovider --cov 'my pkg' -q\n"}
    )
    settings = one.settings[""]
    assert settings.plugins == ("one", "two")
    assert settings.addopts == (
        "-p", "one", "-ptwo", "-p", "no:cacheprovider", "--cov", "my pkg", "-q",
    )  # fmt: skip
    assert (settings.rootdir, settings.config, settings.folder) == ("", "pytest.ini", "")


@pytest.mark.parametrize(
    ("files", "rootdir", "config"),
    [
        ({"a/setup.py": ""}, "a", None),
        ({"a/setup.py": "", "pyproject.toml": ""}, "", "pyproject.toml"),
        ({"a/pyproject.toml": "", "pyproject.toml": ""}, "a", "a/pyproject.toml"),
        ({"a/setup.cfg": "[metadata]\nname = a\n"}, "a", None),
        ({"a/setup.cfg": "[metadata]\nname = a\n", "setup.py": ""}, "", None),
    ],
)
def test_the_root_folder_is_pytests_even_without_configuration(made, files, rootdir, config):
    """The nearest pyproject.toml, else the nearest setup.py, else where pytest is started."""
    one = made({**files, "a/test_a.py": ""})
    settings = settings_of("a/test_a.py", one.settings)
    assert (settings.folder, settings.rootdir, settings.config) == ("a", rootdir, config)


def test_a_test_outside_testpaths_is_no_target(made):
    """Plain pytest would not collect it; its settings are known all the same."""
    one = made(
        {
            "pytest.ini": "[pytest]\ntestpaths = tests\n",
            "tests/test_a.py": "",
            "other/test_b.py": "",
        }
    )
    assert one.tests == ["tests/test_a.py"]
    assert settings_of("other/test_b.py", one.settings).testpaths == ("tests",)


def test_files_with_doctests_are_targets_where_pytest_collects_them(made):
    """They are told from test modules by name, as pytest would take them for such if asked to."""
    one = made(
        {
            "pytest.ini": "[pytest]\naddopts = --doctest-modules --doctest-glob=*.md\n",
            "pkg/m.py": "",
            "pkg/__main__.py": "",
            "setup.py": "from setuptools import setup\n",
            "test_a.py": "",
            "guide.md": ">>> 1\n1\n",
            "plain.md": "No example.\n",
        }
    )
    assert one.tests == ["guide.md", "pkg/m.py", "test_a.py"]
    assert [matches_python_files(path, one.settings[""]) for path in one.tests] == [
        False, False, True,
    ]  # fmt: skip


def test_a_text_file_by_pytests_default_needs_an_example(made):
    """test*.txt is collected by default; requirements lists should not show up as tests."""
    one = made({"test_it.txt": ">>> 1\n1\n", "test-requirements.txt": "pytest\n", "test_a.py": ""})
    assert one.tests == ["test_a.py", "test_it.txt"]


def test_labels_and_settings_of_targets(made):
    """A test file's label is its repo path."""
    one = made({"a/pytest.ini": "", "a/sub/setup.py": "", "a/sub/test_x.py": ""})
    (target,) = one.targets
    assert (target.label, target.path, target.project, target.settings) == (
        "a/sub/test_x.py", "a/sub/test_x.py", "a/sub", "a",
    )  # fmt: skip


def test_the_conftest_chain_goes_from_the_root_folder_down(made):
    """Absent ones too: a new one would be loaded."""
    assert conftest_chain("a/b/test_c.py", "a") == (
        "a/conftest.py", "a/__init__.py", "a/b/conftest.py", "a/b/__init__.py",
    )  # fmt: skip
    assert conftest_chain("test_c.py", "") == ("conftest.py", "__init__.py")
    assert conftest_chain("ab/test_c.py", "a") == ()


def test_twenty_thousand_paths_take_little_time(made):
    """Everything that looks at all paths is linear in them; a generous bound, to catch squares."""
    import time  # noqa: PLC0415

    files = {}
    for project in range(200):
        files[f"p{project}/pyproject.toml"] = f"[project]\nname = 'p{project}'\n"
        for package in range(10):
            files[f"p{project}/src/p{project}/q{package}/__init__.py"] = ""
            for module in range(8):
                files[f"p{project}/src/p{project}/q{package}/m{module}.py"] = ""
            files[f"p{project}/tests/q{package}/test_m.py"] = ""
    started = time.process_time()
    one = made(files)
    assert len(one.tests) == 2000
    assert time.process_time() - started < 5
