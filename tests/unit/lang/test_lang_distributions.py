"""What is installed, by content, and what an import name depends on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from affected.lang.python.distributions import (
    external_digest,
    installed_digest,
    installed_witness,
    read_installed,
    required_digest,
    shadowed_tops,
)
from affected.lang.python.metadata import editable_folders
from affected.model.digest import ABSENT

BACKEND = """
import os, zipfile

def _wheel(folder, files):
    name = "demo_dist-1.0-py3-none-any.whl"
    info = "demo_dist-1.0.dist-info/"
    files = {
        **files,
        info + "METADATA": "Metadata-Version: 2.1\\nName: Demo.Dist\\nVersion: 1.0\\n"
        "Requires-Dist: Other_Dist>=2; python_version > '3'\\n"
        "Requires-Dist: fast (>=1) ; extra == 'speed'\\n"
        "Requires-Dist: pytest; extra == 'test'\\n\\nRequires-Dist: prose\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "entry_points.txt": "[console_scripts]\\ndemo = demo:f\\n[pytest11]\\ndemo = demo\\n",
    }
    record = "".join(f"{path},,\\n" for path in [*files, info + "RECORD"])
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in {**files, info + "RECORD": record}.items():
            archive.writestr(path, text)
    return name

def build_wheel(folder, settings=None, metadata=None):
    return _wheel(folder, {
        "demo/__init__.py": "def f(): pass\\n",
        "space/part/mod.py": "",
        "single.py": "",
        "demo_dist-1.0.data/data/share/demo.txt": "data",
    })

def build_editable(folder, settings=None, metadata=None):
    return _wheel(folder, {"_demo.pth": os.path.join(os.getcwd(), "src") + "\\n"})
"""

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "demo-dist"
version = "1.0"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project that pip can install without a network."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "src" / "demo").mkdir(parents=True)
    (folder / "src" / "demo" / "__init__.py").touch()
    (folder / "src" / "lone.py").touch()
    return folder


def environment(folder: Path, *arguments: str) -> tuple[str]:
    """A virtual environment into which pip has installed something; its site-packages."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index",
         "--no-deps", "--no-build-isolation", "--disable-pip-version-check", *arguments],
        check=True,
        cwd=folder,
    )  # fmt: skip
    (found,) = folder.glob("lib/python*/site-packages")
    return (str(found),)


@pytest.fixture(scope="module")
def installed(project, tmp_path_factory):
    """The site-packages of an environment with the project's wheel in it."""
    return environment(tmp_path_factory.mktemp("one"), str(project))


def test_an_installed_wheel_is_read(installed):
    """Name, version, import names (of modules, packages, namespaces), requirements, plugin."""
    one = read_installed(installed)["demo-dist"]
    assert (one.name, one.version, one.editable, one.pytest_plugin) == (
        "demo-dist",
        "1.0",
        "",
        True,
    )
    assert one.tops == ("demo", "single", "space")
    assert one.requires == ("fast?", "other-dist")


def test_the_digest_is_the_same_in_two_environments(installed, project, tmp_path):
    """At another path, compiled or not: scripts and bytecode do not count."""
    again = environment(tmp_path / "elsewhere" / "deep", str(project), "--no-compile")
    first, second = read_installed(installed), read_installed(again)
    assert first["demo-dist"] == second["demo-dist"]
    assert external_digest("demo", first) == external_digest("demo", second)
    assert installed_digest(first) == installed_digest(second)


def test_an_editable_installation_is_told_by_its_folder(project, tmp_path):
    """Its import names come from the folder it puts on the path."""
    site = environment(tmp_path, "--editable", str(project))
    found = read_installed(site)
    assert found["demo-dist"].editable == str(project)
    assert found["demo-dist"].tops == ("demo", "lone")
    assert editable_folders(site) == (str(project / "src"),)
    assert external_digest("demo", found) != ABSENT
    assert shadowed_tops(["demo"], found) == ()


def distribution(
    site: Path, name: str, *, requires=(), record="", version="1.0", **files: str
) -> None:
    """A dist-info folder written by hand."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    if record:
        (folder / "RECORD").write_text(record)
    for file, text in files.items():
        (folder / file).write_text(text)


def test_a_name_that_nothing_provides_is_absent(tmp_path):
    """Also when there is no such folder."""
    assert external_digest("x", read_installed([str(tmp_path), "/no/such"])) == ABSENT
    assert required_digest("x", {}) == ABSENT


def test_a_digest_changes_with_whatever_is_required(tmp_path):
    """Transitively, in cycles too; with extras where they are installed; not with strangers."""
    distribution(tmp_path, "a", requires=["b"], record="a/__init__.py,sha256=1,1\n")
    distribution(tmp_path, "b", requires=["a", "c; extra == 'more'"], record="b.py,sha256=1,1\n")
    distribution(tmp_path, "d", record="d.py,sha256=1,1\n")
    before = read_installed([str(tmp_path)])
    distribution(tmp_path, "c", record="c.py,sha256=1,1\n")
    after = read_installed([str(tmp_path)])
    assert external_digest("a", before) != external_digest("a", after)
    assert external_digest("d", before) == external_digest("d", after)
    assert required_digest("a", before) == required_digest("a", after)
    assert installed_digest(before) != installed_digest(after)


def test_every_provider_of_a_namespace_counts(tmp_path):
    """`google` is many distributions."""
    distribution(tmp_path, "one", record="ns/one/__init__.py,sha256=1,1\n")
    before = external_digest("ns", read_installed([str(tmp_path)]))
    distribution(tmp_path, "two", record="ns/two.py,sha256=1,1\n")
    assert external_digest("ns", read_installed([str(tmp_path)])) != before


RECORD = """a/__init__.py,sha256=1,1
a/__pycache__/__init__.cpython-313.pyc,,
../../../bin/a,sha256=77,1
a-1.0.dist-info/METADATA,sha256=2,2
a-1.0.dist-info/RECORD,,
"""


@pytest.mark.parametrize(
    "line",
    [
        "../../../bin/b,sha256=5,5",
        "../../Scripts/b.exe,sha256=5,5",
        "a/__pycache__/b.cpython-39.pyc,sha256=5,5",
        "a-1.0.dist-info/INSTALLER,sha256=5,5",
        "a-1.0.dist-info/REQUESTED,sha256=5,5",
        "a-1.0.dist-info/direct_url.json,sha256=5,5",
        "__editable__.a-1.0.pth,sha256=5,5",
        "__editable___a_1_0_finder.py,sha256=5,5",
        "_a.pth,sha256=5,5",
    ],
)
def test_lines_of_record_that_depend_on_the_machine_do_not_count(tmp_path, line):
    """The same wheel has the same digest wherever and however it was installed."""
    distribution(tmp_path / "1", "a", record=RECORD)
    distribution(tmp_path / "2", "a", record=f"{line}\n{RECORD}")
    assert read_installed([str(tmp_path / "1")]) == read_installed([str(tmp_path / "2")])


@pytest.mark.parametrize(
    "line",
    [
        "a/data.json,sha256=5,5",
        "../../../share/a.txt,sha256=5,5",
        '"a/x, y.py",sha256=5,5',
        "b.py,,",
    ],
)
def test_lines_of_record_that_are_content_count(tmp_path, line):
    """Code and data, wherever the wheel puts them."""
    distribution(tmp_path / "1", "a", record=RECORD)
    distribution(tmp_path / "2", "a", record=f"{RECORD}{line}\n")
    one, two = (read_installed([str(tmp_path / part)])["a"] for part in "12")
    assert one.digest != two.digest


def test_import_names_come_from_record_and_top_level(tmp_path):
    """Compiled modules, quoted paths and stubs; nothing that is no identifier."""
    record = (
        "_c.cpython-313-x86_64-linux-gnu.so,sha256=1,1\np/q/r.py,sha256=1,1\n"
        '"w/a, b.py",sha256=1,1\nlibs.libs/x.so.1,sha256=1,1\ndata/x.txt,sha256=1,1\n'
        "a1b2__mypyc.cpython-313.so,sha256=1,1\n9x.py,sha256=1,1\n"
    )
    distribution(tmp_path, "a", record=record, **{"top_level.txt": "extra\n"})
    tops = read_installed([str(tmp_path)])["a"].tops
    assert set(tops) == {"_c", "p", "w", "a1b2__mypyc", "extra"}


def test_old_installations_are_read(tmp_path):
    """egg-info as a folder, as a file, and a checkout linked by setup.py develop."""
    egg = tmp_path / "old_one-2.0.egg-info"
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Name: Old.One\nVersion: 2.0\n")
    (egg / "top_level.txt").write_text("old\n")
    (egg / "requires.txt").write_text("six>=1\n\n[extra]\nmore\n")
    (egg / "installed-files.txt").write_text("../old/__init__.py\n../gone.py\n")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "__init__.py").write_text("x")
    (tmp_path / "flat.egg-info").write_text("Name: flat\nVersion: 3\n")
    checkout = tmp_path / "checkout"
    (checkout / "my_dev.egg-info").mkdir(parents=True)
    (checkout / "my_dev.egg-info" / "PKG-INFO").write_text("Name: my-dev\nVersion: 4\n")
    (tmp_path / "my-dev.egg-link").write_text(f"{checkout}\n.\n")
    found = read_installed([str(tmp_path)])
    assert found["old-one"].tops == ("old",)
    assert found["old-one"].requires == ("six",)
    assert found["flat"].version == "3"
    assert found["my-dev"].editable == str(checkout)


def test_an_import_hook_of_an_editable_installation_is_understood(tmp_path):
    """Setuptools writes a finder with a mapping where one .pth line will not do."""
    (tmp_path / "__editable___a_1_0_finder.py").write_text(
        "MAPPING: dict[str, str] = {'pkg': '/ws/lib/pkg', 'other': '/ws/other.py'}\n"
    )
    distribution(
        tmp_path,
        "a",
        record="__editable___a_1_0_finder.py,,\n__editable__.a-1.0.pth,,\n",
        **{
            "direct_url.json": json.dumps({"url": "file:///ws%20x", "dir_info": {"editable": True}})
        },
    )
    one = read_installed([str(tmp_path)])["a"]
    assert (one.tops, one.editable) == (("other", "pkg"), "/ws x")
    assert editable_folders([str(tmp_path)]) == ("/ws/lib", "/ws")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"dir_info": 3}', '{"dir_info": {"editable": 1}}']
)
def test_a_broken_direct_url_is_no_editable_installation(tmp_path, text):
    """What cannot be read counts as not there."""
    distribution(tmp_path, "a", **{"direct_url.json": text})
    assert read_installed([str(tmp_path)])["a"].editable == ""


def test_metadata_without_a_name_is_no_distribution(tmp_path):
    """A half-removed installation is passed over; bytes that are no text are read all the same."""
    (tmp_path / "x-1.dist-info").mkdir()
    (tmp_path / "y-1.dist-info").mkdir()
    (tmp_path / "y-1.dist-info" / "METADATA").write_bytes(b"Name: y\nAuthor: \xff\n")
    assert list(read_installed([str(tmp_path)])) == ["y"]


def test_the_first_folder_on_the_path_counts(tmp_path):
    """As on sys.path."""
    distribution(tmp_path / "1", "a", version="1.0")
    distribution(tmp_path / "2", "a", version="2.0")
    assert read_installed([str(tmp_path / "1"), str(tmp_path / "2")])["a"].version == "1.0"


def test_names_of_the_workspace_that_are_installed_too_are_told(tmp_path):
    """A copy that was installed and not linked may be what tests import."""
    distribution(tmp_path, "a", record="mine/__init__.py,sha256=1,1\n")
    assert shadowed_tops(["other", "mine"], read_installed([str(tmp_path)])) == ("mine",)


def test_the_witness_changes_with_installations_only(tmp_path):
    """Not when a module's bytecode is written beside it; cheap, as it is asked in every run."""
    distribution(tmp_path, "a")
    (tmp_path / "m.py").touch()
    before = installed_witness([str(tmp_path)])
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "m2.py").touch()
    assert installed_witness([str(tmp_path)]) == before
    distribution(tmp_path, "b")
    second = installed_witness([str(tmp_path)])
    assert second != before
    os.utime(tmp_path / "b-1.0.dist-info", ns=(1, 1))
    third = installed_witness([str(tmp_path)])
    assert third != second
    (tmp_path / "x.pth").write_text("/somewhere")
    assert installed_witness([str(tmp_path)]) != third
    assert installed_witness(["/no/such"]) != installed_witness(["/no/other"])
