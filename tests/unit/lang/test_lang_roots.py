"""From which folders of a workspace Python may import, and by which names files answer."""

from __future__ import annotations

import pytest

from affected.lang.python.modules import ModuleRoots, module_names

PYPROJECT = "[project]\nname = 'x'\n"


def roots(one):
    return set(one.roots.roots)


def test_the_workspaces_root_is_always_a_root(made):
    """Even of an empty workspace."""
    assert roots(made({})) == {""}


def test_flat_and_src_layouts(made):
    """Every project's folder, and its src, lib and python folders if they hold modules."""
    one = made(
        {
            "a/pyproject.toml": PYPROJECT,
            "a/aa/__init__.py": "",
            "b/pyproject.toml": PYPROJECT,
            "b/src/bb/__init__.py": "",
            "c/setup.py": "",
            "c/lib/cc/__init__.py": "",
            "d/setup.cfg": "[metadata]\nname = d\n",
            "d/python/dd.py": "",
            "d/src/readme.txt": "",
        }
    )
    assert roots(one) == {"", "a", "b", "b/src", "c", "c/lib", "d", "d/python"}
    assert one.roots.tops["bb"] == ("b/src",)
    assert {path: root.project for path, root in one.roots.roots.items()}["b/src"] == "b"


def test_a_src_folder_of_namespace_packages_is_a_root_without_a_manifest(made):
    """There is no __init__.py to tell where the top lies."""
    assert "services/api/src" in roots(made({"services/api/src/ns/deep/m.py": ""}))


def test_the_folder_that_holds_a_package_is_a_root(made):
    """But not a folder inside a package."""
    one = made({"code/p/__init__.py": "", "code/p/q/__init__.py": "", "code/p/q/r.py": ""})
    assert roots(one) == {"", "code"}


def test_folders_of_tests_are_roots_for_their_own_project_only(made):
    """The folder of a test file or conftest.py that is in no package, as pytest inserts it."""
    one = made(
        {
            "tests/unit/test_a.py": "",
            "tests/conftest.py": "",
            "tests/pack/__init__.py": "",
            "tests/pack/test_b.py": "",
            "deep/x/__init__.py": "",
            "deep/x/test_c.py": "",
        }
    )
    assert roots(one) == {"", "tests", "tests/unit", "deep"}
    assert {path for path, root in one.roots.roots.items() if root.exported} == {"", "deep"}


@pytest.mark.parametrize(
    "config",
    [
        {"pytest.ini": "[pytest]\npythonpath = one more/two\n"},
        {"pyproject.toml": "[tool.pytest.ini_options]\npythonpath = 'one more/two'\n"},
        {"pyproject.toml": "[tool.pytest]\npythonpath = ['one', './more/two', '../out']\n"},
        {"pytest.toml": "[pytest]\npythonpath = ['one', 'more/two/']\n"},
        {"tox.ini": "[pytest]\npythonpath =\n    one\n    more/two\n"},
        {"setup.cfg": "[tool:pytest]\npythonpath = one more/x/../two\n"},
    ],
)
def test_pytests_pythonpath_gives_roots(made, config):
    """Relative to the configuration's folder, wherever it is configured."""
    one = made({**config, "one/m.py": "", "more/two/ns/k.py": ""})
    assert roots(one) == {"", "one", "more/two"}


@pytest.mark.parametrize(
    ("manifest", "content", "root"),
    [
        ("setup.py", "setup(package_dir={'': 'code'}, packages=find_packages('code'))", "code"),
        ("setup.py", "setup(packages=find_packages(where='code'))", "code"),
        ("setup.py", "setup(packages=find_namespace_packages(\n  where='code'))", "code"),
        ("setup.py", "setup(package_dir={'p': 'code/p'})", "code"),
        ("setup.cfg", "[metadata]\nname=x\n[options]\npackage_dir =\n    = code\n", "code"),
        ("setup.cfg", "[options]\npy_modules = x\n[options.packages.find]\nwhere = code\n", "code"),
        ("pyproject.toml", '[tool.setuptools]\npackage-dir = {"" = "code"}\n', "code"),
        ("pyproject.toml", '[tool.setuptools.package-dir]\np = "code/p"\n', "code"),
        ("pyproject.toml", "[tool.setuptools.packages.find]\nwhere = ['code']\n", "code"),
        ("pyproject.toml", "[tool.hatch.build.targets.wheel]\npackages = ['code/p']\n", "code"),
        ("pyproject.toml", "[tool.hatch.build.targets.wheel]\nsources = ['code']\n", "code"),
        ("pyproject.toml", "[tool.hatch.build.targets.wheel.sources]\n'code' = ''\n", "code"),
        ("pyproject.toml", "[tool.hatch.build]\ndev-mode-dirs = ['code']\n", "code"),
        ("pyproject.toml", "[[tool.poetry.packages]]\ninclude = 'p'\nfrom = 'code'\n", "code"),
        ("pyproject.toml", "[tool.uv.build-backend]\nmodule-root = 'code'\n", "code"),
        ("pyproject.toml", "[tool.pdm.build]\npackage-dir = 'code'\n", "code"),
        ("pyproject.toml", "[tool.maturin]\npython-source = 'code'\n", "code"),
        ("pyproject.toml", "[tool.scikit-build.wheel]\npackages = ['code/p']\n", "code"),
    ],
)
def test_folders_that_packaging_names_are_roots(made, manifest, content, root):
    """For namespace packages, whose top nothing else shows."""
    one = made({f"a/{manifest}": content, "a/code/p/sub/m.py": "", "b.py": "import p.sub.m\n"})
    assert f"a/{root}" in roots(one)
    assert one.needs("b.py") == {"a/code/p/sub/m.py"}


def test_folders_that_configuration_names_are_roots(made):
    """`extra` takes what editable installations and the user add."""
    assert "lib/x" in roots(made({"lib/x/y/m.py": ""}, extra=("lib/x", "no/such/folder")))
    assert "no/such/folder" not in roots(made({"lib/x/y/m.py": ""}, extra=("no/such/folder",)))


@pytest.mark.parametrize(
    "content",
    [
        "package-dir = 3",
        "[tool]\nsetuptools = 'x'",
        "[tool.setuptools]\npackages = ['a']\npackage-dir = []\n",
        "[tool.hatch.build.targets]\nwheel = 1\n",
        "[tool.poetry]\npackages = 'x'\n",
        "[tool.poetry]\npackages = ['x', {from = 2}]\n",
        "[tool.setuptools.packages.find]\nwhere = ['../..', '/etc']\n",
        "not toml at all",
        b"\xff\xfe",
    ],
)
def test_odd_manifests_give_no_roots_and_no_error(made, content):
    """A leaf project's mistake must not stop the others."""
    assert "" in roots(made({"a/pyproject.toml": content, "a/m.py": ""}))


def test_a_file_answers_to_a_name_below_each_root_above_it(made):
    """The nearest root's name first; then the namespace packages it brings forth."""
    one = made({"a/pyproject.toml": PYPROJECT, "a/src/p/__init__.py": "", "a/src/p/q.py": ""})
    names = module_names("a/src/p/q.py", one.roots)
    assert names[:3] == ("p.q", "src.p.q", "a.src.p.q")
    assert set(names[3:]) == {"p", "src", "src.p", "a", "a.src", "a.src.p"}
    assert module_names("a/src/p/__init__.py", one.roots)[0] == "p"
    assert module_names("a/src/p/x.cpython-313-x86_64-linux-gnu.so", one.roots)[0] == "p.x"
    assert module_names("a/src/p/data.json", one.roots) == ()


def test_roots_survive_being_stored(made):
    """Packing and unpacking are inverse; another version is refused."""
    one = made(
        {
            "a/pyproject.toml": PYPROJECT,
            "a/p/__init__.py": "",
            "a/p/x.so": b"",
            "tools/script.py": "",
            "tests/test_a.py": "",
        }
    )
    assert ModuleRoots.unpack(one.roots.pack()) == one.roots
    with pytest.raises(ValueError, match="version"):
        ModuleRoots.unpack(b"[0]\n")


@pytest.mark.parametrize(
    ("path", "importing"),
    [
        ("p/new.py", "import p.new"),
        ("new.py", "import new"),
        ("new/__init__.py", "import new"),
        ("fresh/new/__init__.py", "import new"),
        ("ns/deep/new.py", "import ns.deep.new"),
        ("tests/new.py", "import new"),
        ("more/conftest.py", "import conftest"),
        ("tools/new.py", "import new"),
        ("p/new.abi3.so", "import p.new"),
        ("x/src/new.py", "import new"),
    ],
)
def test_added_files_are_answers_at_once(made, path, importing):
    """`with_added` finds what finding all roots again would find."""
    files = {
        "app.py": f"{importing}\n",
        "p/__init__.py": "",
        "tests/test_a.py": "",
        "x/pyproject.toml": PYPROJECT,
        "x/src/xx/__init__.py": "",
    }
    before, after = made(files), made({**files, path: ""})
    assert path not in before.needs("app.py")
    assert path in after.needs("app.py")
    grown = before.roots.with_added([path], after.files.__contains__)
    after.resolver = type(after.resolver)(
        grown, after.files.__contains__, after.folders.__contains__
    )
    assert path in after.needs("app.py")
