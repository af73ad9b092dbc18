"""Which Python runs a project's tests, and what it says about itself."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from affected.errors import UserError
from affected.lang.python.interpreters import (
    find_interpreter,
    interpreter_witness,
    probe,
    require_pytest,
)


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def tool(folder: Path, name: str, answer: Path) -> str:
    """A stand-in for uv or poetry on a PATH of its own."""
    executable(folder / name, f"#!/bin/sh\necho noise\necho {answer}\n")
    return str(folder)


def test_the_order_in_which_interpreters_are_looked_for(tmp_path):
    """Configured, the project's .venv, one above it, VIRTUAL_ENV, uv or poetry, our own."""
    root, project = tmp_path / "ws", "packages/a"
    (root / project).mkdir(parents=True)
    named = executable(tmp_path / "named" / "python")
    path = tool(tmp_path / "tools", "uv", named)
    tool(tmp_path / "tools", "poetry", tmp_path / "missing")
    environ = {"PATH": path}

    def found(configured=None):
        return find_interpreter(root, project, configured, environ)

    assert found() == Path(sys.executable)
    (root / project / "poetry.lock").touch()
    assert found() == Path(sys.executable)
    (root / "uv.lock").touch()
    assert found() == named
    active = executable(tmp_path / "active" / "bin" / "python")
    environ["VIRTUAL_ENV"] = str(tmp_path / "active")
    assert found() == active
    shared = executable(root / ".venv" / "bin" / "python")
    assert found() == shared
    own = executable(root / project / ".venv" / "bin" / "python3")
    assert found() == own
    assert find_interpreter(root, "", None, environ) == shared
    assert found("../../.venv") == shared
    assert found("../../.venv/bin/python") == shared
    assert found(str(active)) == active
    assert found("uv") == Path(path) / "uv"


def test_a_tool_that_fails_or_is_not_there_is_passed_over(tmp_path):
    """Only its lock file makes it be asked at all."""
    (tmp_path / "uv.lock").touch()
    (tmp_path / "poetry.lock").touch()
    executable(tmp_path / "bin" / "uv", "#!/bin/sh\nexit 3\n")
    environ = {"PATH": str(tmp_path / "bin")}
    assert find_interpreter(tmp_path, "", None, environ) == Path(sys.executable)
    assert find_interpreter(tmp_path, "", None, {}) == Path(sys.executable)


@pytest.mark.parametrize(
    ("configured", "words"),
    [
        ("no-such-python", "no such command on PATH"),
        ("./no/such/python", "does not exist"),
        ("folder", "no such command"),
        ("./folder", "no virtual environment"),
        ("./plain.txt", "cannot be executed"),
    ],
)
def test_a_configured_interpreter_that_is_none_is_an_error(tmp_path, configured, words):
    """It names the setting and the value; nothing else is taken instead."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain.txt").touch()
    with pytest.raises(UserError, match=words) as caught:
        find_interpreter(tmp_path, "", configured, {"PATH": str(tmp_path)})
    assert configured in caught.value.message
    assert caught.value.hint


def test_the_running_interpreter_describes_itself():
    """Version, platform, where things are installed and what is."""
    one = probe(Path(sys.executable))
    assert one.version == sys.version
    assert one.version_info == sys.version_info[:3]
    assert one.implementation == sys.implementation.cache_tag
    assert one.prefix == sys.prefix
    assert one.platform.startswith("linux") or sys.platform != "linux"
    assert "pytest" in one.distributions
    require_pytest(one)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A virtual environment with nothing installed."""
    folder = tmp_path_factory.mktemp("bare env")
    venv.create(folder, with_pip=False)
    return folder


def test_a_virtual_environment_is_described_as_itself(bare, monkeypatch):
    """Not by where its Python comes from, nor by our own PYTHONPATH."""
    monkeypatch.setenv("PYTHONPATH", str(bare))
    monkeypatch.setenv("PYTHONHOME", "/no/such")
    (bare / "json.py").write_text("raise SystemExit('shadowed')")
    one = probe(bare / "bin" / "python")
    assert one.prefix == str(bare)
    assert all(folder.startswith(str(bare)) for folder in one.site_packages)
    assert len(one.site_packages) == len(set(one.site_packages))


def test_an_interpreter_without_pytest_is_an_error_with_the_command_that_mends_it(bare):
    """The command names that interpreter."""
    one = probe(bare / "bin" / "python")
    with pytest.raises(UserError, match="has no pytest") as caught:
        require_pytest(one)
    assert caught.value.hint.endswith(f"{bare}/bin/python -m pip install pytest")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\nexit 7\n", "not a usable Python"),
        ("#!/bin/sh\ncat\n", "not a usable Python"),
        ("#!/bin/sh\necho broken >&2; exit 1\n", "broken"),
        ("#!/no/such/interpreter\n", "cannot be started"),
        ("#!/bin/sh\necho 3 >&2; echo '[1]'\n", "not a usable Python"),
        (
            '#!/bin/sh\necho \'{"version_info": [3, 8, 1], "site_packages": []}\'\n',
            "is Python 3.8.1",
        ),
    ],
)
def test_what_is_no_usable_python_is_an_error(tmp_path, script, words):
    """It names the file and says what came of it."""
    fake = executable(tmp_path / "python", script)
    with pytest.raises(UserError, match=words) as caught:
        probe(fake)
    assert str(fake) in caught.value.message
    assert caught.value.hint


def test_missing_and_unexecutable_interpreters_are_errors(tmp_path):
    """Before anything is started."""
    with pytest.raises(UserError, match="does not exist"):
        probe(tmp_path / "gone")
    (tmp_path / "plain").touch()
    with pytest.raises(UserError, match="cannot be executed"):
        probe(tmp_path / "plain")


def test_output_of_a_start_up_file_does_not_disturb(bare):
    """A sitecustomize may print."""
    (site,) = bare.glob("lib/python*/site-packages")
    (site / "sitecustomize.py").write_text("print('hello')")
    assert probe(bare / "bin" / "python").prefix == str(bare)


def test_the_witness_changes_with_the_interpreter(bare):
    """Another executable, or another base Python of the same environment."""
    python = bare / "bin" / "python"
    before = interpreter_witness(python)
    assert interpreter_witness(python) == before
    config = bare / "pyvenv.cfg"
    config.write_text(config.read_text() + "\n# other\n")
    assert interpreter_witness(python) != before
    assert interpreter_witness(bare / "gone") != before
