"""Settings as they are read from files: defaults, places, and errors that say the way out."""

from __future__ import annotations

import pytest

from affected.config.load import load, load_project
from affected.config.schema import DEFAULT_CACHE_SIZE, DEFAULT_INERT, KEYS, Config, ProjectConfig
from affected.errors import UserError


@pytest.fixture
def write(tmp_path):
    """Writes a file below the workspace's root and returns the root."""

    def put(text, path="pyproject.toml"):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return put


def refusal(root):
    """What loading the settings in `root` says, message and hint."""
    with pytest.raises(UserError) as caught:
        load(root)
    return caught.value.message, caught.value.hint


def test_a_workspace_without_any_file_has_every_default(tmp_path):
    """Nothing needs to be configured."""
    assert load(tmp_path) == Config()
    assert load(tmp_path).inert == DEFAULT_INERT
    assert load(tmp_path).cache_size == DEFAULT_CACHE_SIZE


def test_a_pyproject_without_our_table_has_every_default(write):
    """Others' settings are none of our business, even where they name us."""
    assert load(write('[project]\nname = "x"\ndependencies = ["affected-ci"]\n')) == Config()


def test_an_empty_table_has_every_default(write):
    """A table may stand there without keys."""
    assert load(write("[tool.affected]\n")) == Config()


def test_a_pyproject_that_does_not_name_us_is_not_parsed(write):
    """A file that other tools quarrel with costs nothing and breaks nothing here."""
    assert load(write("this is = = not TOML")) == Config()


def test_every_key_is_read(write):
    """Each key of the table arrives where it belongs."""
    root = write(
        """
        [tool.affected]
        name = "mono"
        python = "tools/python"
        env = ["HOME", "APP_*"]
        inert = ["*.txt"]
        ignore = ["vendor"]
        source-roots = ["lib"]
        pytest-args = ["-x"]
        xdist = 3
        jobs = 4
        inputs = ["schema/*.json"]
        covered = ["child-process:git *"]
        cache-dir = ".cache"
        cache-size = "2G"
        """
    )
    assert load(root) == Config(
        name="mono",
        inert=("*.txt",),
        ignore=("vendor",),
        source_roots=("lib",),
        jobs=4,
        cache_dir=".cache",
        cache_size=2 * 1024**3,
        root=ProjectConfig(
            python="tools/python",
            env=("HOME", "APP_*"),
            pytest_args=("-x",),
            xdist="3",
            inputs=("schema/*.json",),
            covered=("child-process:git *",),
        ),
    )


def test_affected_toml_comes_before_pyproject(write):
    """A workspace that is no Python project has a file of its own, without a table's name."""
    write('[tool.affected]\nname = "from pyproject"\n')
    assert load(write('name = "own"\n', "affected.toml")).name == "own"


def test_an_empty_inert_list_means_that_every_document_counts(write):
    """What is written replaces the default; it is not added to it."""
    assert load(write("[tool.affected]\ninert = []\n")).inert == ()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("pytest_args", "pytest-args"),
        ("pytest-arg", "pytest-args"),
        ("Env", "env"),
        ("job", "jobs"),
        ("cachedir", "cache-dir"),
        ("source_roots", "source-roots"),
    ],
)
def test_an_unknown_key_names_the_nearest(write, wrong, right):
    """A typing error is answered with what was probably meant."""
    message, hint = refusal(write(f"[tool.affected]\n{wrong} = 1\n"))
    assert message == f"pyproject.toml [tool.affected]: unknown key `{wrong}`"
    assert hint == f"did you mean `{right}`?"


def test_an_unknown_key_near_nothing_names_them_all(write):
    """Then the list of keys is the way out."""
    message, hint = refusal(write("zzzzzz = 1\n", "affected.toml"))
    assert message == "affected.toml: unknown key `zzzzzz`"
    assert [key.name for key in KEYS if key.name not in hint] == []


def test_a_wrong_value_is_answered_with_what_it_must_be_and_what_the_key_means(write):
    """File, key, expectation and what stands there, all in one sentence."""
    message, hint = refusal(write('[tool.affected]\njobs = "many"\n'))
    assert message == (
        "pyproject.toml [tool.affected]: `jobs` must be a positive integer, not 'many'"
    )
    assert hint == "Processes at once; default: the number of cores."


@pytest.mark.parametrize("text", ["[tool]\naffected = 3\n", '[tool]\naffected = ["env"]\n'])
def test_something_else_of_that_name_is_not_passed_over(write, text):
    """Settings that would silently not apply are an error."""
    message, hint = refusal(write(text))
    assert message.startswith("pyproject.toml: `tool.affected` must be a table, not ")
    assert "[tool.affected]" in hint


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("pyproject.toml", b"[tool.affected\n"),
        ("pyproject.toml", b"[tool.affected]\nname = '\xff'\n"),
        ("pyproject.toml", b"[tool.affected]\nname = 'a'\nname = 'b'\n"),
        ("affected.toml", b"= 1\n"),
    ],
)
def test_a_file_that_is_no_toml_is_named_with_the_parsers_own_words(write, path, content):
    """Syntax errors keep their line and column."""
    message, hint = refusal(write(content, path))
    assert message.startswith(f"{path} cannot be read: ")
    assert hint.startswith("mend the TOML syntax of ")


def test_a_project_without_settings_has_the_roots(tmp_path, write):
    """The root's settings are every project's defaults."""
    defaults = ProjectConfig(python="py", env=("A",), xdist="off")
    assert load_project(tmp_path / "none.toml", "lib/pyproject.toml", defaults) == defaults
    write("[project]\nname = 'lib'\n", "lib/pyproject.toml")
    manifest = tmp_path / "lib/pyproject.toml"
    assert load_project(manifest, "lib/pyproject.toml", defaults) == defaults


def test_a_projects_own_settings_come_before_the_roots(write):
    """Each key of its own replaces the root's; variables are added to the root's."""
    root = write(
        '[tool.affected]\npython = "own"\nenv = ["B"]\npytest-args = []\n', "lib/pyproject.toml"
    )
    defaults = ProjectConfig(
        python="py", env=("A",), pytest_args=("-x",), xdist="off", inputs=("i",), covered=("c",)
    )
    found = load_project(root / "lib/pyproject.toml", "lib/pyproject.toml", defaults)
    assert found == ProjectConfig(
        python="own", env=("B", "A"), pytest_args=(), xdist="off", inputs=("i",), covered=("c",)
    )


@pytest.mark.parametrize("key", [key.name for key in KEYS if key.scope == "root"])
def test_a_setting_of_the_whole_workspace_is_refused_in_a_project(write, key):
    """It would not mean there what it says."""
    value = {"jobs": "2", "cache-size": "2", "name": "'x'", "cache-dir": "'x'"}.get(key, "['x']")
    root = write(f"[tool.affected]\n{key} = {value}\n", "lib/pyproject.toml")
    with pytest.raises(UserError) as caught:
        load_project(root / "lib/pyproject.toml", "lib/pyproject.toml", ProjectConfig())
    assert caught.value.message == (
        f"lib/pyproject.toml [tool.affected]: `{key}` is a setting of the whole workspace"
    )
    assert caught.value.hint == "move it to the root's [tool.affected]"


def test_a_projects_errors_name_its_own_file(write):
    """In a monorepo there are many files of that name."""
    root = write("[tool.affected]\nxdits = 1\n", "lib/pyproject.toml")
    with pytest.raises(UserError, match=r"lib/pyproject\.toml \[tool\.affected\]: unknown key"):
        load_project(root / "lib/pyproject.toml", "lib/pyproject.toml", ProjectConfig())
