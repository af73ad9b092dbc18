"""Which files of the workspace an import is answered by, and what decides the answer."""

from __future__ import annotations

import pytest

from affected.lang.python.facts import VERSION
from affected.lang.python.resolve import STANDARD


def test_modules_packages_and_their_parents_are_reached(made):
    """An import leads to the module; the module's own edges lead to its parent packages."""
    one = made(
        {
            "app.py": "import p.q.m\nfrom p import n\n",
            "p/__init__.py": "",
            "p/n.py": "",
            "p/q/__init__.py": "",
            "p/q/m.py": "",
        }
    )
    assert one.edges("app.py") == {
        "p/q/m.py": "import",
        "p/__init__.py": "import",
        "p/n.py": "import",
    }
    assert one.edges("p/q/m.py") == {"p/q/__init__.py": "parent", "p/__init__.py": "parent"}
    assert one.edges("p/q/__init__.py") == {"p/__init__.py": "parent"}


def test_kinds_of_imports_become_kinds_of_edges(made):
    """The strongest kind counts where a file is needed in several ways."""
    one = made(
        {
            "app.py": "from a import *\nif TYPE_CHECKING:\n    import b\n    import c\n"
            "def f():\n    import c, d\n    import e\nimport e\npatch('g.x')\n",
            **dict.fromkeys(["a.py", "b.py", "c.py", "d.py", "e.py", "g.py"], ""),
        }
    )
    assert one.edges("app.py") == {
        "a.py": "star",
        "b.py": "typing",
        "c.py": "lazy",
        "d.py": "lazy",
        "e.py": "import",
        "g.py": "string",
    }


def test_relative_imports_go_by_path(made):
    """Whatever the package is called on sys.path."""
    one = made(
        {
            "p/__init__.py": "from . import a\nfrom .q import *\n",
            "p/a.py": "",
            "p/q/__init__.py": "",
            "p/q/b.py": "from .. import a\nfrom ..q import c\nfrom .c import d\nfrom . import e\n",
            "p/q/c.py": "",
        }
    )
    assert one.needs("p/__init__.py") == {"p/a.py", "p/q/__init__.py"}
    assert one.needs("p/q/b.py") == {"p/__init__.py", "p/a.py", "p/q/__init__.py", "p/q/c.py"}


def test_a_relative_import_crosses_portions_of_a_namespace_package(made):
    """The other portion may lie in another project."""
    one = made(
        {
            "x/pyproject.toml": "",
            "x/src/ns/a.py": "from . import b\nfrom .b import c\nfrom .sub.d import e\n",
            "y/pyproject.toml": "",
            "y/src/ns/b.py": "",
            "y/src/ns/sub/d.py": "",
        }
    )
    assert one.needs("x/src/ns/a.py") == {"y/src/ns/b.py", "y/src/ns/sub/d.py"}


def test_a_package_stands_before_a_module_of_the_same_name(made):
    """But both could answer, so both are candidates."""
    one = made({"app.py": "import p\n", "p/__init__.py": "", "p.py": ""})
    assert one.needs("app.py") == {"p/__init__.py"}
    assert one.resolver.candidates("p") == ("p.py", "p/__init__.py")


def test_compiled_modules_in_the_tree_are_found(made):
    """They have no facts of their own: their parent packages are reached from the importer."""
    one = made(
        {
            "app.py": "from p import fast\n",
            "p/__init__.py": "",
            "p/fast.cpython-313-x86_64-linux-gnu.so": b"\x7fELF",
            "p/fast.abi3.so": b"\x7fELF",
            "p/fast.py": "",
        }
    )
    assert one.needs("app.py") == {
        "p/__init__.py",
        "p/fast.abi3.so",
        "p/fast.cpython-313-x86_64-linux-gnu.so",
    }
    assert "p/fast.py" in one.resolver.candidates("p.fast")


def test_dotted_strings_lead_to_the_longest_module_they_name(made):
    """mock.patch('a.b.Class.method') needs a/b.py."""
    one = made(
        {
            "app.py": "patch('a.b.C.d')\npatch('a.c')\nx = 'no.such.thing'\ny = 'json.dumps'\n",
            "a/__init__.py": "",
            "a/b.py": "",
        }
    )
    found = one.resolve("app.py")
    assert one.edges("app.py") == {"a/b.py": "string", "a/__init__.py": "string"}
    assert set(found.modules) == {"a.b", "a.c"}
    assert found.externals == ()


def test_an_unknown_top_level_name_is_external(made):
    """And its name is a key, so that a new file of that name is noticed."""
    one = made({"app.py": "import requests.adapters\nfrom yaml import load\nimport os, json\n"})
    found = one.resolve("app.py")
    assert set(found.externals) == {"requests", "yaml"}
    assert set(found.modules) == {"requests", "yaml", STANDARD}
    assert found.edges == ()
    after = made({**one.files, "yaml.py": ""})
    assert one.resolver.candidates("yaml") == ()
    assert after.resolver.candidates("yaml") == ("yaml.py",)


@pytest.mark.parametrize("name", ["tomllib", "distutils", "imp", "cgi"])
def test_what_only_some_standard_libraries_hold_may_be_installed(made, name):
    """So it is external: absent as a distribution, unless a backport is there."""
    assert made({"app.py": f"import {name}\n"}).resolve("app.py").externals == (name,)


def test_a_file_that_shadows_the_standard_library_is_found(made):
    """A module or package of the project wins over the standard library; a bare folder does not."""
    one = made({"app.py": "import queue, json.tool\n", "json/tool.py": ""})
    assert one.needs("app.py") == set()
    assert one.resolver.candidates(STANDARD) == ()
    after = made({**one.files, "queue.py": ""})
    assert after.needs("app.py") == {"queue.py"}
    assert after.resolver.candidates(STANDARD) == ("queue.py",)


def test_another_projects_module_does_not_shadow_the_standard_library(made):
    """Installed projects come after the standard library on sys.path."""
    one = made(
        {
            "x/pyproject.toml": "",
            "x/app.py": "import queue\n",
            "y/pyproject.toml": "",
            "y/queue.py": "",
        }
    )
    assert one.needs("x/app.py") == set()
    assert one.resolve("x/app.py").modules == (f"{STANDARD} in x",)


def test_names_that_every_project_has_stay_inside_the_project(made):
    """`tests.util` of one project is not that of another, and does not depend on it."""
    files = {}
    for project in ("x", "y"):
        files |= {
            f"{project}/pyproject.toml": "",
            f"{project}/tests/__init__.py": "",
            f"{project}/tests/util.py": "",
            f"{project}/tests/test_a.py": "from tests.util import f\nimport helper\n",
        }
    files["y/tests/helper.py"] = ""
    one = made(files)
    assert one.needs("x/tests/test_a.py") == {"x/tests/util.py", "x/tests/__init__.py"}
    keys = one.resolve("x/tests/test_a.py").modules
    assert "tests.util in x" in keys
    after = made(
        {**files, "z/pyproject.toml": "", "z/tests/__init__.py": "", "z/tests/util.py": ""}
    )
    assert [one.resolver.candidates(key) for key in keys] == [
        after.resolver.candidates(key) for key in keys
    ]


def test_a_project_imports_another_from_its_roots(made):
    """Through src, through its folder, and by the workspace's root."""
    one = made(
        {
            "x/pyproject.toml": "",
            "x/src/xx/__init__.py": "",
            "y/pyproject.toml": "",
            "y/yy.py": "",
            "z/pyproject.toml": "",
            "z/app.py": "import xx, yy\nimport x.src.xx\n",
        }
    )
    assert one.needs("z/app.py") == {"x/src/xx/__init__.py", "y/yy.py"}


def test_portions_of_a_namespace_package_lie_in_several_projects(made):
    """The name's first tier with a file answers; a name found nowhere may be installed."""
    one = made(
        {
            "x/pyproject.toml": "",
            "x/src/ns/one.py": "import ns.two.deep\nfrom ns import two, gone\nimport ns.absent\n",
            "y/pyproject.toml": "",
            "y/src/ns/two/__init__.py": "",
            "y/src/ns/two/deep.py": "",
        }
    )
    found = one.resolve("x/src/ns/one.py")
    assert {path for path, _ in found.edges} == {
        "y/src/ns/two/deep.py",
        "y/src/ns/two/__init__.py",
    }
    assert found.externals == ("ns",)


def test_a_name_of_another_projects_tests_is_only_a_guess(made):
    """It may as well be installed, so it is external too."""
    one = made(
        {
            "x/pyproject.toml": "",
            "x/app.py": "import helper\n",
            "y/pyproject.toml": "",
            "y/tests/test_a.py": "",
            "y/tests/helper.py": "",
        }
    )
    found = one.resolve("x/app.py")
    assert dict(found.edges).keys() == {"y/tests/helper.py"}
    assert found.externals == ("helper",)


def test_scripts_that_are_put_on_the_path_by_hand_are_found(made):
    """A module in a folder that is neither package nor root answers a name nothing else does."""
    one = made(
        {
            "tests/test_a.py": "import sys\nsys.path.insert(0, 'tools')\nimport build_docs\n",
            "tools/build_docs.py": "import lint\n",
            "tools/lint.py": "",
        }
    )
    found = one.resolve("tests/test_a.py")
    assert dict(found.edges).keys() == {"tools/build_docs.py"}
    assert found.externals == ("build_docs",)
    assert one.needs("tools/build_docs.py") == {"tools/lint.py"}


def test_a_name_imported_from_a_module_is_no_module(made):
    """Only a package's names are keys, as only there a new file may answer them."""
    one = made({"app.py": "from m import x\nfrom p import y\n", "m.py": "", "p/__init__.py": ""})
    assert set(one.resolve("app.py").modules) == {"m", "p", "p.y"}


def test_a_package_needs_the_submodules_its_all_names(made):
    """A star import of it imports them."""
    one = made(
        {"p/__init__.py": "__all__ = ['a', 'b']\n", "p/a.py": "__all__ = ['b']\n", "p/b.py": ""}
    )
    assert one.needs("p/__init__.py") == {"p/a.py", "p/b.py"}
    assert one.needs("p/a.py") == {"p/__init__.py"}


def test_examples_count_only_where_they_are_run(made):
    """`>>> import a` is an import when doctests are collected."""
    one = made({"app.py": '"""\n>>> import a\n>>> from b import c\n"""\n', "a.py": "", "b.py": ""})
    assert one.needs("app.py") == set()
    found = one.resolve("app.py", doctests=True)
    assert {path for path, _ in found.edges} == {"a.py", "b.py"}


def test_plugins_named_on_the_command_line_are_resolved(made):
    """As the project sees them; without edges to parents of the project's folder."""
    one = made(
        {"x/pyproject.toml": "", "x/__init__.py": "", "x/plug/__init__.py": "", "x/plug/in_.py": ""}
    )
    found = one.resolver.named("x", ["plug.in_", "pytest_cov"])
    assert dict(found.edges).keys() == {"x/plug/in_.py"}
    assert found.externals == ("pytest_cov",)


def test_computed_imports_are_told(made):
    """So that whoever relies on the edges alone can be careful."""
    assert made({"a.py": "import_module(x)\n"}).resolve("a.py").computed
    assert not made({"a.py": "import_module('x')\n"}).resolve("a.py").computed


def test_a_file_does_not_need_itself(made):
    """Nor does a package its own __init__."""
    one = made({"p/__init__.py": "import p\nfrom . import x\n"})
    assert one.edges("p/__init__.py") == {}


def test_paths_that_are_not_text_are_answered(made):
    """Undecodable bytes in paths above and names beyond ASCII in imports."""
    folder = b"\xff".decode("utf-8", "surrogateescape")
    one = made(
        {f"{folder}/app.py": "import été\n", f"{folder}/été.py": "", f"{folder}/conftest.py": ""}
    )
    assert one.needs(f"{folder}/app.py") == {f"{folder}/été.py"}
    assert one.roots.unpack(one.roots.pack()) == one.roots


def test_facts_of_another_version_are_refused(made):
    """They would be misread."""
    one = made({"a.py": ""})
    one.resolver.resolve_packed("a.py", VERSION)
    with pytest.raises(ValueError, match="version"):
        one.resolver.resolve_packed("a.py", b"9")


def test_facts_and_their_stored_form_resolve_alike(made):
    """The quick way is the plain way."""
    from affected.lang.python.scan import scan  # noqa: PLC0415

    text = "import b\nfrom . import c\nfrom d import *\n>>> import e\npatch('f.g')\n"
    one = made({"a.py": text, "b.py": "", "c.py": "", "d.py": "", "e.py": "", "f.py": ""})
    assert one.resolver.resolve("a.py", scan(text.encode())) == one.resolve("a.py")
