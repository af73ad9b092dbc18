"""The tracer is a guest: user code cannot tell that it is there."""

from __future__ import annotations

import pytest
from support.suites import outcomes, run_suite, write_suite

SUITE = {
    "conftest.py": """
        import os, sys
        SEEN = (list(sys.path), dict(os.environ))
        """,
    "lib.py": "import warnings\nwarnings.warn('from the module', UserWarning, stacklevel=2)\n",
    "test_surroundings.py": """
        import os, subprocess, sys

        def test_path_and_environment():
            from conftest import SEEN
            for path, environ in (SEEN, (sys.path, os.environ)):
                assert not [folder for folder in path if folder.endswith("entry")]
                assert not [name for name in environ if name.startswith("AFFECTED")]
                assert environ.get("PYTHONPATH") == "given"

        def test_child_environment():
            command = "import os; print(os.environ.get('PYTHONPATH'), 'AFFECTED_ROOT' in os.environ)"
            out = subprocess.check_output([sys.executable, "-c", command], text=True)
            assert out.split() == ["given", "False"]
        """,
    "test_wrapped.py": """
        import inspect, os, pathlib, pickle, posix
        from unittest import mock
        import pytest

        NAMES = ("stat", "lstat", "access", "readlink")

        @pytest.mark.parametrize("name", NAMES)
        def test_looks_like_the_original(name):
            function, original = getattr(os, name), getattr(posix, name)
            assert function.__name__ == original.__name__
            assert function.__doc__ == original.__doc__
            assert str(inspect.signature(function)) == str(inspect.signature(original))
            assert pickle.loads(pickle.dumps(function)) == function

        def test_membership():
            for members in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
                for name in NAMES:
                    assert (getattr(os, name) in members) == (getattr(posix, name) in members)

        @pytest.mark.parametrize("arguments", [(), (3.5,), ([],), ("a\\0b",), ("absent",), (-7,)])
        def test_errors(arguments):
            for name in ("stat", "lstat", "readlink"):
                with pytest.raises(Exception) as ours:
                    getattr(os, name)(*arguments)
                with pytest.raises(Exception) as theirs:
                    getattr(posix, name)(*arguments)
                assert type(ours.value) is type(theirs.value)
                if arguments:
                    assert str(ours.value) == str(theirs.value)

        def test_stays_unbound_in_a_class():
            class Disk:
                stat = os.stat
            assert Disk().stat(".").st_mode

        def test_descriptors_and_bytes():
            with open("lib.py") as stream:
                assert os.stat(stream.fileno()) == os.stat("lib.py") == os.stat(b"lib.py")
            folder = os.open(".", os.O_RDONLY)
            assert os.stat("lib.py", dir_fd=folder).st_size
            assert os.access("lib.py", os.R_OK, dir_fd=folder, follow_symlinks=True)
            os.close(folder)

        def test_mock():
            with mock.patch.object(os, "stat", autospec=True) as fake:
                fake.side_effect = FileNotFoundError
                assert not os.path.exists("lib.py")
            assert pathlib.Path("lib.py").exists()
        """,
    "test_imports.py": """
        import builtins, importlib, sys, traceback, warnings
        from unittest import mock
        import pytest

        def test_stack_level():
            sys.modules.pop("lib", None)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                import lib
            assert [w.filename for w in caught] == [__file__]
            sys.modules.pop("lib")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                importlib.import_module("lib")
            assert not any("tracer" in w.filename for w in caught)

        def test_missing():
            with pytest.raises(ModuleNotFoundError) as caught:
                import absent_module
            assert caught.value.name == "absent_module"
            frames = traceback.extract_tb(caught.tb)
            assert not any("tracer" in frame.filename for frame in frames)

        def test_mocked_import():
            real = builtins.__import__
            def fake(name, *args, **kwargs):
                if name == "json":
                    raise ImportError(name)
                return real(name, *args, **kwargs)
            with mock.patch("builtins.__import__", fake):
                with pytest.raises(ImportError):
                    import json
                import collections

        def test_odd_calls():
            assert __import__("os.path").path is not None
            assert __import__("os", fromlist=["path"]).path is not None
            assert __import__("os", globals(), locals(), ["path"], 0).path is not None
            with pytest.raises(TypeError):
                __import__()
            with pytest.raises(TypeError):
                __import__(3)
            with pytest.raises(ValueError):
                __import__("")
            with pytest.raises(AttributeError):
                importlib.import_module(3)
        """,
    "test_recursion.py": """
        import os, sys
        import pytest

        def dive(depth):
            os.path.exists("somewhere")
            return dive(depth + 1)

        def test_deep():
            with pytest.raises(RecursionError):
                dive(0)
        """,
}


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    root = write_suite(tmp_path_factory.mktemp("guest") / "work", SUITE)
    return run_suite(root, environ={"PYTHONPATH": "given"})


def test_user_code_cannot_tell(guest):
    """Environment, search path, wrapped functions, warnings, tracebacks, recursion."""
    wrong = {id_: how for id_, how in outcomes(guest).items() if how != "passed"}
    assert wrong == {}, guest.summary


def test_a_missing_import_statement_is_no_trouble(guest):
    """Errors of user code are not the tracer's."""
    trace = guest.harvest.traces["test_imports.py"]
    assert [spot for spot in trace.blind_spots if spot.code == "tracer-error"] == []
    assert guest.harvest.session.blind_spots == ()
