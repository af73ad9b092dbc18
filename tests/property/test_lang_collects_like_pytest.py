"""The test files, root folders and configuration files are those that pytest itself finds."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from affected.lang.python.projects import discover_projects
from affected.lang.python.targets import settings_of
from affected.lang.python.targets import test_files as collect
from affected.lang.python.targets import test_settings as read_settings

COUNT = 400 if os.environ.get("AFFECTED_FULL") else 6
PYTHON = os.environ.get("AFFECTED_TEST_PYTHON", sys.executable)  # another pytest, by hand

USAGE = 4

CHILD = """
import json, os, sys
import pytest

class Recorder:
    def __init__(self):
        self.files = set()

    def pytest_collectstart(self, collector):
        if isinstance(collector, pytest.File):
            self.files.add(os.path.relpath(collector.path, BASE))

    def pytest_collection_finish(self, session):
        config = session.config
        inipath = config.inipath and os.path.relpath(config.inipath, BASE)
        rootdir = os.path.relpath(config.rootpath, BASE)
        print("\\x1e" + json.dumps([rootdir, inipath, sorted(self.files)]))

pytest.Module.collect = lambda self: []
for line in sys.stdin:
    BASE, folder = json.loads(line)
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        os.chdir(os.path.join(BASE, folder))
        options = ["--collect-only", "--assert=plain", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
        code = pytest.main(options, plugins=[Recorder()])
        print("\\x1e%d" % code)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)
    print("\\x1dend", flush=True)
"""

FOLDERS = [
    "", "tests", "tests/unit", "tests/unit/b", "a", "a/tests", "a/b", "a/b/tests", "build",
    "build/tests", "node_modules/x", ".hidden", "x.egg", "env", "env/lib", "src/pkg", "a/build",
]  # fmt: skip
FILES = [
    "test_a.py", "b_test.py", "check_c.py", "mod.py", "__init__.py", "__main__.py",
    "setup.py", "test_doc.txt", "notes.txt", "guide.rst",
]  # fmt: skip
CODE = '"""Example.\n\n>>> 1\n1\n"""\n\n\ndef test_it():\n    pass\n'
SETUP = f"{CODE}\n# setuptools\n"

TESTPATHS = [
    ["tests"], ["a", "tests/unit/test_a.py"], ["*/tests"], ["**/b"], ["missing"], ["a/b", "a"],
    ["missing", "tests"], ["build"], ["t*"], ["."], ["a/../tests"], ["**"], ["./tests/"],
    ["node_modules/x", "a"], ["[at]*"], ["?"], ["**/tests", "src"], [".hidden"], ["*"],
]  # fmt: skip
PYTHON_FILES = [
    ["check_*.py"], ["*.py"], ["test_*.py", "check_*.py"], ["tests/*.py"], ["unit/test_*"],
    ["*_test.py"], ["a/*/test_*.py"], ["[bt]*.py"], [],
]  # fmt: skip
NORECURSE = [["b"], [".*"], ["a/b"], ["*"], ["*/unit"], ["te??s", "build"], []]
ADDOPTS = [
    ["--ignore=tests"], ["--ignore", "a/b"], ["--ignore-glob=*_a.py"], ["--doctest-modules"],
    ["--doctest-glob=*.rst"], ["--doctest-glob", "*.txt", "--doctest-glob=g*"],
    ["-p", "no:doctest"], ["-pno:doctest", "-q"], ["--collect-in-virtualenv"], ["-ra", "-q"],
    ["-o", "python_files=check_*.py"], ["--override-ini=testpaths=a"], ["--ignore=./a/../tests/unit"],
    ["--ignore=a/b/test_a.py"], ["--doctest-modules", "--ignore-glob=*/b/*"],
]  # fmt: skip


def options(rng: random.Random) -> dict[str, list[str]]:
    """Some options of pytest, as lists of words."""
    pools = {
        "testpaths": TESTPATHS,
        "python_files": PYTHON_FILES,
        "norecursedirs": NORECURSE,
        "addopts": ADDOPTS,
    }
    return {key: rng.choice(pool) for key, pool in pools.items() if rng.random() < 0.45}


def as_ini(section: str, chosen: dict[str, list[str]], rng: random.Random) -> str:
    lines = ["# settings", f"[{section}]"]
    for key, words in chosen.items():
        if rng.random() < 0.5:
            lines.append(f"{key} = {' '.join(words)}")
        else:
            lines += [f"{key} =", "    ; a comment", *(f"    {word}" for word in words)]
    return "\n".join([*lines, "[other]", "x: 1", ""])


def as_toml(table: str, chosen: dict[str, list[str]], rng: random.Random, *, text: bool) -> str:
    lines = [f"[{table}]"]
    for key, words in chosen.items():
        value = " ".join(words) if text and rng.random() < 0.5 else words
        lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join([*lines, ""])


def config(rng: random.Random) -> dict[str, str]:
    """A configuration file, or one that only looks like it."""
    chosen = options(rng)
    kinds = {
        "pytest.ini": lambda: rng.choice([as_ini("pytest", chosen, rng), "", "[x]\ny = 1\n"]),
        ".pytest.ini": lambda: rng.choice([as_ini("pytest", chosen, rng), ""]),
        "pytest.toml": lambda: rng.choice([as_toml("pytest", chosen, rng, text=False), ""]),
        ".pytest.toml": lambda: as_toml("pytest", chosen, rng, text=False),
        "pyproject.toml": lambda: rng.choice(
            [
                as_toml("tool.pytest.ini_options", chosen, rng, text=True),
                as_toml("tool.pytest", chosen, rng, text=False),
                "[project]\nname = 'x'\n",
                "",
            ]
        ),
        "tox.ini": lambda: rng.choice([as_ini("pytest", chosen, rng), "[tox]\n"]),
        "setup.cfg": lambda: rng.choice([as_ini("tool:pytest", chosen, rng), "[flake8]\n"]),
    }
    return {name: kinds[name]() for name in rng.sample(sorted(kinds), rng.choice([1, 1, 2, 3]))}


def tree(seed: int) -> dict[str, str]:
    rng = random.Random(seed)
    files = {}
    for folder in FOLDERS:
        if rng.random() < 0.8:
            for name in rng.sample(FILES, rng.randint(1, 7)):
                path = f"{folder}/{name}" if folder else name
                files[path] = SETUP if name == "setup.py" and rng.random() < 0.5 else CODE
    if rng.random() < 0.5:
        files["env/pyvenv.cfg"] = "home = /\n"
    for folder in ["", *rng.sample(["tests", "a", "a/b", "src", "tests/unit"], rng.randint(0, 2))]:
        if rng.random() < 0.85:
            files.update(
                {f"{folder}/{name}" if folder else name: t for name, t in config(rng).items()}
            )
    return files


def test_pytest_collects_what_we_say(tmp_path):
    """Started in each settings' folder without arguments, on made-up workspaces."""
    asked: list[tuple[int, dict[str, str], str]] = []
    lines = []
    shapes = {}
    for seed in range(COUNT):
        files = tree(seed)
        base = tmp_path / str(seed)
        for path, text in files.items():
            (base / path).parent.mkdir(parents=True, exist_ok=True)
            (base / path).write_text(text)

        def read(path: str, files: dict[str, str] = files) -> bytes:
            return files[path].encode()

        projects, _ = discover_projects(files, read)
        settings, notices = read_settings(files, read, projects)
        assert not notices
        shapes[seed] = (settings, collect(sorted(files), settings, projects, read))
        for folder in settings:
            asked.append((seed, files, folder))
            lines.append(json.dumps([str(base), folder]))
    done = subprocess.run(
        [PYTHON, "-c", CHILD],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    answers = done.stdout.split("\x1dend\n")[:-1]
    assert len(answers) == len(asked)
    for (seed, _, folder), answer in zip(asked, answers, strict=True):
        settings, targets = shapes[seed]
        *_, told, code = answer.split("\x1e")
        if int(code) == USAGE:  # a start in testpaths that pytest makes nothing of
            continue
        assert int(code) in {0, 5}, (seed, folder, answer)
        rootdir, inipath, found = json.loads(told.partition("\n")[0])
        one = settings[folder]
        expected = [path for path in found if settings_of(path, settings) is one]
        ours = [target.path for target in targets if target.settings == folder]
        told_of = (one.rootdir or ".", one.config)
        assert (told_of, ours) == ((rootdir, inipath), expected), (seed, folder, Path(tmp_path))
