"""Odd repositories, files, settings and arguments: what the user sees, and that nothing is lost."""

from __future__ import annotations

import os
import shutil
import venv
from pathlib import Path

import pytest
from support.repositories import GitTree
from support.workspaces import Checkout, junit_cases, monorepo

MONEY = "libs/core/tests/test_money.py"
TEXT = "libs/core/tests/test_text.py"
BASKET = "libs/shop/tests/test_basket.py"
PRICES = "libs/shop/tests/test_prices.py"
TOOLS = "tools/test_tools.py"
ALL = {MONEY, TEXT, BASKET, PRICES, TOOLS}
DATA = "libs/shop/tests/prices.txt"
ONE_FILE = {"test_one.py": "def test_one():\n    pass\n", ".gitignore": "__pycache__/\n"}


def _raw(checkout: Checkout, name: bytes, content: bytes) -> None:
    """Write a file whose name is bytes."""
    path = os.path.join(os.fsencode(checkout.root), name)  # noqa: PTH118
    with open(path, "wb") as stream:  # noqa: PTH123
        stream.write(content)


# -- repositories ------------------------------------------------------------------------------


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    """Before the first commit everything works, and `list` says why it has no base."""
    tree = GitTree.init(tmp_path / "repo")
    for path, text in ONE_FILE.items():
        tree.write(path, text)
    checkout = Checkout(tree.root, tmp_path / "cache")
    assert checkout.run().ran() == {"test_one.py"}
    assert "nothing to run: 1 test in 1 file reused" in checkout.affected("run").out
    assert "no commit yet" in checkout.affected("list").text
    tree.write("test_one.py", "def test_two():\n    pass\n")
    assert set(checkout.run().tests()) == {"test_one.py::test_two"}


def test_a_folder_without_git(tmp_path: Path) -> None:
    """Without git every file is looked at: a no-op, an edit and a listing are told apart."""
    files = {
        **ONE_FILE,
        "data/a.txt": "a",
        "test_data.py": (
            "import pathlib\nHERE = pathlib.Path(__file__).parent\n\n"
            "def test_names():\n    assert list((HERE / 'data').iterdir())\n"
        ),
    }
    for path, text in files.items():
        (tmp_path / "repo" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / path).write_text(text)
    checkout = Checkout(tmp_path / "repo", tmp_path / "cache")
    assert checkout.run().ran() == {"test_one.py", "test_data.py"}
    assert checkout.run().ran() == set()
    (checkout.root / "data/b.txt").write_text("b")
    assert checkout.run().ran() == {"test_data.py"}
    (checkout.root / "test_one.py").write_text("def test_new():\n    pass\n")
    assert checkout.run().ran() == {"test_one.py"}
    assert "no-git" in checkout.affected("doctor", "--json").out


def test_a_shallow_clone_reuses_everything(ready: Checkout, tmp_path: Path) -> None:
    """Reuse is by content and needs no history; a base that is not there is named."""
    ready.tree.commit("second")
    clone = Checkout(ready.tree.clone(tmp_path / "shallow", "--depth=1").root, ready.cache)
    assert clone.run().reused() == ALL
    told = clone.affected("list", "--base", "no-such-branch", "--strict", accept=(3,))
    assert "no-such-branch" in told.err
    assert "git fetch --unshallow" in told.err


def test_a_detached_head_and_a_second_worktree(ready: Checkout, tmp_path: Path) -> None:
    """Neither a detached head nor another worktree costs a test; each notices its own edits."""
    ready.tree.git("checkout", "-q", "--detach")
    assert ready.run().reused() == ALL
    other = Checkout(ready.tree.worktree(tmp_path / "other", "side").root, ready.cache)
    assert other.run().reused() == ALL
    other.write(DATA, "4 5 6\n")
    assert other.run().ran() == {PRICES}
    assert ready.run().reused() == ALL


def test_a_submodule_with_tests_in_it(ready: Checkout, tmp_path: Path) -> None:
    """Tests of a submodule are tests of the workspace; an edit inside it runs its readers."""
    inner = GitTree.init(tmp_path / "inner")
    test = (
        "import pathlib\n\n\ndef test_sub():\n"
        "    assert (pathlib.Path(__file__).parent / 'd.txt').read_text()\n"
    )
    inner.commit_files({"test_sub.py": test, "d.txt": "1", ".gitignore": "__pycache__/\n"})
    inside = ready.tree.submodule("vendor/sub", inner)
    ready.tree.commit()
    assert ready.run().ran() == {"vendor/sub/test_sub.py"}
    assert "nothing to run" in ready.affected("run").out
    inside.write("d.txt", "2")
    assert ready.run().ran() == {"vendor/sub/test_sub.py"}
    inside.commit()
    assert ready.run().ran() == set()


# -- files -------------------------------------------------------------------------------------


def test_symbolic_links_that_lead_in_circles(ready: Checkout) -> None:
    """Links to themselves and to folders above them harm nothing."""
    ready.tree.link("loop", "loop")
    ready.tree.link("libs/core/up", "..")
    assert ready.run().reused() == ALL
    assert "nothing to run" in ready.affected("run").out


def test_names_that_are_not_utf8(ready: Checkout, tmp_path: Path) -> None:
    """A data file and a test file named in another encoding are like any other, shown readably."""
    reader = (
        "import os\nHERE = os.path.dirname(os.path.abspath(__file__))\n\n\n"
        "def test_names():\n    for name in os.listdir(HERE):\n"
        "        if name.endswith('.txt'):\n            assert open(HERE + '/' + name).read()\n"
    )
    ready.write("libs/shop/tests/test_names.py", reader)
    _raw(ready, b"libs/shop/tests/caf\xe9.txt", b"1")
    _raw(ready, b"tools/test_caf\xe9.py", b"def test_odd():\n    pass\n")
    odd = os.fsdecode(b"tools/test_caf\xe9.py")
    assert ready.run().ran() == {"libs/shop/tests/test_names.py", odd}
    report = tmp_path / "junit.xml"
    again = ready.run("--junit", str(report))
    assert again.ran() == set()
    assert len(junit_cases(report)) == len(again.tests()) == 10
    assert "tools/test_caf\\xe9.py" in ready.affected("list", "--base", "HEAD").out
    _raw(ready, b"libs/shop/tests/caf\xe9.txt", b"2")
    assert ready.run().ran() == {"libs/shop/tests/test_names.py"}


def test_a_test_file_that_does_not_parse(ready: Checkout) -> None:
    """It is told with pytest's words; the other selected files run all the same."""
    ready.write(MONEY, "def test_double(:\n")
    ready.write(TEXT, "def test_new():\n    pass\n")
    answer = ready.affected("run", "--json", accept=(1,))
    assert answer.tests()[MONEY] == ("ran", "error")
    assert answer.tests()[f"{TEXT}::test_new"] == ("ran", "passed")
    assert answer.reused() == ALL - {MONEY, TEXT}
    assert f"ERROR  {MONEY}" in answer.err
    assert "SyntaxError" in answer.err


def test_an_imported_module_that_does_not_parse(ready: Checkout) -> None:
    """Its importers fail, and nothing else; mended, the old results are good again."""
    code = ready.root / "libs/core/src/core/money.py"
    text = code.read_text()
    code.write_text("def double(:\n")
    answer = ready.run(accept=(1,))
    assert answer.reused() == ALL - {MONEY, BASKET}
    code.write_text(text)
    assert ready.run().reused() == ALL


def test_stamps_from_the_future_and_the_past(ready: Checkout) -> None:
    """A clock that jumped neither hides an edit nor makes one up."""
    for path, seconds in ((DATA, 4_000_000_000), (TOOLS, 0), (MONEY, 4_000_000_000)):
        os.utime(ready.root / path, (seconds, seconds))
    assert ready.run().reused() == ALL
    ready.affected("run")
    stamp = (ready.root / DATA).stat()
    ready.write(DATA, "3 2 1\n")  # as long as before
    os.utime(ready.root / DATA, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert "ran 1 test in 1 file" in ready.affected("run").out


def test_an_edit_of_equal_size_and_time_without_git(tmp_path: Path) -> None:
    """Without git too, an edit that keeps size and modification time is seen."""
    (tmp_path / "repo").mkdir()
    path = tmp_path / "repo/test_one.py"
    path.write_text("def test_one():\n    assert 1\n")
    checkout = Checkout(tmp_path / "repo", tmp_path / "cache")
    checkout.run()
    checkout.run()
    stamp = path.stat()
    path.write_text("def test_one():\n    assert 0\n")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    shutil.rmtree(path.parent / "__pycache__")  # Python itself would not notice
    assert checkout.run(accept=(1,)).states() == {"test_one.py": "failed"}


def test_no_tests_at_all(tmp_path: Path) -> None:
    """A repository without tests is fine and says so; `doctor` says where to look."""
    checkout = monorepo(tmp_path / "repo", tmp_path / "cache", {"module.py": "X = 1\n"})
    for _ in range(2):
        assert "nothing to run: no tests here" in checkout.affected("run").out
    assert checkout.run().json["selection"] == "none"
    assert "python_files" in checkout.affected("doctor").out


# -- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("affected.toml", "jobs = = 1\n", ("affected.toml cannot be read", "line 1")),
        ("affected.toml", 'inptus = ["a"]\n', ("unknown key `inptus`", "mean `inputs`")),
        ("affected.toml", 'jobs = "two"\n', ("affected.toml: `jobs`", "positive integer", "two")),
        ("affected.toml", 'cache-size = "big"\n', ("`cache-size` must be a size such as 5G",)),
        ("pyproject.toml", '[tool.affected]\nenvs = ["A"]\n', ("[tool.affected]", "mean `env`")),
        (
            "libs/core/pyproject.toml",
            "[tool.affected]\njobs = 2\n",
            ("libs/core/pyproject.toml", "`jobs`", "move it to the root"),
        ),
        (
            "libs/core/pyproject.toml",
            "[tool.affected\n",
            ("libs/core/pyproject.toml", "mend the TOML"),
        ),
    ],
)
def test_broken_settings(ready: Checkout, file: str, text: str, told: tuple[str, ...]) -> None:
    """File, key and nearest key are named, the exit code is 2; mended, nothing was lost."""
    ready.affected("run")
    before = (ready.root / file).read_text() if (ready.root / file).exists() else None
    ready.write(file, text)
    answer = ready.affected("run", accept=(2,))
    assert answer.out == ""
    for words in told:
        assert words in answer.err
    if before is None:
        (ready.root / file).unlink()
    else:
        ready.write(file, before)
    assert ready.run().reused() == ALL


def test_an_interpreter_that_is_missing(ready: Checkout) -> None:
    """A path in the root's settings counts from the root; what is not there is named."""
    ready.write("affected.toml", 'python = "env/bin/python"\n')
    answer = ready.affected("run", accept=(2,))
    assert f"{ready.root}/env/bin/python does not exist" in answer.err
    assert "hint: " in answer.err
    assert "its tests cannot run" in ready.affected("doctor").out


def test_an_interpreter_without_pytest(ready: Checkout, tmp_path: Path) -> None:
    """The interpreter is named, and the command that mends it."""
    venv.EnvBuilder(symlinks=True).create(tmp_path / "bare")
    ready.write("affected.toml", f'python = "{tmp_path}/bare"\n')
    answer = ready.affected("run", accept=(2,))
    assert f"{tmp_path}/bare/bin/python has no pytest" in answer.err
    assert "-m pip install pytest" in answer.err


def test_projects_with_settings_of_their_own(ready: Checkout) -> None:
    """A project's variables and arguments reach its own tests and no others."""
    ready.write("libs/core/pyproject.toml", '[tool.affected]\nenv = ["FLAG"]\n')
    ready.write(
        "libs/shop/pyproject.toml", '[tool.affected]\npytest-args = ["--import-mode=importlib"]\n'
    )
    seen = "import os\n\n\ndef test_flag():\n    assert os.environ.get('FLAG') {}\n"
    mode = "\n\ndef test_mode(request):\n    assert request.config.getoption('importmode') {}\n"
    ready.write(MONEY, seen.format("== 'up'") + mode.format("== 'prepend'"))
    ready.write(PRICES, seen.format("is None") + mode.format("== 'importlib'"))
    up = ready.with_variables(FLAG="up")
    assert up.run().states()[PRICES] == "ran"
    assert up.run().reused() == ALL
    assert ready.run(accept=(1,)).states()[MONEY] == "failed"
    assert up.run().reused() == ALL


# -- arguments ---------------------------------------------------------------------------------


def test_arguments_for_pytest(ready: Checkout) -> None:
    """What stands after `--` goes to pytest; what it left out is not taken for proved."""
    shutil.rmtree(ready.cache)
    narrow = ready.run("--", "-k", "double")
    assert set(narrow.tests()) == {f"{MONEY}::test_double"}
    assert "ran 8 tests" in ready.affected("run").out
    assert "nothing to run: 1 test" in ready.affected("run", "--", "-k", "double").out
    assert "nothing to run: 8 tests" in ready.affected("run").out
    ready.affected("run", "--all", "--", "--deselect", f"{TOOLS}::test_tools")
    assert ready.run().reused() == ALL


def test_an_argument_that_pytest_does_not_know(ready: Checkout) -> None:
    """Pytest's own words are shown, line by line, and the exit code is 1."""
    answer = ready.affected("run", "--all", TOOLS, "--", "--no-such-option", accept=(1,))
    assert "unrecognized arguments: --no-such-option" in answer.out
    assert "\\n" not in answer.out


def test_shards_share_the_work(ready: Checkout, tmp_path: Path) -> None:
    """Shards that start from the same state run everything once between them."""
    found = []
    for number in ("1/2", "2/2"):
        machine = Checkout(ready.root, tmp_path / number.replace("/", "-"))
        found.append(machine.run("--shard", number).ran())
    assert found[0] | found[1] == ALL
    assert not found[0] & found[1]
    for wrong in ("3/2", "0/2", "half"):
        answer = ready.affected("run", "--shard", wrong, accept=(2,))
        assert f"--shard {wrong} is not I/N" in answer.err


def test_names_that_are_not_there(ready: Checkout) -> None:
    """An unknown label, option, command or base is named, with the way out."""
    ready.affected("run")
    unknown = ready.affected("run", "libs/nope", accept=(2,))
    assert "no target is called libs/nope" in unknown.err
    assert "affected list --all" in unknown.err
    near = ready.affected("explain", "libs/core/tests/test_mony.py", accept=(2,))
    assert f"did you mean {MONEY}?" in near.err
    assert "Did you mean `run`?" in ready.affected("runn", accept=(2,)).err
    assert "No such option" in ready.affected("run", "--bse", "x", accept=(2,)).err
    for command in ("run", "list"):
        strict = ready.affected(command, "--base", "no-such", "--strict", accept=(3,))
        assert "no-such" in strict.err
        assert "hint: " in strict.err
    assert ready.run().reused() == ALL


def test_a_conftest_that_cannot_be_loaded(ready: Checkout) -> None:
    """It is told in pytest's words, and only the tests below its folder do not run."""
    ready.write("libs/core/tests/conftest.py", "import no_such_module\n")
    ready.write(PRICES, "def test_new():\n    pass\n")
    answer = ready.affected("run", "--json", accept=(1,))
    assert {label for label, s in answer.states().items() if s == "unfinished"} == {MONEY, TEXT}
    assert answer.tests()[f"{PRICES}::test_new"] == ("ran", "passed")
    assert "No module named 'no_such_module'" in answer.err
    (ready.root / "libs/core/tests/conftest.py").unlink()
    assert ready.run().reused() == ALL
